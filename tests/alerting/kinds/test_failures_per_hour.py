"""Failures per hour: how many fire, what is too old, and when it has recovered."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.kinds.failures_per_hour import words
from monitor.alerting.kinds.failures_per_hour.condition import FailuresPerHour
from monitor.alerting.kinds.failures_per_hour.notice import notice_times
from monitor.alerting.kinds.interface import AlertStanding, ConditionState, Runs
from monitor.alerting.kinds.usual import UsualPace
from tests.alerting.kinds.histories import HOUR, START, edges, every, run

MINUTE = timedelta(minutes=1)
RULE = FailuresPerHour(most=4)


def test_the_fourth_failure_within_an_hour_fires_and_it_recovers_once_only_one_is_left() -> None:
    found = edges(RULE, every(10 * MINUTE, "-+-+-+-"), until=START + 5 * HOUR)
    assert found == [], "the first is an hour old when the fourth comes"
    found = edges(RULE, every(5 * MINUTE, "-+-+-+-++"), until=START + 5 * HOUR)
    assert [(edge.edge.value, edge.at) for edge in found] == [
        ("firing", START + 30 * MINUTE),
        ("recovered", START + 20 * MINUTE + HOUR),
    ]
    first = found[0].evaluation
    assert (first.began_at, first.runs_since_change) == (START, 7)
    assert words.describe(RULE, first, UTC) == (
        "4 of 7 runs failed in the last hour, the first of them at 2026-09-07 00:00 UTC"
    )


def test_runs_that_zoho_runs_again_do_not_count() -> None:
    assert edges(RULE, every(MINUTE, "-?-?-?")) == []


def test_what_failed_before_a_recovery_fires_no_more() -> None:
    standing = AlertStanding(recovered_at=START + 10 * MINUTE)
    runs = Runs([*every(MINUTE, "-" * 10), run(START + 20 * MINUTE, "-")])
    assert RULE.evaluate(runs, START + 21 * MINUTE, standing).found is ConditionState.CLEAR


@given(
    minutes=st.lists(st.tuples(st.integers(0, 300), st.sampled_from("+-?")), max_size=30),
    at=st.integers(0, 300),
    good=st.integers(0, 300),
)
def test_good_runs_and_what_lies_ahead_never_change_what_is_found(
    minutes: list[tuple[int, str]], at: int, good: int
) -> None:
    moment = START + at * MINUTE
    rows = [run(START + minute * MINUTE, result) for minute, result in minutes]
    found = RULE.evaluate(Runs(rows), moment, AlertStanding()).found
    behind = [row for row in rows if row.ended <= moment.timestamp()]
    more = [*reversed(behind), run(START + good * MINUTE)]
    assert RULE.evaluate(Runs(more), moment, AlertStanding()).found is found
    failed = [minute for minute, result in minutes if result == "-" and at - 60 < minute <= at]
    assert (found is ConditionState.BREACHED) == (len(failed) >= 4)


@given(
    history=st.lists(st.tuples(st.integers(0, 200), st.sampled_from("+-w")), max_size=25),
    at=st.integers(0, 300),
    open_since=st.none() | st.integers(0, 300),
)
def test_it_is_found_where_any_hour_since_the_wait_holds_so_many_and_over_where_none_does(
    history: list[tuple[int, str]], at: int, open_since: int | None
) -> None:
    """Against a window laid at each minute; what is marked w waits for Zoho's re-runs for 35 minutes."""
    wait = 35
    rows = [
        run(START + minute * MINUTE, "-?"[result == "w" and minute + wait > at] if result != "+" else "+")._replace(
            pending_until=(START + (minute + wait) * MINUTE).timestamp() if result == "w" else None
        )
        for minute, result in history
        if minute <= at
    ]
    standing = AlertStanding() if open_since is None else AlertStanding(is_open=True, began_at=START)
    found = RULE.evaluate(Runs(rows, patience=wait * MINUTE), START + at * MINUTE, standing)

    late = wait if any(result == "w" and at - 60 - wait < minute <= at for minute, result in history) else 0
    counts = [
        minute
        for minute, result in history
        if minute <= at and result != "+" and (open_since is not None or result == "-" or minute + wait <= at)
    ]
    fullest = max(sum(until - 60 < one <= until for one in counts) for until in range(at - late, at + 1))
    assert found.numbers["failed"] == fullest
    assert (found.found is ConditionState.BREACHED) == (fullest >= (4 if open_since is None else 2))


def test_it_is_noticed_only_where_the_flow_runs_often_enough_to_fill_the_window() -> None:
    assert notice_times(RULE, UsualPace(24 * 8), {}).total == HOUR / 2
    assert notice_times(RULE, UsualPace(24 * 4), {}).half is None
    assert notice_times(RULE, UsualPace(24), {}).total is None


@pytest.mark.parametrize("options", [{"most": 0}, {"window_hours": 169}])
def test_options_that_cannot_be_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        FailuresPerHour(**options)
