"""The fast ways of `clean` give what its rules say, said here a second time and slowly."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.zoho import clean

ANY_TEXT = st.text(st.characters(), max_size=80) | st.text("ab 01\t\n\x00\x7fé\u202e\ud800.-", max_size=30)


def slow_text(value: str, limit: int) -> str:
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in value if char != "\0")[:limit]


def slow_line(value: str, limit: int) -> str:
    turning = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), "\x7f"}
    kept = [
        char
        for char in slow_text(value, limit * 2)
        if char not in turning and (ord(char) >= 32 or (char in "\t\n\x0b\x0c\r" and char not in "\x0b\x0c"))
    ]
    return " ".join("".join(kept).split())[:limit]


@given(ANY_TEXT, st.integers(1, 40))
def test_text_is_what_its_rule_says(value: str, limit: int) -> None:
    assert clean.text(value, limit) == slow_text(value, limit)


@given(ANY_TEXT, st.integers(1, 40))
@example(" a", 5)
@example("a ", 5)
@example("a  b", 5)
@example("a b", 2)
def test_a_line_is_what_its_rule_says(value: str, limit: int) -> None:
    assert clean.line(value, limit) == slow_line(value, limit)


@given(ANY_TEXT | st.text("09azAZ", max_size=70))
def test_an_identifier_is_printable_short_and_no_step_up_a_path(value: str) -> None:
    found = value.strip()
    fits = 0 < len(found) <= clean.ID_LIMIT and found not in {".", ".."} and found.isprintable()
    has_surrogate = any("\ud800" <= char <= "\udfff" for char in found)
    assert clean.identifier(value) == (found if fits and not has_surrogate else "")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | ANY_TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
        max_leaves=12,
    )
)
def test_json_is_cleaned_to_its_last_leaf(value: object) -> None:
    def slowly(item: object) -> object:
        if isinstance(item, str):
            return slow_text(item, clean.TEXT_LIMIT)
        if isinstance(item, dict):
            return {slow_text(key, clean.KEY_LIMIT): slowly(inner) for key, inner in item.items()}
        if isinstance(item, list):
            return [slowly(inner) for inner in item]
        if isinstance(item, float):
            return item if abs(item) < float("inf") else None
        if isinstance(item, int) and not isinstance(item, bool):
            return item
        return item

    assert clean.json_value(value) == slowly(value)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, True, "12", 12.0, "x", None])
def test_whole_numbers_beyond_64_bits_and_truth_values_are_none(value: object) -> None:
    expected = {"12": 12}.get(str(value), 12 if value == 12.0 else None)
    assert clean.whole(value) == expected
