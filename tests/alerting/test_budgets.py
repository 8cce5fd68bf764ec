"""At most so many false alerts a month over all flows of a rule: kept by the pace of its flows, day after day."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.backtest import ExportedRuns, edges_of
from monitor.alerting.kinds.failing_now.condition import SHORTEST_RUN_LENGTH, STEP, FailingNow
from monitor.alerting.kinds.interface import EndedRun, RunResult, at_pace
from monitor.alerting.kinds.success_rate.condition import SuccessRate
from monitor.alerting.load import work_of
from monitor.models import AlertRule, DayBucket, Flow, RuleBudget, SyncState, ZohoAccount
from tests import factories
from tests.bystander import own

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@given(
    budget=st.floats(0.01, 1_000),
    runs_a_month=st.floats(0, 1e12),
    least=st.integers(100, 1_000_000_000),
)
def test_the_run_length_keeps_the_budget_and_is_never_below_what_is_set_or_15000(
    budget: float, runs_a_month: float, least: int
) -> None:
    found = FailingNow(run_length=least, false_alerts=budget).at_pace(runs_a_month)
    assert max(least, SHORTEST_RUN_LENGTH) <= found.run_length <= 1_000_000_000
    if found.run_length < 1_000_000_000:
        assert runs_a_month / found.run_length <= budget * 1.0001
    needed = max(runs_a_month / budget, least, SHORTEST_RUN_LENGTH)
    assert found.run_length <= needed * STEP + 1, "and no longer than a step more"
    assert found.false_alerts == budget


def test_without_a_budget_only_what_is_set_counts() -> None:
    assert FailingNow(run_length=200).at_pace(1e9) == FailingNow(run_length=200)
    assert at_pace(SuccessRate(), 1e9) == SuccessRate()


@pytest.mark.parametrize("wrong", [0, -1, 1001, float("nan"), True])
def test_a_budget_that_is_none_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="false_alerts"):
        FailingNow(false_alerts=wrong)


@pytest.mark.django_db
class TestLive:
    @pytest.fixture
    def flow(self, account: ZohoAccount, now: datetime) -> Flow:
        """A flow with 2,000 runs a day."""
        flow = factories.make_flow(account, executions_read_at=now)
        for days in range(1, 29):
            DayBucket.objects.create(flow=flow, day=(now - days * DAY).date(), succeeded=2_000)
        return flow

    @pytest.fixture
    def rule(self, flow: Flow) -> AlertRule:
        return factories.make_alert_rule(flow.account, kind="failing_now", false_alerts=1.0)

    def run_length(self, account: ZohoAccount, now: datetime) -> list[int]:
        SyncState.objects.filter(account=account).update(state="ok", since=now, last_finished_at=now)
        return [rule.condition.run_length for rule in work_of(account, now).rules.values() if rule.condition]

    def test_it_is_the_pace_of_all_flows_of_the_rule(self, rule: AlertRule, flow: Flow, now: datetime) -> None:
        (found,) = self.run_length(flow.account, now)
        assert 60_000 <= found <= 66_000
        budget = own(RuleBudget).get()
        assert (budget.flows, round(budget.runs_a_month), budget.counted_on) == (1, 60_000, now.date())
        narrower = factories.make_alert_rule(flow.account, flow=flow, kind="failing_now", false_alerts=10.0)
        own(RuleBudget).delete()
        assert self.run_length(flow.account, now) == [SHORTEST_RUN_LENGTH, SHORTEST_RUN_LENGTH]
        assert own(RuleBudget).get(rule=narrower).runs_a_month == budget.runs_a_month
        assert own(RuleBudget).get(rule=rule).runs_a_month == 0, "the narrower rule has its only flow"

    def test_it_is_counted_once_a_day_and_goes_with_the_pace(self, rule: AlertRule, flow: Flow, now: datetime) -> None:
        first = self.run_length(flow.account, now)
        DayBucket.objects.filter(flow=flow).update(succeeded=200_000)
        assert self.run_length(flow.account, now + 11 * 60 * MINUTE) == first
        (later,) = self.run_length(flow.account, now + DAY)
        assert later > 50 * first[0]

    def test_another_pace_looks_anew_and_makes_no_first_finding(
        self, rule: AlertRule, flow: Flow, now: datetime
    ) -> None:
        def mark() -> str:
            return next(iter(work_of(flow.account, now).rules.values())).mark

        before = mark()
        RuleBudget.objects.filter(rule=rule).update(runs_a_month=1e9)
        after = mark()
        assert before != after
        assert before[:24] == after[:24]
        assert len(before) == len(after) == 32

    def test_of_one_that_is_off_no_pace_is_counted(self, rule: AlertRule, flow: Flow, now: datetime) -> None:
        AlertRule.objects.filter(pk=rule.pk).update(is_active=False)
        self.run_length(flow.account, now)
        assert not own(RuleBudget).exists()


def test_a_backtest_goes_by_the_pace_of_its_file(now: datetime) -> None:
    start = now - 10 * DAY
    runs = [
        EndedRun((at := start + n * MINUTE).timestamp(), RunResult.SUCCEEDED, at.timestamp()) for n in range(14_000)
    ]
    broken = [
        EndedRun((at := start + (14_000 + n) * MINUTE).timestamp(), RunResult.FAILED, at.timestamp()) for n in range(9)
    ]
    edges = {
        budget: next(edges_of(FailingNow(false_alerts=budget), {"1": ExportedRuns([*runs, *broken])}))
        for budget in (None, 0.01)
    }
    assert edges[0.01]["runs_since_change"] > edges[None]["runs_since_change"]
