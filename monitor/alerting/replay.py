"""Runs a condition over the history of a subject, as if it had been asked at every moment. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from monitor.alerting.kinds.interface import AlertStanding, Condition, Evaluation, Runs, UnfoldingRuns, moment
from monitor.alerting.steps import AlertPatience, ConditionPlace, EdgeKind, step

SEEN_RUNNING = 60.0  # seconds: a shorter run is mirrored when it has ended


@dataclass(frozen=True, slots=True)
class ReplayEdge:
    """Holds an edge of a replay: when, which, and the evaluation that led to it."""

    at: datetime
    edge: EdgeKind
    evaluation: Evaluation


def replay(
    condition: Condition, runs: Runs, *, until: datetime | None = None, patience: AlertPatience | None = None
) -> Iterator[ReplayEdge]:
    """Yields the edges of a condition over a history, in the order of time.

    It is evaluated whenever runs ended (by a kind that goes by starts: also when long ones began), whenever the last
    answer said that the next one may differ, and when a wait is over; at each of these moments by nothing that came
    later: a failure that Zoho would run again by itself waits then, and one that it healed later has failed until then.

    Args:
        condition: what is asked.
        runs: the history.
        until: the last moment; None for the end of the last run.
        patience: how long things must last before they count; None for not at all.
    """
    patience = patience or AlertPatience()
    place = ConditionPlace(AlertStanding())
    times = runs.ends
    if runs.healed:
        times = sorted({*times, *(one.failed.ended for one in runs.healed)})
    if getattr(condition, "goes_by_starts", False):
        times = sorted({*times, *(start for start, _ in runs.lasting(SEEN_RUNNING))})
    has_changed = bool(runs.healed) or any(row.pending_until is not None for row in runs.rows)
    unfolding = UnfoldingRuns(runs) if has_changed else None
    end = until.timestamp() if until is not None else (runs.ends[-1] if runs.ends else 0.0)
    done = 0
    due = None if runs.watched_from is None else runs.watched_from.timestamp()
    while True:
        following = times[done] if done < len(times) else None
        if following is None and due is None:
            return
        at = following if due is None or (following is not None and following <= due) else due
        if at is None or at > end:
            return
        now = moment(at)
        if unfolding is not None:
            unfolding.unfold(at)
        evaluation = condition.evaluate(unfolding or runs, now, place.standing)
        place, edge = step(place, evaluation, now, patience)
        if edge is not None:
            yield ReplayEdge(now, edge, evaluation)
        done = bisect_right(times, at, done)
        due = _due(evaluation, place, now, patience)
        if unfolding is not None and (wait := unfolding.next_wait) is not None:
            due = wait if due is None else min(due, wait)


def _due(evaluation: Evaluation, place: ConditionPlace, now: datetime, patience: AlertPatience) -> float | None:
    """Returns the next moment at which something may change although no run ends."""
    moments = (evaluation.again_at, place.due_at(patience))
    return min((one.timestamp() for one in moments if one is not None and one > now), default=None)
