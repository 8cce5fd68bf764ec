"""How numbers and times are written."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import formats


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("no, never", "No, never."),
        ("Done.", "Done."),
        ("is it?", "Is it?"),
        (" x ", "X."),
        ("“Acme” is it", "“Acme” is it."),
    ],
)
def test_a_line_becomes_a_sentence(text: str, sentence: str) -> None:
    assert formats.sentence(text) == sentence


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (100, "100 %"),
        (99.96, "99.9 %"),
        (99.9999, "99.9 %"),
        (95.3, "95.3 %"),
        (0, "0.0 %"),
        (50, "50.0 %"),
    ],
)
def test_a_rate_is_rounded_down(value: float | None, text: str) -> None:
    assert formats.rate(value) == text


@given(failed=st.integers(1, 10**9), succeeded=st.integers(0, 10**12))
def test_a_rate_with_a_failure_never_reads_100(failed: int, succeeded: int) -> None:
    assert not formats.rate(100 * succeeded / (succeeded + failed)).startswith("100")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3661, "1 h 1 min"), (90000, "1 d 1 h"), (86400 + 5, "1 d"), (-3, "0 s")],
)
def test_a_span_has_at_most_two_neighbouring_units(seconds: float, text: str) -> None:
    assert formats.span(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "less than a minute"), (60, "1 min"), (5400, "1 h 30 min"), (5429, "1 h 30 min"), (100_000, "1 d 3 h")],
)
def test_a_span_can_be_told_without_seconds(seconds: float, text: str) -> None:
    assert formats.span(seconds, least="min") == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "–"),
        (0, "0 ms"),
        (820, "820 ms"),
        (999.6, "1.0 s"),
        (2400, "2.4 s"),
        (59_960, "59 s"),
        (185_000, "3 min 5 s"),
    ],
)
def test_a_duration_is_written_in_the_unit_people_think_in(ms: float | None, text: str) -> None:
    assert formats.duration(ms) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-2, "just now"), (7, "7 s ago"), (3599, "59 min ago"), (-180, "in 3 min"), (200_000, "2 d ago")],
)
def test_a_relative_time_has_one_unit(now: datetime, seconds: float, text: str) -> None:
    assert formats.relative(now - timedelta(seconds=seconds), now) == text


def test_a_capped_count_says_that_there_are_more() -> None:
    assert (formats.capped(1000, 1000), formats.capped(1001, 1000)) == ("1,000", "1,000+")


def test_a_difference_carries_its_sign() -> None:
    assert (formats.points(97.5, 99.0), formats.points(99, 97.5)) == ("−1.5 points", "+1.5 points")
    assert formats.points(None, 99) == ""
