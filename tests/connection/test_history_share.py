"""What history may take of the budget, and when it will have ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.connection.history import LEAST, backfill_share, ends_at, expected_runs, spent, with_calls
from monitor.connection.limits import PLANS, Limits, share

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def test_history_takes_what_the_next_list_leaves_of_the_minute() -> None:
    assert backfill_share(PLANS["standard"], used_minute=5, list_pages=2, spent_day=0) == 27 - 5 - 2


def test_history_stays_within_a_tenth_of_the_day() -> None:
    assert backfill_share(PLANS["free"], used_minute=0, list_pages=1, spent_day=95) == 5
    assert backfill_share(PLANS["free"], used_minute=0, list_pages=1, spent_day=100) == 0


def test_an_account_whose_lists_alone_fill_its_minute_still_comes_to_its_history() -> None:
    assert backfill_share(Limits(10, None), used_minute=9, list_pages=9, spent_day=0) == LEAST


@given(
    st.integers(1, 500),
    st.none() | st.integers(1000, 300_000),
    st.integers(0, 600),
    st.integers(1, 60),
    st.integers(0, 30_000),
)
def test_history_never_takes_more_than_background_work_may(
    per_minute: int, per_day: int | None, used: int, pages: int, spent_day: int
) -> None:
    limits = Limits(per_minute, per_day)
    allowed = backfill_share(limits, used_minute=used, list_pages=pages, spent_day=spent_day)
    assert allowed == 0 or LEAST <= allowed <= max(LEAST, share(limits, for_people=False).per_minute)
    if per_day is not None:
        assert allowed + spent_day <= max(per_day * 0.1, spent_day)


def test_calls_are_forgotten_after_a_day() -> None:
    ledger = with_calls(with_calls({}, 5, NOW), 3, NOW + timedelta(hours=2))
    assert spent(ledger, NOW + timedelta(hours=2)) == 8
    later = NOW + timedelta(hours=25)
    assert spent(ledger, later) == 3
    assert sum(with_calls(ledger, 1, later).values()) == 4, "what is forgotten is not kept either"


@pytest.mark.parametrize(
    ("counter", "runs", "back_to", "about"),
    [
        (None, 200, NOW - DAY, None),
        (9000, 0, None, 9000),
        (9000, 200, None, 9000),
        (90_000, 200, NOW - DAY, 18_000),
        (9000, 200, NOW - DAY, 9000),
        (100, 200, NOW - 300 * DAY, 200),
        (9000, 200, NOW + DAY, 9000),
    ],
)
def test_of_a_life_long_counter_about_so_many_runs_are_still_held(
    counter: int | None, runs: int, back_to: datetime | None, about: int | None
) -> None:
    assert expected_runs(counter, runs, back_to, NOW) == about


def test_the_end_is_reckoned_by_the_minute_within_a_days_share_and_by_the_day_beyond_it() -> None:
    free = PLANS["free"]
    assert ends_at(free, 16, list_pages=1, spent_day=0, now=NOW) == NOW + timedelta(minutes=2)
    assert ends_at(free, 250, list_pages=1, spent_day=50, now=NOW) == NOW + 2 * DAY
    assert ends_at(Limits(10, None), 250, list_pages=1, spent_day=50, now=NOW) == NOW + timedelta(minutes=32)
    assert ends_at(Limits(60, 10), 5, list_pages=1, spent_day=0, now=NOW) is None
