"""A period cut into slots on the viewer's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from dashboard import slots
from monitor.periods import Window, slot_starts
from monitor.queries.counts import Counts, Detail, Piece
from monitor.queries.holes import Hole

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
ZONES = [UTC, BERLIN, KOLKATA, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")]


@given(
    start=st.integers(0, 24 * 365 * 3).map(lambda hours: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hours)),
    hours=st.integers(1, 24 * 40),
    slot_hours=st.sampled_from([1, 6, 24, 7 * 24]),
    zone=st.sampled_from(ZONES),
    counts=st.lists(st.integers(1, 9), max_size=30),
)
def test_no_run_is_lost_or_counted_twice_whatever_the_zone(
    start: datetime, hours: int, slot_hours: int, zone: ZoneInfo, counts: list[int]
) -> None:
    end = start + timedelta(hours=hours)
    begins = slot_starts(Window(start, end), slot_hours, zone)
    rows = [Piece(start + timedelta(hours=n % hours), Counts(succeeded=c)) for n, c in enumerate(counts)]
    laid = slots.lay(rows, begins, end)
    assert sum(slot.counts.succeeded for slot in laid) == sum(counts)
    assert laid[0].start <= start
    assert all(slot.start < slot.end for slot in laid)


def test_a_slot_that_touches_a_hole_is_not_known(now: datetime) -> None:
    begins = slot_starts(Window(now - timedelta(hours=4), now), 1, UTC)
    laid = slots.lay([], begins, now, holes=[Hole(now - timedelta(minutes=90), now, "not read")])
    assert [slot.is_known for slot in laid] == [True, True, False, False]


def test_percentiles_of_a_slot_come_from_all_its_hours(now: datetime) -> None:
    begins = slot_starts(Window(now - timedelta(hours=24), now), 24, UTC)
    at = now - timedelta(hours=3)
    details = [Detail(at, [0] * 10 + [3], {}), Detail(at + timedelta(hours=1), [0] * 20 + [97], {})]
    laid = slots.lay([], begins, now, details=details)
    assert laid[-1].p50 is not None
    assert laid[-1].p50 > 500
    assert laid[0].p50 is None


def test_failures_by_class_are_added_up_in_the_slot_that_holds_their_hour(now: datetime) -> None:
    begins = slot_starts(Window(now - timedelta(hours=2), now), 1, UTC)
    errors = [(begins[0], {"data": 1}), (begins[0], {"data": 2, "rate": 1}), (begins[1], {"rate": 4})]
    laid = slots.lay([], begins, now, details=[Detail(at, [], by_class) for at, by_class in errors])
    assert [slot.errors for slot in laid] == [{"data": 3, "rate": 1}, {"rate": 4}]
