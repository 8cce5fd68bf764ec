"""Counts the rows of one flow and hour: a run and its retries once, by how it ended at last. Pure.

*Success rate* = finished runs whose final result is success. A failed run whose retry succeeded, or that
Zoho re-ran to success, counts once, as success; the row of the retry itself is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple, Self

from monitor.error_classes import OTHER
from monitor.rollups.run_time_histogram import MAX_DURATION_MS, bin_of, merge

SUCCESS = "success"
FAILED = "failed"
RUNNING = "running"


class CountedRun(NamedTuple):
    """Holds what of an execution is counted.

    Attributes:
        status: as Zoho says now.
        first_status: the first final status seen; empty for rows that never had another than `status`.
        duration_ms: run time in milliseconds; None, negative (clocks differ) or absurd is not counted.
        is_retry: the row is a retry's own (see `monitor.rollups.retry_chains`).
        is_rescued: a retry of it, or a retry of that retry, succeeded.
        error: the class of its error (see `monitor.error_classes`), where it failed.
    """

    status: str
    first_status: str = ""
    duration_ms: int | None = None
    is_retry: bool = False
    is_rescued: bool = False
    error: str = OTHER


@dataclass(slots=True)
class RunCounts:
    """Adds up one bucket. `succeeded + failed` are the finished runs; the names are those of `HourBucket`.

    `durations` has one count per bin of `DURATION_BOUNDS_MS` (a run of exactly a bound lies in the bin below
    it), one more for what is longer than all; zeros at its end are left out. `errors` are the failed ones by
    class of error; none is zero.
    """

    succeeded: int = 0
    failed: int = 0
    first_succeeded: int = 0
    running: int = 0
    other: int = 0
    retried: int = 0
    duration_count: int = 0
    duration_sum_ms: int = 0
    duration_max_ms: int = 0
    durations: list[int] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)

    def numbers(self) -> tuple[Any, ...]:
        """Returns its values in the order of `COUNT_FIELDS`."""
        return _numbers(self)

    def __iadd__(self, more: RunCounts) -> Self:
        """Adds another bucket, as a day is the sum of its hours."""
        self.succeeded += more.succeeded
        self.failed += more.failed
        self.first_succeeded += more.first_succeeded
        self.running += more.running
        self.other += more.other
        self.retried += more.retried
        self.duration_count += more.duration_count
        self.duration_sum_ms += more.duration_sum_ms
        self.duration_max_ms = max(self.duration_max_ms, more.duration_max_ms)
        self.durations = merge(self.durations, more.durations) if self.durations else list(more.durations)
        if more.errors:
            self.errors = merge_errors(self.errors, more.errors)
        return self

    @property
    def finished(self) -> int:
        return self.succeeded + self.failed

    def add(self, run: CountedRun) -> None:
        """Counts one more run."""
        if run.is_retry:
            self.retried += 1
        elif run.status == RUNNING:
            self.running += 1
        elif run.status not in (SUCCESS, FAILED):
            self.other += 1
        else:
            self._add_finished(run)

    def _add_finished(self, run: CountedRun) -> None:
        if run.status == SUCCESS or run.is_rescued:
            self.succeeded += 1
        else:
            self.failed += 1
            self.errors[run.error] = self.errors.get(run.error, 0) + 1
        if (run.first_status or run.status) == SUCCESS:
            self.first_succeeded += 1
        if run.duration_ms is not None and 0 <= run.duration_ms <= MAX_DURATION_MS:
            self.duration_count += 1
            self.duration_sum_ms += run.duration_ms
            self.duration_max_ms = max(self.duration_max_ms, run.duration_ms)
            place = bin_of(run.duration_ms)
            self.durations.extend([0] * (place + 1 - len(self.durations)))
            self.durations[place] += 1


COUNT_FIELDS = tuple(RunCounts.__dataclass_fields__)
_numbers: Callable[[RunCounts], tuple[Any, ...]] = attrgetter(*COUNT_FIELDS)


def fold(runs: Iterable[CountedRun]) -> RunCounts:
    """Counts the runs of one flow and hour, whatever their order."""
    counts = RunCounts()
    for run in runs:
        counts.add(run)
    return counts


def merge_errors(*errors: Mapping[str, int]) -> dict[str, int]:
    """Adds numbers of failed runs, class by class."""
    merged: dict[str, int] = {}
    for counts in errors:
        for name, count in counts.items():
            merged[name] = merged.get(name, 0) + count
    return merged
