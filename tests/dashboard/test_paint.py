"""The small parts that every page repeats are painted right, also from the second time on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from dashboard import formats, masked, paint
from monitor.models.addresses import address_of

ZONES = st.sampled_from(("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"))
SECONDS = st.integers(946_684_800, 4_102_444_799)  # the years 2000 to 2099
TIMES = SECONDS.map(lambda second: datetime.fromtimestamp(second, UTC))


@given(at=TIMES, zone=ZONES.map(ZoneInfo))
def test_a_time_is_written_as_the_system_writes_it(at: datetime, zone: ZoneInfo) -> None:
    local = at.astimezone(zone)
    exact = f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S %Z}"
    beginning = f'<time datetime="{at.isoformat()}" title="{exact}">'
    assert paint.day(at, zone) == f"{beginning}{local.day} {local:%b %Y}</time>"
    words = f"{local.day} {local:%b %H:%M:%S}{formats.again(local)}"
    assert paint.when(at, zone, local.year) == f"{beginning}{words}</time>"
    words = f"{local.day} {local:%b %Y %H:%M:%S}{formats.again(local)}"
    assert paint.when(at, zone, local.year - 1) == f"{beginning}{words}</time>"
    assert paint.ago(at, at + timedelta(minutes=5), zone) == f"{beginning}5 min ago</time>"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        paint.day(datetime(2026, 11, 22), ZoneInfo("UTC"))  # noqa: DTZ001 - that is what is refused


def test_words_in_pills_and_tags_are_escaped_each_time() -> None:
    for _ in range(2):
        assert "&lt;b&gt;" in paint.pill("failed", "<b>")
        assert "&lt;b&gt;" in paint.zohos_pill("run", "<b>")
        assert paint.tag("<b>", 'a "title"') == '<span class="tag" title="a &quot;title&quot;">&lt;b&gt;</span>'


def test_a_line_is_masked_for_its_own_people_whoever_was_hidden_before() -> None:
    text = "Order of Quilla Zorn refused"
    for _ in range(2):
        assert masked.masked(text) == text
        assert masked.masked(text, ["Quilla Zorn"]) == "Order of [hidden] refused"
        assert masked.masked(f"{text}\nQuilla Zorn") == f"{text}\nQuilla Zorn"
    assert masked.masked("") == ""


def test_masked_lines_are_remembered_without_what_is_hidden_and_not_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(masked, "_shown", {})
    monkeypatch.setattr(masked, "REMEMBERED", 5)
    for number in range(13):
        masked.masked(f"to quilla{number}@example.com, number {number}")
    assert 0 < len(masked._shown) <= 5
    assert "quilla" not in repr(masked._shown)


@pytest.mark.parametrize("page", ["execution", "flow", "problem", "batch", "rule", "alert", "incident", "account"])
def test_an_address_of_a_thing_is_the_one_that_django_makes(page: str) -> None:
    for pk in (1, 12, 1234567890, 2**63 - 1):
        assert address_of(page, pk) == reverse(page, args=[pk])
