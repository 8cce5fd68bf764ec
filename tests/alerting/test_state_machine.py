"""The condition and the state machine, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.conditions import Limits, Reading, is_breached, is_recovered
from monitor.alerting.state_machine import Decision, Kind, RuleStanding, State, decide
from tests.factories import NOON

LIMITS = Limits(threshold=95, recover_at=95, min_runs=20)
BAD, GOOD, FEW_BAD, NONE = Reading(40, 30, 28), Reading(40, 40, 39), Reading(5, 1, 1), Reading()
BEFORE = NOON - timedelta(hours=3)
OK = RuleStanding(State.OK, is_open=False, episode=0, since=BEFORE)
FIRING = RuleStanding(State.FIRING, is_open=True, episode=1, since=BEFORE)
BLIND_OPEN = RuleStanding(State.NO_DATA, is_open=True, episode=1, since=BEFORE)
BLIND = RuleStanding(State.NO_DATA, is_open=False, episode=0, since=BEFORE)
NEW = replace(BLIND, is_new=True)


def after(
    standing: RuleStanding, reading: Reading, limits: Limits = LIMITS, **why: str
) -> tuple[State, bool, Kind | None]:
    decision = decide(standing, reading, limits, NOON, **why)
    return decision.state, decision.is_open, decision.edge


@pytest.mark.parametrize(
    ("succeeded", "runs", "breached"),
    [(18, 19, False), (19, 20, False), (18, 20, True), (94, 100, True), (95, 100, False), (0, 19, False)],
)
def test_it_is_breached_strictly_below_the_threshold_with_enough_runs(
    succeeded: int, runs: int, breached: bool
) -> None:
    assert is_breached(Reading(runs, succeeded, succeeded), LIMITS) is breached


def test_a_threshold_with_decimals_is_met_exactly() -> None:
    limits = Limits(threshold=99.9, recover_at=99.9, min_runs=20)
    assert not is_breached(Reading(1000, 999, 999), limits)
    assert is_recovered(Reading(1000, 999, 999), limits)
    assert is_breached(Reading(1000, 998, 998), limits)


def test_a_bad_rate_fires_and_begins_an_episode() -> None:
    decision = decide(OK, BAD, LIMITS, NOON)
    told = "30 of 40 runs succeeded"
    assert decision == Decision(State.FIRING, is_open=True, episode=1, since=NOON, reason=told, edge=Kind.FIRING)


def test_while_it_fires_no_second_edge_is_made_and_its_start_stays() -> None:
    decision = decide(FIRING, BAD, LIMITS, NOON)
    assert (decision.edge, decision.since, decision.episode) == (None, BEFORE, 1)


def test_too_few_runs_never_fire() -> None:
    assert after(OK, FEW_BAD) == (State.OK, False, None)
    assert "20 are needed" in decide(OK, FEW_BAD, LIMITS, NOON).reason


def test_it_resolves_when_the_rate_reaches_the_recovery() -> None:
    assert after(FIRING, GOOD) == (State.OK, False, Kind.RESOLVED)
    assert after(FIRING, Reading(20, 19, 19)) == (State.OK, False, Kind.RESOLVED)


def test_between_threshold_and_recovery_it_stays_as_it_was() -> None:
    limits = Limits(threshold=90, recover_at=97, min_runs=20)
    between = Reading(100, 95, 95)
    assert after(FIRING, between, limits) == (State.FIRING, True, None)
    assert after(OK, between, limits) == (State.OK, False, None)


def test_an_open_incident_with_too_few_runs_left_stays_open_until_they_are_good() -> None:
    assert after(FIRING, FEW_BAD) == (State.FIRING, True, None)
    assert after(FIRING, Reading(5, 5, 5)) == (State.OK, False, Kind.RESOLVED)


def test_an_open_incident_without_runs_left_resolves_and_says_so() -> None:
    assert after(FIRING, NONE) == (State.OK, False, Kind.RESOLVED)
    assert decide(FIRING, NONE, LIMITS, NOON).reason == "no runs remain in the window"


@pytest.mark.parametrize("reading", [BAD, GOOD, FEW_BAD, NONE])
@pytest.mark.parametrize("standing", [OK, FIRING, BLIND, BLIND_OPEN, NEW])
def test_old_data_is_never_ok_and_leaves_the_incident_as_it_was(standing: RuleStanding, reading: Reading) -> None:
    decision = decide(standing, reading, LIMITS, NOON, stale="the mirror stands still")
    assert (decision.state, decision.is_open) == (State.NO_DATA, standing.is_open)
    assert decision.edge in (None, Kind.NO_DATA)
    assert decision.reason == "the mirror stands still"


def test_losing_the_data_is_an_edge_once() -> None:
    assert after(FIRING, BAD, stale="old") == (State.NO_DATA, True, Kind.NO_DATA)
    assert after(BLIND_OPEN, BAD, stale="old") == (State.NO_DATA, True, None)


def test_when_data_is_back_the_same_episode_does_not_fire_a_second_time() -> None:
    decision = decide(BLIND_OPEN, BAD, LIMITS, NOON)
    assert (decision.state, decision.episode, decision.edge) == (State.FIRING, 1, Kind.DATA_BACK)


def test_when_data_is_back_and_good_the_incident_resolves() -> None:
    assert after(BLIND_OPEN, GOOD) == (State.OK, False, Kind.RESOLVED)
    assert after(BLIND, GOOD) == (State.OK, False, Kind.DATA_BACK)


def test_the_first_judgement_may_fire_at_once_but_makes_no_other_edge() -> None:
    assert after(NEW, BAD) == (State.FIRING, True, Kind.FIRING)
    assert after(NEW, GOOD) == (State.OK, False, None)
    assert after(NEW, GOOD, stale="old") == (State.NO_DATA, False, None)


@pytest.mark.parametrize("standing", [FIRING, BLIND_OPEN])
def test_what_is_not_judged_any_more_resolves_with_the_reason(standing: RuleStanding) -> None:
    decision = decide(standing, BAD, LIMITS, NOON, stale="old", ended="the rule is switched off")
    assert (decision.state, decision.is_open, decision.edge) == (State.NO_DATA, False, Kind.RESOLVED)
    assert decision.reason == "the rule is switched off"


def test_what_was_never_open_ends_without_a_resolve() -> None:
    assert after(OK, BAD, ended="the flow is deleted in Zoho") == (State.NO_DATA, False, Kind.NO_DATA)
    assert after(BLIND, BAD, ended="the flow is deleted in Zoho") == (State.NO_DATA, False, None)


readings = st.integers(0, 50).flatmap(
    lambda runs: st.builds(Reading, st.just(runs), st.integers(0, runs), st.integers(0, runs))
)
steps = st.tuples(readings, st.sampled_from(["", "", "stale"]), st.sampled_from(["", "", "", "ended"]))


@given(st.lists(steps, max_size=40), st.floats(0, 100), st.floats(0, 10))
def test_in_any_history_firing_and_resolved_alternate_and_each_episode_has_one_of_each(
    history: list[tuple[Reading, str, str]], threshold: float, gap: float
) -> None:
    limits = Limits(threshold, min(threshold + gap, 100), 20)
    standing, told = NEW, []
    for minute, (reading, stale, ended) in enumerate(history):
        now = NOON + timedelta(minutes=minute)
        decision = decide(standing, reading, limits, now, stale=stale, ended=ended)
        again = decide(settled(decision), reading, limits, now, stale=stale, ended=ended)
        assert again.edge is None, "judging the same again is no edge"
        if decision.edge in (Kind.FIRING, Kind.RESOLVED):
            told.append((decision.edge, decision.episode))
        assert decision.is_open or decision.state != State.FIRING
        assert not decision.is_open or decision.state != State.OK
        assert decision.state != State.OK or not (stale or ended)
        standing = settled(decision)
    assert [kind for kind, _ in told] == [(Kind.FIRING, Kind.RESOLVED)[place % 2] for place in range(len(told))]
    assert [episode for _, episode in told] == [place // 2 + 1 for place in range(len(told))]


def settled(decision: Decision) -> RuleStanding:
    return RuleStanding(decision.state, decision.is_open, decision.episode, decision.since)


def test_a_threshold_of_zero_never_fires_and_an_incident_may_recover_at_a_hundred() -> None:
    assert after(OK, Reading(50, 0, 0), Limits(0, 0, 1)) == (State.OK, False, None)
    assert after(FIRING, Reading(50, 49, 49), Limits(95, 100, 1)) == (State.FIRING, True, None)


@pytest.mark.parametrize(
    "standing", [OK, FIRING, BLIND_OPEN, BLIND, NEW], ids=["ok", "firing", "blind open", "blind", "new"]
)
@pytest.mark.parametrize("reading", [BAD, GOOD, FEW_BAD, NONE], ids=["bad", "good", "few", "none"])
@pytest.mark.parametrize("why", [{}, {"stale": "old"}, {"ended": "off"}], ids=["fresh", "stale", "ended"])
def test_the_time_since_is_that_of_the_last_change_of_state_or_incident(
    standing: RuleStanding, reading: Reading, why: dict[str, str]
) -> None:
    decision = decide(standing, reading, LIMITS, NOON, **why)
    moved = (decision.state, decision.is_open) != (standing.state, standing.is_open) or standing.is_new
    assert decision.since == (NOON if moved else BEFORE)
