"""Walks the pages of one flow's executions and stores each: stops by what comes, not by what was promised.

Zoho's reply says neither how many pages there are nor how long one may be, and pages may come twice, be cut shorter
than asked for, or not move at all (`docs/reference/faults.md`, Pages that move).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from monitor.faultpoints import faultpoint
from monitor.ingest.base.context import Context
from monitor.ingest.base.page_habits import DateForm
from monitor.ingest.base.result import Written
from monitor.ingest.runs.store import NotAsPresumed, store_new_page, store_page
from monitor.models import Flow, FlowProgress
from monitor.zoho.errors import NotAvailable, Refused
from monitor.zoho.flow import FlowClient
from monitor.zoho.shapes import ExecutionPage
from monitor.zoho.shapes.executions import ExecutionRow, ExecutionStats


@dataclass
class Walked:
    """Collects what a walk over a flow's pages saw.

    `seen`: the runs by id, and when each had ended. `rejected`: records without an id that can be used. `count`: how
    many different runs, also those since forgotten. `repeats`: the server gives the same page again and again, so the
    rest cannot be read. `lost`: the numbers of the pages do not fit together (another page size than before), so the
    walk has to begin anew. `cut`: it ended because it was to read no more pages. `whole`: it began with the first page.
    `stats`: Zoho's counters on the first page and on the last. `last`: the rows of the page before. `is_new_ground`:
    all that it brought was new here.
    """

    written: Written = field(default_factory=Written)
    seen: dict[str, datetime | None] = field(default_factory=dict)
    rejected: set[str] = field(default_factory=set)
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
        rejected = {record.raw_text for record in answer.rejected}
        new_rejected = len(rejected - self.rejected)
        self.rejected |= rejected
        self.last, self.is_new_ground = answer.rows, written.new == new > 0
        times = [row.started_time for row in answer.rows if row.started_time is not None]
        self.oldest = min([*times, *([self.oldest] if self.oldest else [])], default=None)
        self.newest = max([*times, *([self.newest] if self.newest else [])], default=None)
        return new + new_rejected > 0

    def forget(self) -> None:
        """Keeps of what was seen only the last page's: a history of any length fits into memory then."""
        self.seen = {row.execution_id: row.completed_time for row in self.last}

    def add_seen(self, other: Walked) -> None:
        """Adds what another walk over the same flow saw."""
        self.count += len(other.seen.keys() - self.seen.keys())
        self.seen |= other.seen


MOST_PAGES = 10_000
MOST_IDLE = 3  # pages in a row that bring nothing new; then the server goes in circles
SECOND = timedelta(seconds=1)
FORMS: tuple[DateForm, ...] = ("time", "day", "none")


@dataclass(frozen=True)
class Walk:
    """Walks over a flow's executions once.

    Args:
        since: only executions from then on; None for all that Zoho still holds.
        until: only executions up to then. None for up to the moment of the first page: the further ones are asked
            for that window, so that runs which begin while we read do not shift them.
        enough: asked after each stored page; saves the call for the empty page where the counters are met.
        first_page: where an unfinished walk goes on (from 1): a page that was read already.
        remember_page: writes the next page into the flow's row, in the transaction of the page.
        trust_short: a page of less than half the account's full ones is taken for the last.
        strict: pages that grow longer mean that their numbers do not fit together.
        most_pages: how many pages are read at most.
    """

    context: Context
    client: FlowClient
    flow: Flow
    since: datetime | None
    enough: Callable[[Walked], bool]
    first_page: int = 1
    remember_page: bool = False
    trust_short: bool = True
    strict: bool = True
    until: datetime | None = None
    most_pages: int = MOST_PAGES

    def go(self) -> Walked:
        """Reads pages until one is empty, is the last by its length, or `enough` says so."""
        walked = Walked(whole=self.first_page == 1)
        before: ExecutionPage | None = None
        idle = 0
        until = self.until
        for page in range(self.first_page, self.first_page + self.most_pages):
            try:
                answer = self._ask(page, self.since, until)
                if answer is not None and before is not None and _same(answer, before):
                    # A page that was doubled on its way comes right at the second asking.
                    answer = self._ask(page, self.since, until)
                    if answer is not None and _same(answer, before):
                        return self._by_time(walked, until)
            except (NotAvailable, Refused):
                if before is None:
                    raise
                # Some servers answer a page beyond the last with an error: whether it was the last, time tells.
                return self._by_time(walked, until)
            if answer is None or (self.strict and before is not None and _size(answer) > _size(before)):
                walked.lost = True
                return walked
            if not _size(answer):
                return walked
            known = self._note_full(answer, before)
            fresh = self._keep(answer, walked, next_page=page + 1)
            if page == self.first_page > 1 and walked.written.new == walked.count:
                walked.lost = True
                return walked
            idle = 0 if fresh else idle + 1
            if idle >= MOST_IDLE or self._is_last(answer, walked, known) or self.enough(walked):
                return walked
            if before is None:
                until = until or self._window_end(answer)
            before = answer
        walked.cut = self.most_pages < MOST_PAGES
        walked.repeats = not walked.cut
        return walked

    def _window_end(self, answer: ExecutionPage) -> datetime | None:
        """Returns the server's clock when it gave the first page; None where that clock cannot be a bound.

        A second is added, because Zoho's times are cut to the second and a server may leave the bound itself
        out. Runs that seem to begin later than that show that it is not the clock they are started by.
        """
        at = self.client.last_server_date
        if at is None:
            return None
        newest = max((row.started_time for row in answer.rows if row.started_time is not None), default=at)
        known = self.flow.progress.newest_started or at
        return at + SECOND if max(newest, known) <= at + SECOND else None

    def _ask(self, page: int, since: datetime | None, until: datetime | None) -> ExecutionPage | None:
        """Asks for one page, of 200 rows where Zoho allows it: its largest page size for executions is not documented.

        None where a walk that goes on from an earlier one finds its page size refused. Where dates are refused they
        are sent as days, and then not at all: `enough` ends such a walk, else it reads everything.
        """
        context = self.context
        is_dated = since is not None or until is not None
        forms: tuple[DateForm, ...] = FORMS[FORMS.index(context.pages.dates) :]
        if not is_dated or context.pages.are_dates_taken or page != self.first_page:
            forms = forms[:1]
        for form in forms:
            sizes = list(context.pages.sizes)
            try:
                answer = self._ask_sized(page, _window(since, until, form))
            except Refused:
                if form == forms[-1]:
                    raise
                context.pages.sizes[:] = sizes  # it may not have been the size that was refused
                continue
            if is_dated and answer is not None:
                context.pages.dates, context.pages.are_dates_taken = form, True
            return answer
        raise AssertionError("one of the forms is the last")

    def _ask_sized(self, page: int, window: dict[str, Any]) -> ExecutionPage | None:
        sizes = self.context.pages.sizes
        ask_for = partial(self.client.list_executions, self.flow.flow_id, page=page, **window)
        for place, size in enumerate(sizes):
            try:
                answer = self.context.call(partial(ask_for, per_page=size))
            except Refused:
                if place == len(sizes) - 1 or page != self.first_page:
                    raise
                if page > 1:
                    return None
            else:
                # Only a smaller size that is taken shows that it was the size which was refused, and not the flow.
                del sizes[:place]
                return answer
        return None

    def _keep(self, answer: ExecutionPage, walked: Walked, next_page: int | None = None) -> bool:
        """Stores a page; whether it brought anything that the walk had not seen."""
        try:
            written = self._store(answer, walked, next_page, presume=walked.is_new_ground)
        except NotAsPresumed:
            written = self._store(answer, walked, next_page, presume=False)
        self.context.result.written += written
        return walked.note(answer, written)

    def _store(self, answer: ExecutionPage, walked: Walked, next_page: int | None, *, presume: bool) -> Written:
        """Stores a page; may `presume` that runs which the walk has not seen are new, as all of the last page were."""
        context, flow, zoho_now = self.context, self.flow, self.client.last_server_date
        with context.writing():
            faultpoint("page-before-rows")
            if presume:
                rows = _without(answer.rows, walked.last)
                written = store_new_page(flow, rows, walked.seen, answer.rejected, context.clock(), zoho_now)
            else:
                written = store_page(flow, answer.rows, answer.rejected, context.clock(), zoho_now)
            if self.remember_page and next_page is not None:
                FlowProgress.objects.filter(flow=flow).update(backfill_page=next_page)
            self._note_down(answer)
            faultpoint("page-after-rows")
        faultpoint("page-committed")
        return written

    def _note_down(self, answer: ExecutionPage) -> None:
        """Writes what else belongs into the transaction of a page's rows; the lease is checked."""

    def _note_full(self, answer: ExecutionPage, before: ExecutionPage | None) -> int | None:
        """Says how long a full page is: one with rows after it was full, and so is one of the size asked for."""
        size = _size(answer)
        asked = size if size == self.context.pages.sizes[0] else 0
        full = max(_size(before) if before else 0, asked)
        self.context.pages.saw_full(full)
        return (self.context.pages.full if self.trust_short else full) or None

    def _is_last(self, answer: ExecutionPage, walked: Walked, full: int | None) -> bool:
        """Says whether a page is the last: half a full one at most, or all rows where the server says how many.

        Until a full page has been seen from this account, only an empty page is the end.
        """
        size = _size(answer)
        if answer.total_count:
            short = answer.per_page is None or size < answer.per_page
            return short and walked.count + len(walked.rejected) >= answer.total_count
        # Pages may be cut short on their way, or by a server that counts doubled rows: one that has lost less than
        # half may still have others behind it, and what a first reading leaves out nobody would ever miss.
        return full is not None and size <= full // 2

    def _by_time(self, walked: Walked, until: datetime | None) -> Walked:
        """Goes on by time where the server does not turn pages: from the oldest run down, from the newest up.

        A server that answers a page beyond the last with the last one looks the same: there nothing new comes.
        """
        for edge in ("oldest", "newest"):
            while (at := getattr(walked, edge)) is not None and (until is None or at <= until):
                window = (self.since, at) if edge == "oldest" else (at, until)
                answer = self._ask(1, *window)
                if answer is None or not _size(answer):
                    break
                fresh = self._keep(answer, walked)
                if not fresh or getattr(walked, edge) == at:
                    # A full page that begins and ends within one second cannot be passed.
                    is_full = _different(answer) >= walked.longest > 1
                    walked.repeats |= fresh or (is_full and not self._turns(answer, *window))
                    break
                if self.enough(walked):
                    return walked
        return walked

    def _turns(self, answer: ExecutionPage, since: datetime | None, until: datetime | None) -> bool:
        """Says whether the server turns pages of one row, so that a page that came twice was the last of its list."""
        window = _window(since, until, self.context.pages.dates)
        ask = partial(self.client.list_executions, self.flow.flow_id, **window)
        try:
            second = self.context.call(partial(ask, page=2, per_page=1))
        except (NotAvailable, Refused):
            return False
        return _different(second) == 1 and second.rows[0].execution_id != answer.rows[0].execution_id


def _window(since: datetime | None, until: datetime | None, form: DateForm) -> dict[str, Any]:
    """Returns the arguments of a list of executions that ask for a window in this form. Pure."""
    if form == "none":
        return {}
    return {"from_date": since, "to_date": until} | ({"by_day": True} if form == "day" else {})


def _without(rows: list[ExecutionRow], stored: list[ExecutionRow]) -> list[ExecutionRow]:
    """Drops the rows that were stored a page ago, just as they are: pages overlap by a few. Pure."""
    before = {row.execution_id: row for row in stored}
    return [row for row in rows if before.get(row.execution_id) != row]


def _size(answer: ExecutionPage) -> int:
    return len(answer.rows) + len(answer.rejected)


def _different(answer: ExecutionPage) -> int:
    return len({row.execution_id for row in answer.rows})


def _same(one: ExecutionPage, other: ExecutionPage) -> bool:
    return [row.execution_id for row in one.rows] == [row.execution_id for row in other.rows] and [
        record.raw_text for record in one.rejected
    ] == [record.raw_text for record in other.rejected]
