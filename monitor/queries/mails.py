"""Reads mails and messages to channels: to whom, about what, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, F, Min, Q, QuerySet, Value

from monitor.languages import gettext as _
from monitor.models import (
    ChannelMessage,
    Delivery,
    Digest,
    Edit,
    Incident,
    MailServer,
    Problem,
    RetryAttempt,
    RetryBatch,
    SendAttempt,
    User,
)
from monitor.models.asking import Asking, answered, ask, ask_first, in_step, over_all
from monitor.privacy import mask_text

# A mail server that restarts is back by then.
UNREACHABLE_FOR_LONG = timedelta(minutes=15)


@dataclass(frozen=True)
class MailFilter:
    """Says what a person looks for; empty values do not narrow.

    Attributes:
        text: a part of the subject, the address or the channel's name.
        state: a value of `Delivery.State`.
        way: `MAIL` or `CHANNEL`.
        channel: the key of a channel.
        only: of these last errors.
        never: not of these last errors.
        since: written after it.
    """

    text: str = ""
    state: str = ""
    way: str = ""
    channel: int | None = None
    only: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()
    since: datetime | None = None


MAIL, CHANNEL = "mail", "channel"
_COLUMNS = ("way", "pk", "said", "to", "state", "attempts", "created_at", "sent_at", "last_error")


def newer_count(wanted: MailFilter, than: datetime, most: int) -> int:
    """Returns how many that fit were written after a moment, one beyond `most` at the most. One statement."""
    return len(mails(replace(wanted, since=than))[: most + 1])


def mails(wanted: MailFilter) -> QuerySet[Any, dict[str, Any]]:
    """Finds the mails and the messages to channels that fit, the newest first, as rows of the same columns."""
    found = []
    if wanted.way != CHANNEL and wanted.channel is None:
        found.append(_rows(Delivery.objects.all(), wanted, MAIL, said="subject", to="address"))
    if wanted.way != MAIL:
        messages = ChannelMessage.objects.all()
        if wanted.channel is not None:
            messages = messages.filter(channel=wanted.channel)
        found.append(_rows(messages, wanted, CHANNEL, said="title", to="channel__name"))
    first: QuerySet[Any, dict[str, Any]]
    first, *others = found or [_rows(Delivery.objects.none(), wanted, MAIL, said="subject", to="address")]
    rows = first.union(*others, all=True) if others else first
    return rows.order_by("-created_at", "way", "-pk")


def _rows(rows: QuerySet[Any], wanted: MailFilter, way: str, *, said: str, to: str) -> QuerySet[Any, dict[str, Any]]:
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.since is not None:
        rows = rows.filter(created_at__gt=wanted.since)
    if wanted.only:
        rows = rows.filter(last_error__in=sorted(wanted.only))
    if wanted.never:
        rows = rows.exclude(last_error__in=sorted(wanted.never))
    if wanted.text:
        rows = rows.filter(Q(**{f"{said}__icontains": wanted.text}) | Q(**{f"{to}__icontains": wanted.text}))
    columns = {"way": Value(way, CharField()), "said": F(said), "to": F(to)}
    found: QuerySet[Any, dict[str, Any]] = rows.order_by().annotate(**columns).values(*_COLUMNS)
    return found


def attempts(of: Delivery | ChannelMessage) -> list[SendAttempt]:
    """Returns the attempts at a mail or a message, the first one first."""
    return list(of.send_attempts.order_by("at", "pk"))


def whole_mails() -> QuerySet[Delivery]:
    """Joins to deliveries their bodies and what they are about."""
    return Delivery.objects.select_related(
        "recipient",
        "notice__incident",
        "occasion__act__problem",
        "occasion__batch",
        "occasion__retry",
        "occasion__edit",
        "occasion__digest",
    )


def name_of(about: Incident | Problem | RetryBatch | RetryAttempt | Edit | Digest) -> str:
    """Returns what a mail is about, in a few words, masked."""
    if isinstance(about, Incident):
        return _("Incident %(id)s") % {"id": about.pk}
    if isinstance(about, Problem):
        return mask_text(about.title)
    if isinstance(about, Digest):
        return str(about)
    if isinstance(about, Edit):
        return _("Change %(id)s") % {"id": about.pk}
    words = _("Batch %(id)s") if isinstance(about, RetryBatch) else _("Retry %(id)s")
    return words % {"id": about.pk}


@dataclass(frozen=True)
class MailServerFacts:
    """Holds whether the mail server takes our mails.

    Attributes:
        state: a value of `MailServer.State`.
        since: when it began.
        code: the server's reply code and enhanced status; `reason` its words, without personal data.
        next_try_at: until then all mails wait, where it refuses us.
        accepted_at: when it last took one.
        is_busy: whether it is there, but takes nothing for now: it answered so before any mail was named.
        waiting: mails that are not sent and not given up; `oldest` is when the first of them was written.
    """

    state: str
    since: datetime | None
    code: str
    reason: str
    next_try_at: datetime | None
    accepted_at: datetime | None
    is_busy: bool
    waiting: int
    oldest: datetime | None

    @property
    def is_refusing(self) -> bool:
        return self.state == MailServer.State.REFUSES

    @property
    def is_unreachable(self) -> bool:
        return self.state == MailServer.State.UNREACHABLE


@dataclass(frozen=True)
class BouncedReader:
    """Holds that a person's mails are refused for their address: since when the newest one was, and the words."""

    person: User
    since: datetime
    reason: str


def bounced() -> list[BouncedReader]:
    """Returns the people whose newest mail was refused for the address that they have. One statement."""
    return answered(ask_bounced())


def ask_bounced() -> Asking[list[BouncedReader]]:
    """Asks for what `bounced` returns."""
    found = yield from ask(Delivery.objects.bounced().select_related("recipient").order_by("recipient_id"))
    return [BouncedReader(one.recipient, one.created_at, one.last_error) for one in found]


def mail_server() -> MailServerFacts:
    """Reads what is known of the mail server, and how many mails wait for it. One statement."""
    return answered(ask_mail_server())


def ask_mail_server() -> Asking[MailServerFacts]:
    """Asks for what `mail_server` returns."""
    unsent = Delivery.objects.filter(state__in=[Delivery.State.QUEUED, Delivery.State.SENDING])
    known, waiting = yield from in_step(
        ask_first(MailServer.objects.order_by("pk")),
        ask(over_all(unsent, count=Count("pk"), oldest=Min("created_at"))),
    )
    row, (count, oldest) = known or MailServer(), waiting[0] if waiting else (0, None)
    return MailServerFacts(
        state=row.state,
        since=row.since,
        code=row.code,
        reason=row.reason,
        next_try_at=row.next_try_at,
        accepted_at=row.accepted_at,
        is_busy=row.is_busy,
        waiting=count,
        oldest=oldest,
    )


def mail_problems(server: MailServerFacts, now: datetime) -> list[str]:
    """Names what keeps mails from going out, without the server's words: strangers may read it. Pure.

    Args:
        server: what is known of the mail server.
        now: the present.
    """
    since = f"{server.since:%Y-%m-%d %H:%M} UTC" if server.since else "the first try"
    if server.is_refusing:
        return [f"the mail server refuses us since {since} ({server.code}): mails wait"]
    if server.is_unreachable and server.waiting and server.since and now - server.since > UNREACHABLE_FOR_LONG:
        trouble = "takes nothing for now" if server.is_busy else "cannot be reached"
        return [f"the mail server {trouble} since {since} ({server.code}): mails wait"]
    return []
