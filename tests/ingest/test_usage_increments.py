"""What was added between two usage reports."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from monitor.ingest.lists.rule_usage import (
    UNKNOWN,
    ActionCount,
    Increment,
    UsageReading,
    action_counts,
    increment,
    last_day,
    plus,
)

DAY = date(2026, 9, 1)
RESET = datetime(2026, 11, 1, tzinfo=UTC)


def reading(
    *actions: tuple[str, int, int], triggered: int | None = 10, since: date | None = DAY, reset=None
) -> UsageReading:
    made = tuple(ActionCount(id=name, name=name, type="webhooks", success=s, failure=f) for name, s, f in actions)
    return UsageReading(since=since, reset_time=reset, triggered=triggered, actions=made)


def test_it_is_what_the_counters_grew_by() -> None:
    added = increment(reading(("a", 5, 1), ("b", 2, 0)), reading(("a", 7, 2), ("b", 2, 3), triggered=14))
    assert added == Increment(triggered=4, succeeded=2, failed=4, is_reset=False)


def test_nothing_is_known_without_a_reading_before_or_where_it_counted_from_another_day() -> None:
    assert increment(None, reading(("a", 5, 1))) == UNKNOWN
    assert increment(reading(since=date(2026, 8, 1)), reading()) == UNKNOWN
    assert increment(reading(since=None), reading(since=None)) == UNKNOWN


def test_a_trigger_that_zoho_does_not_count_stays_unknown_while_its_actions_are_known() -> None:
    added = increment(reading(("a", 5, 1), triggered=None), reading(("a", 6, 1), triggered=None))
    assert added == Increment(None, 1, 0, is_reset=False)


def test_a_counter_that_falls_is_a_reset_of_which_nothing_more_is_known() -> None:
    added = increment(reading(("a", 5, 4)), reading(("a", 6, 1), triggered=2))
    assert added == Increment(None, 1, None, is_reset=True)


def test_after_a_reset_that_zoho_tells_of_all_that_was_counted_since_was_added_even_where_nothing_fell() -> None:
    added = increment(reading(("a", 1, 1), triggered=2), reading(("a", 5, 3), triggered=8, reset=RESET))
    assert added == Increment(triggered=8, succeeded=5, failed=3, is_reset=True)


def test_a_reset_that_was_known_before_is_none_again() -> None:
    added = increment(reading(("a", 1, 1), reset=RESET), reading(("a", 2, 1), reset=RESET))
    assert added == Increment(0, 1, 0, is_reset=False)


def test_an_action_that_was_taken_out_of_the_rule_is_no_reset() -> None:
    added = increment(reading(("a", 5, 4), ("b", 1, 0)), reading(("b", 3, 0)))
    assert added == Increment(0, 2, 0, is_reset=False)


def test_an_action_that_stands_in_two_places_is_counted_in_both() -> None:
    report = {
        "conditions": [
            {
                "instant_actions": {"actions": [{"id": "a", "type": "webhooks", "success_count": 1}]},
                "scheduled_actions": [{"actions": [{"id": "a", "type": "webhooks", "success_count": 2}]}, "odd", None],
            },
            None,
        ]
    }
    found = action_counts(report)
    assert [(action.id, action.success, action.failure) for action in found] == [("a", 1, 0), ("a", 2, 0)]
    assert increment(reading(("a", 2, 0)), UsageReading(DAY, None, 10, found)).succeeded == 1


counts = st.integers(0, 50)
readings = st.builds(
    lambda actions, fired, reset: reading(*actions, triggered=fired, reset=reset),
    st.lists(st.tuples(st.sampled_from("abc"), counts, counts), max_size=4),
    st.one_of(st.none(), counts),
    st.sampled_from([None, RESET]),
)


@given(readings, readings)
def test_it_is_never_negative(previous: UsageReading, new: UsageReading) -> None:
    added = increment(previous, new)
    assert all(value is None or value >= 0 for value in (added.triggered, added.succeeded, added.failed))


@given(st.lists(st.lists(st.tuples(counts, counts), min_size=2, max_size=2), min_size=1, max_size=6))
def test_increments_from_reading_to_reading_add_up_to_the_whole(steps: list[list[tuple[int, int]]]) -> None:
    totals = [[0, 0], [0, 0]]
    previous, good, bad = reading(("a", 0, 0), ("b", 0, 0)), None, None
    for step in steps:
        for total, (more, less) in zip(totals, step, strict=True):
            total[0] += more
            total[1] += less
        new = reading(("a", *totals[0]), ("b", *totals[1]))  # type: ignore[arg-type]
        added = increment(previous, new)
        good, bad, previous = plus(good, added.succeeded), plus(bad, added.failed), new
    assert good == totals[0][0] + totals[1][0]
    assert bad == totals[0][1] + totals[1][1]


def test_what_is_known_is_added_to_what_is_not() -> None:
    assert [plus(None, None), plus(None, 2), plus(2, None), plus(2, 3)] == [None, 2, 2, 5]


def test_the_organisations_day_is_asked_for_where_it_is_ahead_of_ours() -> None:
    today = date(2026, 11, 22)
    assert last_day({"last_executed_time": "2026-11-23T01:00:00+05:30"}, today) == date(2026, 11, 23)
    assert last_day({"last_executed_time": "2026-11-20T01:00:00+05:30"}, today) == today
    assert last_day({"last_executed_time": "2031-11-20T01:00:00+05:30"}, today) == today
    assert last_day({"last_executed_time": None}, today) == today
