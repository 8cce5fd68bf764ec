"""The calls that history took, and when it will have ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.connection.backfill_budget import ends_at, expected_runs, spent, with_calls
from monitor.connection.limits import PLANS, CallLimits

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


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
    assert ends_at(free, 12, spent_day=0, now=NOW) == NOW + timedelta(minutes=2)
    assert ends_at(free, 250, spent_day=110, now=NOW) == NOW + DAY
    assert ends_at(CallLimits(10, None), 250, spent_day=50, now=NOW) == NOW + timedelta(minutes=42)
    assert ends_at(CallLimits(None, 10), 5, spent_day=0, now=NOW) > NOW + 2 * DAY
