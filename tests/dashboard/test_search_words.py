"""What people type to find runs becomes filters, or one clear line; nothing is guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.executions.search_words import FIELDS, SearchError, read, write

CHOICES = {
    "status": {"failed": "failed", "stuck": "stuck", "failed, fixed by a retry": "made_good"},
    "outcome": {"open": "open", "written off": "written_off"},
}


def test_fields_words_and_a_period_become_the_filters_of_the_list() -> None:
    found = read('status:failed flow:"Lead sync" error:timeout since:7d', CHOICES)
    assert found == {"status": "failed", "flow": "Lead sync", "text": "timeout", "period": "7d"}
    assert read("  invalid   address ", CHOICES) == {"text": "invalid address"}
    assert read('"a:b" STATUS:"Failed, fixed by a retry"', CHOICES) == {"text": "a:b", "status": "made_good"}
    found = read('since:2026-11-01T08:30 until:2026-11-02 problem:7 batch:8 account:"Zylker"', CHOICES)
    days = {"start": "2026-11-01T08:30", "end": "2026-11-02"}
    assert found == days | {"problem": "7", "batch": "8", "account": "Zylker"}
    assert read(r'error:"said \"no\" in C:\\x"', CHOICES) == {"text": r'said "no" in C:\x'}
    assert read("   ", CHOICES) == {}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("sttus:failed", "There is no field “sttus”"),
        ("https://example.com", "There is no field “https”"),
        ("a-b:c", "There is no field “a-b”"),
        (":x", "There is no field “”"),
        ("status:", "“status:” has nothing behind it"),
        ('flow:" "', "“flow:” has nothing behind it"),
        ("status:broken", "There is no status “broken”. There are: failed, made_good, stuck."),
        ("status:failed status:stuck", "“status:” says a second time"),
        ("error:a id:b", "“id:” says a second time"),
        ("error:a b", "Give one text"),
        ('flow:"Lead', "A quotation mark is not closed"),
        ('flow:Lead"s', "A quotation mark is not closed"),
        ('"a"b', "A quotation mark is not closed"),
        ("since:soon", "“since:soon” is no time"),
        ("since:0d", "“since:0d” is no time"),
        ("until:7d", "“until:7d” is no time"),
        ("until:2026-02-30", "“until:2026-02-30” is no time"),
        ("since:7d until:2026-11-02", "“since:7d” ends now"),
        ("problem:x", "“problem:” takes a number"),
        ("problem:0", "“problem:” takes a number"),
        ("x" * 201, "What is looked for in errors may have 200 characters"),
        ("batch:٣", "“batch:” takes a number"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(typed: str, said: str) -> None:
    with pytest.raises(SearchError) as refused:
        read(typed, CHOICES)
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


NEARLY = st.lists(
    st.sampled_from([*(f"{name}:" for name in FIELDS), '"', "\\", " ", ":", "7d", "failed", "2026-11-02", "x"])
    | st.text(max_size=3)
).map("".join)


@given(typed=st.text(max_size=80) | NEARLY)
def test_any_text_gives_filters_or_a_line(typed: str) -> None:
    found: dict[str, str] = {}
    line = "read"
    try:
        found = read(typed, CHOICES)
    except SearchError as refused:
        line = str(refused)
    assert line
    assert "\n" not in line
    assert set(found) <= {*FIELDS.values(), "period"}


TEXTS = st.text(min_size=1, max_size=30).filter(lambda text: text == text.strip() != "")


@given(
    filters=st.fixed_dictionaries(
        {},
        optional={
            "status": st.sampled_from(sorted(set(CHOICES["status"].values()) & set(CHOICES["status"]))),
            "flow": TEXTS,
            "account": TEXTS,
            "text": TEXTS,
            "problem": st.integers(1, 10**17).map(str),
            "period": st.sampled_from(["today", "last-month", "12h", "7d"]),
        },
    )
)
def test_what_is_written_as_a_search_is_read_as_the_same(filters: dict[str, str]) -> None:
    assert read(write(filters), CHOICES) == filters
