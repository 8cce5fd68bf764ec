"""What the mirror is worth: age, state, completeness."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import StreamState, SyncState, ZohoAccount
from monitor.queries import freshness
from tests import factories


def read(account: ZohoAccount, now: datetime, **fields: Any) -> None:
    fields = {
        "state": "ok",
        "last_complete_at": now - timedelta(seconds=30),
        "last_finished_at": now - timedelta(seconds=20),
        "next_due_at": now + timedelta(seconds=40),
    } | fields
    SyncState.objects.filter(account=account).update(**fields)


def test_an_account_read_half_a_minute_ago_is_current_and_complete(account: ZohoAccount, now: datetime) -> None:
    read(account, now)
    (found,) = freshness.mirror(now).accounts
    assert (found.state, found.age, found.is_trustworthy) == ("ok", timedelta(seconds=30), True)


@pytest.mark.parametrize(("age", "stale"), [(180, False), (181, True)])
def test_data_is_stale_after_three_minutes(account: ZohoAccount, now: datetime, age: int, stale: bool) -> None:
    read(account, now, last_complete_at=now - timedelta(seconds=age))
    (found,) = freshness.mirror(now).accounts
    assert (found.state == "stale", found.is_current) == (stale, not stale)


@pytest.mark.parametrize(("age", "stale"), [(30, False), (31, True)])
def test_a_slower_plan_is_stale_after_three_of_its_intervals(
    account: ZohoAccount, now: datetime, age: int, stale: bool
) -> None:
    finished = now - timedelta(minutes=1)
    read(
        account,
        now,
        last_complete_at=now - timedelta(minutes=age),
        last_finished_at=finished,
        next_due_at=finished + timedelta(minutes=10),
    )
    assert (freshness.mirror(now).accounts[0].state == "stale") is stale


def test_a_pause_until_tomorrow_does_not_excuse_old_data(account: ZohoAccount, now: datetime) -> None:
    read(account, now, last_complete_at=now - timedelta(hours=4), next_due_at=now + timedelta(hours=20))
    assert freshness.mirror(now).accounts[0].state == "stale"


@pytest.mark.parametrize("state", ["incomplete", "throttled", "unreachable", "revoked", "schema", "never"])
def test_a_troubled_account_is_not_current_however_young_its_data(
    account: ZohoAccount, now: datetime, state: str
) -> None:
    read(account, now, state=state, reason="the reason")
    mirror = freshness.mirror(now)
    assert not mirror.is_current
    assert [(one.state, one.reason) for one in mirror.troubled] == [(state, "the reason")]


def test_a_flow_with_a_hole_makes_the_account_incomplete(account: ZohoAccount, now: datetime) -> None:
    read(account, now)
    factories.make_flow(account, hole_reason="31 rows are missing")
    factories.make_flow(account, hole_reason="gone with its flow", gone_at=now)
    mirror = freshness.mirror(now)
    assert (mirror.accounts[0].holes, mirror.is_complete, mirror.is_current) == (1, False, True)


@pytest.mark.parametrize(
    ("state", "complete"), [("ok", True), ("not_available", True), ("incomplete", False), ("failing", False)]
)
def test_a_stream_that_zoho_does_not_offer_is_not_missing(
    account: ZohoAccount, now: datetime, state: str, complete: bool
) -> None:
    read(account, now)
    StreamState.objects.create(account=account, stream="rules", state=state)
    assert freshness.mirror(now).is_complete is complete


def test_holes_of_some_flows_do_not_make_the_time_since_unknown(account: ZohoAccount, now: datetime) -> None:
    read(account, now, state="incomplete", last_complete_at=now - timedelta(days=3))
    assert freshness.mirror(now).accounts[0].is_behind
    factories.make_flow(account, hole_reason="31 rows are missing")
    (found,) = freshness.mirror(now).accounts
    assert (found.is_behind, found.is_current, found.is_complete) == (False, False, False)
    assert found.swept_at == now - timedelta(seconds=20)


def test_an_account_that_is_switched_off_troubles_nobody(account: ZohoAccount, now: datetime) -> None:
    ZohoAccount.objects.update(is_active=False)
    mirror = freshness.mirror(now)
    assert (mirror.accounts[0].state, mirror.troubled, mirror.is_empty) == ("paused", [], False)


def test_the_age_of_all_is_that_of_the_oldest(account: ZohoAccount, now: datetime) -> None:
    other = factories.make_account()
    read(account, now)
    read(other, now, last_complete_at=now - timedelta(minutes=2))
    assert freshness.mirror(now).as_of == now - timedelta(minutes=2)
    SyncState.objects.filter(account=other).update(last_complete_at=None)
    assert freshness.mirror(now).as_of is None


def test_many_accounts_cost_two_statements(db: None, now: datetime, django_assert_num_queries: Any) -> None:
    for _ in range(5):
        factories.make_account()
    with django_assert_num_queries(2):
        freshness.mirror(now)


@pytest.mark.parametrize(("state", "complete"), [("incomplete", True), ("pending", True), ("failing", False)])
def test_definitions_that_are_still_to_be_read_leave_the_figures_complete(
    account: ZohoAccount, now: datetime, state: str, complete: bool
) -> None:
    read(account, now)
    StreamState.objects.create(account=account, stream="definitions", state=state)
    (found,) = freshness.mirror(now).accounts
    assert found.is_complete is complete
    assert (found.missing_streams == []) is complete
