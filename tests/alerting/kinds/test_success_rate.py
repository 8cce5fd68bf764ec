"""The success rate over a window: when it fires, when it has recovered, and when it fires again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.kinds.interface import AlertStanding, ConditionState, Runs
from monitor.alerting.kinds.success_rate import words
from monitor.alerting.kinds.success_rate.condition import SuccessRate
from tests.alerting.kinds.histories import HOUR, START, edges, every, kinds, run

MINUTE = timedelta(minutes=1)
RULE = SuccessRate()
SHORT = SuccessRate(window_hours=1, min_runs=5)


def test_it_fires_with_the_run_that_makes_the_rate_too_low_and_says_since_when() -> None:
    found = edges(RULE, every(HOUR, "+" * 40 + "---"))
    assert kinds(found) == ["firing"]
    assert found[0].at == START + 42 * HOUR
    assert found[0].evaluation.began_at == START + 40 * HOUR
    assert found[0].evaluation.runs_since_change == 3
    assert words.describe(RULE, found[0].evaluation, UTC) == (
        "40 of 43 runs succeeded (93.0 %); failing since 2026-09-08 16:00 UTC"
    )


def test_a_rate_with_a_failure_is_not_told_as_100() -> None:
    breached = edges(RULE, every(HOUR, "+" * 40 + "---"))[0].evaluation
    numbers = breached.numbers | {"runs": 2_500, "succeeded": 2_499, "rate": 99.96}
    assert "2499 of 2,500 runs succeeded (99.9 %)" in words.describe(RULE, replace(breached, numbers=numbers), UTC)


def test_a_lone_failure_of_days_ago_is_not_where_it_began() -> None:
    found = edges(RULE, every(HOUR, "+" * 30 + "-" + "+" * 60 + "-" * 5))
    assert found[0].evaluation.began_at == START + 91 * HOUR


def test_six_failures_fire_once_whatever_hour_the_clock_shows_meanwhile() -> None:
    start = datetime(2026, 9, 7, 10, 50, tzinfo=UTC)
    found = edges(SHORT, every(MINUTE, "------", start), until=start + timedelta(hours=3))
    assert [(edge.edge.value, edge.at) for edge in found] == [
        ("firing", start + 4 * MINUTE),
        ("ended", start + 65 * MINUTE),
    ]


def test_what_ended_after_the_moment_of_evaluation_is_not_seen() -> None:
    runs = Runs(every(timedelta(days=365), "-" * 30, datetime(2062, 1, 1, tzinfo=UTC)))
    assert RULE.evaluate(runs, START, AlertStanding()).found is ConditionState.NO_DATA


def test_ten_good_runs_in_a_row_are_a_recovery_however_low_the_rate_is() -> None:
    found = edges(RULE, every(HOUR, "+" * 20 + "-" * 20 + "+" * 10))
    assert kinds(found) == ["firing", "recovered"]
    assert found[1].at == START + 49 * HOUR
    assert found[1].evaluation.runs_since_change == 10
    assert words.describe(RULE, found[1].evaluation, UTC) == (
        "the last 10 runs all succeeded; 30 of 50 runs succeeded in the window"
    )


def test_nine_good_runs_and_a_failure_are_none() -> None:
    assert kinds(edges(RULE, every(HOUR, "+" * 20 + "-" * 20 + ("+" * 9 + "-") * 3))) == ["firing"]


def test_a_flow_that_was_repaired_and_breaks_again_fires_a_second_time() -> None:
    found = edges(RULE, every(HOUR, "+" * 20 + "-" * 20 + "+" * 34 + "-" * 3))
    assert kinds(found) == ["firing", "recovered", "firing"]
    assert found[2].evaluation.began_at == START + 74 * HOUR


def test_a_single_failure_after_the_repair_does_not_fire_although_the_old_ones_are_in_the_window() -> None:
    assert kinds(edges(RULE, every(HOUR, "+" * 20 + "-" * 20 + "+" * 30 + "-" + "+" * 20))) == ["firing", "recovered"]


def test_a_flow_that_was_repaired_before_the_rule_was_made_does_not_fire() -> None:
    runs = Runs(every(HOUR, "-" * 30 + "+" * 12))
    assert RULE.evaluate(runs, START + 41 * HOUR, AlertStanding()).found is ConditionState.CLEAR


def test_a_lone_failure_long_after_an_outage_that_was_over_before_the_rule_was_made_does_not_fire() -> None:
    runs = Runs(every(HOUR, "+" * 30 + "-" * 20 + "+" * 50 + "-"))
    assert RULE.evaluate(runs, START + 100 * HOUR, AlertStanding()).found is ConditionState.CLEAR
    again = Runs(every(HOUR, "-" * 20 + "+" * 50 + "-" + "+" * 15 + "-" * 5))
    assert RULE.evaluate(again, START + 90 * HOUR, AlertStanding()).found is ConditionState.BREACHED


@pytest.mark.parametrize("good", [9, 11, 13, 15])
def test_a_flow_that_always_fails_a_little_too_often_fires(good: int) -> None:
    assert kinds(edges(RULE, every(HOUR, ("+" * good + "-") * 12)))[:1] == ["firing"]


@pytest.mark.parametrize("threshold", [0, 50, 99.9, 100])
def test_a_repair_is_looked_for_at_any_threshold(threshold: float) -> None:
    rule = SuccessRate(threshold=threshold, min_runs=1)
    found = rule.evaluate(Runs(every(HOUR, "-" * 20 + "+" * 50 + "-")), START + 70 * HOUR, AlertStanding()).found
    assert found is (ConditionState.BREACHED if threshold > 50 else ConditionState.CLEAR)


def test_the_rate_is_back_once_enough_failures_have_left_the_window() -> None:
    runs = every(10 * MINUTE, "-+-+-+-+")
    found = edges(SHORT, runs, until=START + timedelta(hours=4))
    assert kinds(found) == ["firing", "recovered"]
    assert found[1].at == START + 60 * MINUTE + HOUR  # the last failure leaves; the good one after it is left


def test_good_runs_that_leave_the_window_can_make_the_rate_too_low() -> None:
    runs = every(MINUTE, "+" * 100) + every(MINUTE, "+-" * 5, START + 50 * HOUR)
    rule = SuccessRate(window_hours=72, min_runs=10)
    found = edges(rule, runs, until=START + 73 * HOUR)
    assert kinds(found) == ["firing"]
    assert found[0].at == START + 72 * HOUR + 10 * MINUTE  # 94 of 99 are left


def test_runs_that_zoho_runs_again_neither_count_nor_are_a_recovery() -> None:
    assert edges(RULE, every(HOUR, "+" * 30 + "?" * 20)) == []
    assert kinds(edges(RULE, every(HOUR, "+" * 20 + "-" * 20 + "?" * 20))) == ["firing"]


def test_the_rate_is_back_when_what_waits_for_zoho_has_left_the_window_and_it_is_asked_then() -> None:
    rule = SuccessRate(window_hours=5, min_runs=4, last_good=3, threshold=70)
    ends = [(40, "-"), (101, "?"), (102, "+"), (106, "-"), (120, "?"), (154, "?"), (163, "+"), (174, "+"), (203, "-")]
    found = edges(rule, drawn([*ends, (288, "+")]), until=START + 10 * HOUR)
    assert [(edge.edge.value, edge.at) for edge in found] == [
        ("firing", START + 163 * MINUTE),
        ("recovered", START + 454 * MINUTE),
    ]


def test_few_runs_say_nothing() -> None:
    evaluation = RULE.evaluate(Runs(every(HOUR, "-" * 19)), START + 19 * HOUR, AlertStanding())
    assert evaluation.found is ConditionState.NO_DATA
    assert words.describe(RULE, evaluation, UTC) == "0 of 19 runs succeeded; 20 are needed"


def test_a_threshold_with_decimals_is_met_exactly() -> None:
    rule = SuccessRate(threshold=99.9, last_good=1000)
    assert edges(rule, every(MINUTE, "+" * 999 + "-")) == []
    assert kinds(edges(rule, every(MINUTE, "+" * 998 + "-"))) == ["firing"]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"threshold": 120}, "threshold must be a number from 0 to 100"),
        ({"threshold": float("nan")}, "threshold must be a number from 0 to 100"),
        ({"window_hours": 0}, "window_hours must be a number from 0.25 to 2160"),
        ({"min_runs": 0}, "min_runs must be a whole number from 1 to 1,000,000"),
        ({"recover_at": 90}, "recover_at must be a number from 95 to 100"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(option: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}$"):
        SuccessRate(**option)


histories = st.lists(
    st.tuples(st.integers(0, 3000), st.sampled_from("+++--?")), min_size=1, max_size=60, unique_by=lambda one: one[0]
)


def drawn(rows: list[tuple[int, str]]) -> list:
    return [run(START + minutes * MINUTE, result) for minutes, result in rows]


@given(histories, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, order) -> None:
    rule = SuccessRate(window_hours=10, min_runs=4, last_good=3, threshold=70)
    runs = drawn(rows)
    mixed = list(runs)
    order.shuffle(mixed)
    assert edges(rule, runs) == edges(rule, mixed)


@given(histories)
def test_a_replay_has_the_edges_of_one_that_asks_every_minute(rows) -> None:
    rule = SuccessRate(window_hours=5, min_runs=4, last_good=3, threshold=70)
    runs = Runs(drawn(rows))
    standing, asked = AlertStanding(), []
    for minute in range(3000 + 6 * 60):
        at = START + minute * MINUTE
        found = rule.evaluate(runs, at, standing)
        if found.found is ConditionState.BREACHED and not standing.is_open:
            standing = replace(standing, is_open=True, fired_at=at, began_at=found.began_at)
            asked.append(("firing", at, found.began_at))
        elif found.found is ConditionState.CLEAR and standing.is_open:
            standing = replace(standing, is_open=False, recovered_at=at, began_at=None)
            asked.append(("recovered", at, found.began_at))
        elif found.found is ConditionState.EMPTY and standing.is_open:
            standing = replace(standing, is_open=False, began_at=None)
            asked.append(("ended", at, found.began_at))
    replayed = edges(rule, runs.rows, until=START + (3000 + 6 * 60 - 1) * MINUTE)
    assert [(edge.edge.value, edge.at, edge.evaluation.began_at) for edge in replayed] == asked


@given(histories, st.integers(0, 3000))
def test_what_comes_later_changes_nothing_of_what_was_found_before(rows, cut) -> None:
    rule = SuccessRate(window_hours=10, min_runs=4, last_good=3, threshold=70)
    runs, until = drawn(rows), START + cut * MINUTE
    early = [one for one in runs if one.ended <= until.timestamp()]
    assert edges(rule, early, until) == edges(rule, runs, until)
