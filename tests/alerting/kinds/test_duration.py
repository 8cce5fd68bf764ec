"""Runs that take too long: by a limit, by the flow's own usual, and ten of ten at once."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.kinds.duration import words
from monitor.alerting.kinds.duration.condition import LongDuration
from monitor.alerting.kinds.interface import AlertStanding, ConditionState, EndedRun, Runs
from tests.alerting.kinds.histories import HOUR, START, edges, kinds, run

SECOND = LongDuration(above_ms=1_000, times_usual=0)
USUAL = LongDuration()


def took(*seconds: float) -> list[EndedRun]:
    """Runs that end one hour after the other."""
    return [run(START + place * HOUR, took=one) for place, one in enumerate(seconds)]


def test_it_fires_when_more_than_five_of_a_hundred_are_above_the_limit() -> None:
    rule = LongDuration(above_ms=1_000, times_usual=0, window_hours=24 * 7)
    assert edges(rule, took(*[0.5] * 95, *[2] * 5)) == []
    found = edges(rule, took(*[0.5] * 94, *[2] * 6))
    assert kinds(found) == ["firing"]
    assert words.describe(rule, found[0].evaluation, UTC) == (
        "5 of 99 runs took longer than 1.0 s, the first of them at 2026-09-10 22:00 UTC"
    )


def test_ten_of_ten_fire_at_once_although_more_runs_are_needed() -> None:
    found = edges(SECOND, took(*[2] * 12))
    assert [(edge.at, edge.evaluation.runs_since_change) for edge in found] == [(START + 9 * HOUR, 10)]


def test_ten_runs_in_time_are_a_recovery_and_what_was_slow_before_is_over() -> None:
    found = edges(SECOND, took(*[2] * 10, *[0.5] * 12, 2, *[0.5] * 12))
    assert kinds(found) == ["firing", "recovered"]
    assert found[1].at == START + 19 * HOUR
    assert kinds(edges(SECOND, took(*[2] * 10, *[0.5] * 12, *[2] * 10))) == ["firing", "recovered", "firing"]


def test_its_own_usual_is_learned_and_a_flow_that_is_slow_by_nature_does_not_fire() -> None:
    assert edges(USUAL, took(*[40] * 200)) == []
    found = edges(USUAL, took(*[40] * 200, *[130] * 30))
    assert kinds(found) == ["firing"]
    assert found[0].evaluation.numbers["usual_ms"] == 40_000
    assert found[0].evaluation.began_at == START + 200 * HOUR


def test_before_its_usual_is_known_it_learns() -> None:
    evaluation = USUAL.evaluate(Runs(took(*[2] * 40)), START + 40 * HOUR, AlertStanding())
    assert evaluation.found is ConditionState.LEARNING
    assert words.describe(USUAL, evaluation, UTC) == "learning how long it usually takes"


def test_a_run_of_unknown_length_does_not_count() -> None:
    unknown = [one._replace(duration_ms=None) for one in took(*[2] * 30)]
    assert edges(SECOND, unknown) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"times_usual": 0}, "above_ms must be above 0 where there is no other limit"),
        ({"times_usual": 1}, "times_usual must be above 1"),
        ({"above_ms": -1}, "above_ms must be a whole number"),
        ({"min_runs": 0}, "min_runs must be a whole number"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LongDuration(**options)


@given(st.lists(st.sampled_from([0.5, 2]), max_size=80), st.integers(0, 80))
def test_what_comes_later_changes_nothing_of_what_was_found_before(seconds: list[float], cut: int) -> None:
    runs, until = took(*seconds), START + cut * HOUR
    assert edges(SECOND, runs[: cut + 1], until) == edges(SECOND, runs, until)
    assert edges(SECOND, list(reversed(runs)), until) == edges(SECOND, runs, until)


@given(st.lists(st.sampled_from([0.5, 2]), max_size=60))
def test_runs_in_time_at_the_end_never_make_it_fire(seconds: list[float]) -> None:
    rule = LongDuration(above_ms=1_000, times_usual=0, min_runs=1)
    fired = kinds(edges(rule, took(*seconds))).count("firing")
    assert kinds(edges(rule, took(*seconds, *[0.5] * 30))).count("firing") == fired
