"""The history that Zoho still holds when a flow is read for the first time: by turns, newest first, within the budget.

A flow's first reading has three parts. Its *newest page* comes first, before anybody's older pages; from then on its
*new runs* are read as promptly as any other flow's; its *older pages* come when nothing fresher waits, and whole only
when the last of them is in does the flow count as read (`executions_read_at`). In between `covered_from` says what is
known. What is mirrored of it is counted at once; what is not is no hole but history that is still being read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Count, F, Max, Min, Q

from monitor.connection.history import backfill_share, spent, with_calls
from monitor.connection.limits import ABANDONED, MARGIN, MINUTE
from monitor.ingest import counts, executions
from monitor.ingest.accounting import were_reset
from monitor.ingest.close import close, new_baseline
from monitor.ingest.context import Context
from monitor.ingest.newest_first import Pages, Step, oldest_of, size
from monitor.ingest.reading import Reading
from monitor.ingest.trouble import Trouble
from monitor.ingest.turns import Standing, is_newest_first, next_turn
from monitor.ingest.walk import Walked
from monitor.models import ApiCall, Execution, Flow, HistoryOrder, Stream, StreamState, SyncState, ZohoAccount
from monitor.zoho.errors import NotAvailable
from monitor.zoho.flow import FlowClient
from monitor.zoho.shapes import ExecutionPage

# A list that is not newest first is asked for its newest days by date: as many as most alert rules judge.
RECENT = timedelta(hours=25)
LIST_PAGE = 20  # flows in one page of Zoho's list (seed `zoho-flow-api.md`, section 1)


class Enough(Exception):  # noqa: N818 - named for what happened
    """History has had its calls for now, or a person has paused it."""


@dataclass
class Course:
    """The first reading of one flow, in this sweep.

    `order` and `reach` go on from where an earlier sweep stopped, except for a person who waits: there the history is
    begun anew, for what changed in the part read earlier is only found by reading it again.
    """

    flow: Flow
    started: datetime
    order: str = HistoryOrder.UNKNOWN
    reach: datetime | None = None
    first: ExecutionPage | None = None  # the newest page, while it is all that this sweep has read of the flow
    longest: int = 0
    goes_on: bool = False
    looked_back: bool = False
    walked: Walked = field(default_factory=Walked)

    @property
    def standing(self) -> Standing:
        flow = self.flow
        reach = self.reach or (self.started if self.looked_back else None)
        by_pages = self.order == HistoryOrder.PAGES
        return Standing(flow.pk, flow.failure_count, flow.execution_count, bool(self.order), by_pages, reach)


class Backfill:
    """First readings of one account in one sweep.

    Args:
        context: the sweep's.
        client: of the account's flows.
        everything: a person's sync: nothing holds it back but the account's limits, not even a pause.
        allowed: calls that older history may take now; None works it out from the ledger.
    """

    def __init__(self, context: Context, client: FlowClient, *, everything: bool, allowed: int | None = None) -> None:
        self._context, self._client, self.everything = context, client, everything
        self._allowed = allowed
        self._courses: dict[int, Course] = {}
        self._calls = 0
        self._end: int | None = None  # of `_calls`: what history may take
        self._limit: int | None = None  # of `_calls`: what the step under way may take
        self._heeds_pause = False
        self._runs_done = 0
        self.finished = 0
        self.trouble = Trouble()

    def read_newest(self) -> None:
        """The newest page of each flow, before anything else of the account: for its very first sweep.

        Raises:
            ZohoError: Zoho cannot be read.
        """
        with self._metered(None):
            self._take_turns(self._refreshed(), only_newest=True)

    def read_new(self) -> None:
        """New runs of flows whose older history is still being read: like those of any flow, before any history."""
        if self._context.patience.waits:
            return  # begun anew, and so the newest page is read anyway
        for course in self._refreshed():
            if course.order and course.first is None and course.flow.counters_moved:
                with self.trouble.of(course.flow.flow_id):
                    reading = self._reading(course, self._context.clock())
                    self._catch_up(reading, course)
                    reading.set(_read_up_to(reading.flow))

    def go_on(self) -> None:
        """History by turns, until it is read, its calls are used up, or a person pauses it.

        Raises:
            ZohoError: Zoho cannot be read; what came is stored.
        """
        courses = self._refreshed()
        if not courses:
            return
        allowed = None if self.everything else self._share(len(courses))
        try:
            with self._metered(allowed):
                self._take_turns(courses)
        except Enough:
            self._come_back()

    def _refreshed(self) -> list[Course]:
        """The flows whose first reading is open, with the counters of the newest list."""
        context, now = self._context, self._context.clock()
        rows = Flow.objects.filter(account=context.account, gone_at=None, executions_read_at=None)
        found = {flow.pk: flow for flow in rows.defer("raw", "description")}
        for key in self._courses.keys() - found.keys():
            del self._courses[key]
        for key, flow in found.items():
            flow.account = context.account  # not joined: each copy would be decrypted by itself
            # In a sweep without a list the counters are of the last list that had the flow.
            context.listed_at.setdefault(flow.flow_id, flow.seen_at)
            course = self._courses.get(key)
            if course is None:
                self._courses[key] = _course(flow, now, anew=context.patience.waits)
            else:
                course.flow = flow
        return list(self._courses.values())

    def _take_turns(self, courses: list[Course], *, only_newest: bool = False) -> None:
        """One page of the flow whose turn it is, again and again; a flow that fails is left for the next sweep."""
        waiting = {c.flow.pk: c for c in courses if c.flow.flow_id not in self.trouble.named}
        expected = sum(course.flow.execution_count or 0 for course in waiting.values())
        while (at := next_turn(course.standing for course in waiting.values())) is not None:
            if only_newest and at.is_begun:
                return
            course, ok = waiting[at.key], False
            self._limit, self._heeds_pause = self._end, at.is_begun and not self.everything
            with self.trouble.of(course.flow.flow_id):
                self._step(course)
                ok = True
            if not ok or course.flow.executions_read_at is not None:
                del waiting[at.key]
                self._courses.pop(at.key, None)
                if isinstance(self.trouble.named.get(course.flow.flow_id), NotAvailable):
                    self._context.result.not_available.add(course.flow.flow_id)
                self._runs_done += len(course.walked.seen)
            done = self._runs_done + sum(len(c.walked.seen) for c in waiting.values())
            self._context.progress("history", done, max(expected, done))

    def _step(self, course: Course) -> None:
        before = self._calls
        reading = self._reading(course, course.started)
        try:
            if not course.order:
                self._read_first(reading, course)
            elif self._is_short(course):
                self._finish(reading, course)
            elif course.first is not None and self._may_be_all(course.first):
                self._probe(reading, course)
            elif course.order == HistoryOrder.NEWEST and course.reach is not None:
                self._read_older(reading, course)
            elif course.reach is None and not course.looked_back:
                self._look_back(reading, course)
            else:
                course.walked = executions.read_history(reading)
                self._finish(reading, course)
        finally:
            calls = self._calls - before
            Flow.objects.filter(pk=course.flow.pk).update(history_calls=F("history_calls") + calls)

    def _read_first(self, reading: Reading, course: Course) -> None:
        def save(answer: ExecutionPage) -> None:
            times = [row.started_time for row in answer.rows]
            course.order = HistoryOrder.NEWEST if is_newest_first(times) else HistoryOrder.PAGES
            course.reach = oldest_of(answer) if course.order == HistoryOrder.NEWEST else None
            course.first, course.longest = answer, size(answer)
            began = {"history_began_at": course.flow.history_began_at or reading.started}
            self._save_reach(reading, course, _read_up_to(course.flow) | began)

        step, _ = self._pages(reading, save).newest(course.walked)
        if step is Step.END:
            self._finish(reading, course)

    def _is_short(self, course: Course) -> bool:
        """Whether the newest page is the only one: known once another flow has shown how long a full page is."""
        full, first = self._context.full_page, course.first
        return first is not None and full is not None and not first.total_count and size(first) <= full // 2

    def _may_be_all(self, first: ExecutionPage) -> bool:
        return not self._context.full_page and not first.total_count

    def _probe(self, reading: Reading, course: Course) -> None:
        first, course.first = course.first, None
        step = self._pages(reading).second(course.walked, first) if first is not None else Step.UNCLEAR
        if step is Step.END:
            self._finish(reading, course)
        elif step is Step.UNCLEAR:
            self._by_pages(reading, course)

    def _read_older(self, reading: Reading, course: Course) -> None:
        assert course.reach is not None  # noqa: S101 - tells the type checker what the caller has looked at

        def save(answer: ExecutionPage) -> None:
            course.reach = min(reach, oldest_of(answer))
            self._save_reach(reading, course)

        course.first, reach = None, course.reach
        step, answer = self._pages(reading, save).older(course.walked, reach, course.longest)
        course.longest = max(course.longest, size(answer) if answer is not None else 0)
        if step is Step.END:
            self._finish(reading, course)
        elif step is Step.UNCLEAR:
            self._by_pages(reading, course)

    def _save_reach(self, reading: Reading, course: Course, more: dict[str, object] | None = None) -> None:
        """What was known before a history was begun anew is known still."""
        known = [at for at in (course.flow.covered_from, course.reach) if at is not None]
        reach = {"history_order": course.order, "covered_from": min(known, default=None)}
        reading.set(reach | (more or {}))

    def _by_pages(self, reading: Reading, course: Course) -> None:
        """What is known stays known; how the rest is read changes."""
        course.order, course.looked_back = HistoryOrder.PAGES, True
        self._save_reach(reading, course)

    def _look_back(self, reading: Reading, course: Course) -> None:
        """The newest days of a list in another order, by date, so that the flow is of use before all of it is read."""
        course.first, course.looked_back = None, True
        since = reading.started - RECENT
        walked = executions.walk(reading, since=since, enough=lambda walked: False)
        heeded = walked.oldest is None or walked.oldest >= since - timedelta(seconds=1)
        course.walked.seen |= walked.seen
        if heeded and not (walked.repeats or walked.lost):
            course.reach = since
            self._save_reach(reading, course)

    def _catch_up(self, reading: Reading, course: Course, *, failed: bool = False) -> None:
        """What is newer than the mirror, and with `failed` what Zoho may have run again since the reading began."""
        flow, rows = reading.flow, Execution.objects.filter(flow=reading.flow)
        newest = rows.filter(started_time__lte=reading.started + executions.AHEAD).aggregate(at=Max("started_time"))
        times: list[datetime | None] = [
            max((at for at in (newest["at"], flow.covered_from) if at is not None), default=None)
        ]
        if failed and flow.history_began_at is not None:
            may_change = Q(status="failed") | Q(recheck_at__isnull=False)
            open_rows = rows.filter(may_change, started_time__gte=flow.history_began_at - executions.RERUNS)
            times.append(open_rows.aggregate(at=Min("started_time"))["at"])
        oldest = min((at for at in times if at is not None), default=None)
        since = oldest - executions.LOOKBACK if oldest is not None else None
        walked = executions.walk(reading, since=since, enough=lambda walked: False)
        course.walked.seen |= walked.seen
        course.walked.repeats |= walked.repeats

    def _finish(self, reading: Reading, course: Course) -> None:
        """All that Zoho still holds is mirrored: from here on the counters tell what is missing."""
        flow, walked = course.flow, course.walked
        if course.goes_on:
            # New runs, like those of any flow: neither a pause nor the share of history holds them back.
            self._limit, self._heeds_pause = None, False
            reading = self._reading(course, self._context.clock())
            self._catch_up(reading, course, failed=True)
        values: dict[str, object] = {"history_order": "", "covered_from": None, "history_began_at": None}
        if not walked.repeats:
            values["history_read_at"] = course.flow.history_began_at if course.goes_on else reading.started
            if not flow.baseline_firm or reading.reset:
                values |= new_baseline(reading)
        with transaction.atomic():
            reading.set(values)
            close(reading, walked)
        self.finished += 1
        self._context.result.flows_read += 1

    def _reading(self, course: Course, started: datetime) -> Reading:
        flow = course.flow
        reset = were_reset(counts.counters(flow), counts.read_counters(flow))
        return Reading(self._context, self._client, flow, started, chase=True, reset=reset)

    def _pages(self, reading: Reading, save: Callable[[ExecutionPage], None] = lambda answer: None) -> Pages:
        enough = partial(executions.all_listed, reading, whole=True)
        return Pages(self._context, self._client, reading.flow, since=None, enough=enough, save=save)

    @contextmanager
    def _metered(self, allowed: int | None) -> Iterator[None]:
        """Counts the calls of what is done within, and ends it with `Enough` when they are used up."""
        context, begun = self._context, self._calls
        outside = context.meter
        self._end = None if allowed is None else begun + allowed

        def count() -> None:
            if self._limit is not None and self._calls >= self._limit:
                raise Enough
            if self._heeds_pause and self._is_paused():
                raise Enough
            self._calls += 1

        context.meter = count
        try:
            yield
        finally:
            context.meter = outside
            self._end = self._limit = None
            self._enter(self._calls - begun)

    def _is_paused(self) -> bool:
        return ZohoAccount.objects.filter(pk=self._context.account.pk, backfill_paused=True).exists()

    def _enter(self, calls: int) -> None:
        """Into the account's ledger of calls for history; its one writer holds the account's lease."""
        if calls:
            with transaction.atomic():
                self._context.lease.check()
                state = SyncState.objects.select_for_update().get(account=self._context.account)
                by_hour = with_calls(state.history_calls, calls, self._context.clock())
                SyncState.objects.filter(pk=state.pk).update(history_calls=by_hour)

    def _share(self, flows: int) -> int:
        if self._allowed is not None:
            return self._allowed
        context, now = self._context, self._context.clock()
        recent = ApiCall.objects.filter(account=context.account).filter(
            Q(finished_at__gt=now - MINUTE - MARGIN) | Q(finished_at=None, started_at__gt=now - ABANDONED)
        )
        by_hour = SyncState.objects.values_list("history_calls", flat=True).get(account=context.account)
        living = Flow.objects.filter(account=context.account, gone_at=None).count()
        return backfill_share(
            context.clients.gate.limits(),
            used_minute=recent.count(),
            list_pages=-(-max(living, flows) // LIST_PAGE),
            spent_day=spent(by_hour, now),
        )

    def _come_back(self) -> None:
        """The next sweep comes when the minute's calls are free again, unless a stream is due before."""
        context, now = self._context, self._context.clock()
        by_hour = SyncState.objects.values_list("history_calls", flat=True).get(account=context.account)
        limits = context.clients.gate.limits()
        if self._is_paused() or not backfill_share(limits, used_minute=0, list_pages=0, spent_day=spent(by_hour, now)):
            return
        due = StreamState.objects.filter(account=context.account).aggregate(at=Min("next_due_at"))["at"]
        context.result.resume_at = min(now + MINUTE, due) if due is not None else now + MINUTE


def unfinished(account: ZohoAccount, not_available: Collection[str] = ()) -> str:
    """One line for people while first readings are open; empty where none is.

    Args:
        account: whose flows.
        not_available: ids of flows whose executions Zoho does not give: nothing of theirs is being read.
    """
    living = Flow.objects.filter(account=account, gone_at=None).exclude(flow_id__in=not_available)
    counted = living.aggregate(of=Count("pk"), left=Count("pk", filter=Q(executions_read_at=None)))
    left, of = counted["left"], counted["of"]
    if not left:
        return ""
    paused = ZohoAccount.objects.filter(pk=account.pk, backfill_paused=True).exists()
    said = "the reading of history is paused" if paused else "history is being read"
    return f"{said}: {of - left} of {of} flow{'s' if of != 1 else ''} complete"


def mark_fresh(context: Context, at: datetime) -> None:
    """All new runs of flows whose newest page is read are mirrored, as of the list of this sweep."""
    if Stream.FLOWS.value in context.result.outcomes:
        context.result.fresh_at = at


def _course(flow: Flow, now: datetime, *, anew: bool) -> Course:
    course = Course(flow, now)
    if not anew and flow.history_order:
        course.order, course.goes_on = flow.history_order, True
        course.reach = flow.covered_from
        course.looked_back = course.order == HistoryOrder.PAGES and flow.backfill_page > 0
    return course


def _read_up_to(flow: Flow) -> dict[str, object]:
    """Up to which counters, and to which run, the newest runs are mirrored."""
    newest = Execution.objects.filter(flow=flow).aggregate(at=Max("started_time"))["at"]
    return {
        "read_execution_count": flow.execution_count,
        "read_success_count": flow.success_count,
        "read_failure_count": flow.failure_count,
        "newest_started": newest,
    }
