"""Failing now: what is exact, what is learned, when it fires, and when it has recovered."""

from __future__ import annotations

from datetime import UTC, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.kinds.failing_now import words
from monitor.alerting.kinds.failing_now.condition import FailingNow
from monitor.alerting.kinds.failing_now.healthy_level import level_at
from monitor.alerting.kinds.failing_now.run_length import CusumChart, chart_for
from monitor.alerting.kinds.interface import AlertStanding, ConditionState, EndedRun, Runs
from monitor.alerting.steps import AlertPatience
from tests.alerting.kinds.histories import HOUR, START, edges, every, kinds, run

RULE = FailingNow()
GOOD = "+" * 33 + "-"  # 3 % failing


def level(runs: list[EndedRun], days: float = 80) -> float:
    return level_at(Runs(runs), START + timedelta(days=days), None, None).values[0]


def random_runs(seed: int, *parts: tuple[int, float], step: timedelta = HOUR) -> list[EndedRun]:
    random = Random(seed)
    results = "".join("-" if random.random() < share else "+" for count, share in parts for _ in range(count))
    return every(step, results)


# What is exact


def test_a_bound_of_three_failures_in_a_row_has_the_run_length_of_the_textbook() -> None:
    # Without forgiveness between them, k failures in a row come after (1 - p^k) / (p^k (1 - p)) runs; a weight of 1
    # with the bound k forgives one success each, so that it alarms no later.
    share = 0.2
    in_a_row = (1 - share**2) / (share**2 * (1 - share))
    assert CusumChart(1, 2).mean_runs(share) == pytest.approx(in_a_row)
    assert CusumChart(1, 3).mean_runs(share) < (1 - share**3) / (share**3 * (1 - share))


@given(st.floats(0.01, 0.9), st.integers(1, 12), st.integers(1, 60))
def test_it_alarms_sooner_the_more_fails_and_later_the_higher_the_bound(share: float, weight: int, bound: int) -> None:
    chart = CusumChart(weight, bound)
    assert chart.mean_runs(share) >= chart.mean_runs(min(share * 1.1, 1.0)) * (1 - 1e-9)
    assert CusumChart(weight, bound + 1).mean_runs(share) >= chart.mean_runs(share) * (1 - 1e-9)
    assert chart.mean_runs(1.0) == pytest.approx(-(-bound // weight))


@given(st.floats(0.001, 0.3), st.integers(200, 100_000))
def test_the_bound_keeps_the_budget_and_the_next_lower_one_does_not(healthy: float, run_length: int) -> None:
    chart = chart_for(healthy, max(0.3, healthy + 0.2), run_length)
    assert chart.mean_runs(healthy) >= run_length
    lower = CusumChart(chart.weight, chart.bound - 1)
    assert lower.bound == chart.weight or lower.mean_runs(healthy) < run_length


def test_at_three_per_cent_healthy_the_figures_are_those_promised() -> None:
    chart = RULE.chart(0.03)
    assert chart.mean_runs(0.03) >= 15_000
    assert (RULE.expected_delay(1.0, 0.03), RULE.expected_delay(0.5, 0.03)) == (3.0, pytest.approx(7.8, abs=0.1))
    assert RULE.expected_delay(1.0, 0.04) <= 4
    assert words.delays(RULE, 0.03) == "a total outage is found after 3 runs, half failing after 8"


# What is learned


def test_before_anything_is_known_the_level_is_high_so_that_the_first_failures_do_not_page() -> None:
    assert 0.05 < level([]) < 0.1
    assert edges(RULE, every(HOUR, "-+-+++-++++-")) == []


def test_the_level_is_the_upper_end_of_what_the_history_allows() -> None:
    assert level(every(HOUR, GOOD * 50)) == pytest.approx(0.034, abs=0.002)
    assert level(every(HOUR, GOOD * 3)) > 0.045


def test_outages_are_no_part_of_the_level() -> None:
    healthy, broken = GOOD * 25, GOOD * 12 + "-" * 60 + GOOD * 12
    assert level(every(HOUR, broken)) == pytest.approx(level(every(HOUR, healthy)), abs=0.006)


def test_a_level_that_lasts_for_half_of_the_ninety_days_is_the_usual_one() -> None:
    ten_days, higher = "+" * 24 * 10, ("+" * 8 + "--") * 24
    assert level(every(HOUR, ten_days * 7 + higher)) < 0.03
    assert level(every(HOUR, ten_days * 3 + higher * 5)) > 0.12


def test_what_was_learned_is_given_back_while_it_holds_and_learned_anew_when_there_is_twice_as_much() -> None:
    runs = Runs(every(HOUR, "+" * 200))
    first = level_at(runs, START + 10 * HOUR, None, None)
    assert level_at(runs, START + 30 * HOUR, first, None) is first
    more = level_at(runs, START + 33 * HOUR, level_at(runs, START + 32 * HOUR, first, None), None)
    assert more.values[0] < level_at(runs, START + 60 * HOUR, more, None).values[0] + 0.1
    later = level_at(runs, START + 60 * HOUR, more, None)
    assert later.values[1] > 2 * more.values[1] - 25


def test_nothing_is_learned_while_an_alert_is_open_until_it_is_how_things_are() -> None:
    runs = Runs(every(HOUR, "+" * 300 + "-" * 2000))
    began_at = START + 300 * HOUR
    known = level_at(runs, began_at, None, None)
    assert level_at(runs, began_at + timedelta(days=20), known, began_at) is known
    assert level_at(runs, began_at + timedelta(days=20), None, began_at).values[0] == known.values[0]
    assert level_at(runs, began_at + timedelta(days=50), known, began_at).values[0] > 0.2


# When it fires and recovers


def test_a_total_outage_is_found_within_four_runs_and_recovers_with_the_tenth_good_one() -> None:
    found = edges(RULE, every(HOUR, GOOD * 20 + "+" * 10 + "-" * 30 + "+" * 10))
    assert kinds(found) == ["firing", "recovered"]
    assert found[0].evaluation.runs_since_change <= 4
    assert found[0].evaluation.began_at == START + 690 * HOUR
    assert (found[1].at, found[1].evaluation.runs_since_change) == (START + 729 * HOUR, 10)


def test_it_says_what_was_found() -> None:
    found = edges(RULE, every(HOUR, GOOD * 20 + "+" * 10 + "-" * 4 + "+" * 10))
    assert words.describe(RULE, found[0].evaluation, UTC).startswith(
        "3 of 3 runs failed since 2026-10-05 18:00 UTC; usual"
    )
    assert words.describe(RULE, found[1].evaluation, UTC) == "as good as usual again in the last 10 runs"


def test_a_repaired_flow_that_breaks_again_fires_again_and_the_old_failures_do_not_help_it() -> None:
    found = edges(RULE, every(HOUR, GOOD * 20 + "+" * 10 + "-" * 30 + "+" * 20 + "--" + "+" * 30 + "-" * 5))
    assert kinds(found) == ["firing", "recovered", "firing"]
    assert found[2].evaluation.began_at == START + 772 * HOUR


def test_a_single_failure_in_a_quiet_flow_does_not_fire() -> None:
    day = timedelta(days=1)
    assert edges(RULE, every(day, "+" * 80 + "-" + "+" * 80 + "-")) == []


def test_a_flow_that_is_broken_from_its_first_run_on_is_found() -> None:
    found = edges(RULE, every(HOUR, "-" * 40))
    assert kinds(found) == ["firing"]
    assert found[0].evaluation.runs_since_change <= 7


def test_half_of_the_runs_failing_for_weeks_is_one_episode() -> None:
    found = edges(RULE, random_runs(4, (700, 0.03), (700, 0.5), (60, 0.03)))
    assert kinds(found) == ["firing", "recovered"]


def test_what_was_good_before_it_fired_is_no_recovery() -> None:
    found = edges(RULE, random_runs(3, (1000, 0.03), (4000, 0.15), step=timedelta(minutes=5)))
    for fired, recovered in pairwise(found):
        if recovered.edge.value == "recovered":
            assert recovered.at - fired.at >= timedelta(minutes=45)


def test_runs_that_zoho_runs_again_neither_add_nor_take_away() -> None:
    assert edges(RULE, every(HOUR, GOOD * 20 + "?" * 30)) == []
    found = edges(RULE, every(HOUR, GOOD * 20 + "+" * 10 + "-?" * 20))
    assert found[0].evaluation.numbers["failed"] == found[0].evaluation.numbers["runs"] <= 4


def test_it_has_recovered_when_it_stayed_good_for_as_long_as_the_rule_asks() -> None:
    patience = AlertPatience(keep_firing=timedelta(hours=5))
    broken = GOOD * 20 + "+" * 10 + "-" * 30
    found = edges(RULE, every(HOUR, broken + "+" * 40), patience=patience)
    assert [(edge.edge.value, edge.at) for edge in found[1:]] == [("recovered", START + (729 + 5) * HOUR)]
    assert kinds(edges(RULE, every(HOUR, broken + "+" * 12 + "-" * 40), patience=patience)) == ["firing"]


def test_without_runs_nothing_is_known() -> None:
    assert RULE.evaluate(Runs([]), START, AlertStanding()).found is ConditionState.NO_DATA


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"run_length": 0}, "run_length must be a whole number"),
        ({"worth_waking": 100}, "worth_waking must be a number from 5 to 95"),
        ({"floor": float("nan")}, "floor must be a number"),
        ({"floor": 30.0, "worth_waking": 20.0}, "worth_waking must be above the floor"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(option: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        FailingNow(**option)


histories = st.lists(
    st.tuples(st.sampled_from(["+", GOOD, "-", "?", "+-"]), st.integers(1, 12)), min_size=1, max_size=12
).map(lambda parts: "".join(part * count for part, count in parts))


@given(histories)
def test_good_runs_at_the_end_never_make_it_fire(results: str) -> None:
    fired = kinds(edges(RULE, every(HOUR, results))).count("firing")
    assert kinds(edges(RULE, every(HOUR, results + "+" * 30))).count("firing") == fired


@given(histories, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(results: str, order: Random) -> None:
    runs = every(HOUR, results)
    mixed = list(runs)
    order.shuffle(mixed)
    assert edges(RULE, runs) == edges(RULE, mixed)


@given(histories, st.integers(0, 300))
def test_what_comes_later_changes_nothing_of_what_was_found_before(results: str, cut: int) -> None:
    runs, until = every(HOUR, results), START + cut * HOUR
    assert edges(RULE, runs[: cut + 1], until) == edges(RULE, runs, until)


@given(histories)
def test_only_the_runs_that_it_says_it_needs_are_needed(results: str) -> None:
    runs = every(HOUR, results)
    whole = Runs(runs)
    standing = AlertStanding()
    for place in range(len(runs)):
        at = START + place * HOUR
        needed = RULE.needs_from(at, standing).timestamp()
        found = RULE.evaluate(whole, at, standing)
        short = RULE.evaluate(Runs(one for one in runs if one.ended >= needed), at, standing)
        assert (short.found, short.anchor, short.learned) == (found.found, found.anchor, found.learned)
        is_open = found.found is ConditionState.BREACHED
        standing = AlertStanding(
            is_open=is_open,
            fired_at=at if is_open and not standing.is_open else standing.fired_at,
            recovered_at=at if standing.is_open and not is_open else standing.recovered_at,
            anchor=found.anchor,
            began_at=found.began_at if is_open else None,
            learned=found.learned,
        )


def test_runs_that_ended_at_one_moment_are_one_evaluation() -> None:
    runs = every(HOUR, GOOD * 20) + [run(START + 700 * HOUR, "-") for _ in range(6)]
    assert [edge.at for edge in edges(RULE, runs)] == [START + 700 * HOUR]
