"""Faults put into our own code: the schedules have to notice each of them, or they prove nothing.

A mutant is a set of replacements, made in this process for as long as the context lasts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock

from monitor.ingest.base.context import Context
from monitor.ingest.base.lease import Lease
from monitor.ingest.runs import holes, merge, read_runs
from monitor.models import DirtyHour, Flow, FlowProgress
from monitor.zoho.flow import FlowClient

Patches = Callable[[], list[Any]]


def _no_rank_guard() -> list[Any]:
    return [
        mock.patch.object(merge, "rank", return_value=0),
        mock.patch.object(merge, "_is_older", return_value=False),
    ]


def _checkpoint_before_rows() -> list[Any]:
    read_flow = read_runs.read_flow

    def early(context: Context, client: FlowClient, flow: Flow, *args: Any, **kwargs: Any) -> Any:
        now = context.clock()
        FlowProgress.objects.filter(flow=flow).update(
            read_execution_count=flow.execution_count,
            read_success_count=flow.success_count,
            read_failure_count=flow.failure_count,
            executions_read_at=now,
        )
        return read_flow(context, client, flow, *args, **kwargs)

    return [mock.patch.object(read_runs, "read_flow", early)]


def _listing(change: Callable[[dict[str, Any]], None]) -> list[Any]:
    list_executions = FlowClient.list_executions

    def changed(self: FlowClient, flow_id: str, **how: Any) -> Any:
        change(how)
        return list_executions(self, flow_id, **how)

    return [mock.patch.object(FlowClient, "list_executions", changed)]


def _later_than() -> list[Any]:
    def exclusive(how: dict[str, Any]) -> None:
        if how.get("from_date") is not None:
            how["from_date"] += timedelta(seconds=1)

    return [*_no_lookback(), *_listing(exclusive)]


def _filter_by_status() -> list[Any]:
    return _listing(lambda how: how.update(status="success"))


def _no_lookback() -> list[Any]:
    return [mock.patch.object(read_runs, "LOOKBACK", timedelta(0))]


def _no_fence_check() -> list[Any]:
    return [mock.patch.object(Lease, "check", return_value=None)]


def _counters_not_held_against_rows() -> list[Any]:
    return [mock.patch.object(module, "explained", return_value=True) for module in (holes, read_runs)]


def _hours_not_marked() -> list[Any]:
    return [mock.patch.object(type(DirtyHour.objects), "mark", return_value=0)]


def _running_rows_left_alone() -> list[Any]:
    return [mock.patch.object(merge, "recheck_at", return_value=None)]


def _moved_flows_not_seen() -> list[Any]:
    return [mock.patch.object(Flow, "has_moved", property(lambda flow: False))]


MUTANTS: dict[str, Patches] = {
    "the rank guard is removed": _no_rank_guard,
    "the checkpoint comes before the rows": _checkpoint_before_rows,
    "lists are filtered by status": _filter_by_status,
    "the fence is not checked": _no_fence_check,
    "counters are not held against rows": _counters_not_held_against_rows,
    "changed hours are not marked": _hours_not_marked,
    "moved flows are not read": _moved_flows_not_seen,
    "> for >= at the window's beginning": _later_than,
    "the lookback is dropped": _no_lookback,
    "running rows are not asked for again": _running_rows_left_alone,
}


# What chance brings about too seldom for a small budget, or what the counters make good before a schedule ends:
# a scenario of `directed` for each. The others are left to the random schedules.
DIRECTED: dict[str, str] = {
    "the rank guard is removed": "an old answer after a new one",
    "the checkpoint comes before the rows": "killed at every call",
    "the fence is not checked": "stalled six times",
    "counters are not held against rows": "an old failure made good",
    "moved flows are not read": "an old failure made good",
    "changed hours are not marked": "new runs in a new hour",
    "> for >= at the window's beginning": "late in the same second",
    "the lookback is dropped": "late from before the newest",
    "running rows are not asked for again": "an end long after the start",
}


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """Our code with one of the faults."""
    with ExitStack() as stack:
        for patch in MUTANTS[name]():
            stack.enter_context(patch)
        yield
