"""An error appears: which states of a problem are told of, and when that is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.alerting.kinds.error_appears import words
from monitor.alerting.kinds.error_appears.condition import ErrorAppears, ProblemMaterial
from monitor.alerting.kinds.interface import AlertStanding, ConditionState

AT = datetime(2026, 9, 7, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
OPEN = AlertStanding(is_open=True, began_at=AT - 9 * HOUR)


def problem(state: str = "new", **fields: object) -> ProblemMaterial:
    known = {"since": AT - 2 * HOUR, "first_seen_at": AT - 3 * HOUR, "last_seen_at": AT - HOUR}
    return ProblemMaterial(state, **(known | {"texts": "mandatory field missing crm invalid_data"} | fields))


@pytest.mark.parametrize("state", ["new", "ongoing", "escalating", "regressed", "archived", "resolved"])
@pytest.mark.parametrize("when", ["any", "new", "escalating", "regressed"])
def test_what_is_told_of_is_the_state_that_was_asked_for(when: str, state: str) -> None:
    found = ErrorAppears(when=when).evaluate(problem(state), AT, AlertStanding()).found
    wanted = {"any": {"new", "escalating", "regressed"}}.get(when, {when})
    assert (found is ConditionState.BREACHED) == (state in wanted)


@pytest.mark.parametrize(
    ("text", "fits"), [("", True), ("Invalid_Data", True), (" FIELD  missing", True), ("x", False)]
)
def test_an_error_is_named_by_a_part_of_its_text_in_any_case(text: str, fits: bool) -> None:
    found = ErrorAppears(text=text).evaluate(problem(), AT, AlertStanding())
    assert (found.found is ConditionState.BREACHED) == fits


def test_it_is_over_once_it_is_put_away_or_has_not_come_for_long_and_then_needs_a_new_change() -> None:
    condition = ErrorAppears()
    assert condition.evaluate(problem("ongoing"), AT, OPEN).found is ConditionState.BREACHED
    assert condition.evaluate(problem("resolved"), AT, OPEN).found is ConditionState.CLEAR
    assert condition.evaluate(problem("archived"), AT, OPEN).found is ConditionState.CLEAR
    found = condition.evaluate(problem(), AT, OPEN)
    assert found.again_at == AT + 23 * HOUR
    assert condition.evaluate(problem(), AT + 23 * HOUR, OPEN).found is ConditionState.CLEAR
    recovered = AlertStanding(recovered_at=AT - HOUR)
    assert condition.evaluate(problem("new", last_seen_at=AT), AT, recovered).found is ConditionState.CLEAR
    again = problem("regressed", since=AT - HOUR / 2)
    assert condition.evaluate(again, AT, recovered).began_at == AT - HOUR / 2


def test_often_is_so_many_within_the_last_hour() -> None:
    condition = ErrorAppears(when="often", times=3)
    found = condition.evaluate(problem("ongoing", this_hour=3, hour_from=AT - HOUR / 4), AT, AlertStanding())
    assert (found.found, found.began_at, found.runs_since_change) == (ConditionState.BREACHED, AT - HOUR / 4, 3)
    assert words.describe(condition, found, UTC) == "3 runs failed by it in the last hour; since 2026-09-07 11:45 UTC"
    assert condition.evaluate(problem("new", this_hour=2), AT, OPEN).found is ConditionState.CLEAR


def test_the_words_say_what_became_of_it() -> None:
    condition = ErrorAppears()
    found = condition.evaluate(problem("regressed", this_hour=1), AT, AlertStanding())
    assert words.describe(condition, found, UTC) == (
        "it came back after it was resolved; 1 run failed by it in the last hour; since 2026-09-07 10:00 UTC"
    )


@pytest.mark.parametrize("options", [{"when": "x"}, {"text": "x" * 201}, {"times": 0}, {"quiet_hours": 169}])
def test_options_that_cannot_be_are_refused(options: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        ErrorAppears(**options)
