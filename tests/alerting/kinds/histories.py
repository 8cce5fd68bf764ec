"""Histories of runs for tests of conditions: written as words, or drawn from a seed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from monitor.alerting.kinds.interface import Condition, EndedRun, RunResult, Runs
from monitor.alerting.replay import ReplayEdge, replay
from monitor.alerting.steps import AlertPatience

START = datetime(2026, 9, 7, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
RESULTS = {"+": RunResult.SUCCEEDED, "-": RunResult.FAILED, "?": RunResult.PENDING}


def run(at: datetime, result: str = "+", *, took: float = 2.0) -> EndedRun:
    """A run that ended at a moment; `result` is + for good, - for failed, ? for one that Zoho runs again."""
    ended = at.timestamp()
    return EndedRun(ended, RESULTS[result], ended - took, round(took * 1000))


def every(step: timedelta, results: str, start: datetime = START) -> list[EndedRun]:
    """Runs that end one `step` after the other, the first of them at `start`."""
    return [run(start + place * step, result) for place, result in enumerate(results)]


def edges(
    condition: Condition, runs: Iterable[EndedRun], until: datetime | None = None, patience: AlertPatience | None = None
) -> list[ReplayEdge]:
    return list(replay(condition, Runs(runs), until=until, patience=patience))


def kinds(found: list[ReplayEdge]) -> list[str]:
    return [edge.edge.value for edge in found]
