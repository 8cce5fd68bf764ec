"""Reads runs again that may have changed since: running ones, and failed ones that Zoho runs again by itself.

The counters often tell of it first, and then the flow is read anyway. This is for what they do not tell. Each
sweep spends only a share of the day's calls on it, however many runs fail; what is left is due in the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from monitor.ingest.base import stream_due
from monitor.ingest.base.context import Context
from monitor.ingest.runs.due_runs import due_rows, next_look, settle
from monitor.ingest.runs.read_runs import read_one
from monitor.ingest.runs.walk_pages import Walk, Walked
from monitor.models import Execution, Flow, Product, Stream, StreamState
from monitor.periods import DAY
from monitor.zoho.errors import NotSent, SignIn, Unreachable, Wait, ZohoError
from monitor.zoho.flow import FlowClient

T = TypeVar("T")

SHARE = 0.10  # of the day's calls
LONGEST_SAVED = timedelta(hours=1)  # a share that was not used is not saved up for longer
FIRST, MOST = 5, 40  # calls in one sweep: the first one ever, any
LEAST_DAY = 1_000  # calls a day where the limit is not known: the smallest plan's
SILENT = 3  # flows in a row without any answer; then it is not the run but Zoho
MOST_BAD = 2  # runs of one flow that cannot be read; then the others of it wait for their next turn
FULL_PAGE = 200


def allowance(calls_per_day: int | None, since: timedelta | None) -> int:
    """Says how many calls a sweep may spend on reading rows again. Pure.

    Args:
        calls_per_day: the account's limit; None while it is not known.
        since: time since calls were last spent on it; None for never.
    """
    if since is None:
        return FIRST
    per_second = SHARE * (calls_per_day or LEAST_DAY) / DAY.total_seconds()
    saved = max(timedelta(0), min(since, LONGEST_SAVED))
    return min(MOST, int(per_second * saved.total_seconds()))


def next_call(calls_per_day: int | None, last: datetime) -> datetime:
    """Says when the share has one call again. Pure.

    Args:
        calls_per_day: the account's limit; None while it is not known.
        last: when calls were last spent on it.
    """
    return last + DAY / (SHARE * (calls_per_day or LEAST_DAY)) + timedelta(seconds=1)


def pages_of(rows_between: int, page_size: int) -> int:
    """Counts the calls that one list over a stretch of time costs: at least one. Pure."""
    return max(1, -(-rows_between // max(page_size, 1)))


def by_list(due: int, rows_between: int, page_size: int) -> bool:
    """Says whether one list over all the due rows is cheaper than a call for each. Pure.

    Args:
        due: rows to be read again.
        rows_between: rows of the flow from the oldest of them to the newest.
        page_size: rows a page.
    """
    return pages_of(rows_between, page_size) < due


@dataclass
class Purse:
    """Counts the calls that are left for this."""

    left: int


def reread_due(context: Context, client: FlowClient, most: int = MOST) -> None:
    """Reads the rows that are due again, flow by flow, as far as the share of calls reaches.

    Args:
        context: of the sweep.
        client: of the account.
        most: calls that it may cost now, whatever is left of the share.

    Raises:
        ZohoError: `Wait`, what concerns the whole account, and a Zoho that is silent on several flows in a row; what
            came is stored, and the rest stays due.
    """
    now = context.clock()
    state, _ = StreamState.objects.get_or_create(account=context.account, stream=Stream.EXECUTIONS)
    last = state.cursor.get("reread_at")
    since = now - datetime.fromisoformat(last) if last else None
    purse = Purse(min(most, allowance(context.clients.gate.limits(Product.FLOW).per_day, since)))
    if purse.left <= 0:
        return
    by_flow: dict[int, list[Execution]] = defaultdict(list)
    for run in due_rows(context.account, now, client.last_server_date or now):
        by_flow[run.flow_id].append(run)
    if not by_flow:
        return
    stream_due.add_to_cursor(context, Stream.EXECUTIONS, reread_at=now.isoformat())
    flows = Flow.objects.select_related("progress").in_bulk(by_flow)
    silent = 0
    for flow_pk, runs in sorted(by_flow.items(), key=lambda pair: -len(pair[1])):
        if purse.left <= 0:
            break
        flow = flows[flow_pk]
        flow.account = context.account
        visit = Visit(context, client, flow, purse)
        visit.go(runs)
        # A server may fail on one run or one list for ever: that speaks against Zoho only where others fail too.
        silent = silent + 1 if visit.is_silent else 0
        if visit.error is not None and silent >= SILENT:
            raise visit.error
        if visit.error is not None:
            line = f"{flow.shown_name}: runs that may have changed cannot be read: {visit.error}"
            context.result.missing.append(line)


def next_reread(context: Context) -> datetime | None:
    """Says when rows are due again and the share of calls reaches for one of them; None where no row will be due."""
    at = next_look(context.account)
    if at is None:
        return None
    last = stream_due.cursor_of(context, Stream.EXECUTIONS).get("reread_at")
    if not last:
        return at
    return max(at, next_call(context.clients.gate.limits(Product.FLOW).per_day, datetime.fromisoformat(last)))


class Visit:
    """Reads one flow's due rows. What cannot be read is settled too: it keeps no other and no next sweep waiting.

    `error` is the last that was met, None for none.
    """

    def __init__(self, context: Context, client: FlowClient, flow: Flow, purse: Purse) -> None:
        self._context, self._client, self._flow, self._purse = context, client, flow, purse
        self._answers = 0
        self.error: ZohoError | None = None

    @property
    def is_silent(self) -> bool:
        """Says whether there was no answer to anything that was asked."""
        return isinstance(self.error, Unreachable) and not self._answers

    def go(self, runs: Sequence[Execution]) -> None:
        """Reads the rows, by one list where that is cheaper.

        Raises:
            ZohoError: `Wait`, what concerns the whole account, or that nothing leaves this machine.
        """
        unseen = {run.execution_id for run in runs}
        timed = [run for run in runs if run.started_time is not None]
        if len(timed) > 1 and self._is_cheaper_by_list(timed):
            walked = self._ask(partial(self._list, timed), unseen)
            if walked is None:
                return
            self._settle(walked.seen.keys() & unseen)
            unseen -= walked.seen.keys()
            if walked.cut:
                return
        bad = 0
        for run in runs:
            if self._purse.left <= 0:
                return
            if run.execution_id in unseen:
                self._purse.left -= 1
                rest = {run.execution_id} if bad + 1 < MOST_BAD else set(unseen)
                read = self._ask(partial(read_one, self._context, self._client, self._flow, run.execution_id), rest)
                unseen.discard(run.execution_id)
                bad += read is None
                if bad >= MOST_BAD:
                    return
                if read is not None:
                    self._settle({run.execution_id})

    def _ask(self, ask: Callable[[], T], concerned: Collection[str]) -> T | None:
        """Returns the answer; None where there is none, then the rows that it concerned wait for their next turn."""
        try:
            answer = ask()
        except (Wait, SignIn, NotSent):
            raise
        except ZohoError as error:
            self.error = error
            self._answers += not isinstance(error, Unreachable)
            self._settle(concerned)
            return None
        self._answers += 1
        return answer

    def _settle(self, ids: Collection[str]) -> None:
        settle(self._context, self._flow, ids, self._client.last_server_date)

    def _is_cheaper_by_list(self, timed: Sequence[Execution]) -> bool:
        first, last = _span(timed)
        between = Execution.objects.filter(flow=self._flow, started_time__gte=first, started_time__lte=last)
        size = self._context.pages.sizes[0] or self._context.pages.full or FULL_PAGE
        return by_list(len(timed), between.count(), size)

    def _list(self, timed: Sequence[Execution]) -> Walked:
        first, last = _span(timed)
        second = timedelta(seconds=1)
        wanted = {run.execution_id for run in timed}
        walked = Walk(
            self._context,
            self._client,
            self._flow,
            since=first - second,
            until=last + second,
            enough=lambda walked: wanted <= walked.seen.keys(),
            most_pages=self._purse.left,
        ).go()
        self._purse.left -= max(walked.pages, 1)
        return walked


def _span(timed: Sequence[Execution]) -> tuple[datetime, datetime]:
    times = [run.started_time for run in timed if run.started_time is not None]
    return min(times), max(times)
