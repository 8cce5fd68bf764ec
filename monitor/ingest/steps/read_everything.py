"""Reads the list of flows whole and what moved on it, for a person's sync, and follows what moves meanwhile."""

from __future__ import annotations

from monitor.ingest.base import stream_due
from monitor.ingest.base.context import Context
from monitor.ingest.history.backfill import Backfill, mark_fresh
from monitor.ingest.lists.flows import living, read_flows
from monitor.ingest.runs.counters import counters_of
from monitor.ingest.runs.holes import has_aside, settle_still
from monitor.ingest.runs.reread import reread_due
from monitor.ingest.steps.moved_flows import due_flows, read_flow
from monitor.models import ApiCall, Stream, StreamState
from monitor.zoho.flow import FlowClient

ROUNDS = 3  # how often a person's sync follows flows that move while it reads


def read_whole_list(context: Context, client: FlowClient) -> None:
    """Reads all pages of the list of flows."""
    pages = 1
    try:
        pages = read_flows(context, client)
        settle_still(context, living(context))
    finally:
        stream_due.set_due(context, Stream.FLOWS, stream_due.list_again(context, None, pages, pages))


def read_moved(context: Context, client: FlowClient, history: Backfill) -> None:
    """Reads the flows whose counters moved, then history, and follows what moves meanwhile."""
    trouble, finished, gate = history.trouble, 0, context.clients.gate
    for turn in range(ROUNDS):
        every = living(context)
        moved = due_flows(context, every)
        if not turn:
            # Who asks has seen that something could not be read: perhaps it can be by now.
            aside = [flow for flow in every if has_aside(flow) and flow.progress.executions_read_at is not None]
            moved += [flow for flow in aside if flow not in moved]
        else:
            # What cannot be told to have moved, or failed a moment ago, is not followed.
            moved = [flow for flow in moved if counters_of(flow).known and flow.flow_id not in trouble.named]
        for done, flow in enumerate(moved, start=1):
            with trouble.of(flow.flow_id), gate.doing(ApiCall.Kind.OTHER):
                read_flow(context, client, flow)
            context.progress("executions", done, len(moved))
        if turn == 0:
            reread_due(context, client)
            history.read_new()
            mark_fresh(context)
        with gate.doing(ApiCall.Kind.HISTORY):
            history.go_on()
        if not (moved or history.finished > finished):
            break
        finished = history.finished
        read_flows(context, client)
        settle_still(context, living(context))
    trouble.settle()
    context.note(Stream.EXECUTIONS, StreamState.State.OK, items=context.result.flows_read)
