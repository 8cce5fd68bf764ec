"""A time is read in every form that means one moment, and in no other."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.zoho.moments import FIRST, LAST, moment

KOLKATA = ZoneInfo("Asia/Kolkata")
BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 11, 24, 10, 5, 3, tzinfo=UTC)
DIGITS = st.text("0123456789", min_size=2, max_size=2)


@pytest.mark.parametrize(
    "spelled",
    [
        "2026-11-24T10:05:03Z",
        "2026-11-24T15:35:03+05:30",
        "2026-11-24T15:35:03 +05:30",
        "2026-11-24T15:35:03+0530",
        "2026-11-24T12:05:03+02",
        "2026-11-24t10:05:03z",
        "2026-11-24 10:05:03",
        "2026-11-24 10:05:03 UTC",
        "2026-11-24 10:05:03 GMT",
        "2026-11-24T02:05:03.000-08:00",
        "2026-11-24T15:35:03+05:30[Asia/Kolkata]",
        "2026/11/24 10:05:03",
        "2026-11-24 10:05:03 AM",
        "20261124T100503Z",
        " 2026-11-24T10:05:03Z ",
        "Nov 24, 2026 10:05:03 AM",
        "Nov 24, 2026, 10:05:03 AM",
        "November 24, 2026 at 10:05:03 AM",
        "24 Nov 2026 10:05:03",
        "24-Nov-2026 10:05:03",
        "24-NOV-2026 10:05:03 AM",
        "Tue, 24 Nov 2026 10:05:03 GMT",
        "Tue, 24 Nov 2026 15:35:03 +0530",
        "Tue Nov 24 10:05:03 UTC 2026",
        "24-11-2026 10:05:03",
        "24/11/2026 10:05:03",
        "24.11.2026 10:05:03",
        "11/24/2026 10:05:03 AM",
        "1795514703",
        "1795514703000",
        "1795514703.0",
        1795514703,
        1795514703000,
        1795514703.0,
        Decimal(1795514703000),
    ],
)
def test_every_spelling_of_a_moment_is_that_moment(spelled: object) -> None:
    assert moment(spelled) == AT


@pytest.mark.parametrize(
    ("spelled", "utc"),
    [
        ("2025-01-22T10:30:15.123Z", datetime(2025, 1, 22, 10, 30, 15, 123000, tzinfo=UTC)),
        ("2025-01-22T10:30:15.123456789Z", datetime(2025, 1, 22, 10, 30, 15, 123456, tzinfo=UTC)),
        ("2025-01-22 10:30", datetime(2025, 1, 22, 10, 30, tzinfo=UTC)),
        ("2025-01-22", datetime(2025, 1, 22, tzinfo=UTC)),
        ("24-11-2026 10:05", datetime(2026, 11, 24, 10, 5, tzinfo=UTC)),
        ("Oct 21, 2025 05:08\u202fPM", datetime(2025, 10, 21, 17, 8, tzinfo=UTC)),
        ("Oct\u00a021, 2025, 5:08:00\u00a0PM", datetime(2025, 10, 21, 17, 8, tzinfo=UTC)),
        ("Oct 21, 2025 05:08 PM", datetime(2025, 10, 21, 17, 8, tzinfo=UTC)),
        ("Oct 21, 2025 12:08 AM", datetime(2025, 10, 21, 0, 8, tzinfo=UTC)),
        ("05-05-2026 10:05", datetime(2026, 5, 5, 10, 5, tzinfo=UTC)),
        (1795514703123, AT.replace(microsecond=123000)),
    ],
)
def test_parts_of_a_moment_are_kept_as_far_as_they_are_said(spelled: object, utc: datetime) -> None:
    assert moment(spelled) == utc


@pytest.mark.parametrize("spelled", ["2026-11-24 15:35:03", "24-11-2026 15:35:03", "Nov 24, 2026 03:35:03 PM"])
def test_a_time_without_an_offset_is_one_of_the_organisation(spelled: str) -> None:
    assert moment(spelled, KOLKATA) == AT


def test_an_offset_or_a_count_of_seconds_is_believed_over_the_organisation() -> None:
    assert moment("2026-11-24T10:05:03Z", KOLKATA) == moment("1795514703", KOLKATA) == AT
    assert moment("2026-11-24 02:05:03 -0800", KOLKATA) == moment("Tue, 24 Nov 2026 10:05:03 GMT", KOLKATA) == AT


def test_the_earlier_of_two_moments_is_taken_where_a_clock_is_put_back() -> None:
    assert moment("2026-10-25 02:30:00", BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "bad",
    [
        None, "", "soon", "yesterday", [], {}, True, 0, -1, 5, -1795514703, "-1795514703", "0", "1e9", math.nan,
        math.inf, 10**30, 20261124, "20261124", "2025-13-01T00:00:00Z", "2025-01-32T00:00:00Z", "2025-02-30T00:00:00Z",
        "2025-01-01T25:00:00Z", "2025-01-01T24:00:00Z", "2025-01-01T00:00:00+99:00", "2025-01-01T00:00:00+05:75",
        "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "0000-00-00 00:00:00",
        "-2026-11-24T10:05:03Z", "٢٠٢٥-01-01", "24-13-2026 10:05", "31-02-2026 10:05", "Foo 21, 2025 05:08 PM",
        "Oct 21, 2025 13:08 PM", "Oct 21, 2025 00:08 AM", "Oct 32, 2025 05:08 PM", "2026-11-24 10:05:03 IST",
        "24-11-26 10:05", "11/24/26", "10:05", "2026-11-24T10:05:03Z and more", "2026-11-24" + " " * 5_000 + "x",
    ],
)  # fmt: skip
def test_what_is_no_moment_of_zohos_is_none(bad: object) -> None:
    assert moment(bad) is None


@pytest.mark.parametrize("spelled", ["05-11-2026 10:05", "11/05/2026 10:05 AM", "1.2.2026", "12-11-2026 00:00:00"])
def test_a_day_that_may_be_a_month_is_not_guessed(spelled: str) -> None:
    assert moment(spelled) is None


@given(st.floats() | st.integers() | st.decimals() | st.text(max_size=40))
def test_nothing_breaks_it_and_nothing_outside_of_our_time_comes_out(value: object) -> None:
    found = moment(value)
    assert found is None or (FIRST <= found < LAST and found.tzinfo is UTC)


@given(st.integers(int(FIRST.timestamp()), int(LAST.timestamp()) - 1))
def test_seconds_and_milliseconds_are_never_mixed_up(seconds: int) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert moment(seconds) == moment(seconds * 1000) == moment(str(seconds)) == moment(str(seconds * 1000)) == at


def slow_moment(value: str) -> datetime | None:
    pattern = r"(\d{4})-(\d\d)-(\d\d)([T ](\d\d):(\d\d)(:(\d\d)([.,](\d{1,9}))?)?\s*(z|[+-]\d\d(:?\d\d)?)?)?"
    match = re.fullmatch(pattern, value.strip(), re.ASCII | re.IGNORECASE)
    if match is None:
        return None
    year, month, day, _, hour, minute, _, second, _, fraction, zone, _ = match.groups()
    offset = timedelta(0)
    if zone is not None and zone.upper() != "Z":
        digits = (zone[1:].replace(":", "") + "00")[:4]
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:])) * (-1 if zone[0] == "-" else 1)
    try:
        micro = int(((fraction or "") + "000000")[:6])
        numbers = (int(part or 0) for part in (year, month, day, hour, minute, second))
        found = datetime(*numbers, micro, tzinfo=timezone(offset)).astimezone(UTC)  # type: ignore[misc]
        return found if FIRST <= found < LAST else None
    except (ValueError, OverflowError):
        return None


def stamps() -> st.SearchStrategy[str]:
    parts = st.tuples(st.text("0123456789", min_size=4, max_size=4), *[DIGITS] * 5)
    ends = st.sampled_from(["Z", "z", "", "+05:30", "-0800", "+05", ".5Z", ",123456789Z", "+23:59", "+24:00", " Z"])
    return st.builds(
        lambda p, mark, end: f"{p[0]}-{p[1]}-{p[2]}{mark}{p[3]}:{p[4]}:{p[5]}{end}",
        parts,
        st.sampled_from("T tx"),
        ends,
    )


@given(
    stamps()
    | st.datetimes().map(lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    | st.text("0123456789-:TZW. ", min_size=18, max_size=21)
)
@example("2025-01-22T10:30:15Z")
@example("2025-01-22T24:00:00Z")
@example("2025-W04-3T10:30:15Z")
@example("0000-01-01T00:00:00Z")
@example("2025-01-22T10:30:60Z")
@example("2025-01-22T10:3०:15Z")
def test_a_time_is_read_the_same_by_the_fast_way_and_by_the_slow(value: str) -> None:
    found = moment(value)
    assert found == slow_moment(value)
    assert found is None or found.tzinfo is UTC
