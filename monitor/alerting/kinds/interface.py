"""Defines what a kind of alert condition is given and what it answers. Pure.

A kind is a folder: `condition` (pure: options and evaluation), `words` (what an evaluation says in a mail and on a
page) and `form` (how a person sets its options). The live evaluator, the preview of a rule and `manage.py backtest` ask
the same `evaluate`, at the same moments: whenever runs have ended, and at the time that the last answer named
(`again_at`).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from heapq import heappop, heappush
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import Any, ClassVar, NamedTuple, Protocol

from monitor.alerting.kinds.timed_runs import TimedRuns

# What is learned once is learned until then, in seconds since 1970: JSON, as which it is stored, has no infinity.
FOR_GOOD = datetime(9999, 1, 1, tzinfo=UTC).timestamp()

ROUNDING = 1e-6  # seconds: times are whole microseconds, and sums of them as floats a little beside


COMES_LATE = timedelta(days=1)  # a run that ended may be mirrored so much later, after others that ended after it


class RunResult(StrEnum):
    """Names what a finished run counts as."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PENDING = "pending"  # failed, and Zoho will run it again by itself soon


class EndedRun(NamedTuple):
    """Holds a finished run. Times are seconds since 1970, UTC.

    Attributes:
        ended: when it ended.
        result: what it counts as.
        started: when it started.
        duration_ms: None where it is not known.
        pending_until: when a failed one that Zoho runs again by itself begins to count, or began to; else None.
    """

    ended: float
    result: RunResult
    started: float
    duration_ms: int | None = None
    pending_until: float | None = None

    @property
    def lasted(self) -> float:
        """Is for how many seconds it went on."""
        lasted = self.ended - self.started
        return lasted if self.duration_ms is None else min(lasted, self.duration_ms / 1000)

    @property
    def counts_from(self) -> float:
        """Is when it began to count, or will: its end, or the end of the wait for Zoho."""
        return self.ended if self.pending_until is None else max(self.ended, self.pending_until)

    @property
    def counts_late(self) -> bool:
        """Is whether it failed and waited for Zoho, or waits still."""
        return self.pending_until is not None and self.pending_until > self.ended

    def result_at(self, seconds: float) -> RunResult:
        """Returns what it counted as at a moment in seconds since 1970."""
        if self.pending_until is None:
            return self.result
        return RunResult.PENDING if seconds < self.pending_until else RunResult.FAILED


class HealedRun(NamedTuple):
    """Holds what a run was before a re-run by Zoho made it good: a replay has it until then.

    Attributes:
        failed: the run as it had failed first.
        until: when it was made good, in seconds since 1970.
    """

    failed: EndedRun
    until: float


_IN_ORDER = itemgetter(0, 1, 2)  # not the durations: one that is not known cannot be compared


class Runs:
    """Holds finished runs of one subject in the order in which they ended, with sums at hand.

    What ended after the moment of evaluation is not in it: nobody knows the future, and a clock that is wrong there
    must not fire an alert for years.
    """

    def __init__(
        self,
        runs: Iterable[EndedRun],
        *,
        known_from: datetime | None = None,
        settled_until: datetime | None = None,
        unfinished: Iterable[float] = (),
        running: Iterable[float] = (),
        watched_from: datetime | None = None,
        patience: timedelta = timedelta(0),
        healed: Iterable[HealedRun] = (),
    ) -> None:
        """Sorts the runs by their end.

        Args:
            runs: in any order; a run counts once, by its final result (a retry's own row is not among them).
            known_from: from when on all runs are known; None for always.
            settled_until: up to which end all runs are known by now: of those that ended later some may be mirrored
                only after others that ended after them; None for all of them.
            unfinished: when runs started that have no result yet, in seconds since 1970.
            running: since when those of them run that run still, in seconds since 1970.
            watched_from: from when on runs are looked for; None where that is not known.
            patience: for how long after its end a failure that Zoho runs again by itself is pending, at the most.
            healed: what some of the runs were before a re-run by Zoho made them good, for a replay alone.
        """
        self.rows: Sequence[EndedRun] = sorted(runs, key=_IN_ORDER)
        self.known_from = known_from
        self.watched_from = watched_from
        self.patience = patience.total_seconds()
        self.healed = list(healed)
        self.may_wait = False
        self._unfinished = [(start, start) for start in unfinished]
        self._running = [(start, math.inf) for start in running]
        self._lasting: dict[float, list[tuple[float, float]]] = {}
        self._settled_until = None if settled_until is None else settled_until.timestamp()
        self.ends = [row.ended for row in self.rows]
        self._failed = [0, *accumulate(row.result is RunResult.FAILED for row in self.rows)]
        self._pending = [0, *accumulate(row.result is RunResult.PENDING for row in self.rows)]
        self._starts: list[tuple[float, float]] = []
        self._timed = TimedRuns()
        self._successes = [place for place, row in enumerate(self.rows) if row.result is RunResult.SUCCEEDED]
        self._failures = [place for place, row in enumerate(self.rows) if row.result is RunResult.FAILED]
        self._waiting = [place for place, row in enumerate(self.rows) if row.result is RunResult.PENDING]
        self._waited = [place for place, row in enumerate(self.rows) if row.counts_late]

    def until(self, at: datetime) -> int:
        """Returns how many have ended at or before a moment: the first so many of `rows`."""
        return bisect_right(self.ends, at.timestamp())

    def place_after(self, seconds: float) -> int:
        """Returns the place in `rows` of the first one that ended after so many seconds since 1970."""
        return bisect_right(self.ends, seconds)

    def counts(self, first: int, last: int) -> tuple[int, int, int]:
        """Returns how many of `rows[first:last]` succeeded, failed, and wait for a re-run by Zoho."""
        failed = self._failed[last] - self._failed[first]
        pending = self._pending[last] - self._pending[first]
        return last - first - failed - pending, failed, pending

    def watched(self, watched_from: datetime | None, *, may_wait: bool = False) -> Runs:
        """Returns the same runs, looked for from a moment on.

        Args:
            watched_from: as `Runs` has it.
            may_wait: a step of the flow waits, so that a run may go on for long and be well.
        """
        found = copy(self)
        found.watched_from, found.may_wait = watched_from, may_wait
        return found

    def lasting(self, seconds: float) -> list[tuple[float, float]]:
        """Returns when those runs began and ended that went on for so long, or run still, in the order of their start.

        One that runs still has no end. One that Zoho ran again did not go on in between: as far as it is known how long
        a run took, it ended after that.
        """
        if seconds not in self._lasting:
            found = [(row.started, row.started + row.lasted) for row in self.rows if row.lasted >= seconds]
            self._lasting[seconds] = sorted([*found, *self._running])
        return self._lasting[seconds]

    @property
    def starts(self) -> list[tuple[float, float]]:
        """Is when each run started and ended, in the order in which they started."""
        if not self._starts:
            self._starts = sorted([*((row.started, row.ended) for row in self.rows), *self._unfinished])
        return self._starts

    def timed(self, first: int, last: int) -> TimedRuns:
        """Returns those of `rows[first:last]` of which is known how long they took, until it is asked again."""
        self._timed.move(self.rows, first, last)
        return self._timed

    def newest_start(self, at: datetime) -> tuple[float, float] | None:
        """Returns when the newest run began that had begun by a moment, and when it ended; None where there is none.

        A run counts by its start whether it has ended or not: one that goes on is not missed. Until it ends, its end
        is its start.
        """
        seconds = at.timestamp()
        begun = bisect_right(self.starts, (seconds, math.inf))
        if not begun:
            return None
        start, ended = self.starts[begun - 1]
        return start, ended if ended <= seconds else start

    def failed_between(self, edges: Sequence[int]) -> list[int]:
        """Returns how many of `rows` failed between each of some places and the next one."""
        before = [self._failed[edge] for edge in edges]
        return [more - less for less, more in pairwise(before)]

    def newest_failed(self, last: int) -> int:
        """Returns the place of the newest failed one of `rows[:last]`; -1 where none of them failed."""
        before = self._failed[last]
        return self._failures[before - 1] if before else -1

    def newest_succeeded(self, last: int) -> int:
        """Returns the place of the newest succeeded one of `rows[:last]`; -1 where none of them did."""
        before = last - self._failed[last] - self._pending[last]
        return self._successes[before - 1] if before else -1

    def first_failed(self, first: int, last: int) -> int:
        """Returns the place of the first failed one of `rows[first:last]`; `last` where none of them failed."""
        before = self._failed[first]
        return self._failures[before] if before < self._failed[last] else last

    def newest_unsuccessful(self, last: int) -> int:
        """Returns the place of the newest of `rows[:last]` that failed or waits for a re-run by Zoho; -1 for none."""
        waiting = self._pending[last]
        return max(self.newest_failed(last), self._waiting[waiting - 1] if waiting else -1)

    def first_unsuccessful(self, first: int, last: int) -> int:
        """Returns the place of the first of `rows[first:last]` that failed or waits for Zoho; `last` for none."""
        waiting = self._pending[first]
        return min(self.first_failed(first, last), self._waiting[waiting] if waiting < self._pending[last] else last)

    def failed_places(self, first: int, last: int) -> list[int]:
        """Returns the places of those of `rows[first:last]` that failed."""
        return self._failures[self._failed[first] : self._failed[last]]

    def unsuccessful_places(self, first: int, last: int) -> list[int]:
        """Returns the places of those of `rows[first:last]` that failed or wait for a re-run by Zoho."""
        return sorted([*self.failed_places(first, last), *self._waiting[self._pending[first] : self._pending[last]]])

    def lateness(self, start: float, last: int) -> float:
        """Returns by how many seconds failures may count late that belong to a window; 0 where none does.

        A failure that waits for Zoho begins to count when much of a short window has passed, or all of it. So a window
        is to be looked at as of so long ago, too.

        Args:
            start: where the window begins that ends now, in seconds since 1970.
            last: it is about `rows[:last]`.
        """
        place = self.newest_late(last)
        return self.patience if place >= 0 and self.ends[place] > start - self.patience + ROUNDING else 0.0

    def newest_late(self, last: int) -> int:
        """Returns the place of the newest of `rows[:last]` that failed and counts late; -1 where none does."""
        before = bisect_left(self._waited, last)
        return self._waited[before - 1] if before else -1

    def settled(self, first: int, last: int) -> int:
        """Returns up to where `rows[first:last]` stay as they are: none of them waits, and no other one comes late."""
        waiting = self._pending[first]
        if waiting < self._pending[last]:
            last = self._waiting[waiting]
        return last if self._settled_until is None else max(first, min(last, self.place_after(self._settled_until)))

    def since(self, began_at: datetime, last: int) -> int:
        """Returns how many of `rows[:last]` ended at a moment or later."""
        return last - bisect_left(self.ends, began_at.timestamp(), 0, last)


class UnfoldingRuns(Runs):
    """Holds the runs of a history as they counted at a moment that moves on.

    What waited for Zoho then, waits; what a re-run made good later has failed until then.
    """

    def __init__(self, history: Runs) -> None:
        """Begins before the first run of a history."""
        super().__init__(())
        self.rows: list[EndedRun] = []
        self.known_from, self.watched_from = history.known_from, history.watched_from
        self.patience, self.may_wait = history.patience, history.may_wait
        self.lasting = history.lasting  # type: ignore[method-assign] # what goes on at a moment ends after it
        self._starts = history.starts
        every = [*((row, math.inf) for row in history.rows), *history.healed]
        self._history = sorted(every, key=lambda one: _IN_ORDER(one[0]))
        self._changes: list[tuple[float, int]] = []  # a heap: when one counts otherwise, and its place in the history
        self._shown: list[int] = []  # the place in the history of each of `rows`
        self._seen = 0  # so many of the history had ended

    @property
    def next_wait(self) -> float | None:
        """Is when the next one counts otherwise though no run ends, in seconds since 1970; None for never."""
        return self._changes[0][0] if self._changes else None

    def unfold(self, seconds: float) -> None:
        """Moves on to a moment in seconds since 1970; never back."""
        self._settled_until = seconds - COMES_LATE.total_seconds()
        first, seen = self._seen, self._seen
        while self._changes and self._changes[0][0] <= seconds:
            first = min(first, heappop(self._changes)[1])
        if first < seen:
            self._cut(bisect_left(self._shown, first))
        for place in range(first, len(self._history)):
            row, until = self._history[place]
            if row.ended > seconds:
                break
            self._seen = max(seen, place + 1)
            if until > seconds:
                self._append(place, row, row.result_at(seconds))
            if place >= seen:
                for at in (row.pending_until, until):
                    if at is not None and seconds < at < math.inf:
                        heappush(self._changes, (at, place))

    def _cut(self, first: int) -> None:
        failed, pending = self._failed[first], self._pending[first]
        kept = ((self._failures, failed), (self._waiting, pending), (self._successes, first - failed - pending))
        for places, count in kept:
            del places[count:]
        for sums in (self._failed, self._pending):
            del sums[first + 1 :]
        del self._waited[bisect_left(self._waited, first) :]
        del self.rows[first:], self.ends[first:], self._shown[first:]
        self._timed = TimedRuns()  # what is a place further on may be another run by now

    def _append(self, origin: int, row: EndedRun, result: RunResult) -> None:
        place = len(self.rows)
        self.rows.append(EndedRun(row.ended, result, *row[2:]))
        self.ends.append(row.ended)
        self._shown.append(origin)
        self._failed.append(self._failed[-1] + (result is RunResult.FAILED))
        self._pending.append(self._pending[-1] + (result is RunResult.PENDING))
        of = {RunResult.FAILED: self._failures, RunResult.PENDING: self._waiting}
        of.get(result, self._successes).append(place)
        if row.counts_late:
            self._waited.append(place)


class ConditionState(StrEnum):
    """Names what a condition finds."""

    BREACHED = "breached"
    CLEAR = "clear"
    NO_DATA = "no_data"  # too few runs, or none, to say either
    LEARNING = "learning"  # the subject's own usual is not known yet
    EMPTY = "empty"  # nothing is left to go by: what is open ends, and that is no recovery


@dataclass(frozen=True, slots=True)
class Learned:
    """Holds what a condition learned of a subject's own usual; its fields can be stored as JSON.

    Attributes:
        until: from when on it is to be learned anew, in seconds since 1970.
        values: what was learned, as the kind lays it out.
    """

    until: float
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class AlertStanding:
    """Holds where the condition stands for a subject before its next evaluation.

    Attributes:
        is_open: whether it has fired and not recovered.
        fired_at: when it fired last; None for never.
        recovered_at: when it recovered last: what ended before is over; None for never.
        anchor: what the last evaluation asked to be given back; None at first.
        began_at: while it is open, when that began, as the evaluation that fired said.
        learned: what the last evaluation learned, given back so that it need not be learned from all the history again;
            an evaluation that is given none learns it from the runs.
    """

    is_open: bool = False
    fired_at: datetime | None = None
    recovered_at: datetime | None = None
    anchor: datetime | None = None
    began_at: datetime | None = None
    learned: Learned | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Holds what a condition finds at a moment.

    Attributes:
        found: of an open alert, BREACHED until it has recovered: a condition with two bounds holds in between.
        numbers: by name, what it was found by; what words and charts show.
        began_at: by Zoho's clock, the first failure (or the last run before the silence) of what is found; None
            where nothing is wrong.
        runs_since_change: how many runs ended since that began, the run that began it included.
        again_at: when the answer may change although no run ends, also after the edge that this answer may lead to;
            None for never.
        anchor: the earliest end of a run that the next evaluation needs; given back in `AlertStanding`.
        learned: to be given back in `AlertStanding`; None where the kind learns nothing.
        texts: by name, what it was found by that is no number, masked; for the words.
    """

    found: ConditionState
    numbers: Mapping[str, float] = field(default_factory=dict)
    began_at: datetime | None = None
    runs_since_change: int = 0
    again_at: datetime | None = None
    anchor: datetime | None = None
    learned: Learned | None = None
    texts: Mapping[str, str] = field(default_factory=dict)


class Condition(Protocol):
    """Evaluates one subject. An implementation is a frozen dataclass of its options."""

    kind: ClassVar[str]

    def needs_from(self, at: datetime, standing: AlertStanding) -> datetime:
        """Returns from which end on runs are needed to evaluate at a moment."""
        ...

    def evaluate(self, runs: Runs, at: datetime, standing: AlertStanding) -> Evaluation:
        """Returns what is found of the runs that ended at or before a moment."""
        ...


def goes_by_silence(condition: object) -> bool:
    """Returns whether a condition is about runs that do not come: each that came counts, however it ended."""
    return bool(getattr(condition, "goes_by_silence", False))


def at_pace(condition: Any, runs_a_month: float) -> Any:
    """Returns a condition as its budget asks for at the pace of its flows together; most kinds have none."""
    adapt = getattr(condition, "at_pace", None)
    return condition if adapt is None else adapt(runs_a_month)


def has_budget(condition: Any) -> bool:
    """Returns whether a condition hangs on the pace of its flows together."""
    return getattr(condition, "false_alerts", None) is not None


def moment(seconds: float) -> datetime:
    """Returns the time of so many seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
