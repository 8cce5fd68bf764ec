"""Tags are plain words in one form, however people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.tags import LONGEST_TAG, MOST_TAGS, BadTag, read_tags, tag_of


@pytest.mark.parametrize("word", ["Orders", "orders", "#ORDERS", "ｏｒｄｅｒｓ"])
def test_one_word_is_one_tag_however_it_is_written(word: str) -> None:
    assert tag_of(word) == "orders"


@pytest.mark.parametrize(
    ("one", "other"), [("Straße", "STRASSE"), ("Cafe\u0301", "café"), ("İstanbul", "i\u0307stanbul"), ("ﬁrst", "FIRST")]
)
def test_case_and_composition_make_no_other_tag(one: str, other: str) -> None:
    assert tag_of(one) == tag_of(other)


@pytest.mark.parametrize("text", ["a b", "a,b", " b;  a,,", "b\na\tb", "#B, #A"])
def test_words_stand_apart_by_spaces_commas_and_lines_and_each_counts_once(text: str) -> None:
    assert read_tags(text) == ["a", "b"]


@pytest.mark.parametrize(
    "word", ["<b>", "a/b", "a'b", '"', "a\x00b", "a\u200bb", "#", "-", "...", "##a", "jo@example.com", "a\u202eb", "💥"]
)
def test_what_is_no_plain_word_is_refused_in_one_line_that_can_be_shown(word: str) -> None:
    with pytest.raises(BadTag) as refused:
        read_tags(f"fine {word}")
    assert str(refused.value).isprintable()


def test_a_tag_has_an_end_and_a_thing_has_so_many_of_them() -> None:
    assert tag_of("x" * LONGEST_TAG) == "x" * LONGEST_TAG
    with pytest.raises(BadTag, match="too long"):
        tag_of("x" * (LONGEST_TAG + 1))
    with pytest.raises(BadTag, match="too long"):
        tag_of("ß" * LONGEST_TAG)  # folded it is twice as long
    many = [f"t{number:03}" for number in range(MOST_TAGS + 1)]
    assert read_tags(" ".join(many[:-1])) == many[:-1]
    with pytest.raises(BadTag, match="At most 20"):
        read_tags(" ".join(many))


@given(st.text(max_size=60))
def test_what_was_read_once_is_read_the_same_again(text: str) -> None:
    try:
        found = read_tags(text)
    except BadTag:
        return
    assert read_tags(" ".join(found)) == found
    assert all(tag == tag_of(tag) and 0 < len(tag) <= LONGEST_TAG for tag in found)
