"""How pages of executions come, and what the walk makes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.models import Flow, ZohoAccount
from monitor.zoho.errors import Refused
from tests.fake_zoho import FakeFlow, Killed, Run, Zoho, a_task, hasty, sync
from tests.ingest.mirror import mirrored, upstream


def history(zoho: Zoho, number: int, **fields: object) -> FakeFlow:
    """A flow with so many runs, one a minute, the counters of a longer life."""
    runs = [Run(zoho.clock() - timedelta(minutes=n + 1)) for n in range(number)]
    flow = FakeFlow(runs=runs, **({"before": (1000, 10)} | fields))  # type: ignore[arg-type]
    zoho.flows.append(flow)
    return flow


def row(flow: FakeFlow) -> Flow:
    return Flow.objects.get(flow_id=flow.flow_id)


def test_a_server_that_does_not_turn_pages_is_read_by_time(account: ZohoAccount, zoho: Zoho) -> None:
    history(zoho, 130)
    zoho.cap, zoho.paging = 50, "ignored"

    result = sync(account, zoho)

    assert mirrored(account) == upstream(zoho)
    assert result.complete


def test_a_page_that_can_be_neither_turned_nor_passed_by_time_is_a_hole_and_not_a_baseline(
    account: ZohoAccount, zoho: Zoho
) -> None:
    flow = history(zoho, 0)
    flow.runs = [Run(zoho.clock() - timedelta(minutes=5)) for _ in range(90)]
    zoho.cap, zoho.paging = 50, "ignored"

    result = sync(account, zoho)

    assert not result.complete
    assert "older runs cannot be read" in row(flow).progress.hole_reason
    assert row(flow).progress.baseline_total is None
    flow.runs.append(Run(zoho.clock() + timedelta(seconds=30)))
    zoho.clock.pause(60)
    assert not sync(account, zoho).complete, "one new run does not mend what could not be read"


def test_runs_that_all_began_in_one_second_are_no_hole_where_the_server_turns_pages(
    account: ZohoAccount, zoho: Zoho
) -> None:
    flow = history(zoho, 0)
    flow.runs = [Run(zoho.clock() - timedelta(minutes=5)) for _ in range(2)]
    zoho.paging = "clamped"  # beyond the only page comes that page again, as where pages are not turned at all

    result = sync(account, zoho)

    assert mirrored(account) == upstream(zoho)
    assert result.complete
    assert row(flow).progress.hole_reason == ""


def test_the_hole_goes_when_pages_turn_again(account: ZohoAccount, zoho: Zoho) -> None:
    flow = history(zoho, 0)
    flow.runs = [Run(zoho.clock() - timedelta(minutes=5)) for _ in range(90)]
    zoho.cap, zoho.paging = 50, "ignored"
    sync(account, zoho)
    zoho.paging = "good"
    zoho.clock.pause(301)

    result = sync(account, zoho)

    assert mirrored(account) == upstream(zoho)
    assert result.complete


def test_a_server_that_answers_beyond_the_last_page_with_the_last_is_not_a_hole(
    account: ZohoAccount, zoho: Zoho
) -> None:
    history(zoho, 100)
    zoho.cap, zoho.paging = 50, "clamped"

    assert sync(account, zoho).complete
    assert mirrored(account) == upstream(zoho)


def test_a_page_doubled_on_its_way_costs_a_call_and_no_rows(account: ZohoAccount, zoho: Zoho) -> None:
    history(zoho, 120)
    zoho.cap = 50

    def double(number: int, what: str) -> None:
        zoho.paging = "ignored" if "page 2" in what and zoho.asked(what) == 1 else "good"

    zoho.before_call = double

    assert sync(account, zoho).complete
    assert mirrored(account) == upstream(zoho)


def test_rows_that_come_in_between_two_pages_push_none_out(account: ZohoAccount, zoho: Zoho) -> None:
    flow = history(zoho, 120)
    zoho.cap = 50

    def flood(number: int, what: str) -> None:
        if "page 2" in what and len(flow.runs) == 120:
            flow.runs += [Run(zoho.clock()) for _ in range(60)]

    zoho.before_call = flood

    sync(account, zoho)

    assert mirrored(account) == upstream(zoho)


def test_a_page_size_that_zoho_refuses_is_asked_for_smaller(account: ZohoAccount, zoho: Zoho) -> None:
    history(zoho, 120)
    zoho.refuses_above = 50

    assert sync(account, zoho).complete
    assert mirrored(account) == upstream(zoho)


def test_a_page_size_refused_after_a_kill_begins_the_history_anew(account: ZohoAccount, zoho: Zoho) -> None:
    """An unfinished reading remembers a page number, which means nothing with another page size."""
    history(zoho, 450)
    die_at(zoho, 3)
    with pytest.raises(Killed):
        sync(account, zoho, patience=hasty(zoho))
    zoho.before_call = lambda number, what: None
    zoho.refuses_above = 50

    assert sync(account, zoho, patience=hasty(zoho)).complete
    assert mirrored(account) == upstream(zoho)


@pytest.mark.parametrize(("first", "then"), [(7, 200), (7, 50), (50, 200), (200, 7)])
def test_a_killed_history_goes_on_right_when_the_page_size_changed_meanwhile(
    account: ZohoAccount, zoho: Zoho, first: int, then: int
) -> None:
    history(zoho, 450)
    zoho.cap = first
    die_at(zoho, 3)
    with pytest.raises(Killed):
        sync(account, zoho, patience=hasty(zoho))
    zoho.before_call = lambda number, what: None
    zoho.cap = then

    assert sync(account, zoho, patience=hasty(zoho)).complete
    assert mirrored(account) == upstream(zoho)


def test_pages_that_grow_longer_while_they_are_read_are_read_anew(account: ZohoAccount, zoho: Zoho) -> None:
    history(zoho, 450)
    zoho.cap = 10

    def uncap(number: int, what: str) -> None:
        zoho.cap = 10 if zoho.asked("executions") <= 2 else 200

    zoho.before_call = uncap

    assert sync(account, zoho).complete
    assert mirrored(account) == upstream(zoho)


def test_runs_that_came_while_a_history_was_interrupted_are_all_read(account: ZohoAccount, zoho: Zoho) -> None:
    """More of them than a page holds: the baseline is not known yet, so nothing may stop the reading early."""
    flow = history(zoho, 60)
    zoho.cap = 7
    die_at(zoho, 4)
    with pytest.raises(Killed):
        sync(account, zoho, patience=hasty(zoho))
    zoho.before_call = lambda number, what: None
    zoho.clock.pause(3600)
    flow.runs += [Run(zoho.clock() - timedelta(minutes=n)) for n in range(40)]

    sync(account, zoho, patience=hasty(zoho))

    assert mirrored(account) == upstream(zoho)


def test_a_task_goes_on_with_the_history_where_the_last_one_ran_out_of_time(account: ZohoAccount, zoho: Zoho) -> None:
    history(zoho, 1000)
    zoho.cap = 50

    def slow(number: int, what: str) -> None:
        zoho.clock.pause(5)

    zoho.before_call = slow
    for _ in range(4):
        sync(account, zoho, patience=a_task(zoho, seconds=40))

    assert mirrored(account) == upstream(zoho)
    assert len(zoho.calls) < 40, "each task but the first begins a page back, not at the first page"


def test_a_killed_history_that_is_read_by_pages_goes_on_with_the_last_page_that_it_stored(
    account: ZohoAccount, zoho: Zoho
) -> None:
    zoho.order = "oldest"
    history(zoho, 2000)
    die_at(zoho, 15)
    with pytest.raises(Killed):
        sync(account, zoho, patience=hasty(zoho))
    asked = [int(call.split()[3]) for call in zoho.calls if call.startswith("executions")]
    zoho.before_call = lambda number, what: None
    zoho.calls.clear()

    sync(account, zoho, patience=hasty(zoho))

    first, second, *_ = [int(call.split()[3]) for call in zoho.calls if call.startswith("executions")]
    assert asked[-1] > 3, "it died in the midst of the pages"
    assert (first, second) == (asked[-1] - 1, asked[-1])
    assert mirrored(account) == upstream(zoho)


def test_young_flows_cost_one_call_each_where_the_counters_are_met(account: ZohoAccount, zoho: Zoho) -> None:
    for _ in range(5):
        history(zoho, 12, before=(0, 0))

    sync(account, zoho)

    assert zoho.asked("executions") == 5


def test_runs_newer_than_the_counters_do_not_end_the_reading_before_the_oldest(
    account: ZohoAccount, zoho: Zoho
) -> None:
    """100 counted, 10 more since: after two pages of 50 as many were seen as were counted, but not the same ones."""
    flow = history(zoho, 100, before=(0, 0))
    zoho.cap = 50

    def come_in(number: int, what: str) -> None:
        if what.startswith("executions") and len(flow.runs) == 100:
            zoho.clock.pause(30)
            flow.runs += [Run(zoho.clock() - timedelta(seconds=5)) for _ in range(10)]

    zoho.before_call = come_in

    sync(account, zoho)

    assert mirrored(account) == upstream(zoho)


def test_a_history_whose_deeper_pages_are_refused_is_read_on_by_time(account: ZohoAccount, zoho: Zoho) -> None:
    history(zoho, 450)

    def refuse(number: int, what: str) -> None:
        if "page 2 " in what:
            raise Refused("page is too deep", code="INVALID_REQUEST", status=400)

    zoho.before_call = refuse

    assert sync(account, zoho).complete
    assert mirrored(account) == upstream(zoho)


def die_at(zoho: Zoho, call: int) -> None:
    """The process dies in its so-manieth call for executions."""

    def die(number: int, asked: str) -> None:
        if asked.startswith("executions") and zoho.asked("executions") == call:
            raise Killed

    zoho.before_call = die


def test_a_page_size_that_was_taken_is_asked_for_by_the_next_sweep_at_once(account: ZohoAccount, zoho: Zoho) -> None:
    flow = history(zoho, 120)
    zoho.refuses_above = 50
    sync(account, zoho)
    zoho.clock.pause(61)
    flow.runs.append(Run(zoho.clock() - timedelta(seconds=9)))
    zoho.calls.clear()

    sync(account, zoho)

    assert {call.rsplit(" ", 1)[1] for call in zoho.calls if call.startswith("executions")} == {"50"}
    assert mirrored(account) == upstream(zoho)
