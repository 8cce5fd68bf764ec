"""The states of a rule for a subject, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.kinds.interface import AlertStanding, ConditionState, Evaluation
from monitor.alerting.state_machine import AFTER_ERROR, Decision, Edge, RuleStanding, Stage, decide, fail, rest
from monitor.alerting.steps import AlertPatience, ConditionPlace
from monitor.models import AlertState, Transition
from tests.factories import NOON

MINUTE = timedelta(minutes=1)
BEFORE = NOON - timedelta(hours=3)
AT_ONCE = AlertPatience()
SLOW = AlertPatience(wait=10 * MINUTE, keep_firing=20 * MINUTE)
BREACHED, CLEAR, FEW, LEARNING, EMPTY = (Evaluation(found) for found in ConditionState)


def standing(stage: Stage, *, is_open: bool = False, is_resting: bool = False, **fields: object) -> RuleStanding:
    place = ConditionPlace(AlertStanding(is_open=is_open))
    return RuleStanding(stage, int(is_open), BEFORE, place, is_resting=is_resting, **fields)  # type: ignore[arg-type]


OK = standing(Stage.OK)
FIRING = standing(Stage.FIRING, is_open=True)
BLIND_OPEN = standing(Stage.NO_DATA, is_open=True, is_resting=True)
BLIND = standing(Stage.NO_DATA, is_resting=True)
NEW = replace(BLIND, is_new=True)


def after(before: RuleStanding, evaluation: Evaluation, patience: AlertPatience = AT_ONCE) -> tuple[object, ...]:
    return told(decide(before, evaluation, "so", NOON, patience))


def told(decision: Decision) -> tuple[object, ...]:
    return decision.after.stage, decision.after.is_open, decision.edge


def test_the_names_are_those_of_the_tables() -> None:
    assert {stage.value for stage in Stage} == set(AlertState.State.values)
    assert {edge.value for edge in Edge} == set(Transition.Kind.values)


def test_what_is_breached_fires_and_begins_an_episode() -> None:
    decision = decide(OK, BREACHED, "38 of 47", NOON, AT_ONCE)
    assert told(decision) == (Stage.FIRING, True, Edge.FIRING)
    assert (decision.after.episode, decision.after.since, decision.reason) == (1, NOON, "38 of 47")


def test_while_it_fires_no_second_edge_is_made_and_its_start_stays() -> None:
    decision = decide(FIRING, BREACHED, "so", NOON, AT_ONCE)
    assert (decision.edge, decision.after.since, decision.after.episode) == (None, BEFORE, 1)


def test_it_resolves_when_it_is_clear() -> None:
    assert after(FIRING, CLEAR) == (Stage.OK, False, Edge.RESOLVED)


@pytest.mark.parametrize(
    ("before", "evaluation", "between", "edges"),
    [
        (OK, BREACHED, Stage.PENDING, (Edge.PENDING, Edge.FIRING)),
        (FIRING, CLEAR, Stage.RECOVERING, (Edge.RECOVERING, Edge.RESOLVED)),
    ],
)
def test_what_has_to_last_is_on_its_way_for_so_long(
    before: RuleStanding, evaluation: Evaluation, between: Stage, edges: tuple[Edge, Edge]
) -> None:
    lasts = 10 * MINUTE if evaluation is BREACHED else 20 * MINUTE
    first = decide(before, evaluation, "so", NOON, SLOW)
    assert (first.after.stage, first.edge, first.again_at) == (between, edges[0], NOON + lasts)
    early = decide(first.after, evaluation, "so", NOON + lasts - MINUTE, SLOW)
    assert (early.after.stage, early.edge, early.after.since) == (between, None, NOON)
    assert decide(early.after, evaluation, "so", NOON + lasts, SLOW).edge is edges[1]


def test_what_ends_before_it_has_lasted_long_enough_is_an_edge_of_its_own() -> None:
    pending = decide(OK, BREACHED, "so", NOON, SLOW).after
    assert told(decide(pending, CLEAR, "so", NOON + MINUTE, SLOW)) == (Stage.OK, False, Edge.CLEARED)
    recovering = decide(FIRING, CLEAR, "so", NOON, SLOW).after
    assert told(decide(recovering, BREACHED, "so", NOON + MINUTE, SLOW)) == (Stage.FIRING, True, Edge.RELAPSED)


def test_too_few_runs_are_a_state_and_no_event() -> None:
    assert after(OK, FEW) == (Stage.NO_DATA, False, None)
    assert after(standing(Stage.NO_DATA), CLEAR) == (Stage.OK, False, None)


def test_an_open_incident_that_nothing_is_known_of_stays_open() -> None:
    assert after(FIRING, FEW) == (Stage.NO_DATA, True, Edge.NO_DATA)
    assert after(FIRING, LEARNING) == (Stage.LEARNING, True, Edge.LEARNING)
    assert after(standing(Stage.NO_DATA, is_open=True), BREACHED) == (Stage.FIRING, True, Edge.DATA_BACK)


def test_what_has_nothing_left_to_go_by_is_closed_at_once_and_has_not_recovered() -> None:
    for before in (FIRING, BLIND_OPEN, standing(Stage.RECOVERING, is_open=True)):
        decision = decide(before, EMPTY, "no runs in the window", NOON, SLOW)
        assert told(decision) == (Stage.NO_DATA, False, Edge.CLOSED)
        assert (decision.after.place.standing.recovered_at, decision.after.since) == (None, NOON)
    assert after(OK, EMPTY) == (Stage.NO_DATA, False, None)


def test_learning_is_a_state_with_a_beginning_and_an_end() -> None:
    assert after(OK, LEARNING) == (Stage.LEARNING, False, Edge.LEARNING)
    assert after(standing(Stage.LEARNING), CLEAR) == (Stage.OK, False, Edge.DATA_BACK)


@pytest.mark.parametrize("before", [OK, FIRING, BLIND, BLIND_OPEN, NEW])
def test_old_data_is_never_ok_and_leaves_the_incident_as_it_was(before: RuleStanding) -> None:
    decision = rest(before, "the mirror stands still", NOON, is_over=False)
    assert (decision.after.stage, decision.after.is_open) == (Stage.NO_DATA, before.is_open)
    assert decision.edge in (None, Edge.NO_DATA)
    assert decision.after.is_resting
    assert decision.reason == "the mirror stands still"


def test_losing_the_data_is_an_edge_once() -> None:
    assert told(rest(FIRING, "old", NOON, is_over=False)) == (Stage.NO_DATA, True, Edge.NO_DATA)
    assert told(rest(BLIND_OPEN, "old", NOON, is_over=False)) == (Stage.NO_DATA, True, None)


def test_old_data_ends_a_wait_to_fire_and_not_a_wait_to_recover() -> None:
    pending = decide(OK, BREACHED, "so", NOON, SLOW).after
    recovering = decide(FIRING, CLEAR, "so", NOON, SLOW).after
    later = NOON + 30 * MINUTE
    for before, again, wanted in ((pending, BREACHED, Stage.PENDING), (recovering, CLEAR, Stage.OK)):
        blind = rest(before, "old", NOON + MINUTE, is_over=False).after
        assert decide(blind, again, "so", later, SLOW).after.stage is wanted


def test_when_data_is_back_the_same_episode_does_not_fire_a_second_time() -> None:
    decision = decide(BLIND_OPEN, BREACHED, "so", NOON, AT_ONCE)
    assert told(decision) == (Stage.FIRING, True, Edge.DATA_BACK)
    assert decision.after.episode == 1
    assert not decision.after.is_resting


def test_when_data_is_back_and_good_the_incident_resolves() -> None:
    assert after(BLIND_OPEN, CLEAR) == (Stage.OK, False, Edge.RESOLVED)
    assert after(BLIND, CLEAR) == (Stage.OK, False, Edge.DATA_BACK)


def test_the_first_evaluation_may_fire_or_wait_to_but_makes_no_other_edge() -> None:
    assert after(NEW, BREACHED) == (Stage.FIRING, True, Edge.FIRING)
    assert after(NEW, BREACHED, SLOW) == (Stage.PENDING, False, Edge.PENDING)
    for evaluation in (CLEAR, FEW, LEARNING):
        assert after(NEW, evaluation)[2] is None
    assert told(rest(NEW, "old", NOON, is_over=False)) == (Stage.NO_DATA, False, None)


@pytest.mark.parametrize("before", [FIRING, BLIND_OPEN])
def test_what_is_over_closes_with_the_reason_and_is_no_recovery(before: RuleStanding) -> None:
    decision = rest(before, "the rule is switched off", NOON, is_over=True)
    assert told(decision) == (Stage.NO_DATA, False, Edge.CLOSED)
    assert decision.after.place.standing.recovered_at is None, "switched on again, it fires for the same failures"


def test_what_was_never_open_ends_without_an_end_of_an_incident() -> None:
    assert told(rest(OK, "gone", NOON, is_over=True)) == (Stage.NO_DATA, False, Edge.NO_DATA)
    assert told(rest(BLIND, "gone", NOON, is_over=True)) == (Stage.NO_DATA, False, None)


def test_an_evaluation_that_fails_is_a_state_with_one_edge_and_is_tried_again() -> None:
    decision = fail(FIRING, "it broke", NOON)
    assert told(decision) == (Stage.ERROR, True, Edge.ERROR)
    assert decision.again_at == NOON + AFTER_ERROR
    assert fail(decision.after, "it broke", NOON + MINUTE).edge is None
    assert after(decision.after, BREACHED) == (Stage.FIRING, True, Edge.DATA_BACK)


def test_it_is_evaluated_again_at_the_first_of_the_moments_ahead() -> None:
    soon = Evaluation(ConditionState.BREACHED, again_at=NOON + MINUTE)
    assert decide(OK, soon, "so", NOON, SLOW).again_at == NOON + MINUTE
    assert decide(OK, soon, "so", NOON, SLOW).sooner(NOON + MINUTE / 2).again_at == NOON + MINUTE / 2
    assert decide(OK, replace(soon, again_at=NOON + 11 * MINUTE), "so", NOON, SLOW).again_at == NOON + 10 * MINUTE
    assert decide(OK, replace(soon, again_at=NOON), "so", NOON, AT_ONCE).again_at is None


steps = st.tuples(
    st.sampled_from(list(ConditionState)), st.sampled_from(["", "", "", "stale", "ended", "error"]), st.integers(0, 15)
)


@given(st.lists(steps, max_size=40), st.sampled_from([AT_ONCE, SLOW]))
def test_in_any_history_each_episode_fires_once_and_ends_once(
    history: list[tuple[ConditionState, str, int]], patience: AlertPatience
) -> None:
    before, edges, now = NEW, [], NOON
    for found, trouble, minutes in history:
        now += minutes * MINUTE
        decision = decided(before, found, trouble, now, patience)
        again = decided(decision.after, found, trouble, now, patience)
        assert again.edge is None or patience is SLOW, "the same once more is no edge"
        if decision.edge in (Edge.FIRING, Edge.RESOLVED, Edge.CLOSED):
            edges.append((decision.edge is Edge.FIRING, decision.after.episode))
        stage, is_open = decision.after.stage, decision.after.is_open
        assert is_open or stage not in (Stage.FIRING, Stage.RECOVERING)
        assert not is_open or stage not in (Stage.OK, Stage.PENDING)
        assert stage is not Stage.OK or not trouble
        moved = (stage, is_open) != (before.stage, before.is_open) or before.is_new
        assert decision.after.since == (now if moved else before.since)
        before = decision.after
    assert [is_firing for is_firing, _ in edges] == [place % 2 == 0 for place in range(len(edges))]
    assert [episode for _, episode in edges] == [place // 2 + 1 for place in range(len(edges))]


def decided(
    before: RuleStanding, found: ConditionState, trouble: str, now: datetime, patience: AlertPatience
) -> Decision:
    if trouble == "error":
        return fail(before, "broken", now)
    if trouble:
        return rest(before, trouble, now, is_over=trouble == "ended")
    return decide(before, Evaluation(found), "so", now, patience)
