"""What a walk over a flow's executions has seen so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from monitor.ingest.base.context import Written
from monitor.zoho.shapes import ExecutionPage
from monitor.zoho.shapes.executions import ExecutionRow, ExecutionStats


@dataclass
class Walked:
    """What a walk saw.

    `seen`: the runs by id, and when each had ended. `count`: how many different ones, also those since forgotten.
    `repeats`: the server gives the same page again and again, so the rest cannot be read. `lost`: the numbers
    of the pages do not fit together (another page size than before), so the walk has to begin anew. `cut`: it
    ended because it was to read no more pages. `whole`: it began with the first page. `stats`: Zoho's counters
    on the first page and on the last. `last`: the rows of the page before. `is_new_ground`: all that it brought
    was new here.
    """

    written: Written = field(default_factory=Written)
    seen: dict[str, datetime | None] = field(default_factory=dict)
    count: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    longest: int = 0
    repeats: bool = False
    lost: bool = False
    cut: bool = False
    whole: bool = True
    pages: int = 0
    stats: list[ExecutionStats] = field(default_factory=list)
    last: list[ExecutionRow] = field(default_factory=list)
    is_new_ground: bool = False

    def note(self, answer: ExecutionPage, written: Written) -> bool:
        """Takes a page in that was stored; whether it brought anything that the walk had not seen."""
        self.pages += 1
        self.written += written
        if answer.stats is not None:
            self.stats = [*self.stats[:1], answer.stats]
        rows = {row.execution_id: row.completed_time for row in answer.rows}
        self.longest = max(self.longest, len(rows))
        before = len(self.seen)
        self.seen |= rows
        new = len(self.seen) - before
        self.count += new
        self.last, self.is_new_ground = answer.rows, written.new == new > 0
        times = [row.started_time for row in answer.rows if row.started_time is not None]
        self.oldest = min([*times, *([self.oldest] if self.oldest else [])], default=None)
        self.newest = max([*times, *([self.newest] if self.newest else [])], default=None)
        return new > 0

    def forget(self) -> None:
        """Keeps of what was seen only the last page's: a history of any length fits into memory then."""
        self.seen = {row.execution_id: row.completed_time for row in self.last}

    def add_seen(self, other: Walked) -> None:
        """What another walk over the same flow saw."""
        self.count += len(other.seen.keys() - self.seen.keys())
        self.seen |= other.seen
