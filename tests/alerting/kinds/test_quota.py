"""A plan runs out: what is foretold, what is unknown, and when it has recovered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.kinds.interface import AlertStanding, ConditionState
from monitor.alerting.kinds.quota import words
from monitor.alerting.kinds.quota.condition import PlanRunsOut, QuotaMaterial

AT = datetime(2026, 9, 21, tzinfo=UTC)  # ten days are left
END = datetime(2026, 10, 1, tzinfo=UTC)
RULE = PlanRunsOut()
OPEN = AlertStanding(is_open=True, began_at=AT - timedelta(days=1))
CLOSED = AlertStanding()


def used(executions: int, pace: float | None = 20.0, limit: int | None = 1000, **fields: int) -> QuotaMaterial:
    return QuotaMaterial(limit, executions, pace, END, **fields)


@pytest.mark.parametrize(
    ("material", "standing", "found"),
    [
        (used(799), CLOSED, "clear"),
        (used(800), CLOSED, "breached"),
        (used(799), OPEN, "breached"),
        (used(749), OPEN, "clear"),
        (used(1000, 0.0), CLOSED, "breached"),
        (used(0, 99.0), CLOSED, "clear"),
        (used(0, 100.0), CLOSED, "breached"),
        (used(999, None), CLOSED, "learning"),
        (used(1000, None), CLOSED, "breached"),
        (used(9000, limit=None), CLOSED, "no_data"),
    ],
)
def test_executions_are_foretold_by_the_last_seven_days(
    material: QuotaMaterial, standing: AlertStanding, found: str
) -> None:
    assert RULE.evaluate(material, AT, standing).found == found


def test_a_person_may_know_another_limit_and_calls_are_what_is_spent() -> None:
    own = PlanRunsOut(limit=5000)
    assert own.evaluate(used(900), AT, CLOSED).found is ConditionState.CLEAR
    calls = PlanRunsOut(of="calls", share=95)
    found = calls.evaluate(used(0, calls_limit=1000, calls=950), AT, CLOSED)
    assert found.found is ConditionState.BREACHED
    assert words.describe(calls, found, UTC) == "950 of 1,000 API calls in the last 24 hours"
    assert calls.evaluate(used(0, calls_limit=1000, calls=949), AT, CLOSED).found is ConditionState.CLEAR


def test_the_words_say_what_is_used_and_foretold() -> None:
    found = RULE.evaluate(used(800), AT, CLOSED)
    assert words.describe(RULE, found, UTC) == "800 of 1,000 executions this month (UTC), 1,000 foretold by its end"


@given(executions=st.integers(0, 3000), pace=st.floats(0, 200), more=st.integers(0, 500), is_open=st.booleans())
def test_more_runs_never_make_it_clear(executions: int, pace: float, more: int, is_open: bool) -> None:
    standing = OPEN if is_open else CLOSED
    if RULE.evaluate(used(executions, pace), AT, standing).found is ConditionState.BREACHED:
        assert RULE.evaluate(used(executions + more, pace), AT, standing).found is ConditionState.BREACHED


@pytest.mark.parametrize("options", [{"of": "x"}, {"share": 0}, {"limit": -1}])
def test_options_that_cannot_be_are_refused(options: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        PlanRunsOut(**options)
