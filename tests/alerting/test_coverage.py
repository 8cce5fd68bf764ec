"""Coverage says who would hear after how long; what it says is what a replay of such an outage finds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from monitor.alerting.coverage import CoverageFacts, CoveringRule, FlowNotices, coverage
from monitor.alerting.kinds import condition_kinds
from monitor.alerting.kinds.failing_now.condition import FailingNow
from monitor.alerting.kinds.in_a_row.condition import FailedInARow
from monitor.alerting.kinds.interface import Condition
from monitor.alerting.kinds.missed_run.condition import MissedRun
from monitor.alerting.kinds.success_rate.condition import SuccessRate
from monitor.alerting.kinds.usual import UsualPace
from tests.alerting.kinds.histories import START, edges, every

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HOURLY = UsualPace(runs_a_day=24, failing=0.03)


def notices(
    *conditions: Condition | None, usual: UsualPace = HOURLY, numbers: dict[str, float] | None = None, **rule: Any
) -> FlowNotices:
    rules = {pk: CoveringRule(pk, f"Rule {pk}", condition, **rule) for pk, condition in enumerate(conditions, start=1)}
    facts = CoverageFacts({7: usual}, rules, {7: list(rules)}, {(pk, 7): numbers or {} for pk in rules})
    (found,) = coverage(facts)
    return found


def test_without_a_rule_nobody_hears_of_anything():
    found = notices()
    assert found.is_unheard
    assert (found.total, found.half, found.silence) == (None, None, None)


@pytest.mark.parametrize("kind", sorted(condition_kinds()))
def test_every_kind_can_be_asked_even_of_a_flow_that_never_ran(kind):
    for usual in (UsualPace(), UsualPace(1e-9, 1.0), UsualPace(1e6, 0.5), UsualPace(10, 1.0), UsualPace(10, 0.0)):
        found = notices(condition_kinds()[kind](), usual=usual)
        for notice in (found.total, found.half, found.silence):
            assert notice is None or timedelta(0) <= notice.after <= timedelta(days=400)


def test_the_rule_that_notices_first_is_named_with_its_wait():
    found = notices(SuccessRate(), FailedInARow(3), wait=30 * MINUTE)
    assert found.total is not None
    assert (found.total.rule.name, found.total.after) == ("Rule 2", 3 * HOUR + 30 * MINUTE)


def test_a_window_with_too_few_runs_notices_nothing():
    assert notices(SuccessRate(window_hours=24, min_runs=25)).total is None
    assert notices(SuccessRate(window_hours=24, min_runs=24)).total is not None


def test_a_threshold_of_half_the_runs_does_not_notice_that_half_of_them_fail():
    found = notices(SuccessRate(threshold=50))
    assert found.half is None
    assert found.total is not None


def test_failures_in_a_row_take_longer_where_only_half_of_the_runs_fail():
    found = notices(FailedInARow(3))
    assert found.total is not None
    assert found.half is not None
    assert (found.total.after, found.half.after) == (3 * HOUR, 14 * HOUR)
    assert notices(FailedInARow(10_000)).half is None


def test_silence_by_an_interval_or_a_schedule_is_noticed_after_its_longest_pause_and_its_grace():
    found = notices(MissedRun(every=60, grace=15)).silence
    assert found is not None
    assert found.after == timedelta(minutes=75)
    workdays = notices(MissedRun(cron="30 2 * * 1-5", zone="Europe/Berlin", grace=60)).silence
    assert workdays is not None
    assert workdays.after == 3 * DAY + HOUR


def test_silence_by_a_learned_rate_is_noticed_after_the_runs_that_may_be_missing_once_that_is_learned():
    found = notices(MissedRun(), numbers={"allowed": 6.0})
    assert found.silence is not None
    assert found.silence.after == 6 * HOUR
    learning = notices(MissedRun())
    assert (learning.silence, learning.is_learning, learning.is_unheard) == (None, True, False)


@pytest.mark.parametrize("rule", [{"readers": 0}])
def test_a_rule_whose_mails_nobody_gets_tells_nobody(rule):
    assert notices(FailedInARow(3), MissedRun(every=5), **rule).is_unheard


def test_a_rule_with_options_that_cannot_be_tells_nobody():
    assert notices(None).is_unheard


def test_flows_of_whom_nobody_would_hear_come_first_and_busy_ones_before_others():
    rules = {1: CoveringRule(1, "Failures", FailedInARow(3)), 2: CoveringRule(2, "Silence", MissedRun(every=60))}
    slow, fast = UsualPace(2, 0), UsualPace(500, 0)
    facts = CoverageFacts(
        {1: slow, 2: fast, 3: slow, 4: slow, 5: UsualPace(), 6: fast},
        rules,
        {1: [], 2: [], 3: [2], 4: [1], 5: [], 6: [1, 2]},
    )
    assert [row.flow for row in coverage(facts)] == [2, 1, 5, 3, 4, 6]


@pytest.mark.parametrize(
    ("condition", "share"),
    [
        (SuccessRate(), 1.0),
        (SuccessRate(), 0.5),
        (SuccessRate(threshold=80, window_hours=24, min_runs=10), 1.0),
        (FailedInARow(3), 1.0),
        (FailingNow(), 1.0),
        (FailingNow(), 0.5),
    ],
)
def test_what_is_said_is_what_a_replay_of_such_an_outage_finds(condition, share):
    """Healthy for 60 days with three failures of a hundred runs, then broken."""
    healthy = ("+" * 33 + "-" + "+" * 32 + "-" + "+" * 32 + "-") * 15
    broken = "-" * 400 if share == 1 else "+-" * 200
    found = edges(condition, every(HOUR, healthy[:1440] + broken))
    took = found[0].at - (START + 1439 * HOUR)
    said = notices(condition).total if share == 1 else notices(condition).half
    assert said is not None
    assert said.after / 2 - 2 * HOUR <= took <= said.after * 1.5 + 2 * HOUR


def test_at_worst_is_out_of_working_hours_by_the_rule_that_is_the_first_then() -> None:
    night = 14 * HOUR
    alone = notices(FailedInARow(3), held_back=night).total
    assert alone is not None
    assert (alone.after, alone.at_worst, alone.is_held_back) == (3 * HOUR, 17 * HOUR, True)
    rules = {
        1: CoveringRule(1, "In office hours", FailedInARow(3), held_back=night),
        2: CoveringRule(2, "At once", FailedInARow(5)),
    }
    (both,) = coverage(CoverageFacts({7: HOURLY}, rules, {7: [1, 2]}))
    assert both.total is not None
    assert (both.total.rule.pk, both.total.after, both.total.at_worst) == (1, 3 * HOUR, 5 * HOUR)
    always = notices(FailedInARow(3)).total
    assert always is not None
    assert not always.is_held_back
