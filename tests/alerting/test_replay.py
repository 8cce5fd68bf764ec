"""A replay takes the steps of live evaluation: waits to fire, keeps firing, and learns nothing from what came later."""

from __future__ import annotations

from datetime import timedelta

from monitor.alerting.kinds.in_a_row.condition import FailedInARow
from monitor.alerting.kinds.interface import AlertStanding, ConditionState, Evaluation
from monitor.alerting.kinds.success_rate.condition import SuccessRate
from monitor.alerting.steps import AlertPatience, ConditionPlace, EdgeKind, step
from tests.alerting.kinds.histories import HOUR, START, edges, every, kinds

ONE = FailedInARow(1)


def test_what_lasts_shorter_than_the_wait_does_not_fire() -> None:
    assert edges(ONE, every(HOUR, "+-+-+"), patience=AlertPatience(wait=timedelta(minutes=90))) == []


def test_what_lasts_longer_fires_when_the_wait_is_over_and_not_with_the_next_run() -> None:
    patience = AlertPatience(wait=timedelta(minutes=90))
    found = edges(ONE, every(HOUR, "+---+"), patience=patience)
    assert [(edge.edge.value, edge.at) for edge in found] == [
        ("firing", START + timedelta(minutes=150)),
        ("recovered", START + 4 * HOUR),
    ]
    assert found[0].evaluation.began_at == START + HOUR


def test_it_has_recovered_once_it_was_clear_for_as_long_as_it_keeps_firing() -> None:
    patience = AlertPatience(keep_firing=timedelta(minutes=90))
    found = edges(ONE, every(HOUR, "-+-+++"), patience=patience)
    assert [(edge.edge.value, edge.at) for edge in found] == [
        ("firing", START),
        ("recovered", START + timedelta(minutes=270)),
    ]


def test_blindness_is_no_recovery_and_no_breach() -> None:
    blind = Evaluation(ConditionState.NO_DATA)
    opened = ConditionPlace(AlertStanding(is_open=True, fired_at=START))
    assert step(opened, blind, START + HOUR, AlertPatience()) == (opened, None)
    assert step(ConditionPlace(AlertStanding()), blind, START, AlertPatience()) == (
        ConditionPlace(AlertStanding()),
        None,
    )


def test_blindness_ends_a_wait_to_fire() -> None:
    patience = AlertPatience(wait=HOUR)
    breached = Evaluation(ConditionState.BREACHED, began_at=START)
    place, edge = step(ConditionPlace(AlertStanding()), breached, START, patience)
    place, _ = step(place, Evaluation(ConditionState.NO_DATA), START + HOUR / 2, patience)
    place, edge = step(place, breached, START + HOUR, patience)
    assert edge is None
    assert step(place, breached, START + 2 * HOUR, patience)[1] is EdgeKind.FIRING


def test_nothing_is_evaluated_after_the_last_moment() -> None:
    assert edges(ONE, every(HOUR, "+++-"), until=START + 2 * HOUR) == []
    rule = SuccessRate(window_hours=1, min_runs=2)
    assert kinds(edges(rule, every(timedelta(minutes=1), "---"), until=START + HOUR)) == ["firing"]


def test_a_history_without_runs_has_no_edges() -> None:
    assert edges(ONE, [], until=START) == []
