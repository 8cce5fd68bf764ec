"""Which pages and flows a background sweep looks at, with another account's flows beside them."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.ingest.steps import moved_flows
from monitor.ingest.steps.moved_flows import MOST_PAGES_AHEAD, Reader
from monitor.models import AlertState, Flow, ZohoAccount
from tests import factories

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def reader(account: ZohoAccount) -> Reader:
    return Reader(SimpleNamespace(account=account), None, SimpleNamespace(trouble=None))  # type: ignore[arg-type]


def listed(account: ZohoAccount, page: int | None, now: datetime, **fields: Any) -> Flow:
    return factories.make_flow(account, list_page=page, executions_read_at=now, **fields)


def alert_at(flow: Flow, now: datetime, *, is_open: bool = True) -> AlertState:
    rule = factories.make_alert_rule(flow.account)
    return AlertState.objects.create(rule=rule, flow=flow, state="firing", is_open=is_open, since=now, evaluated_at=now)


def test_the_pages_ahead_hold_flows_that_somebody_waits_for_the_longest_waiting_first(
    account: ZohoAccount, now: datetime
) -> None:
    listed(account, 4, now, wanted_at=now - MINUTE)
    listed(account, 2, now, wanted_at=now - 3 * MINUTE)
    listed(account, 4, now, wanted_at=now - 2 * MINUTE)
    listed(account, None, now, wanted_at=now)
    listed(account, 5, now)
    listed(account, 6, now, hinted_at=now)
    listed(account, 7, now, wanted_at=now, gone_at=now)
    listed(factories.make_account(), 8, now, wanted_at=now)
    assert reader(account).pages_ahead() == [2, 4]


def test_no_more_than_a_few_pages_are_asked_for_out_of_turn(account: ZohoAccount, now: datetime) -> None:
    for page in range(1, MOST_PAGES_AHEAD + 3):
        listed(account, page, now, wanted_at=now + page * MINUTE)
    assert reader(account).pages_ahead() == list(range(1, MOST_PAGES_AHEAD + 1))


def test_the_pages_hinted_leave_out_who_is_waited_for_and_first_readings(account: ZohoAccount, now: datetime) -> None:
    listed(account, 3, now, hinted_at=now)
    listed(account, 1, now, hinted_at=now, wanted_at=now)
    factories.make_flow(account, list_page=2, hinted_at=now)
    listed(account, 4, now)
    listed(account, 5, now, hinted_at=now, gone_at=now)
    listed(factories.make_account(), 6, now, hinted_at=now)
    assert reader(account).pages_hinted() == [3]


def test_the_alerting_page_is_the_one_with_an_open_alert_that_was_listed_longest_ago(
    account: ZohoAccount, now: datetime
) -> None:
    young = listed(account, 1, now, seen_at=now - MINUTE)
    old = listed(account, 2, now, seen_at=now - 3 * MINUTE)
    closed = listed(account, 3, now, seen_at=now - 5 * MINUTE)
    gone = listed(account, 4, now, seen_at=now - 5 * MINUTE, gone_at=now)
    unlisted = listed(account, None, now, seen_at=now - 5 * MINUTE)
    listed(account, 5, now, seen_at=now - 9 * MINUTE)
    elsewhere = listed(factories.make_account(), 6, now, seen_at=now - 9 * MINUTE)
    for flow in (young, old, gone, unlisted, elsewhere):
        alert_at(flow, now)
    alert_at(closed, now, is_open=False)
    found = reader(account)
    assert found.alerting_page(beside=()) == 2
    assert found.alerting_page(beside={2}) == 1
    assert found.alerting_page(beside={1, 2}) is None


@pytest.fixture
def sweep(account: ZohoAccount, now: datetime, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """As much of a sweep as the next visit needs; the account's first readings have calls left."""
    monkeypatch.setattr(moved_flows, "next_reread", lambda context: None)
    monkeypatch.setattr(moved_flows.stream_due, "history_left", lambda context: 1)
    return SimpleNamespace(account=account, clock=lambda: now, room=SimpleNamespace(again_at=None))


def test_where_nothing_is_open_nothing_is_to_be_visited(sweep: Any, account: ZohoAccount, now: datetime) -> None:
    listed(account, 1, now)
    factories.make_flow(account, gone_at=now)
    factories.make_flow()
    listed(factories.make_account(), 1, now, recheck_at=now + MINUTE)
    assert moved_flows.next_visit(sweep) is None


def test_the_next_visit_is_the_first_thing_due_and_not_at_once(sweep: Any, account: ZohoAccount, now: datetime) -> None:
    listed(account, 1, now, recheck_at=now + 4 * MINUTE)
    listed(account, 1, now, recheck_at=now + 2 * MINUTE)
    listed(account, 1, now, recheck_at=now - MINUTE, gone_at=now)
    assert moved_flows.next_visit(sweep) == now + 2 * MINUTE
    sweep.room.again_at = now + MINUTE
    assert moved_flows.next_visit(sweep) == now + MINUTE
    sweep.room.again_at = now - MINUTE
    assert moved_flows.next_visit(sweep) == now + moved_flows.SOONEST


def test_an_open_first_reading_goes_on_soon_while_calls_are_left_and_later_where_not(
    sweep: Any, account: ZohoAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = factories.make_flow(account)
    assert moved_flows.next_visit(sweep) == now + moved_flows.HISTORY_AGAIN
    monkeypatch.setattr(moved_flows.stream_due, "history_left", lambda context: 0)
    assert moved_flows.next_visit(sweep) == now + moved_flows.HISTORY_LATER
    factories.change_flow(flow, recheck_at=now + timedelta(hours=1))
    assert moved_flows.next_visit(sweep) == now + timedelta(hours=1)
    account.backfill_paused = True
    factories.change_flow(flow, recheck_at=None)
    assert moved_flows.next_visit(sweep) is None
