"""Buckets → states and transitions."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitor.alerting import evaluate
from monitor.alerting.evaluate import evaluate_account
from monitor.alerting.rules import ensure_default_rules
from monitor.models import (
    FLOW_REFUSED,
    AlertRule,
    AlertState,
    DirtyHour,
    Flow,
    FlowProgress,
    HourBucket,
    StreamState,
    SyncState,
    Transition,
    ZohoAccount,
)
from monitor.queries.alerts import checks
from tests import factories
from tests.bystander import own

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def account(db: None, now: datetime) -> ZohoAccount:
    account = factories.make_account()
    be_read(account, now)
    return account


@pytest.fixture
def rule(account: ZohoAccount) -> AlertRule:
    return factories.make_alert_rule(account, name="Success rate below 95 %")


@pytest.fixture
def flow(account: ZohoAccount) -> Flow:
    return factories.make_flow(account)


def be_read(account: ZohoAccount, at: datetime, state: str = "ok") -> None:
    SyncState.objects.filter(account=account).update(state=state, since=at, last_finished_at=at)


def count(flow: Flow, succeeded: int, failed: int, at: datetime, **more: int) -> None:
    """Counts an hour before a moment; the failed runs ended last, a moment before it."""
    factories.make_hour(flow, at - MINUTE, succeeded, failed, **more)


def kinds(transitions: list[Transition]) -> list[str]:
    return [transition.kind for transition in transitions]


def test_a_flow_below_the_threshold_fires_once(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime
) -> None:
    count(flow, 30, 10, now, first_succeeded=28)
    (fired,) = evaluate_account(account, now)
    assert (fired.kind, fired.episode, fired.dispatch_state) == ("firing", 1, "new")
    assert (fired.rate, fired.first_attempt_rate, fired.runs, fired.failed) == (75.0, 70.0, 40, 10)
    state = own(AlertState).get()
    assert (state.state, state.is_open, state.rate, state.runs, state.since) == ("firing", True, 75.0, 40, now)
    assert evaluate_account(account, now + HOUR / 60) == []
    assert own(Transition).count() == 1


def test_it_resolves_when_the_flow_has_recovered_and_fires_anew_as_the_next_episode(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime
) -> None:
    count(flow, 30, 10, now)
    evaluate_account(account, now)
    count(flow, 40, 0, now)
    (resolved,) = evaluate_account(account, now + MINUTE)
    assert (resolved.kind, resolved.episode, resolved.rate) == ("resolved", 1, 100.0)
    state = own(AlertState).get()
    assert (state.is_open, state.since) == (False, now + MINUTE)
    count(flow, 30, 10, now + HOUR)
    be_read(account, now + HOUR)
    (again,) = evaluate_account(account, now + HOUR)
    assert (again.kind, again.episode) == ("firing", 2)
    assert evaluate_account(account, now + HOUR + MINUTE) == []
    assert own(AlertState).get().since == now + HOUR


def test_runs_before_the_window_do_not_count(account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime) -> None:
    count(flow, 0, 100, now - 168 * HOUR)
    count(flow, 40, 0, now - 167 * HOUR)
    assert evaluate_account(account, now) == []
    assert own(AlertState).get().rate == 100.0


def test_each_flow_of_the_account_is_judged_by_itself(account: ZohoAccount, rule: AlertRule, now: datetime) -> None:
    good, bad, rare = (factories.make_flow(account) for _ in range(3))
    other_account = factories.make_flow()
    count(good, 40, 0, now)
    count(bad, 0, 40, now)
    count(rare, 0, 3, now)
    count(other_account, 0, 40, now)
    assert [fired.alert.flow for fired in evaluate_account(account, now)] == [bad]
    assert own(AlertState).count() == 3


def test_a_rule_for_one_flow_judges_that_flow_only(account: ZohoAccount, flow: Flow, now: datetime) -> None:
    other = factories.make_flow(account)
    factories.make_alert_rule(account, flow=flow)
    count(flow, 0, 40, now)
    count(other, 0, 40, now)
    assert [fired.alert.flow for fired in evaluate_account(account, now)] == [flow]


def test_a_stale_mirror_is_no_data_and_keeps_the_incident_without_a_second_firing(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime
) -> None:
    count(flow, 30, 10, now)
    evaluate_account(account, now)
    count(flow, 40, 0, now)
    later = now + timedelta(minutes=11)
    (blind,) = evaluate_account(account, later)
    state = own(AlertState).get()
    assert (blind.kind, state.state, state.is_open, state.rate) == ("no_data", "no_data", True, 75.0)
    assert "stands still" in state.reason
    count(flow, 30, 10, now)
    be_read(account, later)
    assert kinds(evaluate_account(account, later)) == ["data_back"]
    assert own(AlertState).get().episode == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda rule, flow: own(AlertRule).update(is_active=False), "switched off"),
        (lambda rule, flow: own(Flow).update(gone_at=factories.NOON), "deleted"),
        (lambda rule, flow: own(Flow).update(status="inactive"), "not active"),
        (lambda rule, flow: own(AlertRule).update(flow=factories.make_flow(flow.account)), "cover"),
    ],
)
def test_what_is_not_judged_any_more_resolves_once_with_the_reason(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime, change: Any, reason: str
) -> None:
    count(flow, 0, 40, now)
    evaluate_account(account, now)
    change(rule, flow)
    (resolved,) = evaluate_account(account, now)
    assert resolved.kind == "closed"
    assert reason in resolved.reason
    assert evaluate_account(account, now) == []


def test_a_flow_switched_off_in_zoho_and_on_again_is_judged_again(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime
) -> None:
    count(flow, 40, 0, now)
    evaluate_account(account, now)
    own(Flow).update(status="inactive")
    assert kinds(evaluate_account(account, now)) == ["no_data"]
    own(Flow).update(status="active")
    assert kinds(evaluate_account(account, now)) == ["data_back"]


@pytest.mark.parametrize("status", ["", "live", "suspended by zoho"])
def test_a_flow_of_which_zoho_does_not_say_that_it_is_switched_off_is_judged(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime, status: str
) -> None:
    own(Flow).update(status=status)
    count(flow, 0, 40, now)
    assert kinds(evaluate_account(account, now)) == ["firing"]
    assert checks(account.pk).open == 1


def test_before_the_account_was_ever_read_nothing_is_judged(rule: AlertRule, flow: Flow, now: datetime) -> None:
    own(SyncState).update(last_finished_at=None, state="never")
    count(flow, 0, 40, now)
    assert evaluate_account(flow.account, now) == []
    assert not own(AlertState).exists()


def test_a_flow_whose_history_is_half_read_or_not_yet_counted_waits(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime
) -> None:
    count(flow, 0, 40, now)
    factories.change_flow(flow, backfill_page=0, execution_count=40)
    assert evaluate_account(account, now) == []
    own(FlowProgress).update(backfill_page=3)
    assert evaluate_account(account, now) == []
    assert not own(AlertState).exists()
    own(FlowProgress).update(backfill_page=0, executions_read_at=now)
    DirtyHour.objects.mark([(flow.pk, now - 5 * HOUR)])
    assert evaluate_account(account, now) == []
    DirtyHour.objects.all().delete()
    assert kinds(evaluate_account(account, now)) == ["firing"]


def test_a_flow_whose_window_is_read_is_judged_while_its_older_history_still_comes_in(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime
) -> None:
    """The runs mirrored so far would fire; they are judged only once no run of the window can be missing."""
    count(flow, 0, 40, now)
    start = now - rule.window_hours * HOUR
    reading = {"execution_count": 9000, "history_order": "newest"}
    factories.change_flow(flow, **reading, covered_from=start + timedelta(seconds=1))
    assert evaluate_account(account, now) == []
    assert not own(AlertState).exists()
    own(FlowProgress).update(covered_from=start)
    assert kinds(evaluate_account(account, now)) == ["firing"]


def test_what_was_judged_and_is_read_anew_is_no_data_with_the_date_it_is_known_from(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime
) -> None:
    count(flow, 40, 0, now)
    evaluate_account(account, now)
    factories.change_flow(flow, execution_count=9000, history_order="newest", covered_from=now - HOUR)
    (edge,) = evaluate_account(account, now)
    assert edge.kind == "no_data"
    assert f"so far back to {now - HOUR:%Y-%m-%d %H:%M} UTC" in edge.reason


def test_an_hour_that_is_recounted_does_not_hold_up_a_flow_that_is_judged_already(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime
) -> None:
    count(flow, 40, 0, now)
    evaluate_account(account, now)
    count(flow, 30, 10, now)
    DirtyHour.objects.mark([(flow.pk, now)])
    assert kinds(evaluate_account(account, now)) == ["firing"]


def test_losing_and_regaining_data_waits_for_no_mail_where_nothing_is_open(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime
) -> None:
    healthy = factories.make_flow(account)
    count(healthy, 40, 0, now)
    count(flow, 30, 10, now)
    evaluate_account(account, now)
    later = now + timedelta(minutes=11)
    evaluate_account(account, later)
    be_read(account, later)
    evaluate_account(account, later)
    of_flows = own(Transition).order_by("pk").values_list("alert__flow", "kind", "dispatch_state", "dispatched_at")
    assert [tuple(row[1:]) for row in of_flows if row[0] == healthy.pk] == [
        ("no_data", "silent", later),
        ("data_back", "silent", later),
    ]
    assert [tuple(row[1:]) for row in of_flows if row[0] == flow.pk] == [
        ("firing", "new", None),
        ("no_data", "new", None),
        ("data_back", "new", None),
    ]


@pytest.mark.parametrize("state", ["not_available", "failing"])
def test_runs_that_leave_the_window_while_executions_are_refused_are_no_recovery(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime, state: str
) -> None:
    count(flow, 0, 40, now)
    evaluate_account(account, now)
    later = now + timedelta(hours=8)
    be_read(account, later)
    streams = StreamState.objects
    streams.create(account=account, stream="flows", state="ok", last_read_at=later, next_due_at=later + MINUTE)
    streams.create(account=account, stream="executions", state=state, since=now, last_read_at=now)
    HourBucket.objects.filter(flow=flow).delete()
    factories.count_again(flow)
    (edge,) = evaluate_account(account, later)
    assert (edge.kind, edge.reason) == ("no_data", f"executions cannot be read since {now:%Y-%m-%d %H:%M} UTC")
    assert own(AlertState).get().is_open

    own(StreamState).filter(stream="executions").update(state="ok", last_read_at=later)
    assert [edge.reason for edge in evaluate_account(account, later)] == ["no runs in the window"]


@pytest.mark.parametrize(("runs", "end"), [((0, 0), "closed"), ((40, 0), "resolved")])
def test_a_flow_that_zoho_gives_no_longer_is_no_data_and_no_recovery(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime, runs: tuple[int, int], end: str
) -> None:
    count(flow, 0, 40, now)
    evaluate_account(account, now)
    HourBucket.objects.filter(flow=flow).delete()
    factories.count_again(flow)
    if any(runs):
        count(flow, *runs, now)
    factories.change_flow(flow, hole_signature=FLOW_REFUSED, hole_reason="Zoho no longer gives this flow's executions")
    (edge,) = evaluate_account(account, now)
    assert (edge.kind, own(AlertState).get().is_open) == ("no_data", True)
    assert "cannot be read" in edge.reason

    factories.change_flow(flow, hole_signature="", hole_reason="")
    assert kinds(evaluate_account(account, now)) == [end]


ALL_READ: dict[str, Any] = {
    "executions_read_at": factories.NOON,
    "hole_reason": "",
    "hole_signature": "",
    **dict.fromkeys(("execution_count", "success_count", "failure_count"), 0),
    **dict.fromkeys(("read_execution_count", "read_success_count", "read_failure_count"), 0),
}
GAPS: list[dict[str, Any]] = [
    {"hole_reason": "500 failed runs are missing", "hole_signature": "500/0/500"},
    {"execution_count": 9, "success_count": 9, "failure_count": 0, "seen_at": factories.NOON - HOUR},
]


@pytest.mark.parametrize("gap", GAPS)
def test_where_runs_may_be_missing_nothing_is_well_nor_has_recovered_until_they_are_read(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime, gap: dict[str, Any]
) -> None:
    healthy = factories.make_flow(account)
    count(healthy, 40, 0, now)
    count(flow, 30, 10, now)
    evaluate_account(account, now)
    for one in (flow, healthy):
        factories.change_flow(one, **ALL_READ | gap)
    count(flow, 40, 0, now)
    (edge,) = evaluate_account(account, now + MINUTE)
    assert (edge.kind, edge.alert.flow, edge.reason[:20]) == ("no_data", flow, "runs may be missing:")
    states = own(AlertState).order_by("flow")
    assert list(states.values_list("state", "is_open")) == [("no_data", True), ("no_data", False)]
    assert evaluate_account(account, now + 3 * MINUTE) == []

    for one in (flow, healthy):
        factories.change_flow(one, **ALL_READ)
    (resolved,) = evaluate_account(account, now + 7 * MINUTE)
    assert (resolved.kind, resolved.alert.flow) == ("resolved", flow)
    assert set(states.values_list("state", flat=True)) == {"ok"}


@pytest.mark.parametrize("gap", GAPS)
def test_failures_that_were_found_fire_also_where_more_runs_may_be_missing_and_are_news(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime, gap: dict[str, Any]
) -> None:
    count(flow, 40, 0, now)
    evaluate_account(account, now)
    factories.change_flow(flow, **ALL_READ | gap)
    evaluate_account(account, now + MINUTE)
    count(flow, 30, 10, now)
    (fired,) = evaluate_account(account, now + 2 * MINUTE)
    assert (fired.kind, fired.is_first) == ("firing", False)


@pytest.mark.parametrize("gap", GAPS)
def test_silence_does_not_fire_where_the_runs_may_only_be_missing_here(
    account: ZohoAccount, flow: Flow, now: datetime, gap: dict[str, Any]
) -> None:
    factories.make_alert_rule(account, kind="missed_run", options={"every": 60, "grace": 5}, is_default=False)
    count(flow, 40, 0, now - 3 * HOUR)
    factories.change_flow(flow, **ALL_READ | gap)
    assert evaluate_account(account, now) == []
    factories.change_flow(flow, **ALL_READ)
    assert kinds(evaluate_account(account, now + 6 * MINUTE)) == ["firing"]


def test_a_hole_that_was_found_before_the_window_tells_nothing_of_it(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime
) -> None:
    count(flow, 40, 0, now)
    hole = {"hole_reason": "3 runs are missing", "hole_signature": "3/0/3"}
    for days, state in ((6, "no_data"), (8, "ok")):
        factories.change_flow(flow, **ALL_READ | hole, hole_since=now - timedelta(days=days))
        AlertState.objects.filter(flow=flow).update(again_at=now)
        evaluate_account(account, now)
        assert own(AlertState).get().state == state


def test_a_flow_that_zoho_does_not_give_is_judged_by_nothing_yet(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime
) -> None:
    factories.change_flow(flow, hole_signature=FLOW_REFUSED, hole_reason="not given", execution_count=0)
    assert evaluate_account(account, now) == []
    assert not own(AlertState).exists()


def test_a_list_of_flows_that_is_not_read_any_more_is_no_data(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime
) -> None:
    count(flow, 40, 0, now)
    evaluate_account(account, now)
    StreamState.objects.create(account=account, stream="flows", last_read_at=now - HOUR, next_due_at=now - HOUR)
    assert kinds(evaluate_account(account, now)) == ["no_data"]


def test_of_two_evaluators_at_once_one_writes_the_transition(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    count(flow, 40, 0, now)
    evaluate_account(account, now)
    count(flow, 30, 10, now)
    load, told = evaluate.work_of, []

    def load_and_be_overtaken(*args: Any) -> Any:
        found = load(*args)
        monkeypatch.setattr(evaluate, "work_of", load)
        told.extend(evaluate_account(account, now))
        return found

    monkeypatch.setattr(evaluate, "work_of", load_and_be_overtaken)
    assert evaluate_account(account, now) == []
    assert kinds(told) == ["firing"]
    assert own(Transition).count() == 1


def test_an_edge_that_was_told_already_moves_the_state_but_is_not_told_again(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime
) -> None:
    count(flow, 40, 0, now)
    evaluate_account(account, now)
    state = own(AlertState).get()
    Transition.objects.create(alert=state, kind="firing", episode=1, from_state="ok", to_state="firing", at=now)
    count(flow, 30, 10, now)
    assert evaluate_account(account, now) == []
    assert own(AlertState).get().state == "firing"
    assert own(Transition).count() == 1


def test_what_cannot_have_changed_is_not_evaluated_and_seen_to_be_checked(
    account: ZohoAccount, rule: AlertRule, flow: Flow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    count(flow, 40, 0, now)
    evaluate_account(account, now)
    before = own(AlertState).get()
    monkeypatch.setattr(evaluate, "_evaluate", None)
    evaluate_account(account, now + MINUTE)
    after = own(AlertState).get()
    assert after.checked_at == now + MINUTE
    assert (after.version, after.since, after.evaluated_at) == (before.version, before.since, now)


def test_the_default_rules_are_made_once_and_kept_as_a_person_changed_it(account: ZohoAccount) -> None:
    rule, *others = ensure_default_rules(account)
    assert (rule.threshold, rule.recover_at, rule.window_hours, rule.min_runs) == (95, 95, 168, 20)
    AlertRule.objects.filter(pk=rule.pk).update(options={"threshold": 80})
    assert ensure_default_rules(account)[0].threshold == 80
    assert own(AlertRule).count() == 1 + len(others)


def test_a_thousand_flows_and_three_rules_are_judged_in_few_statements(now: datetime) -> None:
    account = factories.make_account()
    be_read(account, now)
    names = {"status": "active", "first_seen_at": now, "seen_at": now, "account": account}
    flows = Flow.objects.bulk_create([Flow(flow_id=str(n), flow_name=f"Flow {n}", **names) for n in range(1000)])
    FlowProgress.objects.bulk_create(FlowProgress(flow=flow, executions_read_at=now) for flow in flows)
    for window in (1, 24, 168):
        factories.make_alert_rule(account, window_hours=window, min_runs=5)
    HourBucket.objects.bulk_create(
        factories.an_hour(flow, now - hours * HOUR - MINUTE, 6, 6 * (n % 2) * (hours == 0))
        for n, flow in enumerate(flows)
        for hours in range(0, 168, 24)
    )
    started = time.perf_counter()
    with CaptureQueriesContext(connection) as first:
        evaluate_account(account, now)
    took = time.perf_counter() - started
    started = time.perf_counter()
    with CaptureQueriesContext(connection) as again:
        evaluate_account(account, now)
    print(f"{len(first)} statements in {took:.1f} s, then {len(again)} in {time.perf_counter() - started:.1f} s")
    assert own(AlertState).filter(state="firing").count() == 1500
    assert own(AlertState).count() == 3000
    assert len(first) < 250
    assert len(again) <= 12
