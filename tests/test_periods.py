"""The one arithmetic of periods: hours, windows, days of a zone, slots of a chart."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.models import HourBucket, ZohoAccount
from monitor.notify.facts import top_errors
from monitor.periods import (
    CHOICES,
    DAY,
    HOUR,
    USUAL_CHOICE,
    Window,
    choice_of,
    day_of,
    day_start,
    day_window,
    days_until,
    first_midnight_from,
    first_of_days,
    hour_of,
    last_days,
    last_hours,
    last_of_days,
    midnight_of,
    slot_starts,
    stretch_of,
    times_passed,
)
from monitor.queries import counts, flows, overview
from tests import factories
from tests.queries.listed_flows import listed

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
MOMENTS = st.integers(0, 3 * 365 * 86_400).map(lambda seconds: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(0, seconds))
ZONES = [UTC, BERLIN, KOLKATA, ZoneInfo("America/Santiago"), ZoneInfo("Asia/Kathmandu"), timezone(-9.5 * HOUR)]


@given(MOMENTS, st.integers(1, 24 * 400), st.sampled_from(ZONES))
def test_a_window_of_n_hours_is_n_whole_hours_and_holds_the_present(now: datetime, hours: int, zone: Any) -> None:
    window = last_hours(now.astimezone(zone), hours)

    assert window.length == hours * HOUR
    assert window.end - HOUR <= now < window.end
    assert window.start == hour_of(window.start)


def test_days_back_are_times_of_24_hours_and_the_window_before_is_as_long(now: datetime) -> None:
    window = last_days(now, 7)

    assert window == last_hours(now, 168) == Window(now - 167 * HOUR, now + HOUR)
    assert window.before() == Window(now - 335 * HOUR, now - 167 * HOUR)


def test_the_hour_of_a_time_is_that_of_utc_in_every_zone() -> None:
    assert hour_of(datetime(2026, 11, 22, 12, 20, tzinfo=KOLKATA)) == datetime(2026, 11, 22, 6, tzinfo=UTC)


def test_a_day_begins_at_the_zones_midnight_or_where_the_clock_jumps_over_it() -> None:
    santiago = ZoneInfo("America/Santiago")

    assert day_start(date(2026, 11, 22), KOLKATA) == datetime(2026, 11, 21, 18, 30, tzinfo=UTC)
    assert day_start(date(2026, 9, 6), santiago) == datetime(2026, 9, 6, 4, tzinfo=UTC)
    assert midnight_of(datetime(2026, 11, 21, 20, tzinfo=UTC), KOLKATA) == datetime(2026, 11, 21, 18, 30, tzinfo=UTC)


def test_days_are_whole_days_also_where_the_clock_changes_and_at_the_ends_of_the_calendar() -> None:
    autumn = date(2026, 10, 25)
    window = day_window(autumn, autumn, BERLIN)

    assert (window.start.astimezone(UTC), window.end.astimezone(UTC)) == (
        datetime(2026, 10, 24, 22, tzinfo=UTC),
        datetime(2026, 10, 25, 23, tzinfo=UTC),
    )
    assert day_window(date.min, date.min, UTC).start == datetime(1970, 1, 1, tzinfo=UTC)
    assert day_window(date.max, date.max, UTC).end == datetime(9000, 1, 2, tzinfo=UTC)


def test_the_first_midnight_from_a_time_is_never_before_it(now: datetime) -> None:
    midnight = midnight_of(now)

    assert first_midnight_from(midnight) == midnight
    assert first_midnight_from(midnight + timedelta(microseconds=1)) == midnight + DAY


def test_days_begin_at_the_viewers_midnight(now: datetime) -> None:
    begins = slot_starts(Window(now - timedelta(days=2), now), 24, KOLKATA)
    assert [begin.astimezone(KOLKATA).isoformat() for begin in begins] == [
        "2026-11-20T00:00:00+05:30",
        "2026-11-21T00:00:00+05:30",
        "2026-11-22T00:00:00+05:30",
    ]


def test_the_day_that_changes_the_clock_is_one_slot() -> None:
    end = datetime(2026, 10, 27, tzinfo=UTC)
    begins = slot_starts(Window(end - timedelta(days=3), end), 24, BERLIN)
    lengths = [after - before for before, after in pairwise(begins)]
    assert timedelta(hours=25) in lengths


@pytest.mark.parametrize("value", [None, "", "x", "-7", "8", "٧", "9" * 30, "9" * 5_000])
def test_an_unknown_period_is_the_default(value: str | None) -> None:
    assert choice_of(value) is USUAL_CHOICE


def test_the_period_is_named_by_its_days() -> None:
    assert choice_of("90").days == 90


@pytest.mark.parametrize("minute", [0, 1, 42, 59])
@pytest.mark.django_db
def test_list_overview_charts_and_mails_count_the_same_hours(minute: int, account: ZohoAccount, now: datetime) -> None:
    """One failure in each of 200 hours back and 3 hours ahead, of one flow; a bystander has as many."""
    flow, bystander = factories.make_flow(account), factories.make_flow()
    for one in (flow, bystander):
        for hours in range(-3, 200):
            HourBucket.objects.create(flow=one, hour=now - hours * HOUR, failed=1, errors={"data": 1})
            started = now - hours * HOUR + timedelta(minutes=59)
            factories.make_execution(one, "failed", started_time=started, error_message="Stock")
    moment = now.replace(minute=minute)

    (found,) = listed(flows.FlowFilter(account_id=account.pk), moment)
    figures = overview.period(moment, 7, flow_id=flow.pk)
    of_flows = {key: one.failed for key, one in counts.by_flow(figures.window).items()}

    assert found.failures == found.runs == 168
    assert figures.totals.failed == sum(piece.counts.failed for piece in figures.pieces) == 168
    assert of_flows == {flow.pk: 168, bystander.pk: 168}
    assert sum(one.errors["data"] for one in counts.details(figures.window, (), flow_id=flow.pk)) == 168
    assert sum(failed for _, failed in flows.daily_results([flow.pk], moment, 7)[flow.pk]) == 168
    assert top_errors([flow.pk], last_hours(moment, 168)) == ((168, "ACTION_FAILED: Stock"),)
    assert counts.total(figures.window.before(), flow_id=flow.pk).failed == 200 - 168
    assert set(CHOICES) >= {1, 7, 30}


@given(MOMENTS, st.sampled_from([timedelta(minutes=1), timedelta(minutes=10), HOUR, DAY]), st.sampled_from(ZONES))
def test_stretches_are_laid_end_to_end_and_a_time_lies_in_its_own(at: datetime, length: timedelta, zone: Any) -> None:
    start = stretch_of(at.astimezone(zone), length)

    assert start <= at < start + length
    assert times_passed(start, length) == times_passed(at, length) == times_passed(start - length, length) + 1
    assert stretch_of(at, HOUR) == hour_of(at)


def test_days_until_a_moment_and_the_days_of_a_span_hold_both_ends(now: datetime) -> None:
    assert days_until(now, 7) == Window(now - 7 * DAY, now)
    assert first_of_days(date(2026, 11, 30), 30) == date(2026, 11, 1)
    assert last_of_days(date(2026, 11, 1), 30) == date(2026, 11, 30)
    assert day_of(datetime(2026, 11, 21, 20, tzinfo=UTC), KOLKATA) == date(2026, 11, 22)
