"""How long Zoho asks us to wait, in all the ways it may be said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.zoho.protocol import Headers
from monitor.zoho.retry_after import rate_limit_wait, retry_after

from .helpers import NOON, fuzzed

EPOCH = int(NOON.timestamp())


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30.0),
        (" 2.5 ", 2.5),
        ("0", 1.0),
        ("-1", 1.0),
        ("1000000000", 900.0),
        ("Sun, 01 Mar 2026 12:02:00 GMT", 120.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 1.0),
        ("Sun, 01 Mar 2099 11:00:00 GMT", 900.0),
        ("soon", 60.0),
        ("", 60.0),
        ("nan", 60.0),
        ("1e5", 60.0),
        ("9" * 400, 60.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_always_sane(value, seconds):
    assert retry_after(Headers({"Retry-After": value}), NOON) == seconds


def test_without_the_header_nothing_is_asked():
    assert retry_after(Headers(), NOON) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 60.0),
        ({"X-RateLimit-Reset": str(EPOCH + 20)}, 20.0),
        ({"X-RateLimit-Reset": str((EPOCH + 20) * 1000)}, 20.0),
        ({"X-RateLimit-Reset": str(EPOCH + 40_000)}, 900.0),
        ({"X-RateLimit-Reset": str(EPOCH - 5)}, 60.0),
        ({"X-RateLimit-Reset": str(EPOCH + 400_000)}, 60.0),
        ({"X-RateLimit-Reset": "midnight"}, 60.0),
        ({"X-RateLimit-Reset": str(EPOCH + 20), "Retry-After": "7"}, 7.0),
    ],
)
def test_a_429_without_retry_after_goes_by_the_reset_if_that_is_sane(headers, seconds):
    assert rate_limit_wait(Headers(headers), NOON) == seconds


@fuzzed()
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_header_gives_a_wait_between_a_second_and_a_quarter_of_an_hour(after, reset):
    for headers in ({"retry-after": after}, {"x-ratelimit-reset": reset}):
        assert 1.0 <= rate_limit_wait(Headers(headers), NOON) <= 900.0
