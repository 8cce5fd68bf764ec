"""Asks for pages of the list of flows at the planner's pace, and reads at once what moved on each of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from monitor.ingest.base import list_pace, stream_due
from monitor.ingest.base.calls import OutOfTime
from monitor.ingest.base.context import Context
from monitor.ingest.lists.flows import Round, read_page
from monitor.ingest.runs.holes import settle_still
from monitor.ingest.steps import stream_outcomes
from monitor.ingest.steps.moved_flows import Reader
from monitor.models import ApiCall, Flow, Product, Stream
from monitor.zoho.errors import Wait, ZohoError
from monitor.zoho.flow import FlowClient

LONG = 5  # pages in one sweep; from there on one more makes little difference


def look_ahead(context: Context, reader: Reader) -> None:
    """Asks first for the pages with flows that somebody waits for or that callbacks hinted at."""
    for page in reader.pages_ahead():
        reader.look_at(page, ApiCall.Kind.PEOPLE)
    for page in reader.pages_hinted():
        if not list_pace.fits(stream_due.free_now(context), calls=1 + list_pace.READ_CALLS):
            return  # they stay marked, and are read with what is due
        reader.look_at(page, ApiCall.Kind.OTHER)


def follow_list(context: Context, client: FlowClient, reader: Reader) -> None:
    """Asks for as many pages as the planner says, and says when the list goes on.

    Raises:
        ZohoError: a page could not be read; what moved on those before it is read.
    """
    asked, finished = 0, False
    walk = Round.load(context.account, context.clock())
    slots = stream_due.list_slots(context)
    most = _pages_now(context, walk, slots.pages)
    try:
        _look_at_alerting(reader, walk, most)
        while asked < most and not (finished or context.calls.is_late or Product.FLOW in context.result.dead_products):
            if not list_pace.fits(stream_due.free_now(context), slots.kept):
                break  # what followed from the pages before has taken the place of this one
            asked += 1
            finished = read_page(context, client, walk, partial(_follow, context, reader))
    except (OutOfTime, Wait):
        raise
    except ZohoError:
        # A page that cannot be read must not keep those before it from being read: the list is begun again.
        finished = True
        raise
    finally:
        if asked:
            walk.save(
                context, finished=finished, next_due_at=stream_due.list_again(context, walk.due_at, asked, walk.pages)
            )
        else:
            stream_due.set_due(context, Stream.FLOWS, max(slots.free_from, context.clock() + timedelta(seconds=1)))


def _pages_now(context: Context, walk: Round, slots: int | None) -> int:
    """Counts the pages to ask for in this sweep: all, as long as it is not known how many there are."""
    most = 10_000
    if walk.pages:
        left = max(walk.pages - walk.page + 2, 1)  # with the empty one beyond the last, if it is asked for
        apart = list_pace.spacing(walk.pages, stream_due.budget(context, Product.FLOW), context.clock())
        some = list_pace.batch(walk.pages, apart)
        most = left if left - 1 <= some else some
    return most if slots is None else min(most, slots)


def _look_at_alerting(reader: Reader, walk: Round, most: int) -> None:
    """Looks at one page with open alerts in each sweep, out of turn, where the list is long."""
    if LONG <= most < walk.pages:
        page = reader.alerting_page(range(walk.page, walk.page + most))
        if page is not None:
            reader.look_at(page, ApiCall.Kind.LIST)


def _follow(context: Context, reader: Reader, some: Sequence[Flow]) -> None:
    """Reads what moved on a page of the list; a failure of it is the executions' and does not end the list."""
    settle_still(context, some)
    if reader.given_up:
        return
    try:
        stream_outcomes.settle(context, Stream.EXECUTIONS, Product.FLOW, partial(reader.on_page, some))
    except OutOfTime as stop:
        context.result.stopped = stop
    reader.given_up = stream_outcomes.has_failed(context, Stream.EXECUTIONS)
