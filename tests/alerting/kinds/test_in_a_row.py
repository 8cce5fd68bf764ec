"""Failures in a row: what counts, what breaks the row, and when it has recovered."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.kinds.in_a_row import words
from monitor.alerting.kinds.in_a_row.condition import FailedInARow
from monitor.alerting.kinds.interface import AlertStanding, ConditionState, Runs
from tests.alerting.kinds.histories import HOUR, START, edges, every, kinds

RULE = FailedInARow()


def test_the_third_failure_in_a_row_fires_and_the_next_success_recovers() -> None:
    found = edges(RULE, every(HOUR, "++---+"))
    assert [(edge.edge.value, edge.at) for edge in found] == [
        ("firing", START + 4 * HOUR),
        ("recovered", START + 5 * HOUR),
    ]
    assert (found[0].evaluation.began_at, found[0].evaluation.runs_since_change) == (START + 2 * HOUR, 3)
    assert words.describe(RULE, found[0].evaluation, UTC) == (
        "the last 3 runs failed, the first of them at 2026-09-07 02:00 UTC"
    )


def test_a_success_in_between_breaks_the_row() -> None:
    assert edges(RULE, every(HOUR, "--+--+--")) == []


def test_runs_that_zoho_runs_again_neither_count_nor_break_the_row() -> None:
    found = edges(RULE, every(HOUR, "-?-??-+"))
    assert [edge.at for edge in found] == [START + 5 * HOUR, START + 6 * HOUR]
    assert kinds(edges(RULE, every(HOUR, "---???"))) == ["firing"]


def test_each_row_of_failures_is_an_episode_of_its_own() -> None:
    assert kinds(edges(FailedInARow(1), every(HOUR, "-+-+--"))) == ["firing", "recovered"] * 2 + ["firing"]


def test_without_runs_nothing_is_known() -> None:
    assert RULE.evaluate(Runs([]), START, AlertStanding()).found is ConditionState.NO_DATA


def test_a_row_of_no_failures_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="count must be a whole number from 1"):
        FailedInARow(0)


@given(st.text("+-?", max_size=40), st.integers(1, 5), st.integers(1, 6))
def test_good_runs_put_in_anywhere_never_make_it_fire(results: str, count: int, step: int) -> None:
    spread = "".join(results[place : place + step] + "+" for place in range(0, len(results), step))
    fired = kinds(edges(FailedInARow(count), every(HOUR, results))).count("firing")
    if not fired:
        assert edges(FailedInARow(count), every(HOUR, spread)) == []


@given(st.text("+-?", max_size=40), st.integers(1, 5))
def test_no_run_from_before_the_anchor_is_needed(results: str, count: int) -> None:
    rule, runs = FailedInARow(count), every(HOUR, results)
    standing = AlertStanding()
    for place in range(len(runs)):
        at = START + place * HOUR
        found = rule.evaluate(Runs(runs), at, standing)
        standing = AlertStanding(anchor=found.anchor)
        needed = rule.needs_from(at, standing).timestamp()
        short = rule.evaluate(Runs(one for one in runs if one.ended >= needed), at, standing)
        assert (short.found, short.began_at) == (found.found, found.began_at)
