"""Runs that take too long: by a limit, by the flow's own usual, and ten of ten at once."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.kinds.duration import words
from monitor.alerting.kinds.duration.condition import MOST_RUNS, LongDuration
from monitor.alerting.kinds.interface import AlertStanding, ConditionState, EndedRun, Evaluation, RunResult, Runs
from monitor.alerting.replay import replay
from monitor.alerting.steps import AlertPatience
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


def naive(rule: LongDuration, rows: list[EndedRun], at: float, standing: AlertStanding) -> tuple[str, float, float]:
    """What a rule with a limit in milliseconds finds, how many are slow and their percentile, gone through anew."""
    start = at - rule.window_hours * 3600
    if standing.recovered_at is not None and not standing.is_open:
        start = max(start, standing.recovered_at.timestamp())
    took = [row.duration_ms for row in rows if start < row.ended <= at][-MOST_RUNS:]
    known = [one for one in took if one is not None]
    slow = [one for one in known if one > rule.above_ms]
    ten = [one > rule.above_ms for one in known[-10:]] if len(known) >= 10 else []
    is_high = len(slow) > 0.05 * len(known)
    if not known:
        found = "empty" if standing.is_open else "no_data"
    elif standing.is_open:
        found = "clear" if not is_high or (ten and not any(ten)) else "breached"
    elif ten and all(ten):
        found = "breached"
    elif len(known) < rule.min_runs:
        found = "no_data"
    else:
        found = "breached" if is_high and not (ten and not any(ten)) else "clear"
    return found, len(slow), sorted(known)[-(-len(known) * 95 // 100) - 1] if known else 0


class Compared(LongDuration):
    """Asks the condition and the naive evaluation at each moment, and notes where they differ."""

    __slots__ = ()
    differ: ClassVar[list[Any]] = []
    asked: ClassVar[int] = 0

    def evaluate(self, runs: Runs, at: datetime, standing: AlertStanding) -> Evaluation:
        found = LongDuration.evaluate(self, runs, at, standing)
        said = str(found.found), found.numbers["slow"], found.numbers.get("p95_ms", 0)
        wanted = naive(self, list(runs.rows), at.timestamp(), standing)
        type(self).asked += 1
        if said != wanted:
            self.differ.append((at, said, wanted))
        return found


@given(
    history=st.lists(
        st.tuples(st.integers(0, 4000), st.sampled_from([None, 500, 999, 1000, 1001, 2000, 9000]), st.booleans()),
        min_size=1,
        max_size=120,
    ),
    hours=st.sampled_from([0.25, 1, 5]),
    least=st.sampled_from([1, 5, 20]),
    keep=st.sampled_from([0, 25]),
)
def test_a_window_that_moves_along_a_history_finds_what_one_that_is_gone_through_anew_does(
    history: list[tuple[int, int | None, bool]], hours: float, least: int, keep: int
) -> None:
    Compared.differ.clear()
    at, rows = START.timestamp(), []
    for seconds, took, waits in history:
        at += seconds
        result, until = (RunResult.FAILED, at + 2_100) if waits else (RunResult.SUCCEEDED, None)
        rows.append(EndedRun(at, result, at - 1, took, until))
    rule = Compared(above_ms=1_000, times_usual=0, window_hours=hours, min_runs=least)
    asked = Compared.asked
    list(replay(rule, Runs(rows), patience=AlertPatience(keep_firing=timedelta(minutes=keep))))
    assert Compared.differ == []
    assert Compared.asked > asked


def test_a_replay_costs_so_much_for_each_run_and_not_for_each_run_of_its_window() -> None:
    """Four times as many runs, and so four times as many in each window, cost about four times as much."""

    def seconds(count: int) -> float:
        runs = Runs(run(START + place * 7 * 24 * HOUR / count, took=1 + place % 7) for place in range(count))
        began = time.process_time()
        assert list(replay(USUAL, runs)) == []
        return time.process_time() - began

    few, many = (min(seconds(count) for _ in range(3)) for count in (1_000, 4_000))
    assert many < 9 * few
