"""What is too long is shortened before it is masked, and what masking hides as a whole is not torn by it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.masked import masked
from monitor.notify.facts import error_line
from monitor.privacy import HIDDEN, LONGEST_MASKED, mask, mask_beginning, mask_name, mask_text, searchable
from monitor.privacy_length import MORE, cut, shorten
from tests.depth import tried

ADDRESS, PHONE = "quilla.zorn@example.com", "0151 9876 5432"
MEGABYTES = 4_000_000
# Each costs some of the most per character, or is of the forms in which an app sends an error.
PIECES = [
    "=4111_",
    "1 ",
    "12-",
    "http://a:",
    "contact: Aa Bb ",
    f"said {ADDRESS}\n",
    '{"a":"x@example.com"},',
    "a",
    "{",
    "[1,",
]


@pytest.mark.parametrize("show", [mask_text, mask, mask_name, searchable, masked, lambda text: error_line("E", text)])
@pytest.mark.parametrize("piece", PIECES)
def test_megabytes_of_a_text_cost_no_more_than_a_page_may(show: Any, piece: str) -> None:
    text = piece * (MEGABYTES // len(piece))
    began = time.process_time()
    shown = show(text)
    assert time.process_time() - began < 2  # it took 4 to 15 seconds
    assert len(shown) < 4 * LONGEST_MASKED


@pytest.mark.parametrize(
    "value",
    [
        {f"k{number}": {"email": ADDRESS, "n": number} for number in range(100_000)},
        [["Last_Name", "Zorn"]] * 200_000,
        {"note": json.dumps([{"name": "Last_Name", "value": "Zorn"}] * 20_000)},
        {"note": json.dumps([{"name": "Last_Name", "value": "Zorn"}] * 60_000)},
    ],
)
def test_data_of_megabytes_is_cut_and_hides_what_is_left_of_it(value: Any) -> None:
    began = time.process_time()
    shown = json.dumps(mask(value), ensure_ascii=False)
    assert time.process_time() - began < 3
    assert MORE in shown
    assert "Zorn" not in shown
    assert ADDRESS not in shown


@pytest.mark.parametrize(
    ("key", "secret"), [("", ADDRESS), ("", PHONE), ("", "DE89 3704 0044 0532 0130 00"), ("password=", "hunter-k2,x")]
)
@pytest.mark.parametrize("hidden", ["", "password=" + "x" * 900])
def test_a_cut_leaves_no_half_of_what_is_hidden_as_a_whole(key: str, secret: str, hidden: str) -> None:
    # However far into it the cut falls; what is hidden before it makes room for the rest of the line.
    for into in range(1, len(secret)):
        head = f"{hidden} refused for {key}"
        text = head + secret + " and others" * 400
        for shown in (mask_beginning(text, len(head) + into), masked("a " * ((2000 - len(head) - into) // 2) + text)):
            assert not any(secret[at : at + 5] in shown for at in range(len(secret) - 4))


def test_what_is_no_longer_than_it_may_be_is_left_as_it_is() -> None:
    value = {"a": ["x" * 50, 1, None, {"b": "y, z"}]}
    assert shorten(value, 200) == value
    assert mask(value) == value
    assert cut("word", 4) == "word"


def test_a_text_without_a_gap_is_left_out() -> None:
    assert cut("x" * 50, 10) == MORE
    assert mask_text("x" * (LONGEST_MASKED + 1)) == MORE


def test_json_in_a_text_stays_json_when_it_is_cut() -> None:
    shown = mask_beginning(json.dumps({"Last_Name": "Zorn", "rows": ["a" * 40] * 40, "late": 1}), 300)
    read = json.loads(shown)
    assert read["Last_Name"] == HIDDEN
    assert read["rows"][-1] == MORE
    assert "late" not in read


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=30,
)


@tried(60, 1000)
@given(json_values, st.integers(1, 400))
def test_what_is_left_is_about_as_long_as_asked_for(value: Any, longest: int) -> None:
    def size(part: Any) -> int:
        if isinstance(part, dict):
            return sum(len(key) + size(item) for key, item in part.items())
        if isinstance(part, list):
            return sum(map(size, part))
        return len(part) if isinstance(part, str) else 8

    short = shorten(value, longest)
    assert size(short) <= max(longest, 0) + 100
    assert short == value or MORE in json.dumps(short, ensure_ascii=False)
