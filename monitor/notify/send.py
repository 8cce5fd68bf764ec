"""Hands due deliveries to the mail server, one message a recipient, and marks what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from monitor.models import Delivery, MailServer
from monitor.notify import attempts, mail_server_state, outbox
from monitor.notify.hearing import give_up_for_others, hears_no_more
from monitor.notify.kept_back import keep_back, why_over
from monitor.notify.kinds import plain_of
from monitor.notify.late import TOLD, LateVerdict
from monitor.notify.mail_connection import Mailer
from monitor.notify.message import build
from monitor.notify.recipients import why_not
from monitor.notify.retell import look_again
from monitor.notify.smtp_answers import (
    FailureKind,
    SendOutcome,
    SmtpStage,
    classify,
    cleared,
    next_try,
)

logger = logging.getLogger(__name__)

# Longer than the slowest exchange with a server whose every answer takes EMAIL_TIMEOUT; begun anew for each exchange.
LEASE = timedelta(minutes=3)
# A task of the queue may last 60 s; what is left over is due at the next call.
BUDGET = timedelta(seconds=30)
# So many messages in a row refused for what may be our fault, and none taken: it is. A relay may keep out some domains
# alone: then another one tells more, as long as there is any, up to the larger number.
ENOUGH_SUSPECTS, MOST_SUSPECTS = 2, 5
# So many that are kept back are looked at in a run: while it lasts no new mail is written.
MOST_LOOKS = 200

# What a mail is about, and whose account that is.
JOINED = (
    "recipient",
    "notice__incident",
    "occasion__act__problem__account",
    "occasion__batch__account",
    "occasion__retry__account",
    "occasion__edit__account",
    "occasion__digest",
)

Clock = Callable[[], datetime]


@dataclass(slots=True)
class SendReport:
    """Holds what a run did. `paused` says why it stopped before all due messages were tried.

    `told` are those that another mail tells, `suspects` those of this run that were refused for what may be our fault
    or theirs: as long as the server takes no other, nobody knows. `kept_back` wait on for what keeps them quiet.
    """

    sent: int = 0
    retried: int = 0
    dead: int = 0
    told: int = 0
    kept_back: int = 0
    paused: str = ""
    suspects: list[tuple[Delivery, SendOutcome]] = field(default_factory=list)

    @property
    def handled(self) -> int:
        return self.sent + self.retried + self.dead + self.told


def send_due(now: datetime, *, clock: Clock | None = None, limit: int = 50) -> SendReport:
    """Sends what is due.

    A crash between the server's 250 and our mark sends again, under the same Message-ID, once the lease has
    run out. A mail of an incident waits until the earlier ones have gone out to the same person, or never will.
    While the server refuses us or is away, all mails wait in their order, and only now and then the first is tried.

    Args:
        now: the time of the run.
        clock: tells the time as the run goes on; by default it starts at `now` and goes with the system's.
        limit: how many messages at most.
    """
    tell = clock or _running_from(now)
    report, mailer, ends_at = SendReport(), Mailer(), tell() + BUDGET
    server = mail_server_state.standing()
    if server.state in (MailServer.State.REFUSES, MailServer.State.UNREACHABLE):
        _give_up_old(server, now, report)
    if mail_server_state.is_pausing(server, now):
        report.paused = server.reason
        return report
    try:
        while report.handled < limit and report.kept_back < MOST_LOOKS and tell() < ends_at and not report.paused:
            delivery = _claim(tell(), report)
            if delivery is None:
                break
            _send_one(delivery, mailer, tell, report, ends_at)
    finally:
        mailer.close()
        _judge_suspects(tell(), report)
    if report.sent and not report.paused:
        mail_server_state.accepts(tell())
    return report


def _running_from(now: datetime) -> Clock:
    origin = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - origin)


def _give_up_old(server: MailServer, now: datetime, report: SendReport) -> None:
    """Gives up what has waited for a day for the server to take mails again."""
    if given_up := outbox.give_up_old(Delivery.objects.all(), server.reason, now):
        report.dead += given_up
        logger.error("%d mails given up after a day: %s", given_up, server.reason)


def _claim(now: datetime, report: SendReport) -> Delivery | None:
    """Returns the next delivery that is due, leased to this process; None when there is none.

    After a suspect refusal the next is one that tells more: to another domain where the recipient was refused, or at
    least to somebody else.
    """
    return outbox.claim(lambda: _next_due(now, report.suspects), now, LEASE)


def _next_due(now: datetime, suspects: list[tuple[Delivery, SendOutcome]]) -> Delivery | None:
    """Returns the delivery to try next; None where there is none, or none that tells more about the suspects."""
    refused = [delivery.address for delivery, outcome in suspects if outcome.stage == SmtpStage.RCPT]
    told = Q(pk__in=[delivery.pk for delivery, _ in suspects]) | Q(address__in=refused)
    due = _due(now).exclude(told)
    if refused and len(refused) == len(suspects) < MOST_SUSPECTS:
        domains = {address.rpartition("@")[2] for address in refused}
        theirs = Q()
        for domain in domains:
            theirs |= Q(address__iendswith=f"@{domain}")
        if (elsewhere := due.exclude(theirs).first()) is not None:
            return elsewhere
    return due.first() if len(suspects) < ENOUGH_SUSPECTS else None


def _due(now: datetime) -> QuerySet[Delivery]:
    due = Delivery.objects.filter(outbox.is_due(now, LEASE)).in_turn()
    return due.select_related(*JOINED).order_by(outbox.KEPT_BACK_LAST, "next_try_at", "pk")


def _send_one(delivery: Delivery, mailer: Mailer, clock: Clock, report: SendReport, ends_at: datetime) -> None:
    reason = why_not(delivery) or hears_no_more(delivery, clock()) or why_over(delivery, clock())
    if reason:
        give_up_for_others(delivery, reason, clock())
        report.dead += 1
        return
    if keep_back(delivery, clock()):
        report.kept_back += 1
        return
    verdict = look_again(delivery, clock())
    if verdict in TOLD:
        report.told += 1
        logger.info("mail %d is not sent: %s", delivery.pk, verdict.value)
        return
    if verdict == LateVerdict.ACKNOWLEDGED:
        outbox.give_up(delivery, verdict.value, is_meant=True)
        report.dead += 1
        return
    outcome = _exchange(delivery, mailer, clock)
    if outcome is not None and _may_be_what_it_says(outcome, delivery, report):
        outcome = _as_plain(delivery, mailer, outcome, clock, ends_at)
    if outcome is not None and outcome.kind == FailureKind.POISON and outcome.is_policy and not delivery.html:
        # Not even the plainest message passes: then the policy may be about us.
        outcome = replace(outcome, kind=FailureKind.SUSPECT)
    if outcome is None:
        _mark_sent(delivery, clock(), report)
        _clear_suspects(clock(), report)
    elif outcome.kind == FailureKind.SUSPECT and not report.sent:
        report.suspects.append((delivery, outcome))
    elif outcome.kind == FailureKind.SUSPECT:
        _mark_failed(delivery, _as_cleared(outcome), clock(), report)
    else:
        _mark_failed(delivery, outcome, clock(), report)


def _exchange(delivery: Delivery, mailer: Mailer, clock: Clock) -> SendOutcome | None:
    """Hands one message to the server and keeps what it answered.

    Returns:
        What kept it from being built or taken, None where nothing did.
    """
    at = clock()
    try:
        message = build(delivery)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one message, the others must go out
        outcome: SendOutcome | None = classify(error, connected=True)
    else:
        outcome = mailer.send(message)
    kind, code, answer = (outcome.kind, outcome.code, outcome.reason) if outcome is not None else (None, "", "")
    was_away = MailServer.State.UNREACHABLE
    if outcome is None or not (_is_away(outcome) and mail_server_state.standing().state == was_away):
        # That a server is away still is no news of this mail: a day of such tries would be thousands.
        attempts.record(delivery, kind, at=at, until=clock(), code=code, answer=answer)
    return outcome


def _may_be_what_it_says(outcome: SendOutcome, delivery: Delivery, report: SendReport) -> bool:
    """Returns whether a refusal that may be ours came after the data, of a message that still says something.

    The next message may be the same alert's to somebody else: its refusal would tell nothing.
    """
    is_suspect = outcome.kind == FailureKind.SUSPECT and outcome.stage == SmtpStage.DATA
    return is_suspect and bool(delivery.html) and not report.sent


def _as_plain(
    delivery: Delivery, mailer: Mailer, refusal: SendOutcome, clock: Clock, ends_at: datetime
) -> SendOutcome | None:
    """Sends a refused message once more as plain text, and returns what that came to; None where it was taken.

    Where the server takes it, it refused what the message said. Where it may have taken it, or takes it later, the
    message stays the plain one: it is sent again as it went out. Only a second refusal of the same doubt leaves the
    first to be judged. A run whose time is up leaves the second sending to the next one.
    """
    if clock() >= ends_at:
        return replace(refusal, kind=FailureKind.POISON)
    if not outbox.mine(delivery).update(lease_until=clock() + LEASE):
        return replace(refusal, kind=FailureKind.TRANSIENT)  # another process has it by now, and marks it
    columns = _plain_columns(delivery)
    bare = copy(delivery)
    for name, text in columns.items():
        setattr(bare, name, text)
    outcome = _exchange(bare, mailer, clock)
    if outcome is not None and outcome.kind in (FailureKind.SUSPECT, FailureKind.POISON):
        return refusal
    if outcome is None or outcome.kind in (FailureKind.AMBIGUOUS, FailureKind.TRANSIENT):
        outbox.mine(delivery).update(**columns)
        logger.warning("mail %d goes out as plain text: %s", delivery.pk, refusal.reason)
    return outcome


def _plain_columns(delivery: Delivery) -> dict[str, str]:
    simple = plain_of(delivery)
    return {"subject": simple.subject, "text": simple.text, "html": ""}


def _clear_suspects(now: datetime, report: SendReport) -> None:
    """The server takes mails of ours: what it refused before is the fault of those messages."""
    suspects, report.suspects = report.suspects, []
    for delivery, outcome in suspects:
        _mark_failed(delivery, _as_cleared(outcome), now, report)


def _judge_suspects(now: datetime, report: SendReport) -> None:
    """The server took nothing: it refuses us."""
    suspects, report.suspects = report.suspects, []
    for delivery, outcome in suspects:
        _mark_failed(delivery, replace(outcome, kind=FailureKind.SENDER), now, report)


def _as_cleared(outcome: SendOutcome) -> SendOutcome:
    return replace(outcome, kind=cleared(outcome))


def _mark_sent(delivery: Delivery, now: datetime, report: SendReport) -> None:
    outbox.mark_sent(delivery, now)
    report.sent += 1


def _mark_failed(delivery: Delivery, outcome: SendOutcome, now: datetime, report: SendReport) -> None:
    if outcome.kind == FailureKind.POISON:
        _make_plain(delivery, outcome, now, report)
        return
    again = next_try(outcome.kind, delivery.attempts, delivery.tried_from, now)
    refused = outcome.kind == FailureKind.SENDER
    is_away, columns = _is_away(outcome), dict[str, int]()
    if refused:
        report.paused = outcome.reason
        mail_server_state.refuses(outcome, now)
    elif is_away:
        # The others would fare the same; they are tried after this one, without an attempt counted. Nor is this one's
        # any more, or it would wait for half an hour where its recipient's server wants it again later.
        report.paused = outcome.reason
        if not mail_server_state.is_unreachable(outcome, now):
            columns = {"attempts": delivery.attempts - 1}
    if again is None:
        is_bounced = outcome.kind == FailureKind.PERMANENT
        give_up_for_others(delivery, outcome.reason, now, is_bounced=is_bounced)
        report.dead += 1
        return
    # What no message is to blame for leaves it its place: the queue goes out in its order.
    outbox.requeue(delivery, outcome.reason, delivery.next_try_at if refused or is_away else again, **columns)
    report.retried += 1
    if not refused and not columns:
        logger.warning("mail %d not sent (attempt %d): %s", delivery.pk, delivery.attempts, outcome.reason)


def _is_away(outcome: SendOutcome) -> bool:
    return outcome.kind != FailureKind.SENDER and outcome.stage == SmtpStage.CONNECT


def _make_plain(delivery: Delivery, outcome: SendOutcome, now: datetime, report: SendReport) -> None:
    """A message that cannot be sent as it is: once more as plain text, then no more."""
    if not delivery.html:
        _close(delivery, outcome.reason, report)
        return
    outbox.requeue(delivery, outcome.reason, now, **_plain_columns(delivery))
    report.retried += 1
    logger.warning("mail %d goes out as plain text: %s", delivery.pk, outcome.reason)


def _close(delivery: Delivery, reason: str, report: SendReport) -> None:
    outbox.give_up(delivery, reason)
    report.dead += 1
