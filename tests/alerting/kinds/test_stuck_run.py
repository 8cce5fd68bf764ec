"""Runs that go on for too long: which are stuck, since when, and when that is over."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from monitor.alerting.kinds.interface import AlertStanding, ConditionState, EndedRun, RunResult, Runs, moment
from monitor.alerting.kinds.stuck_run import words
from monitor.alerting.kinds.stuck_run.condition import StuckRun
from monitor.alerting.steps import AlertPatience
from tests.alerting.kinds.histories import START, edges, kinds

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RULE = StuckRun()
T = START.timestamp()


def lasted(start: float, minutes: float, took: float | None = None) -> EndedRun:
    """A run that began so many minutes after the start and ended so many later; `took` is what Zoho says it took."""
    began = T + start * 60
    ms = round((minutes if took is None else took) * 60_000)
    return EndedRun(began + minutes * 60, RunResult.SUCCEEDED, began, ms)


def running(*starts: float) -> Runs:
    since = [T + start * 60 for start in starts]
    return Runs([lasted(-60, 1)], running=since, unfinished=since)


def test_a_run_that_goes_on_for_ten_minutes_is_stuck_and_before_it_is_looked_at_again_then() -> None:
    before = RULE.evaluate(running(0), START + 9 * MINUTE, AlertStanding())
    assert (before.found, before.again_at) == (ConditionState.CLEAR, START + 10 * MINUTE)
    assert words.describe(RULE, before, UTC) == "no run goes on for longer than 10 min"
    after = RULE.evaluate(running(0, 5), START + 10 * MINUTE, AlertStanding())
    assert (after.found, after.began_at) == (ConditionState.BREACHED, START)
    assert after.again_at == START + 15 * MINUTE, "then the other one is stuck too"
    assert words.describe(RULE, after, UTC) == (
        "1 run goes on for longer than 10 min; stuck since 2026-09-07 00:00 UTC"
    )


def test_it_has_recovered_when_the_last_stuck_run_ended() -> None:
    standing = AlertStanding(is_open=True, fired_at=START + 10 * MINUTE, began_at=START)
    runs = Runs([lasted(0, 30)], running=[T + 5 * 60])
    found = RULE.evaluate(runs, START + 30 * MINUTE, standing)
    assert (found.found, found.began_at) == (ConditionState.BREACHED, START), "another one goes on"
    runs = Runs([lasted(0, 30), lasted(5, 40)])
    assert RULE.evaluate(runs, START + 45 * MINUTE, standing).found is ConditionState.CLEAR


def test_what_never_ended_is_over_after_a_week_and_has_not_recovered() -> None:
    standing = AlertStanding(is_open=True, fired_at=START + 10 * MINUTE, began_at=START)
    found = RULE.evaluate(running(0), START + 2 * HOUR, standing)
    assert found.again_at == START + timedelta(days=7)
    found = RULE.evaluate(running(0), START + timedelta(days=7), standing)
    assert found.found is ConditionState.EMPTY
    assert "too old" in words.describe(RULE, found, UTC)


def test_a_flow_with_a_step_that_waits_has_no_stuck_runs_and_an_open_alert_of_it_closes() -> None:
    for standing in (AlertStanding(), AlertStanding(is_open=True, began_at=START)):
        found = RULE.evaluate(running(0).watched(None, may_wait=True), START + HOUR, standing)
        assert found.found is ConditionState.EMPTY
        assert words.describe(RULE, found, UTC) == "a step of the flow waits, so that its runs may go on for long"


def test_a_replay_fires_while_a_run_went_on_though_no_other_one_ended() -> None:
    found = edges(RULE, [lasted(0, 2), lasted(30, 25), lasted(100, 9), lasted(200, 12)], until=START + 9 * HOUR)
    assert [(edge.edge.value, edge.at) for edge in found] == [
        ("firing", START + 40 * MINUTE),
        ("recovered", START + 55 * MINUTE),
        ("firing", START + 210 * MINUTE),
        ("recovered", START + 212 * MINUTE),
    ]
    assert found[0].evaluation.began_at == START + 30 * MINUTE
    assert kinds(edges(RULE, [lasted(0, 25)], until=START + HOUR)) == ["firing", "recovered"], "the first run of all"
    assert edges(RULE, [lasted(0, 25)], patience=AlertPatience(wait=20 * MINUTE)) == []


def test_a_run_that_zoho_ran_again_hours_later_did_not_go_on_in_between() -> None:
    assert edges(RULE, [lasted(0, 6 * 60, took=2)], until=START + 9 * HOUR) == []


def test_it_needs_the_runs_since_the_oldest_one_that_goes_on_and_a_day_for_those_that_are_mirrored_late() -> None:
    at = START + 9 * MINUTE
    assert RULE.needs_from(at, AlertStanding()) == at - timedelta(days=7)
    assert RULE.evaluate(running(), at, AlertStanding()).anchor == at - timedelta(days=1)
    at = START + timedelta(days=3)
    anchor = RULE.evaluate(running(0), at, AlertStanding()).anchor
    assert anchor == moment(T)
    assert RULE.needs_from(at, AlertStanding(anchor=anchor)) == START


@pytest.mark.parametrize("minutes", [4, 1441, 7.5, True])
def test_a_limit_below_what_zoho_gives_a_run_is_refused(minutes: float) -> None:
    with pytest.raises(ValueError, match="after_minutes must be a whole number from 5 to 1,440"):
        StuckRun(after_minutes=minutes)  # type: ignore[arg-type]
