"""Reads mails: to whom, about what, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q, QuerySet

from monitor.models import Delivery, Digest, Incident, MailServer, Problem, RetryAttempt, RetryBatch
from monitor.privacy import mask_text

# A mail server that restarts is back by then.
UNREACHABLE_FOR_LONG = timedelta(minutes=15)


@dataclass(frozen=True)
class MailFilter:
    """Says what a person looks for; empty values do not narrow.

    Attributes:
        text: a part of the subject or the address.
        state: a value of `Delivery.State`.
    """

    text: str = ""
    state: str = ""


def mails(wanted: MailFilter) -> QuerySet[Delivery]:
    """Finds the deliveries that fit, the newest first, without their bodies."""
    rows = Delivery.objects.select_related("recipient").defer("text", "html")
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.text:
        rows = rows.filter(Q(subject__icontains=wanted.text) | Q(address__icontains=wanted.text))
    return rows


def whole_mails() -> QuerySet[Delivery]:
    """Joins to deliveries their bodies and what they are about."""
    return Delivery.objects.select_related(
        "recipient",
        "notice__incident",
        "occasion__act__problem",
        "occasion__batch",
        "occasion__retry",
        "occasion__digest",
    )


def name_of(about: Incident | Problem | RetryBatch | RetryAttempt | Digest) -> str:
    """Returns what a mail is about, in a few words, masked."""
    if isinstance(about, Incident):
        return f"Incident {about.pk}"
    if isinstance(about, Problem):
        return mask_text(about.title)
    if isinstance(about, Digest):
        return str(about)
    return f"Batch {about.pk}" if isinstance(about, RetryBatch) else f"Retry {about.pk}"


@dataclass(frozen=True)
class MailServerFacts:
    """Holds whether the mail server takes our mails.

    Attributes:
        state: a value of `MailServer.State`.
        since: when it began.
        code: the server's reply code and enhanced status; `reason` its words, without personal data.
        next_try_at: until then all mails wait, where it refuses us.
        accepted_at: when it last took one.
        waiting: mails that are not sent and not given up; `oldest` is when the first of them was written.
    """

    state: str
    since: datetime | None
    code: str
    reason: str
    next_try_at: datetime | None
    accepted_at: datetime | None
    waiting: int
    oldest: datetime | None

    @property
    def is_refusing(self) -> bool:
        return self.state == MailServer.State.REFUSES

    @property
    def is_unreachable(self) -> bool:
        return self.state == MailServer.State.UNREACHABLE


def mail_server() -> MailServerFacts:
    """Reads what is known of the mail server, and how many mails wait for it."""
    row = MailServer.objects.first() or MailServer()
    unsent = Delivery.objects.filter(state__in=[Delivery.State.QUEUED, Delivery.State.SENDING])
    waiting = unsent.aggregate(count=Count("pk"), oldest=Min("created_at"))
    return MailServerFacts(
        state=row.state,
        since=row.since,
        code=row.code,
        reason=row.reason,
        next_try_at=row.next_try_at,
        accepted_at=row.accepted_at,
        waiting=waiting["count"],
        oldest=waiting["oldest"],
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
        return [f"the mail server cannot be reached since {since} ({server.code}): mails wait"]
    return []
