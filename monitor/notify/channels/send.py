"""Hands due messages over to their channels, at least once, under the same id, and marks what came of each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Coalesce, Greatest

from monitor.models import ChannelMessage, ChannelStanding
from monitor.notify import attempts, outbox
from monitor.notify.channels import standing
from monitor.notify.channels.answers import ChannelOutcome, judge
from monitor.notify.channels.fate import why_not
from monitor.notify.channels.parcel import ChannelAnswer, Parcel
from monitor.notify.channels.post import post
from monitor.notify.channels.words import is_over, parcel_of
from monitor.notify.hearing import give_up_for_others, hears_no_more
from monitor.notify.kept_back import keep_back, why_over
from monitor.notify.kinds import KINDS
from monitor.notify.late import TOLD, LateVerdict
from monitor.notify.retell import look_again
from monitor.notify.smtp_answers import GIVEN_UP_AFTER, FailureKind, next_try
from monitor.vault import VaultError

logger = logging.getLogger(__name__)

# Longer than the slowest exchange with the start of a process.
LEASE = timedelta(seconds=45)
# The last exchange begins before this: with the slowest one a run stays well under 30 s, for there are two workers.
BUDGET = timedelta(seconds=5)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_LEAST = ("incident", "url", "state", "severity")  # that a plain message tells programs
AT_ONCE = 4  # processes; one channel has one at most
States = ChannelMessage.State

Clock = Callable[[], datetime]
Poster = Callable[[Parcel, datetime], ChannelAnswer]


@dataclass(slots=True)
class ChannelReport:
    """Holds what a run did.

    Attributes:
        told: messages that another one tells.
    """

    sent: int = 0
    retried: int = 0
    dead: int = 0
    told: int = 0

    @property
    def handled(self) -> int:
        return self.sent + self.retried + self.dead + self.told


def is_anything_to_notify(now: datetime) -> bool:
    """Returns whether a message is due: one statement, so that it may be asked often."""
    return _due(now).filter(~Exists(_under_way(now))).exists()


def send_to_channels(
    now: datetime, *, clock: Clock | None = None, poster: Poster = post, limit: int = 50
) -> ChannelReport:
    """Sends what is due.

    Each channel has one message on its way at most, and several channels are served at once, so that one that hangs
    delays nobody. A process that ends between the answer and our mark sends again, under the same id, once the lease
    has run out. A message of an incident waits until the earlier ones of it have gone out to the same channel, or never
    will.

    Args:
        now: the time of the run.
        clock: tells the time as the run goes on; by default it starts at `now` and goes with the system's.
        poster: hands one message over.
        limit: how many messages at most.
    """
    tell = clock or _running_from(now)
    report, ends_at = ChannelReport(), tell() + BUDGET
    if _under_way(now).exists():  # in the other worker, which is left to mails and to judging meanwhile
        return report
    _give_up_old(now, report)
    under_way: dict[Future[tuple[ChannelAnswer, datetime]], tuple[ChannelMessage, datetime]] = {}
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="channel") as pool:
        while True:
            while len(under_way) < AT_ONCE and report.handled + len(under_way) < limit and tell() < ends_at:
                message = _claim(tell())
                if message is None:
                    break
                if (parcel := _parcel(message, tell(), report)) is not None:
                    at = tell()
                    under_way[pool.submit(_exchange, poster, parcel, tell)] = message, at
            if not under_way:
                return report
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for one in done:
                message, began_at = under_way.pop(one)
                _mark(message, one.result(), began_at, report)


def _give_up_old(now: datetime, report: ChannelReport) -> None:
    """Gives up what has waited for a day for a channel that refuses us or has trouble: of many, only one is tried."""
    waiting = ChannelMessage.objects.filter(state=States.QUEUED, created_at__lt=now - GIVEN_UP_AFTER)
    ill = ChannelStanding.objects.filter(state__in=[ChannelStanding.State.REFUSES, ChannelStanding.State.TROUBLE])
    for one in ill.filter(Exists(waiting.filter(channel=OuterRef("channel")))).order_by("channel_id"):
        if given_up := outbox.give_up_old(ChannelMessage.objects.filter(channel=one.channel_id), one.reason, now):
            report.dead += given_up
            logger.error("channel %d: %d messages given up after a day: %s", one.channel_id, given_up, one.reason)


def _running_from(now: datetime) -> Clock:
    origin = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - origin)


def _exchange(poster: Poster, parcel: Parcel, tell: Clock) -> tuple[ChannelAnswer, datetime]:
    """Runs in a thread of its own, without the database."""
    try:
        answer = poster(parcel, tell())
    except Exception as error:  # noqa: BLE001 - whatever one message does, the others must go out
        # Without its text, which may hold an address.
        logger.error("a message could not be handed over: %s", type(error).__name__)
        answer = ChannelAnswer(is_taken=False, fault=f"a fault of ours ({type(error).__name__})", may_have_arrived=True)
    return answer, tell()


def _claim(now: datetime) -> ChannelMessage | None:
    """Returns the next message that is due, leased to this process; None when there is none."""
    return outbox.claim(lambda: _due(now).first(), now, LEASE)


def _due(now: datetime) -> QuerySet[ChannelMessage]:
    on_its_way = _under_way(now).filter(channel=OuterRef("channel"))
    due = ChannelMessage.objects.in_turn(now).filter(outbox.is_due(now, LEASE), ~Exists(on_its_way))
    # The channel first that was tried the longest ago: slow ones must not starve the others.
    tried = [Coalesce(f"channel__standing__{name}", Value(_LONG_AGO)) for name in ("accepted_at", "next_try_at")]
    in_order = outbox.KEPT_BACK_LAST, Greatest(*tried), "next_try_at", "pk"
    return due.select_related("channel", "notice__incident", "digest").order_by(*in_order)


def _under_way(now: datetime) -> QuerySet[ChannelMessage]:
    return ChannelMessage.objects.filter(state=States.SENDING, lease_until__gte=now, lease_until__lte=now + 2 * LEASE)


def _parcel(message: ChannelMessage, now: datetime, report: ChannelReport) -> Parcel | None:
    """Returns what is to be handed over; None where nothing is, which is marked then."""
    if (reason := why_not(message) or hears_no_more(message, now) or why_over(message, now)) != "":
        give_up_for_others(message, reason, now)
        report.dead += 1
        return None
    if keep_back(message, now):
        return None
    verdict = look_again(message, now)
    if verdict in TOLD:
        report.told += 1
        logger.info("channel message %d is not sent: %s", message.pk, verdict.value)
        return None
    if verdict == LateVerdict.ACKNOWLEDGED:
        outbox.give_up(message, verdict.value, is_meant=True)
        report.dead += 1
        return None
    try:
        return parcel_of(message)
    except VaultError as error:
        # Without the key nothing can be sent, and with it everything: it waits for its key.
        _requeue(
            message, str(error), next_try(FailureKind.TRANSIENT, message.attempts, message.tried_from, now), report
        )
        return None


def _mark(
    message: ChannelMessage, answered: tuple[ChannelAnswer, datetime], began_at: datetime, report: ChannelReport
) -> None:
    answer, now = answered
    outcome = judge(answer, now)
    # A day of such tries would be thousands: the first alone is kept and counted, as with mails.
    is_known = standing.is_known(message.channel, outcome)
    if not is_known:
        attempts.record(message, outcome.kind, at=began_at, until=now, code=outcome.code, answer=outcome.reason)
    if outcome.is_taken:
        _mark_sent(message, now, report)
        standing.accepts(message.channel, now)
        return
    if outcome.is_of_channel:
        standing.fails(message.channel, outcome, now)
    if outcome.kind == FailureKind.POISON:
        _make_plain(message, outcome, now, report)
        return
    again = _next_try(message, outcome, now)
    # What no message is to blame for leaves it its place: the queue goes out in its order.
    is_kept = again is not None and (outcome.kind == FailureKind.SENDER or outcome.is_away)
    columns = {"attempts": message.attempts - 1} if is_known else {}
    _requeue(message, outcome.reason, message.next_try_at if is_kept else again, report, **columns)


def _next_try(message: ChannelMessage, outcome: ChannelOutcome, now: datetime) -> datetime | None:
    again = next_try(outcome.kind or FailureKind.TRANSIENT, message.attempts, message.tried_from, now)
    if again is None or outcome.wait is None:
        return again
    return min(now + outcome.wait, message.tried_from + GIVEN_UP_AFTER)


def _make_plain(message: ChannelMessage, outcome: ChannelOutcome, now: datetime, report: ChannelReport) -> None:
    """A message that is refused for what it says: once more with the least that it must say, then no more."""
    title = _plain_title(message)
    if message.title == title:
        standing.fails(message.channel, outcome, now)  # it takes not even the least: that is no message's fault
        _close(message, outcome.reason, report)
        return
    columns = {"title": title, "text": "", "payload": _plain_payload(message, title)}
    outbox.requeue(message, outcome.reason, now, **columns)
    report.retried += 1
    logger.warning("channel message %d goes out in its plainest form: %s", message.pk, outcome.reason)


def _plain_title(message: ChannelMessage) -> str:
    if message.digest is not None:
        return KINDS[message.digest.kind].headline
    said = "is over" if is_over(message) else "is firing"
    return f"Incident {message.of_incident.incident_id} {said}"


def _plain_payload(message: ChannelMessage, title: str) -> dict[str, object]:
    known = message.payload
    data = known.get("data", {})
    return {
        "type": known.get("type", ""),
        "timestamp": known.get("timestamp"),
        "data": {"title": title}
        | {name: data[name] for name in ("incident", "url", "state", "severity") if name in data},
    }


def _mark_sent(message: ChannelMessage, now: datetime, report: ChannelReport) -> None:
    outbox.mark_sent(message, now)
    report.sent += 1


def _requeue(message: ChannelMessage, reason: str, at: datetime | None, report: ChannelReport, **columns: int) -> None:
    if at is None:
        _close(message, reason, report)
        return
    outbox.requeue(message, reason, at, **columns)
    report.retried += 1
    if not columns:
        logger.warning("channel message %d not sent (attempt %d): %s", message.pk, message.attempts, reason)


def _close(message: ChannelMessage, reason: str, report: ChannelReport) -> None:
    outbox.give_up(message, reason)
    report.dead += 1
