"""Says which flows are read, in what order and with whose calls; those whose counters stood still are not asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Min, Q

from monitor.ingest.base import stream_due
from monitor.ingest.base.context import Context
from monitor.ingest.base.read_soon import answered
from monitor.ingest.history.backfill import Backfill, mark_fresh
from monitor.ingest.lists import flows
from monitor.ingest.runs import read_runs
from monitor.ingest.runs.refused_flows import is_put_off, put_off
from monitor.ingest.runs.reread import MOST, next_reread, reread_due
from monitor.models import AlertState, ApiCall, Flow, Stream, StreamState
from monitor.zoho.errors import SignIn, Unreachable, Wait, ZohoError
from monitor.zoho.flow import FlowClient

MOST_PAGES_AHEAD = 5  # pages of the list that are asked for out of turn in one sweep
SOONEST = timedelta(seconds=5)
HISTORY_AGAIN = timedelta(seconds=10)
HISTORY_LATER = timedelta(minutes=5)


class Reader:
    """Reads executions within one background sweep: each flow once.

    A page of the list is followed at once by the flows on it that moved; what is due for another reason comes
    after the list, and history last. Flows whose first reading is open are the history's.
    """

    def __init__(self, context: Context, client: FlowClient, history: Backfill) -> None:
        self._context = context
        self._client = client
        self._history = history
        self._trouble = history.trouble
        self._tried: set[int] = set()
        self.given_up = False
        open_alerts = AlertState.objects.filter(is_open=True, flow__account=context.account)
        self._alerting: set[int] = set(open_alerts.values_list("flow_id", flat=True))

    def pages_ahead(self) -> list[int]:
        """Lists the pages that hold flows somebody waits for."""
        return self._pages("progress__wanted_at", Q())

    def pages_hinted(self) -> list[int]:
        """Lists the pages with flows that callbacks hinted at."""
        # Where the first reading is open the history's turns look after them.
        return self._pages(
            "progress__hinted_at", Q(progress__executions_read_at__isnull=False, progress__wanted_at=None)
        )

    def _pages(self, mark: str, those: Q) -> list[int]:
        marked = Flow.objects.filter(those, account=self._context.account, gone_at=None, **{f"{mark}__isnull": False})
        oldest_first = marked.exclude(list_page=None).order_by(mark).values_list("list_page", flat=True)
        return list(dict.fromkeys(page for page in oldest_first if page is not None))[:MOST_PAGES_AHEAD]

    def look_at(self, page: int, kind: ApiCall.Kind) -> None:
        """Asks for one page out of turn and reads what moved on it; for people or hints only what they named.

        Args:
            page: of the list of flows.
            kind: PEOPLE for who waits, OTHER for hints, LIST for the page's own sake.
        """
        context, client = self._context, self._client
        with context.clients.gate.doing(kind):
            try:
                answer = context.call(partial(client.list_flows, page=page))
            except (Wait, SignIn, Unreachable):
                raise
            except ZohoError:
                return  # perhaps the list has become shorter: its own turn says what is wrong
        ids = {flow.flow_id for flow in answer.flows}
        kept = flows.keep_page(context, client, answer, page, context.clock(), ids)
        some = self._due(kept())
        if kind == ApiCall.Kind.PEOPLE:
            some = [flow for flow in some if flow.progress.wanted_at is not None]
        elif kind == ApiCall.Kind.OTHER:
            some = [flow for flow in some if flow.progress.hinted_at is not None]
        self.read(some)

    def alerting_page(self, beside: Collection[int]) -> int | None:
        """Picks the page with open alerts that was listed longest ago, none of `beside`."""
        rows = Flow.objects.filter(pk__in=self._alerting, gone_at=None).exclude(list_page=None)
        pages = rows.exclude(list_page__in=beside).order_by("seen_at").values_list("list_page", flat=True)
        return pages.first()

    def on_page(self, some: Iterable[Flow]) -> None:
        """Reads those of a page that was just listed that are due, but for history."""
        self.read(self._due(some))

    def rest(self) -> None:
        """Reads what is due and was on no page, reads rows again that are due, and goes on with history."""
        context, history = self._context, self._history
        context.room.again_at = None  # what did not fit a moment ago is among what is due
        self.read(self._due(flows.living(context)))
        reread_due(context, self._client, stream_due.unhurried(context, MOST))
        history.read_new()
        if context.room.again_at is None:
            mark_fresh(context)
        with context.clients.gate.doing(ApiCall.Kind.HISTORY):
            history.go_on()
        self._trouble.settle()
        state, reason = StreamState.State.OK, ""
        if context.room.again_at is not None:
            state, reason = StreamState.State.INCOMPLETE, "the minute's calls are used up; it goes on in a moment"
        context.note(Stream.EXECUTIONS, state, reason, items=context.result.flows_read)

    def read(self, some: Iterable[Flow]) -> None:
        """Reads flows in the given order; one that somebody waits for is read for a person."""
        context = self._context
        chosen = [flow for flow in some if flow.pk not in self._tried]
        for done, flow in enumerate(chosen, start=1):
            if flow.progress.wanted_at is None and not stream_due.has_room_to_read(self._context):
                return  # the rest is as due as before, and goes on when the minute has room
            self._tried.add(flow.pk)
            with self._trouble.of(flow.flow_id):
                read_flow(context, self._client, flow)
            context.progress("executions", done, len(chosen))

    def _due(self, some: Iterable[Flow]) -> list[Flow]:
        """Picks those worth a call, the most urgent first."""
        return due_flows(self._context, some, self._alerting)


def read_flow(context: Context, client: FlowClient, flow: Flow) -> None:
    """Reads one flow; who waited for it has the answer then."""
    began, gate = context.clock(), context.clients.gate
    for_people = flow.progress.wanted_at is not None
    try:
        with gate.doing(ApiCall.Kind.PEOPLE) if for_people else nullcontext():  # a hint's reading is the background's
            read_runs.read_flow(context, client, flow)
    except (Wait, SignIn, Unreachable):
        raise
    except ZohoError as error:
        put_off(context, flow, began, error)
        answered(context, flow, began)  # a wish is for one reading; the next ones come by themselves
        raise
    answered(context, flow, began)


@dataclass(frozen=True, slots=True)
class Interest:
    """Says why a flow is worth a call, as far as its row and its alerts tell."""

    wanted: bool
    alerting: bool
    due: bool
    history: bool  # never read completely
    begun: bool  # its history is half read
    count: int


def order(interest: Interest) -> tuple[bool, bool, bool, bool, bool, int]:
    """Sorts by urgency: who waits, then open alerts, then what is due; history last, begun and large ones first.

    The largest shows how long a full page is, which saves the others a call each.
    """
    return (
        not interest.wanted,
        interest.history,
        not interest.alerting,
        not interest.due,
        not interest.begun,
        -interest.count,
    )


def due_flows(context: Context, some: Iterable[Flow], alerting: Collection[int] = ()) -> list[Flow]:
    """Finds flows read before that moved, are due again, or that somebody waits for, the most urgent first.

    First readings are `backfill`'s.
    """
    now = context.clock()
    read = (flow for flow in some if flow.progress.executions_read_at is not None)
    found = [flow for flow in read if _is_asked_for(flow) or is_due_again(flow, now) or _moved(context, flow)]
    found.sort(key=lambda flow: (order(_interest(flow, now, alerting)), flow.pk))
    return found


def _moved(context: Context, flow: Flow) -> bool:
    """Says whether its counters moved since it was read, or since it could not be: a person who waits has it tried."""
    return flow.has_moved and (context.mode.begins_anew or not is_put_off(flow, context.clock()))


def _is_asked_for(flow: Flow) -> bool:
    return flow.progress.wanted_at is not None or flow.progress.hinted_at is not None


def is_due_again(flow: Flow, now: datetime) -> bool:
    """Says whether its hole is to be looked at again."""
    return flow.progress.recheck_at is not None and flow.progress.recheck_at <= now


def _interest(flow: Flow, now: datetime, alerting: Collection[int]) -> Interest:
    return Interest(
        wanted=flow.progress.wanted_at is not None,
        alerting=flow.pk in alerting,
        due=flow.progress.hinted_at is not None or is_due_again(flow, now),
        history=flow.progress.history_read_at is None,
        begun=flow.progress.backfill_page > 0,
        count=flow.execution_count or 0,
    )


def next_visit(context: Context) -> datetime | None:
    """Says when executions are to be read for another reason than a moved counter; None where nothing is known."""
    account, now = context.account, context.clock()
    rows = Flow.objects.filter(account=account, gone_at=None)
    times = [
        context.room.again_at,
        rows.aggregate(soonest=Min("progress__recheck_at"))["soonest"],
        next_reread(context),
    ]
    open_now = Q(progress__executions_read_at=None) & (Q(progress__recheck_at=None) | Q(progress__recheck_at__lte=now))
    if not context.account.backfill_paused and rows.filter(open_now).exists():
        more = stream_due.history_left(context) > 0
        times.append(now + (HISTORY_AGAIN if more else HISTORY_LATER))
    known = [at for at in times if at is not None]
    return max(min(known), now + SOONEST) if known else None
