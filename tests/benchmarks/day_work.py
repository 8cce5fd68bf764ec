"""What an account costs beside its lists and the reads that follow: first readings, re-reads, nights, definitions."""

from __future__ import annotations

import heapq
from collections import deque
from datetime import datetime, timedelta
from typing import Any

from monitor.ingest.lists import definitions
from monitor.ingest.night import checks
from monitor.ingest.runs import reread
from tests.benchmarks.day_load import DAY, PlanLoad

ROWS_A_PAGE = 200
MONTHS_KEPT = 3  # of history, at Zoho


class Histories:
    """First readings by turns: every flow's newest page first, then the older ones."""

    def __init__(self, load: PlanLoad) -> None:
        pages = max(1, -(-MONTHS_KEPT * load.runs_a_month // load.flows // ROWS_A_PAGE))
        self._turns = deque(range(load.flows))
        self._turns.extend(flow for _ in range(pages) for flow in range(load.flows))
        self._begun: set[int] = set()
        self._next: int | None = None

    @property
    def waiting(self) -> bool:
        return bool(self._turns)

    @property
    def is_new(self) -> bool:
        return not self._begun

    def is_begun(self, flow: int) -> bool:
        """Whether its newest page is read: from then on it is followed like any other."""
        return flow in self._begun

    def take(self) -> int | None:
        return self._turns.popleft() if self._turns else None

    def begin(self, flow: int) -> None:
        self._begun.add(flow)


class Rereads:
    """Failed runs that are looked at after each of Zoho's own re-runs."""

    def __init__(self, per_day: int) -> None:
        self._per_day = per_day
        self._due: list[tuple[float, int]] = []
        self._done: set[int] = set()
        self._last: datetime | None = None

    @property
    def next_at(self) -> float:
        return self._due[0][0] if self._due else 10.0**12

    def expect(self, run: int, times: list[float]) -> None:
        for at in times:
            heapq.heappush(self._due, (at, run))

    def forget(self, run: int) -> None:
        self._done.add(run)

    def allowed(self, now: datetime, most: int) -> int:
        since = None if self._last is None else now - self._last
        found = min(most, reread.allowance(self._per_day, since))
        self._now = now
        return found

    def take(self, now: float) -> bool:
        """Whether a run is due; its turn is over then."""
        while self._due and self._due[0][0] <= now:
            _, run = heapq.heappop(self._due)
            if run not in self._done:
                self._last = self._now
                return True
        return False


class Nights:
    """The last days and the statistics of every flow each night, and a seventh of the flows' whole history."""

    def __init__(self, load: PlanLoad) -> None:
        self._load = load
        runs, flows = load.runs_a_month, load.flows
        recent = max(1, -(-runs // 10 // flows // ROWS_A_PAGE))
        whole = max(1, -(-MONTHS_KEPT * runs // flows // ROWS_A_PAGE)) + 1
        self._calls = {checks.RECENT: recent, checks.STATS: 1, checks.FULL: whole}  # for one flow
        self._cursors: dict[str, dict[str, Any]] = {}
        self._left = 0  # calls of the job under way
        self._paid: datetime | None = None

    def begin(self, now: datetime) -> None:
        """Takes on the next of the night's jobs where the one before is done."""
        if self._paid is None:
            self._cursors, self._paid = checks.first_cursors(now), now
        while not self._left and (job := self._due(now)) is not None:
            at = checks.begun(job, self._cursors[job.name], now)
            self._left = self._calls[job] * sum(checks.is_in_share(job, at, flow) for flow in range(self._load.flows))
            self._cursors[job.name] = at | {"done": True}

    def _due(self, now: datetime) -> checks.Job | None:
        return next((job for job in checks.JOBS if checks.is_due(self._cursors[job.name], now)), None)

    def purse(self, now: datetime) -> int:
        if not self._left or self._paid is None:
            return 0
        return checks.purse(self._load.per_day, self._paid, now)

    def take(self, now: datetime) -> bool:
        self.begin(now)
        if not self._left or self._paid is None:
            return False
        self._left -= 1
        self._paid = checks.paid(self._load.per_day, self._paid, now, 1)
        return True


class Definitions:
    """Each flow's definition once at first, and then a seventh of them a day."""

    def __init__(self, load: PlanLoad) -> None:
        each = definitions.REREAD / timedelta(days=1) * DAY / load.flows
        self._due = deque(0.0 for _ in range(load.flows))
        self._again, self._each = DAY, each

    def due(self, now: float) -> int:
        while self._again <= now:
            self._due.append(self._again)
            self._again += self._each
        return min(len(self._due), definitions.MOST_A_SWEEP)

    def take(self, now: float) -> Any:
        return self._due.popleft()
