"""Asks for Zoho's statistics of a flow over a period and holds them against the mirror; a difference has it read again.

`executions/stats?period=last_7_days` does not say what it counts (`docs/reference/zoho-flow.md`, Statistics): seven
times 24 hours, whole days with or without today, or the flow's whole life as the list's `stats` do in the documented
example. Which one a server means is learnt from flows where the candidates differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Count, Q, QuerySet

from monitor.ingest.base.context import Context
from monitor.ingest.night.reconcile import reconcile
from monitor.ingest.runs.holes import NO_HOLE, STATISTICS, has_aside
from monitor.models import Execution, Flow, FlowProgress
from monitor.periods import Window, days_until, midnight_of
from monitor.zoho.flow import FlowClient

PERIOD = "last_7_days"
DAYS = 7
LIFE = "life"
UNKNOWN_AFTER = 5  # telling flows without any reading that fits
MOMENT = timedelta(minutes=15)  # runs that began or ended so shortly ago may be counted or not
EDGE = timedelta(minutes=2)  # clocks differ; a run so near to a window's end may be in it or not
MOST_ZONE = timedelta(hours=26)  # days are those of a zone that nobody names


@dataclass(frozen=True, slots=True)
class Tally:
    """Holds Zoho's numbers of runs; None where it does not say."""

    total: int | None
    success: int | None
    failed: int | None


@dataclass(frozen=True, slots=True)
class Ours:
    """Holds the mirror's numbers for one candidate, and how many runs may or may not be counted at this moment."""

    total: int
    success: int
    failed: int
    loose: int


def windows(now: datetime) -> dict[str, Window]:
    """Lists the stretches of time that the period may mean, by name.

    Args:
        now: the present by Zoho's clock, in UTC.
    """
    midnight = midnight_of(now)
    days_before = days_until(midnight, DAYS)
    return {
        "rolling": days_until(now, DAYS),
        "days-with-today": Window(days_until(midnight, DAYS - 1).start, now),
        "days-and-today": Window(days_before.start, now),
        "days-before-today": days_before,
    }


def widest(now: datetime) -> datetime:
    """Returns from when on runs may belong to the period, in any zone."""
    return days_until(now, DAYS).start - MOST_ZONE


def agrees(zoho: Tally, ours: Ours) -> bool:
    """Says whether the two say the same, but for runs of the moment."""
    pairs = ((zoho.total, ours.total), (zoho.success, ours.success), (zoho.failed, ours.failed))
    return all(given is None or abs(given - own) <= ours.loose for given, own in pairs)


def matching(zoho: Tally, candidates: Mapping[str, Ours]) -> set[str]:
    """Finds the candidates that Zoho's numbers agree with."""
    return {name for name, ours in candidates.items() if agrees(zoho, ours)}


def is_telling(candidates: Mapping[str, Ours]) -> bool:
    """Says whether the flow can teach anything: its candidates are not all alike."""
    return len({(ours.total, ours.success, ours.failed) for ours in candidates.values()}) > 1


def learn(votes: Mapping[str, int], matched: Iterable[str]) -> dict[str, int]:
    """Adds the votes of one more telling flow; `flows` counts those that were asked."""
    grown = dict(votes)
    grown["flows"] = grown.get("flows", 0) + 1
    for name in matched:
        grown[name] = grown.get(name, 0) + 1
    return grown


def credible(votes: Mapping[str, int]) -> set[str]:
    """Finds the candidates that at least two flows and more than half of all telling ones have agreed with."""
    asked = votes.get("flows", 0)
    return {name for name, count in votes.items() if name != "flows" and count >= 2 and 2 * count > asked}


def is_worth_reading(matched: set[str], believed: set[str], votes: Mapping[str, int]) -> bool:
    """Says whether a difference is to be followed: not where the numbers of many flows follow a rule we do not know."""
    if believed:
        return not matched & believed
    return not matched and votes.get("flows", 0) <= UNKNOWN_AFTER


def missing(zoho: Tally, candidates: Mapping[str, Ours], believed: Iterable[str]) -> int:
    """Counts the runs that Zoho counts beyond what it lists, by the kindest reading that is believed; 0 for none.

    Nothing is missing where no reading is believed, nor where the numbers agree with any that is.
    """
    gaps = []
    for name in believed:
        ours = candidates.get(name)
        if ours is None or zoho.total is None:
            continue
        if agrees(zoho, ours):
            return 0
        gaps.append(zoho.total - ours.total - ours.loose)
    return max(min(gaps, default=0), 0)


def text(count: int) -> str:
    """Says it in one line for people."""
    runs = "run" if count == 1 else "runs"
    return f"Zoho's statistics of the last {DAYS} days count {count} more {runs} than it lists"


MOST_SLICES = 20


def check_statistics(
    context: Context, client: FlowClient, flow: Flow, votes: dict[str, int]
) -> tuple[int, dict[str, int]]:
    """Asks for a flow's statistics and follows a difference.

    Args:
        context: of the sweep.
        client: of the account.
        flow: a mirrored flow.
        votes: what earlier flows have taught, see `statistics.learn`.

    Returns:
        What it cost in calls, and the votes after this flow.

    Raises:
        NotAvailable: this server has no statistics.
        ZohoError: as the calls do.
    """
    answer = context.call(partial(client.execution_stats, flow.flow_id, PERIOD))
    zoho = Tally(answer.total, answer.successful, answer.failed)
    now = client.last_server_date or context.clock()
    calls = 1
    if flow.progress.pruned_before is not None and flow.progress.pruned_before > widest(now):
        return calls, votes
    if has_aside(flow):
        return calls, votes  # Zoho counts what has no place in time here
    candidates = _candidates(flow, now)
    matched = matching(zoho, candidates)
    if is_telling(candidates):
        votes = learn(votes, matched)
    believed = credible(votes)
    if is_worth_reading(matched, believed, votes):
        calls += _read_again(context, client, flow, since=widest(now))
        candidates = _candidates(flow, now)
    _tell(context, flow, missing(zoho, candidates, believed))
    return calls, votes


def _read_again(context: Context, client: FlowClient, flow: Flow, *, since: datetime) -> int:
    calls, until = 0, None
    for _ in range(MOST_SLICES):
        found = reconcile(context, client, flow, since=since, until=until)
        calls += found.calls
        until = found.next_until
        if until is None:
            break
    return calls


def _candidates(flow: Flow, now: datetime) -> dict[str, Ours]:
    """Counts the mirror's rows for each meaning of the period; adds Zoho's own counters for the flow's life."""
    rows = Execution.objects.filter(flow=flow, unlisted_at=None, started_time__lte=now)
    found = {name: _count(rows, window, now) for name, window in windows(now).items()}
    if flow.execution_count is not None and flow.success_count is not None and flow.failure_count is not None:
        loose = found["rolling"].loose
        found[LIFE] = Ours(flow.execution_count, flow.success_count, flow.failure_count, loose)
    return found


def _count(rows: QuerySet[Execution], window: Window, now: datetime) -> Ours:
    start, end, edge, moment = window.start, window.end, EDGE, now - MOMENT
    near = Q(started_time__range=(start - edge, start + edge)) | Q(started_time__range=(end - edge, end + edge))
    fresh = Q(started_time__gte=moment) | Q(completed_time__gte=moment)
    within = Q(started_time__gte=start, started_time__lt=end)
    unsure = ~Q(status__in=("success", "failed")) & within
    found = rows.filter(started_time__gte=start - edge).aggregate(
        total=Count("pk", filter=within),
        success=Count("pk", filter=within & Q(status="success")),
        failed=Count("pk", filter=within & Q(status="failed")),
        loose=Count("pk", filter=near | fresh | unsure),
    )
    return Ours(**found)


def _tell(context: Context, flow: Flow, missing: int) -> None:
    """Opens a hole for a difference that reading again has not closed, and closes it once the statistics agree."""
    values: dict[str, object] = {}
    if missing:
        if not flow.progress.hole_reason or flow.progress.hole_signature.startswith(STATISTICS):
            signature = f"{STATISTICS}:{missing}"
            values = {"hole_reason": text(missing), "hole_signature": signature}
            if flow.progress.hole_signature != signature:
                values["hole_since"] = context.clock()
    elif flow.progress.hole_signature.startswith(STATISTICS):
        values = dict(NO_HOLE)
    if values:
        with context.writing():
            FlowProgress.objects.filter(flow=flow).update(**values)
