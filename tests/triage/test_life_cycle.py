"""What becomes of a problem by its failures and by time."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.models import Problem
from monitor.triage.life_cycle import ProblemFacts, is_escalating, next_state, usual_limit
from tests.depth import tried

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
FACTS = ProblemFacts("new", since=NOW, first_seen_at=NOW, failures=3, open=3)
QUIET = [0] * 160 + [1] * 8


def after(**facts: object) -> str:
    change = next_state(replace(FACTS, **facts), NOW)  # type: ignore[arg-type]
    return change.state if change else ""


@pytest.mark.parametrize("state", ["new", "regressed"])
def test_after_a_week_it_goes_on(state: str) -> None:
    assert after(state=state, since=NOW - 7 * DAY + timedelta(seconds=1)) == ""
    assert after(state=state, since=NOW - 7 * DAY) == "ongoing"


@pytest.mark.parametrize("state", ["new", "ongoing", "escalating", "regressed"])
def test_once_no_failure_is_open_it_is_resolved(state: str) -> None:
    assert after(state=state, open=0) == "resolved"
    assert after(state=state, open=0, failures=0) == "resolved", "none at all is none that is open"


def test_what_is_put_away_is_not_resolved_by_itself() -> None:
    assert after(state="archived", open=0) == ""


def test_a_resolved_one_comes_back_only_by_a_failure_that_counts() -> None:
    assert after(state="resolved", open=5) == ""
    assert after(state="resolved", open=5, open_again=1) == "regressed"


def test_an_archived_one_comes_back_at_its_time_at_its_number_or_when_it_escalates() -> None:
    spike = {"first_seen_at": NOW - 30 * DAY, "by_hour": QUIET, "this_hour": 40}
    until = {"archived_until": NOW + timedelta(seconds=1)}
    assert after(state="archived", **until) == ""
    assert after(state="archived", **until, **spike) == "", "it is put away for a time, whatever happens"
    assert after(state="archived", archived_until=NOW) == "ongoing"
    assert after(state="archived", archived_after=4) == ""
    assert after(state="archived", archived_after=3) == "ongoing"
    assert after(state="archived", archived_after=400, **spike) == ""
    assert after(state="archived") == ""
    assert after(state="archived", **spike) == "escalating"


def test_it_escalates_when_it_fails_far_more_often_than_it_did_and_calms_down_after_a_day() -> None:
    known = {"first_seen_at": NOW - 30 * DAY, "by_hour": QUIET}
    assert after(state="ongoing", **known, this_hour=9) == "", "nine failures are not worth it"
    assert after(state="ongoing", **known, this_hour=10) == "escalating"
    assert after(state="new", **known, this_hour=10) == "escalating"
    assert after(state="escalating", **known, this_hour=10, since=NOW - 2 * DAY) == ""
    assert after(state="escalating", **known, since=NOW - DAY + timedelta(seconds=1)) == ""
    assert after(state="escalating", **known, since=NOW - DAY) == "ongoing"


def test_one_without_a_past_does_not_escalate() -> None:
    assert not is_escalating(replace(FACTS, this_hour=500), NOW)
    assert usual_limit([0, 0], 30 * DAY) == math.inf


def test_a_young_ones_limit_is_ten_times_its_worst_hour() -> None:
    assert usual_limit([2, 5, 0], DAY) == 50


@tried(quick=50, deep=2000)
@given(
    by_hour=st.lists(st.integers(0, 50), max_size=168),
    age=st.integers(0, 60),
    this_hour=st.integers(0, 500),
    state=st.sampled_from(Problem.State.values),
    open_ones=st.integers(0, 9),
    hours=st.integers(0, 400),
)
def test_every_problem_has_a_next_state_and_a_steady_rate_never_escalates(
    by_hour: list[int], age: int, this_hour: int, state: str, open_ones: int, hours: int
) -> None:
    facts = ProblemFacts(
        state,
        since=NOW - timedelta(hours=hours),
        first_seen_at=NOW - age * DAY,
        failures=10,
        open=open_ones,
        by_hour=by_hour,
        this_hour=this_hour,
    )
    change = next_state(facts, NOW)
    if change is not None:
        assert change.state in Problem.State.values
        assert change.state != state
        assert change.reason.endswith(".")
    assert not is_escalating(replace(facts, this_hour=max(by_hour, default=0)), NOW)
