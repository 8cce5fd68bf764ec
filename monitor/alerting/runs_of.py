"""Reads the finished runs of flows by when they ended, in one statement however many flows and hours there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.alerting.kinds.interface import COMES_LATE, EndedRun, HealedRun, RunResult, Runs, moment
from monitor.ends import RunEnd, unpack_ends, unpack_running, unpack_unfinished
from monitor.left_out import NOTHING_MARKED, MarkedTimes
from monitor.models import HourBucket, LeftOut
from monitor.models.spans import rows_from

CLOCKS_DIFFER = timedelta(minutes=5)  # a run that ends so far ahead of now did not end by our clock


@dataclass(slots=True)
class FlowRuns:
    """Holds the runs of a flow that ended until now, each with the start of its hour in seconds since 1970.

    Attributes:
        rows: in the order in which they ended.
        unfinished: when runs started that have no result yet, in seconds since 1970.
        running: since when those of them run that run still, in seconds since 1970.
        ahead: when those end that lie ahead of now, in seconds since 1970, in order: nobody knows the future.
        marked: the times whose runs people left out of the rates.
    """

    rows: list[tuple[float, RunEnd]] = field(default_factory=list)
    unfinished: list[float] = field(default_factory=list)
    running: list[float] = field(default_factory=list)
    ahead: list[float] = field(default_factory=list)
    marked: MarkedTimes = NOTHING_MARKED
    _runs: dict[tuple[timedelta | None, datetime | None, bool], tuple[Runs, datetime | None]] = field(
        default_factory=dict
    )

    def counted(
        self, now: datetime, patience: timedelta | None, known_from: datetime | None, *, with_left_out: bool = False
    ) -> tuple[Runs, datetime | None]:
        """Returns the runs as a condition is given them, and when one of them counts otherwise though none ends.

        Args:
            now: the present.
            patience: for how long after its first failure a run that Zoho runs again by itself is pending; None for not
                at all.
            known_from: from when on all runs are known; None for always.
            with_left_out: whether those are among them that people left out of the rates: for what is about silence.
        """
        key = patience, known_from, with_left_out or not self.marked
        if key not in self._runs:
            self._runs[key] = self._as_runs(now, patience, known_from, with_left_out=key[2])
        return self._runs[key]

    def _as_runs(
        self, now: datetime, patience: timedelta | None, known_from: datetime | None, *, with_left_out: bool
    ) -> tuple[Runs, datetime | None]:
        seconds, moments = now.timestamp(), self.ahead[:1]
        found, healed = [], []
        for hour, run in self.rows if with_left_out else self._rated():
            result, over = RunResult.FAILED if run.has_failed else RunResult.SUCCEEDED, None
            ended, started = hour + run.ended / 1000, hour + run.started / 1000
            if run.waits_since is not None:
                began = hour + run.waits_since / 1000
                over = None if patience is None else began + patience.total_seconds()
                if not run.has_failed:
                    healed.append(HealedRun(EndedRun(began, RunResult.FAILED, started, None, over), ended))
                    over = None
                elif over is not None and over > seconds:
                    result = RunResult.PENDING
                    moments.append(over)
            found.append(EndedRun(ended, result, started, run.duration_ms, over))
        runs = Runs(
            found,
            known_from=known_from,
            settled_until=now - COMES_LATE,
            unfinished=self.unfinished,
            running=self.running,
            patience=patience or timedelta(0),
            healed=healed,
        )
        return runs, moment(min(moments)) if moments else None

    def _rated(self) -> list[tuple[float, RunEnd]]:
        return [row for row in self.rows if not self.marked.hold(row[0])] if self.marked else self.rows

    def said_left_out(self, since: datetime) -> str:
        """Says how many of those that ended after a moment are left out of the rates; empty for none."""
        if not self.marked:
            return ""
        after = since.timestamp()
        count = sum(hour + run.ended / 1000 > after and self.marked.hold(hour) for hour, run in self.rows)
        if not count:
            return ""
        return "1 run is left out by a correction" if count == 1 else f"{count} runs are left out by corrections"

    def first_attempts(self, since: datetime) -> tuple[int, int]:
        """Returns how many ended after a moment, and how many of those succeeded at their first attempt."""
        after = since.timestamp()
        within = [run for hour, run in self._rated() if hour + run.ended / 1000 > after]
        return len(within), sum(not run.has_failed_first for run in within)

    def said_ahead(self, now: datetime) -> str:
        """Says that runs end ahead of now by more than clocks differ; empty where none does."""
        edge = (now + CLOCKS_DIFFER).timestamp()
        count = sum(at > edge for at in self.ahead)
        if not count:
            return ""
        return "1 run ends ahead of our clock" if count == 1 else f"{count} runs end ahead of our clock"


def runs_of(since: Mapping[int, datetime], now: datetime, left_out: LeftOut | None = None) -> dict[int, FlowRuns]:
    """Reads the runs of some flows of one account, in one statement.

    Args:
        since: from which end on, by the flow's primary key.
        now: the present.
        left_out: what people left out of the rates.
    """
    seconds = now.timestamp()
    found: dict[int, FlowRuns] = defaultdict(FlowRuns)
    for flow, hour, packed in rows_from(HourBucket, "last_end", sorted(since.items()), "hour", "ends"):
        runs = found[flow]
        if (start := unpack_unfinished(packed)) is not None:
            runs.unfinished.append(hour + start / 1000)
            runs.running.extend(hour + since / 1000 for since in unpack_running(packed))
        for run in unpack_ends(packed):
            at = hour + run.ended / 1000
            if at > seconds:
                runs.ahead.append(at)
            else:
                runs.rows.append((hour, run))
    for flow, runs in found.items():
        runs.marked = left_out.times(flow) if left_out is not None else NOTHING_MARKED
        runs.rows.sort(key=lambda row: row[0] + row[1].ended / 1000)
        runs.ahead.sort()
    return found
