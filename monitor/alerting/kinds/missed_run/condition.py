"""Finds that a flow has not run when it should have, by when its runs started. Pure.

A run that has begun and not ended is not missed. By its schedule (`cron` on the clock of `zone`) or its interval
(`every`), with a grace; else by how many runs are expected since the newest one, at the rate of this very flow in each
hour of the week. Gaps between runs say nothing: a night and a holiday are gaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from monitor.alerting.kinds import limits
from monitor.alerting.kinds.interface import AlertStanding, ConditionState, Evaluation, Learned, Runs, moment
from monitor.alerting.kinds.missed_run.rates import WeekOfRates, learn
from monitor.alerting.kinds.missed_run.schedule import check_cron, next_due, read_zone

NEEDED = timedelta(days=90)  # eight weeks before the newest run, which may lie a month back
DAY = timedelta(days=1)
MONTHLY = timedelta(days=63)  # of each 31st; of a schedule for each month
LEAP = timedelta(days=8 * 366)  # of each 29th of February; of a schedule that names months
EARLY = 60.0  # seconds: clocks differ, and a run that starts so soon before it is due is the one that is due
LEAST = 1  # minute
LONGEST = 366 * 24 * 60  # minutes


@dataclass(frozen=True, slots=True)
class MissedRun:
    """Asks that a flow runs when it should.

    Attributes:
        cron: the schedule in five fields; empty for none.
        zone: by whose clock the schedule, or the hours of the week, are meant.
        every: minutes between two runs; 0 for none. Without it and without a schedule, the flow's own rate is learned.
        grace: so many minutes later is still in time; of a schedule or an interval.
    """

    kind: ClassVar[str] = "missed_run"
    goes_by_silence: ClassVar[bool] = True  # a run that is not mirrored would be taken for one that did not come
    is_about_failures: ClassVar[bool] = False
    goes_by_starts: ClassVar[bool] = True

    cron: str = ""
    zone: str = "UTC"
    every: float = 0.0
    grace: float = 60.0

    def __post_init__(self) -> None:
        read_zone(self.zone)
        limits.number("every", self.every, 0, LONGEST)
        limits.number("grace", self.grace, 0, LONGEST)
        if 0 < self.every < LEAST:
            raise ValueError(f"every must be at least {LEAST} minute, or 0 for none")
        if self.cron:
            check_cron(self.cron)
            if self.every:
                raise ValueError("every cannot be given beside cron")

    def needs_from(self, at: datetime, standing: AlertStanding) -> datetime:
        is_known = self._is_scheduled or (standing.learned is not None and at.timestamp() < standing.learned.until)
        if standing.anchor is not None and is_known:
            return standing.anchor
        return at - max(NEEDED, self._longest_pause) if self._is_scheduled else at - NEEDED

    def evaluate(self, runs: Runs, at: datetime, standing: AlertStanding) -> Evaluation:
        last = runs.until(at)
        newest = runs.newest_start(at)
        if newest is None:
            return self._without_runs(runs, at, standing)
        start, ended = newest
        anchor = moment(ended)
        if self._is_scheduled:
            return self._found(runs, at, standing, last, start, anchor, self._late_at(start), {}, None)
        learned = standing.learned
        if learned is None or start >= learned.until:
            learned = learn(runs, last, start, self.zone)
        if learned is None:
            return Evaluation(ConditionState.LEARNING, {}, anchor=None)
        week = WeekOfRates(self.zone, learned.values[0], learned.values[1:])
        numbers = {"allowed": week.threshold}
        late_at = week.alarm_at(start)
        if late_at is not None and late_at <= at.timestamp():
            numbers["expected"] = week.expected(start, at.timestamp())
        return self._found(runs, at, standing, last, start, anchor, late_at, numbers, learned)

    @property
    def _longest_pause(self) -> timedelta:
        """Is how far back the newest run may lie while none is missed, or longer."""
        if self.every:
            return timedelta(minutes=self.every + self.grace) + DAY
        is_monthly = self.cron.split()[3] == "*"
        return (MONTHLY if is_monthly else LEAP) + timedelta(minutes=self.grace)

    @property
    def _is_scheduled(self) -> bool:
        return bool(self.cron or self.every)

    def _without_runs(self, runs: Runs, at: datetime, standing: AlertStanding) -> Evaluation:
        """Goes by when the history begins, or the rule was made, where a flow with a schedule has never run."""
        begins = [begin for begin in (runs.known_from, runs.watched_from) if begin is not None]
        if not self._is_scheduled or not begins:
            return Evaluation(ConditionState.NO_DATA)
        start = max(begins).timestamp()
        return self._found(runs, at, standing, 0, start, None, self._late_at(start), {}, None)

    def _due_after(self, start: float) -> float | None:
        if self.every:
            return start + self.every * 60
        return next_due(self.cron, self.zone, start + EARLY)

    def _late_at(self, start: float) -> float | None:
        due = self._due_after(start)
        return None if due is None else due + self.grace * 60

    def _found(
        self,
        runs: Runs,
        at: datetime,
        standing: AlertStanding,
        last: int,
        start: float,
        anchor: datetime | None,
        late_at: float | None,
        numbers: dict[str, float],
        learned: Learned | None,
    ) -> Evaluation:
        """Says what is found, given from when on the next run is late.

        What is open ends with a run, and not because another rate was learned meanwhile.
        """
        is_late = late_at is not None and late_at <= at.timestamp()
        is_silent = standing.is_open and standing.began_at is not None and start <= standing.began_at.timestamp()
        if self._is_scheduled and (due := self._due_after(start)) is not None:
            numbers["due"] = due
        if is_late or is_silent:
            count = runs.since(moment(start), last)
            return Evaluation(ConditionState.BREACHED, numbers, moment(start), count, None, anchor, learned)
        count = runs.since(standing.fired_at, last) if standing.is_open and standing.fired_at is not None else 0
        again_at = moment(late_at) if late_at is not None else None
        return Evaluation(ConditionState.CLEAR, numbers, None, count, again_at, anchor, learned)


CONDITION = MissedRun
