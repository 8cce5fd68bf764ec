"""A column of a chart has the runs that the list of its time shows, in every zone that a viewer may choose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import slots
from dashboard.people.forms import time_zones
from monitor.models import AccountDay, AccountHour, DayBucket, DirtyHour, Execution, Flow, HourBucket
from monitor.periods import CHOICES, DAY, HOUR, QUARTER, PeriodChoice, last_days, slot_starts
from monitor.queries import counts, executions, overview
from monitor.queries.counts import Counts
from monitor.queries.executions import ExecutionFilter
from monitor.rollups.recount import rebuild_dirty
from tests import factories
from tests.bystander import own
from tests.depth import tried

pytestmark = pytest.mark.django_db
FIRST = datetime(2021, 1, 1, tzinfo=UTC)
YEARS = [FIRST + n * DAY for n in range(3652)]
KOLKATA = ZoneInfo("Asia/Kolkata")


@st.composite
def runs_near_slots(draw: st.DrawFn) -> tuple[ZoneInfo, datetime, PeriodChoice, list[tuple[datetime, str]]]:
    """A viewer's zone, the present, a period, and runs that began shortly before and after its slots' beginnings."""
    zone = ZoneInfo(draw(st.sampled_from([name for name, _ in time_zones()])))
    now = FIRST + timedelta(minutes=draw(st.integers(0, 10 * 365 * 1440)))
    choice = draw(st.sampled_from(list(CHOICES.values())))
    window = last_days(now, choice.days)
    edges = [*slot_starts(window, choice.slot_hours, zone), window.start, window.end]
    near = st.builds(
        lambda edge, seconds: edge + timedelta(seconds=seconds), st.sampled_from(edges), st.integers(-2000, 2000)
    )
    return zone, now, choice, draw(st.lists(st.tuples(near, st.sampled_from(["success", "failed"])), max_size=12))


def mirror(flow: Flow, runs: list[tuple[datetime, str]], now: datetime) -> None:
    """Makes the flow's rows these, and counts them."""
    for rows in map(own, (HourBucket, DayBucket, AccountHour, AccountDay, Execution)):
        rows.all().delete()
    for started, status in runs:
        factories.make_execution(flow, status, started_time=started)
    DirtyHour.objects.mark((flow.pk, started) for started, _ in runs)
    while rebuild_dirty(now):
        pass


def listed(flow: Flow, slot: slots.Slot, status: str) -> int:
    wanted = ExecutionFilter(flow_id=flow.pk, status=status, start=slot.counted.start, end=slot.counted.end)
    return executions.matching(wanted).count()


def columns(flow: Flow, now: datetime, choice: PeriodChoice, zone: ZoneInfo) -> list[slots.Slot]:
    figures = overview.period(now, choice.days, slot_hours=choice.slot_hours, zone=zone, flow_id=flow.pk)
    details = counts.details(figures.window, figures.begins, flow_id=flow.pk)
    return slots.of_figures(figures, (), details)


@tried(15, 500)
@given(runs_near_slots())
def test_every_column_counts_what_the_list_of_its_time_shows_in_every_zone(
    drawn: tuple[ZoneInfo, datetime, PeriodChoice, list[tuple[datetime, str]]],
) -> None:
    zone, now, choice, runs = drawn
    flow = own(Flow).first() or factories.make_flow()
    mirror(flow, runs, now)
    laid = columns(flow, now, choice, zone)

    for slot in laid:
        assert slot.counts.failed == listed(flow, slot, "failed") == sum(slot.errors.values())
        assert slot.counts.succeeded == listed(flow, slot, "success")
    totals = overview.period(now, choice.days, flow_id=flow.pk).totals
    assert sum((slot.counts for slot in laid), Counts()) == totals
    assert counts.by_flow(last_days(now, choice.days)).get(flow.pk, Counts()) == totals


def test_every_offset_of_ten_years_is_whole_quarters_and_so_is_every_beginning_of_a_slot() -> None:
    """The clock of Antarctica/Casey was set forward by three hours at 00:01 of 3 October 2021."""
    for name, _ in time_zones():
        zone = ZoneInfo(name)
        for day in YEARS:
            assert not day.astimezone(zone).utcoffset() % QUARTER, name  # type: ignore[operator]
    casey = datetime(2021, 10, 2, 20, tzinfo=UTC)
    begins = slot_starts(last_days(casey, 1), 1, ZoneInfo("Antarctica/Casey"))
    assert {begin.minute % 15 for begin in begins} == {0}
    assert datetime(2021, 10, 2, 16, 0, tzinfo=UTC) in begins


def test_three_failures_just_after_midnight_in_kolkata_stand_in_the_new_day(now: datetime) -> None:
    flow = factories.make_flow()
    midnight = datetime(2026, 11, 19, 18, 30, tzinfo=UTC)
    times = [midnight + timedelta(minutes=n) for n in (2, 5, 8)] + [midnight - timedelta(minutes=n) for n in (1, 29)]
    mirror(flow, [(at, "failed") for at in times], now)

    by_day = {slot.start: slot.counts.failed for slot in columns(flow, now, CHOICES[30], KOLKATA)}

    assert (by_day[midnight], by_day[midnight - DAY]) == (3, 2)


def test_run_times_go_to_the_column_of_their_run_too(now: datetime) -> None:
    flow = factories.make_flow()
    midnight = datetime(2026, 11, 19, 18, 30, tzinfo=UTC)
    mirror(flow, [(midnight - 5 * QUARTER, "success"), (midnight - QUARTER, "success"), (midnight, "success")], now)
    own(Execution).filter(started_time__gte=midnight).update(duration_ms=60_000)
    own(Execution).filter(started_time__lt=midnight).update(duration_ms=100)
    DirtyHour.objects.mark([(flow.pk, midnight), (flow.pk, midnight - HOUR)])
    rebuild_dirty(now)

    by_day = {slot.start: slot.p95 for slot in columns(flow, now, CHOICES[30], KOLKATA)}

    assert by_day[midnight] is not None
    assert by_day[midnight] > 30_000
    assert by_day[midnight - DAY] is not None
    assert by_day[midnight - DAY] <= 100


@pytest.mark.parametrize("name", ["Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"])
def test_a_year_whose_old_hours_are_gone_still_counts_each_run_once(name: str, now: datetime) -> None:
    flow = factories.make_flow()
    runs = [(now - n * DAY - timedelta(minutes=7 * n), "failed") for n in range(0, 360, 5)]
    mirror(flow, runs, now)
    for rows in map(own, (HourBucket, AccountHour)):
        rows.filter(hour__lt=now - 200 * DAY).delete()

    laid = columns(flow, now, CHOICES[365], ZoneInfo(name))

    assert sum(slot.counts.failed for slot in laid) == len(runs) == sum(sum(slot.errors.values()) for slot in laid)
    recent = [slot for slot in laid if slot.start > now - 190 * DAY]
    assert [slot.counts.failed for slot in recent] == [listed(flow, slot, "failed") for slot in recent]


def test_an_hour_that_comes_twice_has_two_columns(now: datetime) -> None:
    flow = factories.make_flow()
    present = datetime(2026, 10, 25, 12, tzinfo=UTC)
    first, second = datetime(2026, 10, 25, 0, 10, tzinfo=UTC), datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    mirror(flow, [(first, "failed")] * 8 + [(second, "failed")] * 3, present)

    laid = columns(flow, present, CHOICES[1], ZoneInfo("Europe/Berlin"))

    assert [slot.counts.failed for slot in laid if slot.counts.failed] == [8, 3]


def test_hours_that_no_slot_cuts_cost_no_further_statement(now: datetime, django_assert_num_queries: object) -> None:
    flow = factories.make_flow()
    mirror(flow, [(now - HOUR, "failed"), (now - HOUR + QUARTER, "failed")], now)
    # One of them asks what was taken out of the rates (docs/alerts.md, "Corrections").
    for zone, statements in ((ZoneInfo("Europe/Berlin"), 2), (KOLKATA, 3)):
        with django_assert_num_queries(statements):  # type: ignore[operator]
            overview.period(now, 7, slot_hours=6, zone=zone)
