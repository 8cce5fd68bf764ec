"""Reads a list that is newest first by time: each page is the first of a window that ends where the last one ended.

Page numbers mean nothing once runs come in between two pages, or once Zoho gives pages of another length; a window
that ends at a moment of the past means the same tomorrow. So nothing is read twice after an interruption, and flows
can take turns. No document says that the list is newest first, that `to_date` is inclusive or even heeded: every page
has to show it (runs in falling order, the run at the edge among them), and one that does not sends the flow back to
the walk by pages, which trusts nothing (`read_runs.read_history`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise

from monitor.ingest.runs.walk_pages import Walk, Walked
from monitor.models import Execution
from monitor.zoho.errors import NotAvailable, Refused
from monitor.zoho.shapes import ExecutionPage

# Zoho's dates are to the second, and whether the end of a window belongs to it is not documented.
OVERLAP = timedelta(seconds=1)
# A page of so many runs in falling order is no accident of a list in another order (1 in 40,320).
EVIDENCE = 8


class PageSays(Enum):
    """Names what a page showed."""

    MORE = "there may be older runs"
    END = "there are no older runs"
    UNCLEAR = "the answer does not fit a list that is newest first"


@dataclass(frozen=True)
class Pages(Walk):
    """Reads single pages of a flow's list, each stored as it comes.

    Args:
        save: writes down how far a page reaches, in the transaction of its rows.
    """

    save: Callable[[ExecutionPage], None] = field(default=lambda answer: None)

    def _note_down(self, answer: ExecutionPage) -> None:
        self.save(answer)

    def newest(self, walked: Walked) -> tuple[PageSays, ExecutionPage]:
        """Reads the first page of the whole list.

        Raises:
            ZohoError: it could not be read.
        """
        answer = self._ask(1, None, None)
        if answer is None:  # only a walk that goes on from a later page finds its page size refused
            raise Refused("the first page of executions was refused in every size")
        known = self._note_full(answer, None)
        self._keep(answer, walked)
        if not size(answer) or self._is_last(answer, walked, known) or self.enough(walked):
            return PageSays.END, answer
        return PageSays.MORE, answer

    def second(self, walked: Walked, first: ExecutionPage) -> PageSays:
        """Says whether a short first page is the last, where it is not known yet how long a full one is."""
        try:
            answer = self._ask(2, None, None)
        except (NotAvailable, Refused):
            return PageSays.UNCLEAR  # the walk by pages makes sure by time
        if answer is None:
            return PageSays.UNCLEAR
        if not size(answer):
            return PageSays.END
        if self._keep(answer, walked):
            self._learn(size(first))
            return PageSays.MORE
        return PageSays.UNCLEAR

    def older(self, walked: Walked, reach: datetime, longest: int) -> tuple[PageSays, ExecutionPage | None]:
        """Reads the page that ends at `reach`: all runs that began since then are mirrored.

        Args:
            walked: what this sweep has seen of the flow.
            reach: start of the oldest run read so far.
            longest: rows of the longest page of this flow; 0 where none was seen in this sweep.

        Returns:
            What it showed, and the page where it could be used.
        """
        try:
            answer = self._ask(1, None, reach + OVERLAP)
        except (NotAvailable, Refused):
            return PageSays.UNCLEAR, None
        if answer is None or not self._meets(answer, reach, walked):
            return PageSays.UNCLEAR, None
        length = size(answer)
        full = max(longest, self.context.pages.full or 0)
        self._keep(answer, walked)
        if oldest_of(answer) >= reach:
            # Nothing older. But a second may hold more runs than a page, and a server may not heed `to_date`.
            return (PageSays.END if length < full else self._beyond(reach)), answer
        self._learn(longest)
        if answer.total_count:
            return (PageSays.END if length >= answer.total_count else PageSays.MORE), answer
        known = self.context.pages.full
        return (PageSays.END if known is not None and length <= known // 2 else PageSays.MORE), answer

    def _beyond(self, reach: datetime) -> PageSays:
        """Says whether the window that ends at `reach` has no second page."""
        try:
            answer = self._ask(2, None, reach + OVERLAP)
        except (NotAvailable, Refused):
            return PageSays.UNCLEAR
        return PageSays.END if answer is not None and not size(answer) else PageSays.UNCLEAR

    def _meets(self, answer: ExecutionPage, reach: datetime, walked: Walked) -> bool:
        """Says whether the page is in falling order and joins what is mirrored without a gap."""
        if not is_falling([row.started_time for row in answer.rows]):
            return False
        edge = [r.execution_id for r in answer.rows if r.started_time and reach <= r.started_time <= reach + OVERLAP]
        if any(one in walked.seen for one in edge):
            return True  # stored by this very sweep
        return Execution.objects.filter(flow=self.flow, execution_id__in=edge).exists()

    def _learn(self, full: int) -> None:
        """Notes that a page was a full one: it had runs after it."""
        self.context.pages.saw_full(full)


def oldest_of(answer: ExecutionPage) -> datetime:
    """Returns the start of the oldest run of a page in falling order."""
    return min(row.started_time for row in answer.rows if row.started_time is not None)


def size(answer: ExecutionPage) -> int:
    """Counts the rows of a page, those put aside among them."""
    return len(answer.rows) + len(answer.rejected)


def is_newest_first(times: Sequence[datetime | None]) -> bool:
    """Says whether a page's runs show that Zoho lists the newest first, which no document says."""
    return is_falling(times) and len(set(times)) >= EVIDENCE


def is_falling(times: Sequence[datetime | None]) -> bool:
    """Says whether every run of a page began no later than the one before it."""
    known = [at for at in times if at is not None]
    return len(known) == len(times) > 0 and all(later >= at for later, at in pairwise(known))
