"""Reads the history that Zoho still holds of flows that are new to the mirror: by turns, newest first, in the budget.

A flow's first reading has three parts. Its *newest page* comes first, before anybody's older pages; from then on its
*new runs* are read as promptly as any other flow's; its *older pages* come when nothing fresher waits, and whole only
when the last of them is in does the flow count as read (`executions_read_at`). In between `covered_from` says what is
known. What is mirrored of it is counted at once; what is not is no hole but history that is still being read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

from django.db.models import Count, F, Q

from monitor.connection.backfill_budget import with_calls
from monitor.ingest.base import stream_due
from monitor.ingest.base.context import Context
from monitor.ingest.base.item_errors import ItemErrors
from monitor.ingest.base.read_soon import answered
from monitor.ingest.history.first_reading import Course, FirstReading, course_of, read_up_to
from monitor.ingest.history.whose_turn import next_turn
from monitor.ingest.runs.refused_flows import given_again, put_off
from monitor.models import ApiCall, Execution, Flow, FlowProgress, Stream, SyncState, ZohoAccount
from monitor.models.bulk import refresh_statistics
from monitor.zoho.errors import NotAvailable
from monitor.zoho.flow import FlowClient

FIRST_LOOK, GROWN = 2_000, 16  # new rows of a sweep after which the database looks at the table, and times them again
CALLS_A_NOTE = 10  # calls of a flow are written down by so many, and at the end


class Enough(Exception):  # noqa: N818 - named for what happened
    """Says that history has had its calls for now, or that a person has paused it."""


class Backfill:
    """Goes on with the first readings of one account in one sweep.

    Args:
        context: the sweep's.
        client: of the account's flows.
    """

    def __init__(self, context: Context, client: FlowClient) -> None:
        self._context, self._client = context, client
        self._courses: dict[int, Course] = {}
        self._calls_of: Counter[int] = Counter()  # by flow, not written down yet
        self._calls = 0
        self._end: int | None = None  # of `_calls`: what history may take
        self._limit: int | None = None  # of `_calls`: what the step under way may take
        self._heeds_pause = False
        self._runs_done = 0
        self._look_at = FIRST_LOOK
        self._has_none = False  # no first reading was open a moment ago
        self._reader = FirstReading(context, client, self._lift_limit)
        self.trouble = ItemErrors()

    @property
    def finished(self) -> int:
        """Counts the first readings that came to their end in this sweep."""
        return self._reader.finished

    def read_newest(self) -> None:
        """Reads the newest page of each flow, before anything else of the account: for its very first sweep.

        Raises:
            ZohoError: Zoho cannot be read.
        """
        # What does not fit into this minute is the first thing that history goes on with.
        allowed = None if self._context.mode.reads_everything else stream_due.free_now(self._context)
        with suppress(Enough), self._metered(allowed):
            self._take_turns(self._refreshed(), only_newest=True)

    def read_new(self) -> None:
        """Reads new runs of flows whose older history is still open: like those of any flow, before any history."""
        if self._context.mode.begins_anew:
            return  # begun again, and so the newest page is read anyway
        courses = self._refreshed()
        self._has_none = not courses
        for course in courses:
            flow = course.flow
            if flow.progress.wanted_at is not None:
                with self._context.clients.gate.doing(ApiCall.Kind.PEOPLE):
                    self._read_new(course)
            elif course.order and course.first is None and (flow.counters_moved or flow.progress.hinted_at is not None):
                if not stream_due.has_room_to_read(self._context):
                    return
                self._read_new(course)

    def _read_new(self, course: Course) -> None:
        """Reads what is newer than the mirror; of a flow of which nothing is read yet, its newest page."""
        began, flow, ok = self._context.clock(), course.flow, False
        with self.trouble.of(flow.flow_id):
            if not course.order:
                self._step(course)
            elif course.first is None:
                reading = self._reader.reading(course, began)
                self._reader.catch_up(reading, course)
                reading.set(read_up_to(reading.flow) | given_again(reading.flow))
            ok = True
        if not ok:
            put_off(self._context, flow, began, self.trouble.last)
        answered(self._context, flow, began)

    def go_on(self) -> None:
        """Reads history by turns, until it is read, its calls are used up, or a person pauses it.

        Raises:
            ZohoError: Zoho cannot be read; what came is stored.
        """
        courses = [] if self._has_none else self._refreshed()
        self._has_none = False  # a list that is read after this may bring new flows
        if not courses:
            return
        allowed = None if self._context.mode.reads_everything else self._share()
        try:
            with self._metered(allowed):
                self._take_turns(courses)
        except Enough:
            return  # the planner says when it goes on

    def _refreshed(self) -> list[Course]:
        """Returns the flows whose first reading is open, with the counters of the newest list."""
        context, now = self._context, self._context.clock()
        rows = Flow.objects.filter(account=context.account, gone_at=None, progress__executions_read_at=None)
        if not context.mode.begins_anew:
            rows = rows.filter(
                Q(progress__recheck_at=None) | Q(progress__recheck_at__lte=now) | Q(progress__wanted_at__isnull=False)
            )
        found = {flow.pk: flow for flow in rows.select_related("progress").defer("raw", "description")}
        for key in self._courses.keys() - found.keys():
            del self._courses[key]
        for key, flow in found.items():
            flow.account = context.account  # not joined: each copy would be decrypted by itself
            # In a sweep without a list the counters are of the last list that had the flow.
            context.listed_at.setdefault(flow.flow_id, flow.seen_at)
            course = self._courses.get(key)
            if course is None:
                self._courses[key] = course_of(flow, now, anew=context.mode.begins_anew)
            else:
                course.flow = flow
        return list(self._courses.values())

    def _take_turns(self, courses: list[Course], *, only_newest: bool = False) -> None:
        """Reads one page of the flow whose turn it is, again and again; leaves one that fails for the next sweep."""
        waiting = {c.flow.pk: c for c in courses if c.flow.flow_id not in self.trouble.named}
        expected = sum(course.flow.execution_count or 0 for course in waiting.values())
        done = self._runs_done + sum(course.walked.count for course in waiting.values())
        while (at := next_turn(course.standing for course in waiting.values())) is not None:
            if only_newest and at.is_begun:
                return
            course, ok = waiting[at.key], False
            seen = course.walked.count
            self._limit, self._heeds_pause = self._end, at.is_begun and not self._context.mode.reads_everything
            with self.trouble.of(course.flow.flow_id):
                self._step(course)
                ok = True
            if not ok:
                put_off(self._context, course.flow, self._context.clock(), self.trouble.last)
            if not ok or course.flow.progress.executions_read_at is not None:
                del waiting[at.key]
                self._courses.pop(at.key, None)
                if isinstance(self.trouble.named.get(course.flow.flow_id), NotAvailable):
                    self._context.result.not_available.add(course.flow.flow_id)
                self._runs_done += course.walked.count
            done += course.walked.count - seen
            self._look_at_table()
            self._context.progress("history", done, max(expected, done))

    def _look_at_table(self) -> None:
        """Has the database look at the growing table, ever more seldom, so that it costs next to nothing."""
        new = self._context.result.written.new
        if new >= self._look_at:
            self._look_at = new * GROWN
            refresh_statistics(Execution)

    def _step(self, course: Course) -> None:
        before = self._calls
        try:
            self._reader.step(course)
        finally:
            calls = self._calls - before
            self._calls_of[course.flow.pk] += calls
            if self._calls_of[course.flow.pk] >= CALLS_A_NOTE:
                self._enter_flow(course.flow.pk)

    def _enter_flow(self, key: int) -> None:
        calls = self._calls_of.pop(key, 0)
        if calls:
            with self._context.writing():
                FlowProgress.objects.filter(flow=key).update(history_calls=F("history_calls") + calls)

    def _lift_limit(self) -> None:
        """Lets new runs be read as those of any flow: neither a pause nor the share of history holds them back."""
        self._limit, self._heeds_pause = None, False

    @contextmanager
    def _metered(self, allowed: int | None) -> Iterator[None]:
        """Counts the calls of what is done within, and ends it with `Enough` when they are used up."""
        begun = self._calls
        self._end = None if allowed is None else begun + allowed

        def count() -> None:
            if self._limit is not None and self._calls >= self._limit:
                raise Enough
            if self._heeds_pause and self._is_paused():
                raise Enough
            self._calls += 1

        try:
            with self._context.calls.metered(count):
                yield
        finally:
            self._end = self._limit = None
            self._enter(self._calls - begun)
            for key in list(self._calls_of):
                self._enter_flow(key)

    def _is_paused(self) -> bool:
        return ZohoAccount.objects.filter(pk=self._context.account.pk, backfill_paused=True).exists()

    def _enter(self, calls: int) -> None:
        """Enters calls into the account's ledger for history; its one writer holds the account's lease."""
        if calls:
            with self._context.writing():
                state = SyncState.objects.select_for_update().get(account=self._context.account)
                by_hour = with_calls(state.history_calls, calls, self._context.clock())
                SyncState.objects.filter(pk=state.pk).update(history_calls=by_hour)

    def _share(self) -> int:
        return stream_due.history_calls(self._context)


def unfinished(account: ZohoAccount, not_available: Collection[str] = ()) -> str:
    """Says in one line for people that first readings are open; empty where none is.

    Args:
        account: whose flows.
        not_available: ids of flows whose executions Zoho does not give: nothing of theirs is being read.
    """
    living = Flow.objects.filter(account=account, gone_at=None).exclude(flow_id__in=not_available)
    counted = living.aggregate(of=Count("pk"), left=Count("pk", filter=Q(progress__executions_read_at=None)))
    left, of = counted["left"], counted["of"]
    if not left:
        return ""
    paused = ZohoAccount.objects.filter(pk=account.pk, backfill_paused=True).exists()
    said = "the reading of history is paused" if paused else "history is being read"
    return f"{said}: {of - left} of {of} flow{'s' if of != 1 else ''} complete"


def mark_fresh(context: Context) -> None:
    """Notes that the new runs of flows whose newest page is read are mirrored, as of the list that ended just now."""
    listed = context.result.outcomes.get(Stream.FLOWS.value)
    if listed is not None and listed.began is not None:
        context.result.fresh_at = listed.began
