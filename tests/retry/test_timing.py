from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.retry.timing import LOOK_WITHIN, clock_ahead, is_search_due, next_check
from monitor.sent_once.timing import BY_HAND_AFTER, LEASE, SEND_WITHIN, SWEEP_SPAN, back_off

SENT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TRANSPORT_TOTAL, TASK = 45, 60  # seconds: monitor.zoho.transport, Q_CLUSTER["timeout"]


def times(state: str, count: int) -> list[float]:
    found, now = [], SENT
    for _ in range(count):
        now = next_check(state, SENT, now)
        found.append((now - SENT).total_seconds())
    return found


def test_an_accepted_retry_is_looked_at_within_seconds() -> None:
    first_minute = [2, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 58, 60]
    assert times("accepted", 20) == [*first_minute, 120, 300, 425, 600, 900, 1800]


def test_an_unknown_one_is_given_time_to_appear() -> None:
    assert times("unknown", 9) == [10, 30, 60, 120, 300, 425, 600, 900, 1800]


def test_after_a_day_it_is_hourly_and_after_a_week_over() -> None:
    assert next_check("unknown", SENT, SENT + timedelta(days=2)) == SENT + timedelta(days=2, hours=1)
    assert next_check("unknown", SENT, SENT + timedelta(days=7)) is None


@given(st.sampled_from(["accepted", "unknown"]), st.integers(-(10**7), 10**6))
def test_the_next_look_lies_ahead_whatever_the_clock_does(state: str, seconds: int) -> None:
    now = SENT + timedelta(seconds=seconds)
    following = next_check(state, SENT, now)
    assert following is None or following > now


@pytest.mark.parametrize(("tries", "seconds"), [(0, 10), (1, 10), (2, 30), (3, 60), (9, 60)])
def test_the_pause_grows_with_the_tries(tries: int, seconds: int) -> None:
    assert back_off(tries) == timedelta(seconds=seconds)


def test_a_sender_is_never_given_up_while_its_post_may_be_under_way() -> None:
    assert LEASE.total_seconds() > SEND_WITHIN.total_seconds() + TRANSPORT_TOTAL


def test_a_post_begun_by_a_sweep_ends_before_its_task_is_killed() -> None:
    assert SWEEP_SPAN.total_seconds() + LOOK_WITHIN.total_seconds() + TRANSPORT_TOTAL < TASK


def test_unknown_outcomes_are_looked_at_once_more_when_their_owner_is_told() -> None:
    assert BY_HAND_AFTER.total_seconds() in times("unknown", 8)


def test_in_the_first_minute_runs_are_not_listed_at_every_look() -> None:
    looks = [2, *range(5, 60, 5), 58, 60, 120]
    listed = [at for check, at in enumerate(looks, 1) if is_search_due(check, SENT, SENT + timedelta(seconds=at))]
    assert listed == [2, 5, 10, 20, 30, 40, 50, 58, 60, 120]


@pytest.mark.parametrize(
    ("ahead", "taken"),
    [
        (timedelta(0), timedelta(0)),
        (timedelta(seconds=-2), timedelta(0)),  # whole seconds, and a while under way
        (timedelta(seconds=3), timedelta(seconds=3)),
        (timedelta(days=-3), timedelta(days=-3)),
        (timedelta(days=4000), None),
    ],
)
def test_zohos_clock_is_told_from_the_date_of_its_answer(ahead: timedelta, taken: timedelta | None) -> None:
    assert clock_ahead(SENT + ahead, SENT) == taken


def test_without_a_date_zohos_clock_is_not_known() -> None:
    assert clock_ahead(None, SENT) is None
