"""Goes on with the night's checks, a few calls a sweep: the last days, the statistics, the whole history.

The night begins at 01:00 UTC and lasts until the work is done: a worker that was off goes on when it is back. How
far it has come stands in the cursor of the stream *statistics*, so that a kill costs one slice at most.

The whole history is read of one seventh of the flows a night, so that no night slows the lists much more than
another. Which flows these are follows from their keys, so that flows that come or go move no other one's turn. The
shares take turns one after the other, and each night owes one: those of nights that were missed are made up for, the
oldest first. So a flow waits for seven nights and as long as no worker ran, and never for a second round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from monitor.connection.limits import CallLimits, share
from monitor.faultpoints import faultpoint
from monitor.ingest.base import stream_due
from monitor.ingest.base.calls import OutOfTime
from monitor.ingest.base.context import Context
from monitor.ingest.base.page_habits import ONE_PAGE
from monitor.ingest.night import statistics
from monitor.ingest.night.reconcile import ROWS_A_SLICE, reconcile
from monitor.ingest.runs.reread import LEAST_DAY
from monitor.models import Flow, Product, Stream, StreamState
from monitor.periods import DAY, midnight_of
from monitor.zoho.errors import BadAnswer, NotAvailable, Refused, SignIn, Unreachable, Wait, ZohoError
from monitor.zoho.flow import FlowClient

NIGHT_BEGINS = timedelta(hours=1)
SILENT = 2  # sweeps without an answer about a flow; at the next one it is stepped over


@dataclass(frozen=True, slots=True)
class Job:
    """Describes one check, each night of one of so many `shares` of the flows; `span` is how far back, None for all."""

    name: str
    span: timedelta | None = None
    shares: int = 1


RECENT, STATS, FULL = Job("recent", timedelta(days=3)), Job("statistics"), Job("full", shares=7)
JOBS = (RECENT, STATS, FULL)
FOUND = {"new": "late", "changed": "changed", "vanished": "no longer listed", "failed": "not compared"}


def night_of(now: datetime) -> datetime:
    """Says when the newest night began."""
    begins = midnight_of(now) + NIGHT_BEGINS
    return begins if begins <= now else begins - DAY


def is_due(cursor: dict[str, Any], now: datetime) -> bool:
    """Says whether a job has work: it is under way, or a night has come for which nothing was done.

    Args:
        cursor: of the job: `night` (ISO) for which it was begun last, `done`.
        now: the present, in UTC.
    """
    if not cursor["done"]:
        return True
    return night_of(now) - datetime.fromisoformat(cursor["night"]) >= DAY


def begun(job: Job, cursor: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Makes the cursor of a job that begins: for tonight, or for the first of the nights that are owed.

    Args:
        job: one of `JOBS`.
        cursor: of the job, done. One without a `share` is of a time when one night read every flow.
        now: the present, in UTC.
    """
    tonight = night_of(now)
    at = {"night": tonight.isoformat(), "done": False, "after": 0, "flows": 0}
    if job.shares == 1:
        return at
    # More than one round is never owed: after a long time off, each flow is read once.
    night = max(datetime.fromisoformat(cursor["night"]) + DAY, tonight - (job.shares - 1) * DAY)
    found = {name: cursor[name] for name in ("flows", *FOUND) if name in cursor} if has_ended(cursor, tonight) else {}
    return at | found | {"night": night.isoformat(), "share": (cursor.get("share", -1) + 1) % job.shares}


def has_ended(cursor: dict[str, Any], since: datetime) -> bool:
    """Says whether a job came to its end since then and was not begun again."""
    ended = cursor.get("ended_at") if cursor["done"] else None
    return ended is not None and datetime.fromisoformat(ended) >= since


def is_in_share(job: Job, cursor: dict[str, Any], flow: int) -> bool:
    """Says whether the round under way reads the flow with this key; `Night` asks the database the same."""
    share = cursor.get("share")
    return share is None or flow % job.shares == share


def first_cursors(now: datetime) -> dict[str, Any]:
    """Makes the cursors of an account that has just been connected: the first night is the one to come."""
    return {job.name: {"night": night_of(now).isoformat(), "done": True} for job in JOBS}


def without_answer(cursor: dict[str, Any], flow: int) -> dict[str, Any]:
    """Makes a job's cursor after Zoho gave no answer about a flow: one that never answers does not hold up the night.

    Args:
        cursor: of the job, before; `silent` is the flow that gave no answer the last time, and how often by then.
        flow: key of the flow that was asked about.
    """
    silent = cursor.get("silent") or {}
    times = silent.get("times", 0) + 1 if silent.get("flow") == flow else 1
    if times <= SILENT:
        return cursor | {"silent": {"flow": flow, "times": times}}
    is_counted = bool(cursor.get("until")) and cursor["after"] == flow
    counted = {"flows": cursor.get("flows", 0) + (not is_counted), "failed": cursor.get("failed", 0) + 1}
    return cursor | counted | {"after": flow, "until": None, "silent": None}


def found_in_words(tonight: Sequence[dict[str, Any]]) -> str:
    """Says in one line what a night's jobs found; empty for nothing."""
    many = {name: [at.get(name, 0) for at in tonight] for name in FOUND}
    # A row is found once, and a flow without an answer has none in each of the jobs.
    counts = {name: max(some) if name == "failed" else sum(some) for name, some in many.items()}
    return ", ".join(f"{counts[name]} {word}" for name, word in FOUND.items() if counts[name])


SHARE = 0.10  # of the day's calls
LONGEST_SAVED = timedelta(minutes=30)
MOST = 30  # calls in one sweep, so that it stays short


def purse(calls_per_day: int | None, paid_until: datetime, now: datetime) -> int:
    """Says how many calls a sweep may spend. Pure.

    Args:
        calls_per_day: the account's limit; None while it is not known.
        paid_until: up to when the share has been spent; it may lie ahead.
        now: the present.
    """
    saved = min(now - paid_until, LONGEST_SAVED)
    return min(MOST, int(saved / _per_call(calls_per_day))) if saved > timedelta(0) else 0


def rows_a_slice(per_minute: int | None, page_size: int) -> int:
    """Says how many rows one slice spans, so that it fits into half of background work's minute. Pure.

    Args:
        per_minute: the account's calls a minute; None for no limit.
        page_size: rows a page at least.
    """
    background = share(CallLimits(per_minute, None), for_people=False).per_minute
    if background is None:
        return ROWS_A_SLICE
    return min(ROWS_A_SLICE, max(background // 2 - 1, 1) * page_size)


def paid(calls_per_day: int | None, paid_until: datetime, now: datetime, spent: int) -> datetime:
    """Says up to when the share has been spent after `spent` calls more. Pure."""
    return max(paid_until, now - LONGEST_SAVED) + spent * _per_call(calls_per_day)


def _per_call(calls_per_day: int | None) -> timedelta:
    return DAY / (SHARE * (calls_per_day or LEAST_DAY))


def go_on_with_checks(context: Context, client: FlowClient) -> None:
    """Goes on with the night's checks, as far as the share of calls reaches.

    That it has to wait is no state of the account: what is left is done by a later sweep.

    Raises:
        SignIn: Zoho refuses the credentials.
    """
    now = context.clock()
    state, _ = StreamState.objects.get_or_create(
        account=context.account,
        stream=Stream.STATISTICS,
        # Nothing is missing before the first night: it holds against Zoho what was read by other ways.
        defaults={"state": StreamState.State.OK, "reason": "first done in the night to come"},
    )
    night = Night(context, client, state.pk, dict(state.cursor))
    if not night.cursor:
        night.save(first_cursors(now) | {"paid_until": now.isoformat()})
        return
    night.left = stream_due.unhurried(context, purse(night.per_day, night.paid_until, now))
    night.work(now)
    if state.state != StreamState.State.OK and night.has_worked and Stream.STATISTICS not in context.result.outcomes:
        # What stopped an earlier sweep is over; the end of the night may be hours away.
        context.note(Stream.STATISTICS, StreamState.State.OK, "the night's checks go on")


class Night:
    """Does the checks of one account, job by job."""

    def __init__(self, context: Context, client: FlowClient, pk: int, cursor: dict[str, Any]) -> None:
        self.context, self.client, self.pk, self.cursor = context, client, pk, cursor
        self.left, self.has_worked = 0, False

    @property
    def per_day(self) -> int | None:
        """Returns the account's calls a day, where they are known."""
        return self.context.clients.gate.limits(Product.FLOW).per_day

    @property
    def paid_until(self) -> datetime:
        """Says up to when the share of calls is spent."""
        return datetime.fromisoformat(self.cursor["paid_until"])

    def work(self, now: datetime) -> None:
        """Does what is due, one job after the other, as far as the calls reach."""
        for job in JOBS:
            while is_due(self.cursor[job.name], now):
                if self.left <= 0 or not self._go_on(job, now):
                    return

    def _go_on(self, job: Job, now: datetime) -> bool:
        """Works at a job; whether it came to its end."""
        at = self.cursor[job.name]
        if at["done"]:
            at = begun(job, at, now)
        while (flow := self._flow(job, at)) is not None:
            if self.left <= 0:
                return False
            try:
                at = self._one(job, flow, at, now)
            except (Wait, OutOfTime):
                return False
            except Unreachable:
                self.save({job.name: without_answer(at, flow.pk)})
                return False
        self.save({job.name: at | {"done": True, "until": None, "ended_at": now.isoformat()}})
        tonight = [at for at in (self.cursor[job.name] for job in JOBS) if has_ended(at, night_of(now))]
        compared = max(at["flows"] for at in tonight)
        self.context.note(Stream.STATISTICS, StreamState.State.OK, found_in_words(tonight), items=compared)
        return True

    def _flow(self, job: Job, at: dict[str, Any]) -> Flow | None:
        flows = Flow.objects.filter(account=self.context.account, gone_at=None).exclude(progress__history_read_at=None)
        if (turn := at.get("share")) is not None:
            flows = flows.alias(turn=F("pk") % job.shares).filter(turn=turn)
        first = flows.filter(pk__gte=at["after"]) if at.get("until") else flows.filter(pk__gt=at.get("after", 0))
        return first.select_related("progress").defer("raw", "description").order_by("pk").first()

    def _one(self, job: Job, flow: Flow, at: dict[str, Any], now: datetime) -> dict[str, Any]:
        """Checks one flow, or one slice of it; returns the cursor after it, saved together with what it cost."""
        flow.account = self.context.account
        until = datetime.fromisoformat(at["until"]) if at.get("until") and at["after"] == flow.pk else None
        after = at | {"after": flow.pk, "until": None, "silent": None, "flows": at.get("flows", 0) + (until is None)}
        changes: dict[str, Any] = {}
        with self._counted() as made:
            try:
                if job is STATS:
                    changes = self._statistics(flow)
                else:
                    since = now - job.span if job.span is not None else None
                    found = reconcile(self.context, self.client, flow, since=since, until=until, rows=self._rows())
                    after |= {name: at.get(name, 0) + getattr(found, name) for name in ("new", "changed", "vanished")}
                    after["until"] = found.next_until.isoformat() if found.next_until else None
            except (Wait, OutOfTime, SignIn, Unreachable):
                # What was asked in vain is paid all the same: else it would be tried again in every sweep.
                self.save({"paid_until": self._paid(made[0]).isoformat()})
                raise
            except ZohoError:
                # One flow that cannot be listed keeps the others from nothing; its own reading says what is wrong.
                after["failed"] = at.get("failed", 0) + 1
        calls = max(made[0], 1)
        self.left, self.has_worked = self.left - calls, True
        self.save(changes | {job.name: after, "paid_until": self._paid(calls).isoformat()})
        return after

    def _paid(self, calls: int) -> datetime:
        return paid(self.per_day, self.paid_until, self.context.clock(), calls)

    @contextmanager
    def _counted(self) -> Iterator[list[int]]:
        """Counts the calls of what is done within."""
        made = [0]

        def count() -> None:
            made[0] += 1

        with self.context.calls.metered(count):
            yield made

    def _statistics(self, flow: Flow) -> dict[str, Any]:
        try:
            _, votes = statistics.check_statistics(self.context, self.client, flow, self.cursor.get("votes", {}))
        except (NotAvailable, Refused, BadAnswer):
            return {}  # a server without statistics, or of a period by another name: the rows are compared anyway
        return {"votes": votes}

    def _rows(self) -> int:
        per_minute = self.context.clients.gate.limits(Product.FLOW).per_minute
        return rows_a_slice(per_minute, self.context.pages.full or ONE_PAGE)

    def save(self, changes: dict[str, Any]) -> None:
        """Remembers how far the checks have come."""
        self.cursor |= changes
        with self.context.writing():
            faultpoint("reconcile-before-cursor")
            StreamState.objects.filter(pk=self.pk).update(cursor=self.cursor)
        faultpoint("reconcile-after-cursor")
