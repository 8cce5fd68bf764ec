"""Takes the steps of one flow's first reading: its newest page, older pages, what came meanwhile, the end.

Which flow takes its next step, and when, `monitor.ingest.history.backfill` says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Max, Min, Q

from monitor.ingest.base.context import Context
from monitor.ingest.history.newest_first import Pages, PageSays, is_newest_first, oldest_of, size
from monitor.ingest.history.whose_turn import ReadSoFar
from monitor.ingest.runs import counters, read_runs
from monitor.ingest.runs.flow_reading import FlowReading
from monitor.ingest.runs.holes import close, new_baseline
from monitor.ingest.runs.place_in_time import AHEAD
from monitor.ingest.runs.refused_flows import given_again
from monitor.ingest.runs.walk_pages import Walked
from monitor.models import Execution, Flow, HistoryOrder
from monitor.zoho.flow import FlowClient
from monitor.zoho.reruns import OVER_AFTER
from monitor.zoho.shapes import ExecutionPage

# A list that is not newest first is asked for its newest days by date: as many as most alert rules judge.
RECENT = timedelta(hours=25)


@dataclass
class Course:
    """Holds how far the first reading of one flow has come, in this sweep.

    `order` and `reach` go on from where an earlier sweep stopped, except for a person who waits: there the history is
    begun again, for what changed in the part read earlier is only found by reading it again.
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
    def standing(self) -> ReadSoFar:
        flow = self.flow
        reach = self.reach or (self.started if self.looked_back else None)
        by_pages = self.order == HistoryOrder.PAGES
        return ReadSoFar(flow.pk, flow.failure_count, flow.execution_count, bool(self.order), by_pages, reach)


def course_of(flow: Flow, now: datetime, *, anew: bool) -> Course:
    """Says where a flow stands at the beginning of a sweep, `anew` as if nothing were known."""
    course = Course(flow, now)
    if not anew and flow.progress.history_order:
        course.order, course.goes_on = flow.progress.history_order, True
        course.reach = flow.progress.covered_from
        course.looked_back = course.order == HistoryOrder.PAGES and flow.progress.backfill_page > 0
    return course


class FirstReading:
    """Takes flows of one account a step further.

    Args:
        context: the sweep's.
        client: of the account's flows.
        before_catch_up: told before new runs are asked for that came while older ones were read.
    """

    def __init__(self, context: Context, client: FlowClient, before_catch_up: Callable[[], None]) -> None:
        self._context, self._client, self._before_catch_up = context, client, before_catch_up
        self.finished = 0

    def step(self, course: Course) -> None:
        """Reads the next page of a flow, or takes the walk that ends its reading.

        Raises:
            ZohoError: it could not be read; the flow stands where it stood.
        """
        reading = self.reading(course, course.started)
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
            course.walked = read_runs.read_history(reading)
            self._finish(reading, course)

    def _read_first(self, reading: FlowReading, course: Course) -> None:
        def save(answer: ExecutionPage) -> None:
            times = [row.started_time for row in answer.rows]
            course.order = HistoryOrder.NEWEST if is_newest_first(times) else HistoryOrder.PAGES
            course.reach = oldest_of(answer) if course.order == HistoryOrder.NEWEST else None
            course.first, course.longest = answer, size(answer)
            began = {"history_began_at": course.flow.progress.history_began_at or reading.started}
            self._save_reach(reading, course, read_up_to(course.flow) | began, checked=True)

        step, _ = self._pages(reading, save).newest(course.walked)
        if step is PageSays.END:
            self._finish(reading, course)

    def _is_short(self, course: Course) -> bool:
        """Says whether the newest page is the only one: known once another flow has shown how long a full page is."""
        full, first = self._context.pages.full, course.first
        return first is not None and full is not None and not first.total_count and size(first) <= full // 2

    def _may_be_all(self, first: ExecutionPage) -> bool:
        return not self._context.pages.full and not first.total_count

    def _probe(self, reading: FlowReading, course: Course) -> None:
        first, course.first = course.first, None
        step = self._pages(reading).second(course.walked, first) if first is not None else PageSays.UNCLEAR
        if step is PageSays.END:
            self._finish(reading, course)
        elif step is PageSays.UNCLEAR:
            self._by_pages(reading, course)

    def _read_older(self, reading: FlowReading, course: Course) -> None:
        assert course.reach is not None  # noqa: S101 - tells the type checker what the caller has looked at

        def save(answer: ExecutionPage) -> None:
            course.reach = min(reach, oldest_of(answer))
            self._save_reach(reading, course, checked=True)

        course.first, reach = None, course.reach
        step, answer = self._pages(reading, save).older(course.walked, reach, course.longest)
        course.longest = max(course.longest, size(answer) if answer is not None else 0)
        course.walked.forget()
        if step is PageSays.END:
            self._finish(reading, course)
        elif step is PageSays.UNCLEAR:
            self._by_pages(reading, course)

    def _save_reach(
        self, reading: FlowReading, course: Course, more: dict[str, object] | None = None, *, checked: bool = False
    ) -> None:
        """Writes down how far the history reaches; what was known before it was begun anew is known still."""
        known = [at for at in (course.flow.progress.covered_from, course.reach) if at is not None]
        reach = {"history_order": course.order, "covered_from": min(known, default=None)}
        reading.set(reach | given_again(course.flow) | (more or {}), checked=checked)

    def _by_pages(self, reading: FlowReading, course: Course) -> None:
        """Has the rest read by pages; what is known stays known."""
        course.order, course.looked_back = HistoryOrder.PAGES, True
        self._save_reach(reading, course)

    def _look_back(self, reading: FlowReading, course: Course) -> None:
        """Reads the newest days of a list in another order, by date, so that the flow is soon of use."""
        course.first, course.looked_back = None, True
        since = reading.started - RECENT
        walked = read_runs.walk(reading, since=since, enough=lambda walked: False)
        heeded = walked.oldest is None or walked.oldest >= since - timedelta(seconds=1)
        course.walked.add_seen(walked)
        if heeded and not (walked.repeats or walked.lost):
            course.reach = since
            self._save_reach(reading, course)

    def catch_up(self, reading: FlowReading, course: Course, *, failed: bool = False) -> None:
        """Reads what is newer than the mirror, and with `failed` what Zoho may have run again since it began."""
        flow, rows = reading.flow, Execution.objects.filter(flow=reading.flow)
        newest = rows.filter(started_time__lte=reading.started + AHEAD).aggregate(at=Max("started_time"))
        times = [max((at for at in (newest["at"], flow.progress.covered_from) if at is not None), default=None)]
        if failed and flow.progress.history_began_at is not None:
            may_change = Q(status="failed") | Q(recheck_at__isnull=False)
            open_rows = rows.filter(may_change, started_time__gte=flow.progress.history_began_at - OVER_AFTER)
            times.append(open_rows.aggregate(at=Min("started_time"))["at"])
        oldest = min((at for at in times if at is not None), default=None)
        since = oldest - read_runs.LOOKBACK if oldest is not None else None
        walked = read_runs.walk(reading, since=since, enough=lambda walked: False)
        course.walked.add_seen(walked)
        course.walked.repeats |= walked.repeats

    def _finish(self, reading: FlowReading, course: Course) -> None:
        """Ends a first reading: all that Zoho still holds is mirrored; from now on counters say what is missing."""
        flow, walked = course.flow, course.walked
        if course.goes_on:
            self._before_catch_up()
            reading = self.reading(course, self._context.clock())
            self.catch_up(reading, course, failed=True)
        values: dict[str, object] = {"history_order": "", "covered_from": None, "history_began_at": None}
        if not walked.repeats:
            values["history_read_at"] = course.flow.progress.history_began_at if course.goes_on else reading.started
            if not flow.progress.baseline_firm or reading.reset:
                values |= new_baseline(reading)
        with self._context.writing():
            reading.set(values, checked=True)
            close(reading, walked)
        self.finished += 1
        self._context.result.flows_read += 1

    def reading(self, course: Course, started: datetime) -> FlowReading:
        flow = course.flow
        reset = counters.were_reset(counters.counters_of(flow), counters.counters_when_read(flow))
        return FlowReading(self._context, self._client, flow, started, chase=True, reset=reset)

    def _pages(self, reading: FlowReading, save: Callable[[ExecutionPage], None] = lambda answer: None) -> Pages:
        enough = partial(read_runs.all_listed, reading, whole=True)
        return Pages(self._context, self._client, reading.flow, since=None, enough=enough, save=save)


def read_up_to(flow: Flow) -> dict[str, object]:
    """Says up to which counters, and to which run, the newest runs are mirrored."""
    newest = Execution.objects.filter(flow=flow).aggregate(at=Max("started_time"))["at"]
    return {
        "read_execution_count": flow.execution_count,
        "read_success_count": flow.success_count,
        "read_failure_count": flow.failure_count,
        "newest_started": newest,
    }
