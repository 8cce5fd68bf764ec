"""What the mirror is worth: age, state, completeness."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.freshness import NOT_RUN_YET
from monitor.models import StreamState, SyncState, WorkerBeat, ZohoAccount
from monitor.queries import freshness, holes
from tests import factories
from tests.bystander import own

MINUTE = timedelta(minutes=1)


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


def test_an_account_in_its_first_sweep_is_starting_and_no_trouble(account: ZohoAccount, now: datetime) -> None:
    WorkerBeat.objects.create(name="canary", beat_at=now)
    mirror = freshness.mirror(now)
    assert ([one.name for one in mirror.starting], mirror.troubled) == ([account.name], [])
    assert (mirror.is_current, mirror.is_complete) == (False, False)
    read(account, now, state="never", last_complete_at=None)
    mirror = freshness.mirror(now)
    assert (mirror.starting, [one.name for one in mirror.troubled]) == ([], [account.name]), "a sweep ended in vain"


def test_an_account_is_not_starting_where_no_worker_runs(account: ZohoAccount, now: datetime) -> None:
    assert [one.reason for one in freshness.mirror(now).troubled] == [NOT_RUN_YET]


def test_an_account_that_is_switched_off_troubles_nobody(account: ZohoAccount, now: datetime) -> None:
    own(ZohoAccount).update(is_active=False)
    mirror = freshness.mirror(now)
    assert (mirror.accounts[0].state, mirror.troubled, mirror.is_empty) == ("paused", [], False)


def test_the_age_of_all_is_that_of_the_oldest(account: ZohoAccount, now: datetime) -> None:
    other = factories.make_account()
    read(account, now)
    read(other, now, last_complete_at=now - timedelta(minutes=2))
    assert freshness.mirror(now).as_of == now - timedelta(minutes=2)
    SyncState.objects.filter(account=other).update(last_complete_at=None)
    assert freshness.mirror(now).as_of is None


def test_the_worker_and_many_accounts_cost_one_statement(
    db: None, now: datetime, django_assert_num_queries: Any
) -> None:
    for _ in range(5):
        factories.make_account()
    with django_assert_num_queries(1):
        freshness.mirror(now)


def test_a_sweep_in_which_the_list_of_flows_was_not_due_knows_no_more_than_the_list(
    account: ZohoAccount, now: datetime
) -> None:
    read(account, now)
    listed = now - timedelta(minutes=2)
    StreamState.objects.create(
        account=account, stream="flows", state="ok", last_read_at=listed, next_due_at=now + timedelta(minutes=1)
    )
    (found,) = freshness.mirror(now).accounts
    assert (found.as_of, found.state) == (listed, "ok")


def test_an_account_with_crm_alone_is_as_old_as_its_rules(account: ZohoAccount, now: datetime) -> None:
    read(account, now)
    StreamState.objects.create(account=account, stream="flows", state="not_available", last_read_at=None)
    StreamState.objects.create(account=account, stream="rules", state="ok", last_read_at=now - timedelta(minutes=9))
    assert freshness.mirror(now).accounts[0].as_of == now - timedelta(minutes=9)


@pytest.mark.parametrize("seconds", [10, 30, 60, 216, 900, 3600])
def test_no_pace_of_the_scheduler_makes_a_healthy_account_flap(
    account: ZohoAccount, now: datetime, seconds: int
) -> None:
    """Just before the next list is stored, after a slow sweep: as old as healthy data ever gets."""
    pace = timedelta(seconds=seconds)
    listed = now - 2 * pace
    read(account, now, last_complete_at=listed, last_finished_at=now - pace, next_due_at=now)
    StreamState.objects.create(
        account=account, stream="flows", state="ok", last_read_at=listed, next_due_at=listed + pace
    )
    assert freshness.mirror(now).accounts[0].state == "ok"


def test_rules_carry_the_age_of_their_own_list(account: ZohoAccount, now: datetime) -> None:
    read(account, now)
    StreamState.objects.create(account=account, stream="flows", state="ok", last_read_at=now - MINUTE)
    rules = StreamState.objects.create(
        account=account, stream="rules", state="ok", last_read_at=now - 9 * MINUTE, next_due_at=now + MINUTE
    )
    mirror = freshness.mirror(now)
    found = freshness.part(mirror, "rules", now)
    assert found is not None
    assert (found.as_of, found.is_current, found.is_complete) == (now - 9 * MINUTE, True, True)
    assert freshness.part(mirror, "usage", now) is None
    assert freshness.part(mirror, "rules", now, account_id=account.pk + 1) is None

    StreamState.objects.filter(pk=rules.pk).update(last_read_at=now - 31 * MINUTE, next_due_at=now - 21 * MINUTE)
    found = freshness.part(freshness.mirror(now), "rules", now)
    assert found is not None
    assert found.worst_state == "stale"
    StreamState.objects.filter(pk=rules.pk).update(state="failing")
    found = freshness.part(freshness.mirror(now), "rules", now)
    assert found is not None
    assert (found.worst_state, found.is_complete) == ("failing", False)


def test_a_silent_poller_makes_its_parts_silent(account: ZohoAccount, now: datetime) -> None:
    read(account, now)
    StreamState.objects.create(account=account, stream="rules", state="ok", last_read_at=now)
    WorkerBeat.objects.create(name="canary", beat_at=now - 5 * MINUTE)
    found = freshness.part(freshness.mirror(now), "rules", now)
    assert found is not None
    assert found.worst_state == "silent"


def test_a_worker_that_works_through_a_long_queue_is_not_silent(account: ZohoAccount, now: datetime) -> None:
    WorkerBeat.objects.create(name="canary", beat_at=now - 5 * MINUTE)
    busy = WorkerBeat.objects.create(name="worker:a:17", beat_at=now, detail={"worked": True})
    assert not freshness.mirror(now).is_silent
    WorkerBeat.objects.filter(pk=busy.pk).update(detail={})  # started, and nothing taken up yet
    assert freshness.mirror(now).is_silent


@pytest.mark.parametrize(("state", "complete"), [("incomplete", True), ("pending", True), ("failing", False)])
def test_definitions_that_are_still_to_be_read_leave_the_figures_complete(
    account: ZohoAccount, now: datetime, state: str, complete: bool
) -> None:
    read(account, now)
    StreamState.objects.create(account=account, stream="definitions", state=state)
    (found,) = freshness.mirror(now).accounts
    assert found.is_complete is complete
    assert (found.missing_streams == []) is complete


def test_a_chart_of_several_accounts_is_unread_up_to_where_the_last_of_them_is_read(now: datetime) -> None:
    def account(covered_from: datetime | None, unread: int = 1) -> Any:
        return SimpleNamespace(covered_from=covered_from, unread=unread, is_behind=False)

    def end_of(*accounts: Any) -> list[datetime]:
        mirror: Any = SimpleNamespace(mirrored=accounts)
        return [hole.end for hole in holes.of_mirror(mirror, now - timedelta(days=30), now)]

    long_ago, lately = now - timedelta(days=9), now - timedelta(days=2)
    assert end_of(account(long_ago), account(lately)) == [lately]
    assert end_of(account(long_ago), account(None)) == [now]
    assert end_of(account(lately, unread=0)) == []
