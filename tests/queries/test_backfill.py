"""How far a first reading has come: counted by account, told in words and as data."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import Flow, FlowProgress, Product, SyncState, ZohoAccount
from monitor.queries import backfill
from monitor.queries.backfill import FlowHistory, History
from tests import factories

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def a_flow(**fields: Any) -> Flow:
    """A flow that is in no database."""
    progress = {name: fields.pop(name) for name in ("history_order",) if name in fields}
    flow = Flow(pk=1, **fields)
    FlowProgress(flow=flow, **progress)
    return flow


def one(**fields: Any) -> FlowHistory:
    return FlowHistory(
        **{"flow": a_flow(), "runs": 0, "at_most": None, "about": None, "back_to": None, "calls": 0} | fields
    )


def some(*flows: FlowHistory, **fields: Any) -> History:
    known = {"account_id": 1, "name": "Acme", "is_paused": False, "flows_all": 5, "calls": 3, "ends_at": None}
    return History(**known | fields, flows=list(flows))


@pytest.fixture
def reading(account: ZohoAccount, now: datetime) -> ZohoAccount:
    """Two flows are being read, one is done, one is gone; another account has as much again."""
    for number, owner in enumerate((account, factories.make_account())):
        new, begun, done, gone = (factories.make_flow(owner, execution_count=1000, history_calls=2) for _ in range(4))
        factories.change_flow(
            begun,
            history_order="newest",
            covered_from=now - 9 * DAY,
            flow_name=f"begun {number}",
            history_calls=5,
        )
        factories.change_flow(new, flow_name=f"new {number}")
        factories.change_flow(done, executions_read_at=now)
        factories.change_flow(gone, gone_at=now)
        for flow, runs in ((begun, 3), (done, 2), (gone, 1)):
            for _ in range(runs):
                factories.make_execution(flow)
    return account


def test_the_open_first_readings_of_one_account_are_counted_the_least_known_first(
    reading: ZohoAccount, now: datetime
) -> None:
    found = backfill.of_account(reading, now)
    assert [flow.flow.flow_name for flow in found.flows] == ["new 0", "begun 0"]
    assert [flow.runs for flow in found.flows] == [0, 3]
    assert [flow.back_to for flow in found.flows] == [None, now - 9 * DAY]
    assert [flow.is_begun for flow in found.flows] == [False, True]
    assert [flow.at_most for flow in found.flows] == [1000, 1000]
    assert [flow.about for flow in found.flows] == [1000, 30]  # three runs in nine days, and Zoho keeps ninety
    assert (found.name, found.flows_all, found.flows_done, found.calls) == (reading.name, 3, 1, 11)
    assert (found.runs, found.is_open, found.is_paused) == (3, True, False)
    assert found.back_to is None
    assert found.ends_at is not None
    assert found.ends_at > now


def test_a_paused_reading_has_no_end_and_one_that_is_done_has_no_flows(reading: ZohoAccount, now: datetime) -> None:
    reading.backfill_paused = True
    assert (backfill.of_account(reading, now).ends_at, backfill.of_account(reading, now).is_paused) == (None, True)
    FlowProgress.objects.filter(flow__account=reading).update(executions_read_at=now)
    done = backfill.of_account(reading, now)
    assert (done.is_open, done.is_paused, done.flows_all, done.flows_done) == (False, True, 3, 3)
    assert (done.calls, done.ends_at, done.flows) == (11, None, [])


def test_what_was_spent_on_history_today_puts_the_end_off_and_another_accounts_does_not(
    reading: ZohoAccount, now: datetime
) -> None:
    Flow.objects.filter(account=reading).update(execution_count=10**7)
    early = backfill.of_account(reading, now).ends_at
    hour = str(int(now.timestamp() // 3600))
    SyncState.objects.exclude(account=reading).update(history_calls={hour: 10**6})
    assert backfill.of_account(reading, now).ends_at == early
    SyncState.objects.filter(account=reading).update(history_calls={hour: 10**6})
    late = backfill.of_account(reading, now).ends_at
    assert early is not None
    assert late is not None
    assert late > early


@pytest.mark.parametrize(
    ("runs", "about", "calls"),
    [(0, None, 1), (0, 0, 1), (5, 5, 1), (9, 5, 1), (0, 199, 1), (0, 200, 2), (100, 498, 2), (100, 499, 3)],
)
def test_the_calls_left_are_the_pages_left_and_at_least_one(runs: int, about: int | None, calls: int) -> None:
    assert one(runs=runs, about=about).calls_left == calls


def test_no_flow_has_fewer_runs_than_are_mirrored(now: datetime) -> None:
    assert backfill.of_flow(a_flow(execution_count=2), 7, now).at_most == 7
    assert backfill.of_flow(a_flow(execution_count=None), 7, now).at_most is None


def test_the_figures_of_an_account_are_sums_unless_one_is_not_known(now: datetime) -> None:
    known = some(one(at_most=7, about=5, back_to=now), one(at_most=2, about=1, back_to=now - DAY))
    assert (known.at_most, known.about, known.back_to) == (9, 6, now)
    open_ended = some(one(at_most=7, about=5, back_to=now), one())
    assert (open_ended.at_most, open_ended.about, open_ended.back_to) == (None, None, None)
    assert (some().at_most, some().about, some().back_to) == (0, 0, None)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (one(runs=400), "history is being read, 400 runs"),
        (one(runs=400, about=9000), "history is being read, 400 of about 9,000 runs"),
        (one(runs=400, about=9000, at_most=9000), "history is being read, 400 of about 9,000 runs"),
        (one(runs=1, about=2, at_most=3), "history is being read, 1 of about 2 runs (Zoho counted 3 in all)"),
        (one(runs=1, back_to=factories.NOON), "history is being read, 1 runs, back to 2026-11-22 12:00 UTC"),
        (some(one(runs=4)), "history is being read, 4 of 5 flows complete, 4 runs of the others"),
        (some(one(runs=4), flows_all=1), "history is being read, 0 of 1 flows complete, 4 runs"),
        (
            some(one(runs=4), is_paused=True),
            "the reading of history is paused, 4 of 5 flows complete, 4 runs of the others",
        ),
    ],
)
def test_it_is_told_in_one_line(what: FlowHistory | History, said: str) -> None:
    assert backfill.words(what) == said


def test_as_data_it_names_each_open_flow_and_nothing_that_is_not_known(now: datetime) -> None:
    flow = a_flow(flow_id="123", flow_name="Lead sync", history_order="newest")
    found = backfill.as_data(some(one(flow=flow, runs=4, about=5, at_most=9, back_to=now, calls=2), ends_at=now + HOUR))
    assert found == {
        "open": True,
        "paused": False,
        "flows": {"done": 4, "all": 5},
        "runs": {"read": 4, "about": 5, "at_most": 9},
        "back_to": "2026-11-22T12:00:00Z",
        "calls": 3,
        "ends_at": "2026-11-22T13:00:00Z",
        "open_flows": [
            {
                "flow_id": "123",
                "flow_name": "Lead sync",
                "newest_page_read": True,
                "runs": {"read": 4, "about": 5, "at_most": 9},
                "back_to": "2026-11-22T12:00:00Z",
                "calls": 2,
            }
        ],
    }
    done = backfill.as_data(some())
    assert (done["open"], done["runs"], done["back_to"], done["ends_at"]) == (False, None, None, None)


def test_the_end_is_reckoned_with_the_limits_of_flow(reading: ZohoAccount, now: datetime, monkeypatch: Any) -> None:
    asked: list[tuple[ZohoAccount, str]] = []
    use = backfill.ask_budget_use

    def noted(account: ZohoAccount, product: Product, at: datetime) -> Any:
        asked.append((account, product))
        return use(account, product, at)

    monkeypatch.setattr(backfill, "ask_budget_use", noted)
    backfill.of_account(reading, now)
    assert asked == [(reading, Product.FLOW)]
