"""A workflow rule of CRM fails, stays silent or was switched off: what tells of it, and what does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.kinds.crm import words
from monitor.alerting.kinds.crm.condition import CrmRuleMaterial, CrmRuleTrouble, UsageDay
from monitor.alerting.kinds.interface import AlertStanding, ConditionState, Evaluation
from monitor.alerting.steps import AlertPatience, ConditionPlace, step

AT = datetime(2026, 9, 7, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OPEN = AlertStanding(is_open=True, began_at=AT - 3 * DAY, fired_at=AT - DAY)
CLOSED = AlertStanding()


def rule(**fields: object) -> CrmRuleMaterial:
    known = {"is_active": True, "ran_at": AT - HOUR, "changed_at": AT - 90 * DAY}
    return CrmRuleMaterial(**(known | fields))  # type: ignore[arg-type]


def day(ago: timedelta, succeeded: int | None, failed: int | None) -> UsageDay:
    return UsageDay(AT - ago - DAY, AT - ago, succeeded, failed)


def said(condition: CrmRuleTrouble, evaluation: Evaluation) -> str:
    return words.describe(condition, evaluation, UTC)


@pytest.mark.parametrize(
    ("days", "found"),
    [
        ([], "no_data"),
        ([day(HOUR, None, None)], "no_data"),
        ([day(HOUR, 0, None)], "no_data"),
        ([day(HOUR, 0, 0)], "clear"),
        ([day(HOUR, 0, 2)], "clear"),
        ([day(HOUR, 0, 3)], "breached"),
        ([day(HOUR, 27, 3)], "breached"),
        ([day(HOUR, 28, 3)], "clear"),
        ([day(25 * HOUR, 0, 2), day(HOUR, 0, 1)], "breached"),
        ([day(25 * HOUR, 0, 2), day(HOUR, None, None)], "clear"),
        ([day(25 * HOUR, 0, 9), day(HOUR, 5, 0)], "clear"),
        ([day(49 * HOUR, 0, 9), day(HOUR, 0, 0)], "clear"),
        ([day(-HOUR, 0, 9)], "no_data"),
    ],
)
def test_actions_that_fail_are_counted_by_what_is_known_of_the_days(days: list[UsageDay], found: str) -> None:
    assert CrmRuleTrouble().evaluate(rule(days=days), AT, CLOSED).found == found


def test_the_words_of_failed_actions_name_them_and_since_when() -> None:
    found = CrmRuleTrouble().evaluate(rule(days=[day(HOUR, 27, 3)]), AT, CLOSED)
    assert (
        said(CrmRuleTrouble(), found)
        == "3 of 30 actions failed in the last 2 days, the first after 2026-09-06 11:00 UTC"
    )
    assert found.began_at == AT - HOUR - DAY
    problem = CrmRuleTrouble().evaluate(rule(usage_problem="Zoho refuses it"), AT, OPEN)
    assert said(CrmRuleTrouble(), problem) == "its usage is not known: Zoho refuses it"


def test_actions_recover_with_a_day_that_went_well_and_what_failed_before_fires_no_more() -> None:
    condition = CrmRuleTrouble()
    bad, good = day(25 * HOUR, 0, 9), day(HOUR, 4, 0)
    assert condition.evaluate(rule(days=[bad]), AT, OPEN).found is ConditionState.BREACHED
    assert condition.evaluate(rule(days=[bad, day(HOUR, 0, 0)]), AT, OPEN).found is ConditionState.BREACHED
    assert condition.evaluate(rule(days=[bad, day(HOUR, None, None)]), AT, OPEN).found is ConditionState.BREACHED
    assert condition.evaluate(rule(days=[bad, good]), AT, OPEN).found is ConditionState.CLEAR
    recovered = AlertStanding(recovered_at=AT - 2 * HOUR)
    assert condition.evaluate(rule(days=[bad, day(HOUR, 4, 1)]), AT, recovered).found is ConditionState.CLEAR
    assert condition.evaluate(rule(days=[bad, day(HOUR, 4, 5)]), AT, recovered).found is ConditionState.BREACHED


def test_webhooks_recover_once_none_has_failed_for_the_window() -> None:
    condition = CrmRuleTrouble(finds="webhooks", window_hours=24)
    failed = [AT - 30 * HOUR, AT - 3 * HOUR, AT - 2 * HOUR, AT - HOUR, AT + HOUR]
    found = condition.evaluate(rule(webhooks=failed), AT, CLOSED)
    assert (found.found, found.began_at, found.runs_since_change) == (ConditionState.BREACHED, AT - 3 * HOUR, 3)
    assert (
        said(condition, found) == "3 calls of webhooks failed in the last 24 hours, the first at 2026-09-07 09:00 UTC"
    )
    assert condition.evaluate(rule(webhooks=failed[1:3]), AT, CLOSED).found is ConditionState.CLEAR
    still = condition.evaluate(rule(webhooks=failed[:2]), AT, OPEN)
    assert (still.found, still.again_at) == (ConditionState.BREACHED, AT + 21 * HOUR)
    assert condition.evaluate(rule(webhooks=failed[:1]), AT, OPEN).found is ConditionState.CLEAR
    assert condition.evaluate(rule(webhooks_problem="not read"), AT, OPEN).found is ConditionState.NO_DATA


@pytest.mark.parametrize(
    ("fields", "found", "words_of_it"),
    [
        ({}, "clear", "it is enabled and ran last at 2026-09-07 11:00 UTC"),
        ({"ran_at": AT - 30 * DAY}, "breached", "it is enabled and ran last at 2026-08-08 12:00 UTC"),
        ({"ran_at": None}, "breached", "it is enabled and has never run"),
        ({"ran_at": None, "changed_at": AT - 29 * DAY}, "clear", "it is enabled and has never run"),
        (
            {"ran_at": AT - 99 * DAY, "changed_at": AT - DAY},
            "clear",
            "it is enabled and ran last at 2026-05-31 12:00 UTC",
        ),
        ({"ran_at": None, "is_active": False}, "clear", "it is switched off"),
        ({"ran_at": None, "is_active": None}, "no_data", "Zoho does not say whether it is enabled"),
    ],
)
def test_an_enabled_rule_that_does_not_run_is_silent(fields: dict, found: str, words_of_it: str) -> None:
    condition = CrmRuleTrouble(finds="silent")
    evaluation = condition.evaluate(rule(**fields), AT, CLOSED)
    assert (evaluation.found, said(condition, evaluation)) == (found, words_of_it)
    if evaluation.again_at is not None:
        assert condition.evaluate(rule(**fields), evaluation.again_at, CLOSED).found is ConditionState.BREACHED


def test_only_a_rule_that_was_seen_enabled_was_switched_off() -> None:
    condition = CrmRuleTrouble(finds="switched_off")
    place, found = ConditionPlace(CLOSED), []
    for number, is_active in enumerate([False, True, None, False, False, None, True, True, False]):
        evaluation = condition.evaluate(rule(is_active=is_active), AT + number * HOUR, place.standing)
        place, edge = step(place, evaluation, AT + number * HOUR, AlertPatience())
        found.append(edge.value if edge is not None else "")
    assert found == ["", "", "", "firing", "", "", "recovered", "", "firing"]


known_days = st.lists(
    st.tuples(st.integers(0, 60), st.none() | st.integers(0, 9), st.none() | st.integers(0, 9)), max_size=6
)


@given(days=known_days, is_open=st.booleans())
def test_holes_among_the_days_change_nothing(days: list[tuple[int, int | None, int | None]], is_open: bool) -> None:
    made = sorted((day(ago * HOUR, good, bad) for ago, good, bad in days), key=lambda one: one.taken_at)
    whole = [one for one in made if None not in (one.succeeded, one.failed)]
    standing = OPEN if is_open else CLOSED
    condition = CrmRuleTrouble()
    assert condition.evaluate(rule(days=made), AT, standing) == condition.evaluate(rule(days=whole), AT, standing)


@pytest.mark.parametrize("options", [{"finds": "x"}, {"least": 0}, {"share": 101}, {"silent_days": 0}])
def test_options_that_cannot_be_are_refused(options: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        CrmRuleTrouble(**options)
