"""Untrusted values are made fit to keep."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.exact_numbers import ExactNumber
from monitor.zoho import clean

from .helpers import fuzzed

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_text_loses_what_postgresql_refuses_and_is_clipped():
    assert clean.text("a\0b\ud800c") == "ab\ufffdc"
    assert len(clean.text("x" * 99, 10)) == 10
    assert clean.line("one\r\n two\x07", 20) == "one two"
    assert clean.text({"not": "text"}) == ""


def test_numbers_beyond_64_bits_are_none():
    assert clean.whole(2**63 - 1) == 2**63 - 1
    assert clean.whole(2**63) is None
    assert clean.whole("12") == 12
    assert clean.whole(12.0) == 12
    assert clean.whole(12.5) is None
    assert clean.whole(value=True) is None
    assert clean.whole(-5) == -5
    assert clean.count(-5) is None
    assert clean.number(float("nan")) is None
    assert clean.number(10**400) is None
    assert clean.number(ExactNumber("0.1000000000000000055511151231257827")) == 0.1
    assert clean.number(ExactNumber("1e400")) is clean.number(ExactNumber("NaN")) is clean.number("1") is None


def test_an_id_is_text_and_never_clipped_into_another_one():
    assert clean.identifier(12345) == "12345"
    assert clean.identifier(" 12345 ") == "12345"
    for bad in (None, "", True, 1.5, "x" * 65, "a\0b", "a\nb", ".", "..", 10**64, "\ud800"):
        assert clean.identifier(bad) == ""
    assert clean.identifier(12345678901234567890123) == "12345678901234567890123"
    assert clean.identifier(ExactNumber("1.5e22")) == ""


def test_kept_json_is_clean_through_and_through():
    dirty = {"a\0": ["x\ud800", float("nan"), float("inf"), 10**2000, {"b": "\0"}], "t": True, "n": None, "o": object()}
    kept = clean.json_value(dirty)
    assert kept == {"a": ["x\ufffd", None, None, None, {"b": ""}], "t": True, "n": None, "o": None}
    assert clean.json_value([2**80, ExactNumber("1e400")]) == [2**80, "1e400"]


def test_json_deeper_than_anything_of_zohos_is_cut_off():
    deep: object = "end"
    for _ in range(500):
        deep = [deep]
    assert "end" not in json.dumps(clean.json_value(deep))


@fuzzed()
@given(ANY_JSON)
def test_any_json_can_be_kept_afterwards(value):
    kept = clean.json_value(value)
    encoded = json.dumps(kept, allow_nan=False)
    assert "\\u0000" not in encoded
    assert json.dumps(kept, ensure_ascii=False).encode()


@fuzzed()
@given(ANY_JSON)
def test_a_rejected_value_is_short_ascii(value):
    shown = clean.escaped(value)
    assert shown.isascii()
    assert len(shown) <= clean.REJECTED_LIMIT


@pytest.mark.parametrize("value", ["x" * 640, " a  b\t", "ä+/=%&", "\u202e\n", "x" * 20_000, "1.0"])
def test_what_only_its_maker_understands_stays_to_the_letter(value):
    assert clean.opaque(value) == value
    assert type(clean.opaque(ExactNumber(value))) is str


@pytest.mark.parametrize("value", [None, True, 1.5, {}, [], "", "a\0", "\ud800", "x" * 20_001])
def test_what_cannot_be_passed_back_whole_is_not_passed_back_in_part(value):
    assert clean.opaque(value) == ""
    assert clean.opaque(2**70) == str(2**70)


def test_json_is_kept_to_its_depth_and_no_deeper():
    def nested(depth: int) -> object:
        value: object = "x"
        for _ in range(depth):
            value = [value]
        return value

    assert clean.json_value(nested(clean.DEPTH_LIMIT)) == nested(clean.DEPTH_LIMIT)
    deeper, depth = clean.json_value(nested(clean.DEPTH_LIMIT + 1)), 0
    while isinstance(deeper, list):
        (deeper,) = deeper
        depth += 1
    assert (deeper, depth) == (None, clean.DEPTH_LIMIT)


@pytest.mark.parametrize(
    ("value", "kept"),
    [(True, True), (False, False), ("true", True), (" TRUE ", True), ("False", False), ("yes", None), (1, None)],
)
def test_a_yes_or_no_may_be_spelled_as_text(value: object, kept: object):
    assert clean.flag(value) is kept
