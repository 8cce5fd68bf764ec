"""A reading is of one window, its pages are told when they shift, and its checkpoint moves after its last page."""

from __future__ import annotations

import importlib
from datetime import timedelta

import pytest

from monitor.ingest.runs.read_runs import has_shifted
from monitor.models import Execution, Flow, SyncState, ZohoAccount
from monitor.zoho.shapes.executions import ExecutionStats
from tests.bystander import own
from tests.fake_zoho import FakeFlow, Killed, Run, Zoho, a_task, sync
from tests.ingest.mirror import mirrored, upstream

SECOND = timedelta(seconds=1)


def long_flow(zoho: Zoho, rows: int = 25) -> FakeFlow:
    """Five rows a page."""
    zoho.cap = 5
    at = zoho.clock()
    flow = FakeFlow(runs=[Run(at - timedelta(minutes=n + 1)) for n in range(rows)], before=(400, 3))
    zoho.flows.append(flow)
    return flow


def when_page(zoho: Zoho, number: int, do: object) -> None:
    """Something happens at Zoho just before a page of executions is given, once."""
    done: list[int] = []

    def look(call: int, what: str) -> None:
        if what.startswith("executions") and f" page {number} of" in what and not done:
            done.append(call)
            do()  # type: ignore[operator]

    zoho.before_call = look


def test_further_pages_are_asked_for_up_to_zohos_clock_at_the_first(account: ZohoAccount, zoho: Zoho) -> None:
    long_flow(zoho)
    began = zoho.clock()

    sync(account, zoho)

    asked = [call for call in zoho.calls if call.startswith("executions")]
    bounds = [(" page 1 of" in call, until) for call, (_, until) in zip(asked, zoho.windows, strict=True)]
    assert {until for is_first, until in bounds if is_first} == {None}
    # The second page of all is only looked at to see whether there is one.
    assert {until for _, until in bounds[2:] if until is not None} == {began.replace(microsecond=0) + SECOND}
    assert all(until is not None for is_first, until in bounds[2:] if not is_first)
    assert len(bounds) >= 8


@pytest.mark.parametrize(
    ("order", "bound"),
    # Rows in no order from a server that ignores the bound can slip past: the nightly reconcile finds those.
    [(o, b) for o in ("newest", "oldest", "shuffled") for b in ("inclusive", "exclusive", "ignored")][:-1],
)
def test_runs_that_begin_while_we_read_neither_shift_the_pages_nor_are_lost(
    account: ZohoAccount, zoho: Zoho, bound: str, order: str
) -> None:
    zoho.bound, zoho.order = bound, order
    flow = long_flow(zoho)
    flow.runs.append(Run(zoho.clock()))

    def begin() -> None:
        zoho.clock.pause(3)
        flow.runs += [Run(zoho.clock()) for _ in range(7)]

    when_page(zoho, 3, begin)
    sync(account, zoho)
    zoho.clock.pause(61)
    sync(account, zoho)

    assert mirrored(account) == upstream(zoho)
    assert own(Flow).get().progress.hole_reason == ""


def test_a_server_whose_runs_are_ahead_of_its_date_is_read_without_a_bound(account: ZohoAccount, zoho: Zoho) -> None:
    flow = long_flow(zoho)
    flow.runs += [Run(zoho.clock() + timedelta(hours=3, minutes=n)) for n in range(12)]

    sync(account, zoho)

    assert mirrored(account) == upstream(zoho)
    assert {until for _, until in zoho.windows} == {None}


def test_a_row_taken_out_while_we_read_is_noticed_by_the_counters_of_the_window(
    account: ZohoAccount, zoho: Zoho
) -> None:
    zoho.stats = "window"
    flow = long_flow(zoho)
    when_page(zoho, 2, lambda: flow.runs.pop(0))

    sync(account, zoho)

    assert mirrored(account).items() >= upstream(zoho).items(), "the row that slipped past page 2 is here"


def test_counters_of_the_flows_life_make_nobody_read_twice(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.stats = "life"
    flow = long_flow(zoho)
    when_page(zoho, 3, lambda: flow.runs.append(Run(zoho.clock())))

    sync(account, zoho)

    # Once for the newest day, by date, and once for everything; a walk that is doubted is repeated.
    assert zoho.asked(f"executions {flow.flow_id} page 3") == 2


def test_pages_that_shift_all_the_time_are_read_three_times_at_most(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.stats = "window"
    flow = long_flow(zoho)

    def look(call: int, what: str) -> None:
        if what.startswith("executions") and "page 3 of" in what:
            flow.runs.pop(0)

    zoho.before_call = look
    sync(account, zoho, patience=a_task(zoho))

    assert zoho.asked(f"executions {flow.flow_id} page 2") == 3


def numbers(total: int | None) -> ExecutionStats:
    return ExecutionStats(total, total, 0, 100.0, {})


@pytest.mark.parametrize(
    ("first", "last", "seen", "counted", "shifted"),
    [
        (500, 503, 40, 500, False),
        (500, 499, 40, 500, True),
        (40, 40, 40, 500, False),
        (40, 40, 39, 500, True),
        (40, 39, 39, 500, True),
        (None, 39, 39, 500, False),
        (40, 41, 40, None, False),
    ],
)
def test_what_the_counters_on_the_pages_say(
    first: int | None, last: int, seen: int, counted: int | None, shifted: bool
) -> None:
    stats = [numbers(first), numbers(last)]

    assert has_shifted(stats, pages=3, seen=seen, counted=counted) is shifted
    assert not has_shifted(stats, pages=1, seen=seen, counted=counted)


STEPS = {
    "runs.walk_pages": ["page-before-rows", "page-after-rows", "page-committed"],
    "runs.holes": ["checkpoint-before", "checkpoint-after"],
    "lists.flows": ["flows-before-rows", "flows-after-rows", "flows-committed"],
    "base.lease": ["lease-before-take", "lease-taken", "lease-before-release"],
}


@pytest.mark.parametrize(("module", "point"), [(module, point) for module, points in STEPS.items() for point in points])
@pytest.mark.parametrize("passing", [1, 3])
def test_a_sync_that_dies_at_a_step_is_made_good_by_the_next(
    account: ZohoAccount, zoho: Zoho, monkeypatch: pytest.MonkeyPatch, module: str, point: str, passing: int
) -> None:
    long_flow(zoho)
    long_flow(zoho, rows=3)
    passed: list[str] = []

    def die(name: str) -> None:
        passed.append(name)
        if name == point and passed.count(name) == passing:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(importlib.import_module(f"monitor.ingest.{module}"), "faultpoint", die)
        try:
            sync(account, zoho)
        except Killed:
            read = set(own(Flow).exclude(progress__executions_read_at=None).values_list("flow_id", flat=True))
            whole = {flow.flow_id for flow in zoho.flows if len(flow.runs) == _rows_of(flow)}
            assert read <= whole, "a checkpoint stands for rows that are here"
    # A process that dies keeps its lease until it runs out.
    SyncState.objects.filter(account=account).update(lease_until=zoho.clock() - SECOND)
    zoho.clock.pause(61)

    sync(account, zoho)

    assert mirrored(account) == upstream(zoho)
    assert not own(Flow).exclude(progress__hole_reason="").exists()


def _rows_of(flow: FakeFlow) -> int:
    return Execution.objects.filter(flow__flow_id=flow.flow_id).count()
