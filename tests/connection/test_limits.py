"""How many calls an account may make. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.connection.limits import (
    DAY,
    MARGIN,
    MINUTE,
    TRUSTED,
    CallLimits,
    breaker_pause,
    crm_limits_for,
    free_at,
    header_stop,
    limits_for,
    sane_reset,
    share,
)

T0 = datetime.fromisoformat("2026-11-22T12:00:00+00:00")


@pytest.mark.parametrize(
    ("plan", "per_minute", "per_day", "seen", "wanted"),
    [
        ("", None, None, None, CallLimits(10, None)),
        ("", None, None, 10_000, CallLimits(30, 10_000)),
        ("", None, None, 200_000, CallLimits(120, 200_000)),
        ("", None, None, 500, CallLimits(10, 500)),
        ("", None, None, 60, CallLimits(60, None)),
        ("", 30, None, 60, CallLimits(30, 60)),
        ("professional", None, None, 40, CallLimits(40, 50_000)),
        ("", None, None, 12_345, CallLimits(30, 12_345)),
        ("free", None, None, None, CallLimits(10, 1_000)),
        ("enterprise", None, None, None, CallLimits(120, 200_000)),
        ("enterprise", None, None, 50_000, CallLimits(120, 50_000)),
        ("free", None, None, 50_000, CallLimits(10, 1_000)),
        ("", 5, 100, None, CallLimits(5, 100)),
        ("", 5, 100, 50, CallLimits(5, 50)),
        ("", None, 100, None, CallLimits(10, 100)),
    ],
)
def test_the_limits_are_those_of_a_person_of_the_plan_or_of_zohos_header(
    plan: str, per_minute: int | None, per_day: int | None, seen: int | None, wanted: CallLimits
) -> None:
    assert limits_for(plan, per_minute, per_day, seen) == wanted


def test_background_work_leaves_a_tenth_and_never_less_than_one_call_for_itself() -> None:
    assert share(CallLimits(30, 10_000), for_people=False) == CallLimits(27, 9_000)
    assert share(CallLimits(30, 10_000), for_people=True) == CallLimits(30, 10_000)
    assert share(CallLimits(1, 1), for_people=False) == CallLimits(1, 1)
    assert share(CallLimits(10, None), for_people=False) == CallLimits(9, None)


@given(
    st.integers(1, 12),
    st.lists(
        st.tuples(st.floats(0, 30, allow_nan=False), st.floats(0.001, 45, allow_nan=False), st.floats(0, 1)),
        min_size=1,
        max_size=60,
    ),
)
def test_no_rolling_minute_ever_sees_more_arrivals_than_allowed(
    allowed: int, wishes: list[tuple[float, float, float]]
) -> None:
    """Each call arrives at Zoho at any moment between its start and its answer; calls may overlap."""
    now, calls = T0, []
    for gap, lasts, arrives in wishes:
        now += timedelta(seconds=gap)
        for _ in range(10_000):
            ends = [end if end <= now else None for start, end, at in calls if end + MINUTE + MARGIN > now]
            free = free_at(ends, allowed, now, MINUTE)
            if free is None:
                break
            assert free > now
            now = free
        else:
            raise AssertionError("no slot ever comes free")
        calls.append((now, now + timedelta(seconds=lasts), now + timedelta(seconds=lasts * arrives)))

    arrivals = sorted(at for _, _, at in calls)
    for first, last in zip(arrivals, arrivals[allowed:], strict=False):
        assert last - first > MINUTE, "one call too many within 60 s"


@given(st.integers(1, 10), st.lists(st.floats(0, 61, allow_nan=False), max_size=30))
def test_the_time_that_is_named_is_free_and_not_too_late(allowed: int, ages: list[float]) -> None:
    ends = [T0 - timedelta(seconds=age) for age in ages]

    at = free_at(ends, allowed, T0, MINUTE)

    if at is None:
        assert sum(age < 60 for age in ages) < allowed
    else:
        assert free_at(ends, allowed, at, MINUTE) is None
        assert free_at(ends, allowed, at - timedelta(milliseconds=1), MINUTE) is not None


def test_calls_from_before_the_clock_was_set_back_hold_no_slot_for_an_hour() -> None:
    assert free_at([T0 + timedelta(hours=1)] * 10, 10, T0, MINUTE) is None


def test_the_breaker_opens_for_a_minute_doubling_to_a_quarter_of_an_hour() -> None:
    assert [breaker_pause(n).total_seconds() for n in (0, 1, 2, 3, 4, 5, 6, 500)] == [
        60,
        60,
        120,
        240,
        480,
        900,
        900,
        900,
    ]


def test_a_reset_beyond_a_day_or_in_the_past_is_not_believed() -> None:
    assert sane_reset(T0 + timedelta(hours=5), T0) == T0 + timedelta(hours=5)
    for strange in (None, T0, T0 - timedelta(days=1), T0 + DAY + timedelta(seconds=1)):
        assert sane_reset(strange, T0) == T0 + MINUTE


@pytest.mark.parametrize(
    ("edition", "users", "own", "seen", "wanted"),
    [
        ("free", 3, None, None, (5_000, 5)),
        ("standard", 10, None, None, (52_500, 10)),
        ("standard", 1_000, None, None, (100_000, 10)),
        ("professional", 10, None, None, (55_000, 15)),
        ("Enterprise", 10, None, None, (60_000, 20)),
        ("Zoho One", 10_000, None, None, (5_000_000, 20)),
        ("crm plus", 10_000, None, None, (20_050_000, 25)),
        ("", None, None, None, (5_000, 5)),
        ("", None, None, 50_000, (50_000, 5)),
        ("enterprise", 10, None, 50_000, (50_000, 20)),
        ("enterprise", 10, 700, 50_000, (700, 20)),
        ("zohooneenterprise", 10, None, None, (60_000, 20)),
        ("ZohoOne", 10, None, None, (60_000, 20)),
        ("zohoonestandard", 10, None, None, (52_500, 10)),
        ("crmplusstarter", 10, None, None, (70_000, 25)),
        ("Zoho CRM Plus", 10, None, None, (70_000, 25)),
        ("zoho_crm_professional", 10, None, None, (55_000, 15)),
        ("enterprise (trial)", 10, None, None, (60_000, 20)),
        ("zohooneenterprise (trial)", 10, None, None, (60_000, 20)),
        ("Ultimate Edition", 10, None, None, (70_000, 25)),
        ("galactic", 10, None, None, (5_000, 5)),
        ("galactic", 10, 80_000, None, (80_000, 5)),
        ("galactic", 10, None, 70_000, (70_000, 5)),
        ("standardish", 10, None, None, (5_000, 5)),
    ],
)
def test_crms_credits_are_a_base_and_so_many_a_user_up_to_the_editions_most(
    edition: str, users: int | None, own: int | None, seen: int | None, wanted: tuple[int, int]
) -> None:
    limits = crm_limits_for(edition, users, own, seen)

    assert (limits.per_day, limits.at_once) == wanted
    assert limits.per_minute is None


def test_calls_at_once_are_a_persons_number_where_there_is_one() -> None:
    assert crm_limits_for("enterprise", 10, None, None, 3).at_once == 3
    assert crm_limits_for("galactic", 10, None, None, 12).at_once == 12


@pytest.mark.parametrize(
    ("edition", "users", "told"),
    [
        ("enterprise", 10, "edition Enterprise, 10 users"),
        ("Zoho One", 1, "edition Zoho One, 1 user"),
        ("crmplusstarter", 2, "edition crmplusstarter, 2 users"),
        ("enterprise (trial)", 10, "edition enterprise (trial), 10 users"),
        ("free", 3, "edition Free"),
        ("", None, "the smallest edition's, until Zoho tells"),
        ("galactic", 9, "edition “galactic” is not known here: the smallest edition's until your own numbers are set"),
    ],
)
def test_the_source_names_the_edition_in_its_own_word(edition: str, users: int | None, told: str) -> None:
    assert crm_limits_for(edition, users, None, None).source == told


def test_zohos_own_count_takes_away_and_never_gives() -> None:
    seen = T0 - timedelta(seconds=30)

    assert header_stop(100, 0, 10, seen, None, T0) is None
    assert header_stop(100, 90, 10, seen, None, T0) == seen + TRUSTED
    assert header_stop(10, 0, 10, seen, T0 + timedelta(seconds=20), T0) == T0 + timedelta(seconds=20)
    assert header_stop(0, 0, 0, T0 - TRUSTED, None, T0) is None
    assert header_stop(None, 0, 10, seen, None, T0) is None
