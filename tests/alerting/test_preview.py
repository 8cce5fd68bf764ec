"""A rule is tried on the mirrored history before it is saved, by the very condition and the steps of the evaluator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting import preview as tried_on
from monitor.alerting.evaluate import evaluate_account
from monitor.alerting.kinds.duration.condition import LongDuration
from monitor.alerting.kinds.failing_now.condition import FailingNow
from monitor.alerting.kinds.in_a_row.condition import FailedInARow
from monitor.alerting.kinds.missed_run.condition import MissedRun
from monitor.alerting.kinds.success_rate.condition import SuccessRate
from monitor.alerting.preview import LONGEST_DAYS, RulePreview, TriedRule, preview
from monitor.alerting.steps import AlertPatience
from monitor.ends import RunEnd
from monitor.models import (
    AlertRule,
    AlertState,
    DayBucket,
    Execution,
    Flow,
    FlowProgress,
    HourBucket,
    SyncState,
    Transition,
    ZohoAccount,
)
from monitor.periods import hour_of
from tests import factories
from tests.bystander import own
from tests.depth import tried

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def account(db: None) -> ZohoAccount:
    return factories.make_account()


def make_history(flow: Flow, runs: list[tuple[datetime, bool]], lasted: dict[datetime, int] | None = None) -> None:
    """Counts the runs of a flow as a recount does: when each ended, whether it failed, and how many ms it took."""
    by_hour: dict[datetime, list[RunEnd]] = {}
    for at, has_failed in runs:
        into = round((at - hour_of(at)).total_seconds() * 1000)
        run = RunEnd(into, has_failed, has_failed, into, (lasted or {}).get(at))
        by_hour.setdefault(hour_of(at), []).append(run)
    for hour, ends in by_hour.items():
        bad = sum(end.has_failed for end in ends)
        factories.make_hour(flow, hour, len(ends) - bad, bad, ends=ends)
        day, _ = DayBucket.objects.get_or_create(flow=flow, day=hour.date())
        day.succeeded, day.failed = day.succeeded + len(ends) - bad, day.failed + bad
        day.save()
    FlowProgress.objects.filter(flow=flow).update(executions_read_at=datetime(2025, 1, 1, tzinfo=UTC))


def every(step: timedelta, results: str, last: datetime) -> list[tuple[datetime, bool]]:
    """Runs one `step` after the other, the last of them ends at `last`; - is a failed one."""
    return [(last - (len(results) - 1 - place) * step, result == "-") for place, result in enumerate(results)]


def try_on(rule: TriedRule, now: datetime, days: int = 30) -> RulePreview:
    return preview(rule, days, now, UTC)


def test_it_says_when_it_would_have_fired_and_recovered_and_why(account, now):
    flow = factories.make_flow(account)
    make_history(flow, every(HOUR, "+++---++", now - HOUR))
    found = try_on(TriedRule(account, FailedInARow(3)), now)
    (firing,) = found.firings
    assert (firing.flow, firing.fired_at, firing.over_at) == (flow, now - 3 * HOUR, now - 2 * HOUR)
    assert firing.began_at == now - 5 * HOUR
    assert firing.reason.startswith("the last 3 runs failed")
    assert (found.mails, found.tried, found.left_out, found.unread) == (2, 1, 0, 0)
    assert found.mails_a_week == pytest.approx(2 / 30 * 7)


def test_what_fired_before_the_window_and_still_fires_in_it_is_shown_and_no_mail_of_it(account, now):
    flow = factories.make_flow(account)
    make_history(flow, [*every(DAY, "---", now - 35 * DAY), (now - DAY, False)])
    found = try_on(TriedRule(account, FailedInARow(3)), now)
    (firing,) = found.firings
    assert (firing.fired_at, firing.over_at, found.mails) == (now - 35 * DAY, now - DAY, 1)
    make_history(flow, [(now - 31 * DAY, False)])
    assert try_on(TriedRule(account, FailedInARow(3)), now).firings == []


def test_patience_counts_in_a_preview_as_it_does_live(account, now):
    flow = factories.make_flow(account)
    make_history(flow, every(10 * MINUTE, "---+", now - HOUR) + every(10 * MINUTE, "------+", now - 10 * HOUR))
    patient = TriedRule(account, FailedInARow(2), patience=AlertPatience(wait=30 * MINUTE))
    (firing,) = try_on(patient, now).firings
    assert firing.fired_at == now - 10 * HOUR - 20 * MINUTE


def test_it_is_tried_on_the_flows_that_have_no_rule_of_its_kind_themselves_and_are_active(account, now):
    plain, special, off, gone, elsewhere = (
        factories.make_flow(account),
        factories.make_flow(account),
        factories.make_flow(account, status="inactive"),
        factories.make_flow(account, gone_at=now),
        factories.make_flow(),
    )
    for flow in (plain, special, off, gone, elsewhere):
        make_history(flow, every(HOUR, "---", now - HOUR))
    own_rule = factories.make_alert_rule(account, kind="in_a_row", options={"count": 9}, flow=special)
    factories.make_alert_rule(account, kind="success_rate", flow=plain)
    found = try_on(TriedRule(account, FailedInARow(3)), now)
    assert {firing.flow for firing in found.firings} == {plain}
    assert found.tried == 1
    found = try_on(TriedRule(account, FailedInARow(3), flow_id=special.pk, rule_id=own_rule.pk), now)
    assert {firing.flow for firing in found.firings} == {special}
    AlertRule.objects.filter(pk=own_rule.pk).update(is_active=False)
    assert {one.flow for one in try_on(TriedRule(account, FailedInARow(3)), now).firings} == {plain, special}


def test_a_problem_of_which_no_alert_would_tell_is_missed(account, now):
    loud, quiet = factories.make_flow(account), factories.make_flow(account)
    make_history(loud, every(HOUR, "----+", now - HOUR))
    make_history(quiet, every(HOUR, "+-+-+", now - HOUR))
    heard = factories.make_failure(
        factories.make_execution(loud, "failed", started_time=now - 3 * HOUR), failed_at=now - 3 * HOUR
    ).group.problem
    missed = factories.make_failure(
        factories.make_execution(quiet, "failed", started_time=now - 2 * HOUR), failed_at=now - 2 * HOUR
    ).group.problem
    factories.make_failure(
        factories.make_execution(quiet, "failed", started_time=now - 40 * DAY), failed_at=now - 40 * DAY
    )
    assert heard != missed
    found = try_on(TriedRule(account, FailedInARow(3)), now)
    assert found.problems == 2
    assert [(row.problem, row.failures) for row in found.missed] == [(missed, 1)]


def test_a_history_that_is_not_mirrored_completely_is_said(account, now):
    flow = factories.make_flow(account)
    make_history(flow, every(HOUR, "---", now - HOUR))
    FlowProgress.objects.filter(flow=flow).update(executions_read_at=None, covered_from=now - 3 * DAY)
    assert try_on(TriedRule(account, FailedInARow(3)), now).unread == 1
    assert try_on(TriedRule(account, FailedInARow(3)), now, days=2).unread == 0


@pytest.mark.parametrize(("days", "length"), [(0, 1), (-5, 1), (7, 7), (10_000, LONGEST_DAYS)])
def test_it_looks_back_from_a_day_to_a_quarter_of_a_year(days, length, account, now):
    assert try_on(TriedRule(account, FailedInARow(3)), now, days).window.length == length * DAY


def test_flows_with_the_most_failures_come_first_and_what_is_left_out_is_counted(account, now, monkeypatch):
    bad, good, busy = (factories.make_flow(account) for _ in range(3))
    make_history(bad, every(HOUR, "---", now - HOUR))
    make_history(good, every(HOUR, "+++", now - HOUR))
    make_history(busy, every(HOUR, "-" + 20 * "+", now - HOUR))
    monkeypatch.setattr(tried_on, "MOST_RUNS", 23)
    found = try_on(TriedRule(account, FailedInARow(1)), now)
    assert (found.tried, found.left_out) == (1, 2)
    assert {firing.flow for firing in found.firings} == {bad}
    monkeypatch.setattr(tried_on, "MOST_RUNS", 1)
    assert try_on(TriedRule(account, FailedInARow(1)), now).tried == 1  # one is always tried
    monkeypatch.undo()
    monkeypatch.setattr(tried_on, "MOST_FLOWS", 2)
    assert try_on(TriedRule(account, FailedInARow(1)), now).left_out == 1


def test_of_a_flow_with_very_many_runs_only_the_newest_days_are_gone_through(account, now, monkeypatch):
    flow = factories.make_flow(account)
    make_history(flow, [*every(HOUR, "---+", now - 9 * DAY), *every(HOUR, "---+", now - DAY)])
    assert len(try_on(TriedRule(account, FailedInARow(3)), now).firings) == 2
    for most in (7, 4, 1):
        monkeypatch.setattr(tried_on, "MOST_RUNS_OF_FLOW", most)
        found = try_on(TriedRule(account, FailedInARow(3)), now)
        assert [firing.over_at for firing in found.firings] == [now - DAY], most
        assert (found.shortened, found.tried) == (1, 1)


def test_a_preview_reads_no_run_and_costs_few_statements_however_many_flows_there_are(account, now):
    for _ in range(30):
        flow = factories.make_flow(account)
        make_history(flow, every(HOUR, "+---+", now - HOUR))
        factories.make_failure(factories.make_execution(flow, "failed", started_time=now - HOUR), failed_at=now - HOUR)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        found = try_on(TriedRule(account, FailedInARow(3)), now)
    assert len(found.firings) == 30
    assert len(captured) <= 6
    for query in captured:
        assert f'"{Execution._meta.db_table}"' not in query["sql"]
        assert not query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))


CONDITIONS = [
    SuccessRate(threshold=80, window_hours=6, min_runs=5, last_good=3),
    SuccessRate(threshold=50, window_hours=1, min_runs=2, last_good=10),
    FailedInARow(2),
    FailingNow(),
    MissedRun(every=30, grace=10),
    MissedRun(cron="0 */2 * * *", zone="Europe/Berlin", grace=45),
]
RUNS = st.lists(
    st.tuples(st.sampled_from([0, 1, 7, 40, 90, 700]), st.booleans() | st.just(value=True)), min_size=1, max_size=40
)
PATIENCE = st.sampled_from([(0, 0), (15, 0), (0, 60), (45, 45)])


def live_edges(account: ZohoAccount, rule: AlertRule, runs: list[tuple[datetime, bool]], until: datetime) -> Any:
    """Evaluates as the live evaluator does: whenever runs have ended, and at the time that it named itself."""
    moments = sorted({at for at, _ in runs})
    at: datetime | None = moments[0]
    while at is not None and at <= until:
        SyncState.objects.filter(account=account).update(state="ok", since=at, last_finished_at=at)
        evaluate_account(account, at)
        state = AlertState.objects.get(rule=rule)
        named = [state.again_at] if state.again_at is not None and state.again_at > at else []
        at = min([one for one in moments if one > at] + named, default=None)
    told = Transition.objects.filter(alert__rule=rule, kind__in=["firing", "resolved", "closed"]).order_by("at", "pk")
    return [("firing", one.at, one.began_at) if one.kind == "firing" else ("over", one.at, None) for one in told]


@pytest.mark.property
@tried(quick=6, deep=150)
@given(condition=st.sampled_from(CONDITIONS), spaced=RUNS, patience=PATIENCE)
def test_a_preview_says_what_the_live_evaluator_would_have_done(condition, spaced, patience, now):
    at, runs = now - 20 * DAY, []
    for gap, has_failed in spaced:
        at += gap * MINUTE
        runs.append((at, has_failed))
    live, said = lived_and_previewed(condition, runs, {}, patience, now, 30)
    assert said == live


LEARNERS = [
    MissedRun(),
    MissedRun(zone="Europe/Berlin"),  # whose clock is set back within the history
    LongDuration(times_usual=2, window_hours=12, min_runs=2),
    LongDuration(times_usual=1.5, window_hours=72, min_runs=5),
    LongDuration(times_usual=3, above_ms=4_000, window_hours=24, min_runs=3),
]
HISTORY_DAYS = 50


@pytest.mark.property
@tried(quick=2, deep=80)
@given(
    condition=st.sampled_from(LEARNERS),
    hours=st.sets(st.sampled_from([1, 5, 9, 13, 17, 21]), min_size=2, max_size=4),
    late=st.lists(st.integers(0, 50), min_size=1, max_size=7),
    slow=st.lists(st.sampled_from([1, 1, 1, 2, 6]), min_size=1, max_size=11),
    quiet=st.sets(st.integers(0, HISTORY_DAYS), max_size=6),
    outage=st.tuples(st.integers(20, HISTORY_DAYS), st.integers(0, 6)),
    patience=PATIENCE,
)
def test_a_preview_of_what_goes_by_a_learned_usual_says_what_the_live_evaluator_would_have_done(
    condition, hours, late, slow, quiet, outage, patience, now
):
    """A flow runs at hours of the day, a little late now and then; on quiet days, and in an outage, it does not."""
    silent = quiet | set(range(outage[0], sum(outage)))
    runs, lasted = [], {}
    for day in range(HISTORY_DAYS):
        for hour in sorted(hours):
            at = now - (HISTORY_DAYS - day) * DAY + (hour - 12) * HOUR + late[len(runs) % len(late)] * MINUTE
            if day not in silent and at < now:
                lasted[at] = 1_000 * slow[len(runs) // 2 % len(slow)]
                runs.append((at, False))
    if not runs:
        return
    live, said = lived_and_previewed(condition, runs, lasted, patience, now, LONGEST_DAYS)
    assert said == live


def lived_and_previewed(
    condition: Any,
    runs: list[tuple[datetime, bool]],
    lasted: dict[datetime, int],
    patience: tuple[int, int],
    now: datetime,
    days: int,
) -> tuple[Any, Any]:
    """Lives through a history, and tries the same rule on it; returns the edges of both."""
    with transaction.atomic():
        account = factories.make_account()
        flow = factories.make_flow(account)
        make_history(flow, runs, lasted)
        options = {name: getattr(condition, name) for name in condition.__slots__}
        rule = factories.make_alert_rule(
            account,
            kind=condition.kind,
            options={name: value for name, value in options.items() if value is not None},
            flow=flow,
            for_minutes=patience[0],
            keep_firing_minutes=patience[1],
        )
        live = live_edges(account, rule, runs, now)
        wait, keep = (timedelta(minutes=minutes) for minutes in patience)
        tried_rule = TriedRule(account, condition, flow.pk, rule_id=rule.pk, patience=AlertPatience(wait, keep))
        said: list[tuple[str, datetime, datetime | None]] = []
        for firing in reversed(try_on(tried_rule, now, days).firings):
            said.append(("firing", firing.fired_at, firing.began_at))
            if firing.over_at is not None:
                said.append(("over", firing.over_at, None))
        transaction.set_rollback(True)
    return live, said


def test_hours_are_all_that_it_needs(account, now):
    """Days are only asked for which flows come first."""
    flow = factories.make_flow(account)
    make_history(flow, every(HOUR, "---", now - HOUR))
    own(DayBucket).all().delete()
    assert len(try_on(TriedRule(account, FailedInARow(3)), now).firings) == 1
    own(HourBucket).all().delete()
    assert try_on(TriedRule(account, FailedInARow(3)), now).firings == []


def test_of_a_flow_that_never_ran_it_says_when_that_would_have_been_missed(account, now):
    flow = factories.make_flow(account)
    found = try_on(TriedRule(account, MissedRun(every=60, grace=10), flow.pk), now)
    assert [firing.fired_at for firing in found.firings] == [found.window.start + 70 * MINUTE]
