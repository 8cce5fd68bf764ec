"""Zoho's own re-runs of a failed execution: when the next one is due, and whether there is one at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.zoho.reruns import (
    LAST_LOOK_AFTER,
    OVER_AFTER,
    STEPS,
    Outlook,
    clock_began,
    is_under_way,
    look_after,
    may_run_again,
    next_rerun,
    outlook,
    over_at,
)
from standin.flow import failures

FAILED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PASSING = ("ACTION_FAILED", "Books is not available", "HTTP 503 from Books")
LASTING = ("ACTION_FAILED", "Failed to create contact", "Invalid email format")
UNKNOWN = ("ACTION_FAILED", "It went wrong", "")
MINUTES = (5, 10, 30, 60, 180, 360, 720, 1440)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 504])
def test_the_documented_answers_of_an_app_are_run_again(status: int) -> None:
    assert outlook("ACTION_FAILED", "", f"HTTP {status} from Books") is Outlook.WILL


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("INTERNAL_ERROR", "", ""), Outlook.WILL),
        (("", "", "HTTP 502 from Books"), Outlook.MAY),
        (("", "The request timed out", ""), Outlook.MAY),
        (UNKNOWN, Outlook.MAY),
        (("", "", ""), Outlook.MAY),
        (LASTING, Outlook.FINAL),
        (("", "", "HTTP 401 from Books"), Outlook.FINAL),
    ],
)
def test_what_is_not_documented_is_no_promise_and_a_wrong_address_is_final(
    texts: tuple[str, ...], expected: Outlook
) -> None:
    assert outlook(*texts) is expected


def test_the_other_reading_of_the_documents_agrees_on_the_steps() -> None:
    assert STEPS == failures.RERUN_AFTER


def test_the_clock_of_re_runs_goes_from_five_minutes_to_a_day() -> None:
    expected = [FAILED + timedelta(minutes=minutes) for minutes in MINUTES]
    before_each = [FAILED, *(at + timedelta(seconds=59) for at in expected[:-1])]

    # A minute after a re-run was due its outcome has been looked at, and the next one is what is waited for.
    assert [next_rerun(FAILED, PASSING, at) for at in before_each] == [expected[0], *expected[:-1]]
    assert [next_rerun(FAILED, PASSING, at + timedelta(seconds=60)) for at in expected[:-1]] == expected[1:]


def test_after_the_last_re_run_nothing_is_due_any_more() -> None:
    end = FAILED + timedelta(hours=24) + LAST_LOOK_AFTER

    assert next_rerun(FAILED, PASSING, end - timedelta(seconds=1)) == FAILED + timedelta(hours=24)
    assert next_rerun(FAILED, PASSING, end) is None


def test_what_zoho_leaves_to_people_is_never_due_and_what_cannot_be_told_is() -> None:
    assert next_rerun(FAILED, LASTING, FAILED) is None
    assert next_rerun(FAILED, UNKNOWN, FAILED) == FAILED + timedelta(minutes=5)


def test_a_re_run_that_was_seen_to_fail_is_not_waited_for_any_longer() -> None:
    now = FAILED + timedelta(minutes=5, seconds=20)
    ended = FAILED + timedelta(minutes=5, seconds=3)
    last = FAILED + timedelta(hours=24, seconds=3)

    assert next_rerun(FAILED, PASSING, now, ended=ended) == FAILED + timedelta(minutes=10)
    assert next_rerun(FAILED, PASSING, last, ended=last) is None


def test_a_failure_without_a_time_or_out_of_the_far_future_has_no_clock() -> None:
    assert next_rerun(None, PASSING, FAILED) is None
    assert next_rerun(datetime.max.replace(tzinfo=UTC), PASSING, FAILED) is None
    assert next_rerun(datetime.min.replace(tzinfo=UTC), PASSING, FAILED) is None


@given(st.integers(-86_400, 3 * 86_400))
def test_what_is_due_has_not_been_looked_at_yet(age: int) -> None:
    now = FAILED + timedelta(seconds=age)

    due = next_rerun(FAILED, PASSING, now)

    assert due is None or FAILED + look_after(due - FAILED) > now


def test_a_re_run_is_under_way_from_its_time_until_the_longest_run_is_over() -> None:
    minutes = [minute for minute in range(75) if is_under_way(FAILED, FAILED + timedelta(minutes=minute))]

    assert minutes == [*range(5, 17), *range(30, 37), *range(60, 67)]
    assert not is_under_way(None, FAILED)


SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.mark.parametrize("error", [PASSING, UNKNOWN, ("", "", "")])
def test_zoho_may_run_a_failure_again_until_an_hour_after_its_last_step(error: tuple[str, str, str]) -> None:
    assert OVER_AFTER == 25 * HOUR
    for age in (-HOUR, timedelta(0), 24.5 * HOUR, OVER_AFTER - SECOND):
        assert may_run_again(error, FAILED, FAILED + age)
    assert not may_run_again(error, FAILED, FAILED + OVER_AFTER)
    assert may_run_again(error, None, FAILED)


def test_zoho_never_runs_again_what_it_leaves_to_people() -> None:
    assert not may_run_again(LASTING, FAILED, FAILED)
    assert not may_run_again(LASTING, None, FAILED)


@given(st.integers(-72, 72), st.integers(-3 * 86_400, 5 * 86_400))
def test_it_is_over_at_the_moment_that_is_told_and_only_by_both_clocks(ahead: int, age: int) -> None:
    now, zoho_ahead = FAILED + timedelta(seconds=age), timedelta(hours=ahead)
    until = over_at(FAILED, zoho_ahead=zoho_ahead)

    may = may_run_again(PASSING, FAILED, now, zoho_ahead=zoho_ahead)

    assert until is not None
    assert may == (now < until)
    assert may == (now - FAILED < OVER_AFTER or now + zoho_ahead - FAILED < OVER_AFTER)


def test_times_out_of_every_calendar_are_no_reason_to_call_it_over() -> None:
    end = datetime.max.replace(tzinfo=UTC)

    assert over_at(end) is None
    assert over_at(None) is None
    assert may_run_again(PASSING, end, FAILED, zoho_ahead=timedelta.max)
    assert may_run_again(PASSING, FAILED.replace(tzinfo=None), FAILED + 2 * OVER_AFTER)


def test_the_clock_begins_with_the_first_failure_and_anew_with_one_after_a_retry() -> None:
    later = FAILED + HOUR

    assert clock_began(FAILED, later, FAILED - SECOND) == FAILED
    assert clock_began(FAILED, later, FAILED - SECOND, was_retried=True) == later
    assert clock_began(later, FAILED, None, was_retried=True) == later
    assert clock_began(None, later, FAILED) == later
    assert clock_began(None, None, FAILED, was_retried=True) == FAILED
    assert clock_began(None, None, None, was_retried=True) is None
