"""Hints of two accounts with the same ids at Zoho: what is taken of one leaves the other's as they were."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from monitor.ingest import callbacks
from monitor.ingest.callbacks import ABANDONED, FLOW_WINDOW, KEPT
from monitor.models import ApiBudget, Flow, PushEvent, PushTurn, StreamState, SyncState, WatchChannel, ZohoAccount
from tests import factories

pytestmark = pytest.mark.django_db
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
_bodies = count(1)


@pytest.fixture
def other(account: ZohoAccount) -> ZohoAccount:
    return factories.make_account("Other")


def hint(account: ZohoAccount, **fields: Any) -> PushEvent:
    known = {"digest": f"body {next(_bodies)}", "received_at": factories.NOON}
    return PushEvent.objects.create(account=account, **known | fields)


def notice(account: ZohoAccount) -> PushEvent:
    channel, _ = WatchChannel.objects.get_or_create(
        account=account, module="Leads", defaults={"channel_id": f"8{account.pk}", "token": "t", "notify_url": ""}
    )
    return hint(account, channel=channel)


def had_its_turn(account: ZohoAccount, target: str, now: datetime) -> None:
    PushTurn.objects.create(account=account, target=target, taken_at=now)


def state(event: PushEvent) -> tuple[str, str]:
    event.refresh_from_db()
    return event.state, event.outcome


def due_at(account: ZohoAccount, later: datetime) -> None:
    """Everything of an account is due later."""
    SyncState.objects.filter(account=account).update(next_due_at=later)
    for stream in ("flows", "rules", "webhook_failures", "connections"):
        StreamState.objects.create(account=account, stream=stream, state="ok", next_due_at=later)


def dues(account: ZohoAccount, later: datetime) -> list[str]:
    """What of an account is due sooner than that."""
    rows = StreamState.objects.filter(account=account, next_due_at__lt=later).values_list("stream", flat=True)
    sync = SyncState.objects.filter(account=account, next_due_at__lt=later)
    return sorted(rows) + ["account"] * sync.count()


def test_one_flow_has_its_turn_while_its_namesake_of_another_account_and_its_neighbour_wait(
    account: ZohoAccount, other: ZohoAccount, now: datetime
) -> None:
    own = factories.make_flow(account, flow_id="555")
    namesake = factories.make_flow(other, flow_id="555")
    neighbour = factories.make_flow(account, flow_id="556")
    for flow in (namesake, neighbour):
        had_its_turn(flow.account, f"flow:{flow.pk}", now)
    for one in (account, other):
        due_at(one, now + HOUR)
    events = [hint(flow.account, flow_id=flow.flow_id) for flow in (own, namesake, neighbour)]
    assert callbacks.take(now).events == 1
    assert [state(event) for event in events] == [("done", "flow wanted"), ("new", ""), ("new", "")]
    hinted = [Flow.objects.get(pk=flow.pk).progress.hinted_at for flow in (own, namesake, neighbour)]
    assert hinted == [now, None, None]
    assert (dues(account, now + HOUR), dues(other, now + HOUR)) == (["account"], [])
    turns = {
        (turn.account_id, turn.target): turn.taken_at for turn in PushTurn.objects.filter(target__startswith="flow:")
    }
    assert turns[account.pk, f"flow:{own.pk}"] == now
    callbacks.take(now + FLOW_WINDOW)
    assert [state(event)[0] for event in events] == ["done", "done", "done"]


def test_the_list_of_flows_is_due_for_the_account_whose_unknown_flow_was_named(
    account: ZohoAccount, other: ZohoAccount, now: datetime
) -> None:
    for one in (account, other):
        due_at(one, now + HOUR)
    had_its_turn(other, callbacks.FLOWS, now)
    events = [hint(one, flow_id="999") for one in (account, other)]
    assert callbacks.take(now).events == 1
    assert [state(event) for event in events] == [("done", "list due"), ("new", "")]
    assert (dues(account, now + HOUR), dues(other, now + HOUR)) == (["flows", "account"], [])


def test_the_lists_of_crm_are_due_for_the_account_that_was_notified(
    account: ZohoAccount, other: ZohoAccount, now: datetime
) -> None:
    for one in (account, other):
        due_at(one, now + HOUR)
    had_its_turn(other, callbacks.RULES, now)
    unknown = hint(account, flow_id="999")
    had_its_turn(account, callbacks.FLOWS, now)
    events = [notice(one) for one in (account, other)]
    assert callbacks.take(now).events == 1
    assert [state(event) for event in (*events, unknown)] == [("done", "list due"), ("new", ""), ("new", "")]
    assert (dues(account, now + HOUR), dues(other, now + HOUR)) == (["rules", "webhook_failures", "account"], [])


def test_a_hint_at_a_flow_takes_no_notification_along_and_the_other_way_round(
    account: ZohoAccount, now: datetime
) -> None:
    had_its_turn(account, callbacks.RULES, now)
    events = [hint(account, flow_id="999"), notice(account)]
    assert callbacks.take(now).events == 1
    assert [state(event)[0] for event in events] == ["done", "new"]


def test_what_was_settled_before_is_not_settled_again(account: ZohoAccount, now: datetime) -> None:
    flow = factories.make_flow(account)
    before = hint(
        account, flow_id=flow.flow_id, state="done", outcome="known", done_at=now - HOUR, claimed_at=now - HOUR
    )
    running = hint(account, flow_id=flow.flow_id, state="claimed", claimed_at=now - SECOND)
    new = hint(account, flow_id=flow.flow_id)
    callbacks.take(now)
    assert [state(event) for event in (before, running, new)] == [
        ("done", "known"),
        ("claimed", ""),
        ("done", "flow wanted"),
    ]
    assert (before.done_at, new.done_at) == (now - HOUR, now)


@pytest.mark.parametrize(("age", "given_back"), [(ABANDONED, False), (ABANDONED + SECOND, True)])
def test_hints_claimed_by_a_dead_task_are_given_back_and_no_others(
    account: ZohoAccount, now: datetime, age: timedelta, given_back: bool
) -> None:
    claimed = hint(account, state="claimed", claimed_at=now - age)
    done = hint(account, state="done", claimed_at=now - 2 * ABANDONED)
    callbacks._give_back(now)
    assert (state(claimed)[0], state(done)[0]) == ("new" if given_back else "claimed", "done")


@pytest.mark.parametrize(
    ("fields", "changed", "known"),
    [
        ({}, 0, True),
        ({}, -1, False),
        ({"status": "running"}, 0, False),
        ({"execution_id": "568"}, 0, False),
    ],
)
def test_a_named_run_is_known_by_its_own_id_account_end_and_time(
    account: ZohoAccount, other: ZohoAccount, now: datetime, fields: dict[str, Any], changed: int, known: bool
) -> None:
    flow = factories.make_flow(account, flow_id="555")
    values = {"status": "failed", "execution_id": "567", "changed_at": now + changed * SECOND} | fields
    factories.make_execution(flow, **values)
    factories.make_execution(factories.make_flow(other), "failed", execution_id="567", changed_at=now - HOUR)
    factories.make_execution(factories.make_flow(other), "failed", execution_id="569", changed_at=now)
    hint(account, flow_id="555", execution_id="567")
    assert (callbacks.take(now).reads == []) is known


def test_another_accounts_run_of_the_same_id_is_not_the_named_one(
    account: ZohoAccount, other: ZohoAccount, now: datetime
) -> None:
    factories.make_flow(account, flow_id="555")
    factories.make_execution(factories.make_flow(other), "failed", execution_id="567", changed_at=now)
    hint(account, flow_id="555", execution_id="567")
    assert len(callbacks.take(now).reads) == 1


def test_a_read_run_ends_its_own_hints_and_what_could_not_be_read_makes_its_flow_due(
    account: ZohoAccount, other: ZohoAccount, now: datetime
) -> None:
    flows = [factories.make_flow(owner, flow_id="555") for owner in (account, other)]
    events = [hint(flow.account, flow_id="555", execution_id=name) for flow, name in zip(flows, "ab", strict=True)]
    taken = callbacks.take(now)
    callbacks.settle_reads(taken, {"a"}, now + SECOND)
    assert [state(event) for event in events] == [("done", "read"), ("done", "flow wanted")]
    assert [event.done_at for event in events] == [now + SECOND] * 2
    assert [Flow.objects.get(pk=flow.pk).progress.hinted_at for flow in flows] == [None, now + SECOND]


def test_hints_and_turns_go_after_a_week(account: ZohoAccount, now: datetime) -> None:
    kept, old = hint(account, received_at=now - KEPT), hint(account, received_at=now - KEPT - SECOND)
    had_its_turn(account, "kept", now - KEPT)
    had_its_turn(account, "old", now - KEPT - SECOND)
    before = PushEvent.objects.count()
    gone = callbacks.prune(now)
    assert before - PushEvent.objects.count() == gone
    assert list(PushEvent.objects.filter(pk__in=[kept.pk, old.pk])) == [kept]
    assert list(PushTurn.objects.filter(account=account).values_list("target", flat=True)) == ["kept"]


def test_the_longest_waiting_target_is_first_and_no_more_than_a_few_hundred_are_looked_at(
    account: ZohoAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    flows = [factories.make_flow(account) for _ in range(3)]
    for place, flow in enumerate(flows):
        hint(account, flow_id=flow.flow_id, received_at=now - place * SECOND)
        hint(account, flow_id=flow.flow_id, received_at=now + HOUR)
    assert [target.flow for target in callbacks._targets(now)] == flows[::-1]
    monkeypatch.setattr(callbacks, "AT_ONCE", 2)
    assert [target.flow for target in callbacks._targets(now)] == flows[:0:-1]


def test_the_pace_of_a_list_is_of_its_own_accounts_rules_that_are_there(
    account: ZohoAccount, other: ZohoAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: list[int] = []
    monkeypatch.setattr(callbacks.list_pace, "by_share", lambda stream, count, *rest: pages.append(count) or HOUR)
    for owner, gone in ((account, None), (account, now), (other, None)):
        for _ in range(150):
            factories.make_rule(owner, gone_at=gone)
    callbacks._window(account.pk, callbacks.Stream.RULES, now)
    callbacks._window(account.pk, callbacks.Stream.WEBHOOK_FAILURES, now)
    assert pages == [1, 1]
    for _ in range(50):
        factories.make_rule(account)
    callbacks._window(account.pk, callbacks.Stream.RULES, now)
    assert pages[-1] == 2


def test_another_accounts_spent_day_takes_nothing_from_ones_own(
    account: ZohoAccount, other: ZohoAccount, now: datetime
) -> None:
    ApiBudget.objects.filter(account=other).update(day_limit_seen=1, remaining_seen=0, seen_at=now)
    assert callbacks._has_spare(account.pk, now)


def test_hints_at_several_unknown_flows_share_one_turn(account: ZohoAccount, now: datetime) -> None:
    events = [hint(account, flow_id=flow_id) for flow_id in ("997", "998", "999")]
    assert callbacks.take(now).events == 3
    assert [state(event) for event in events] == [("done", "list due")] * 3
