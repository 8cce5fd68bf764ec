"""Hostile text costs in proportion to its length: what apps say is not to be trusted with our CPU."""

from __future__ import annotations

import pytest

from monitor.triage.digits import cheap_form
from monitor.triage.marks import PLACE
from monitor.triage.masks import masked
from monitor.triage.structure import told
from tests.test_privacy_cost import grows_too_fast

PIECES = [
    "a", "1", "_", "-", ".", ":", "/", "\\", "@", "=", "+", "é", "\n", "a-", "a.", "a=", "a@", "a/", "1 ", "1.",
    "1,", "a1", "aB", "AbC", PLACE, f"{PLACE} ", f"{PLACE}, ", f"({PLACE})", f"{PLACE} and ", f"a.{PLACE}",
    f"{PLACE} of ", f"{PLACE}(", "'", "'a", "' ", "`", '"', '"a', "“", "«", "[", "[a,", "a,", "a, b ", "{",
    '{"', '{"a":', "[{", "${", "{{", "<", "<a", "<!--", "<style>", "<p>", "</", "a/b.", "../", "C:\\", "user ",
    "for user ", "for a", "user=", "a.b", "a-b.", "com.", "www.", "http://", "Jan ", "Mon, ", "…", "...",
    "a:5 ", "5:", "error 5 ", "code: 5", "http 5", "status ", "ab:", "GET ", "(s)", "error(s) ", "&amp;",
    "ab:0", "a, ", "Set(",
]  # fmt: skip
TEXTS = {
    f"{head}{piece}": lambda size, head=head, piece=piece: (head + piece * (size // len(piece)))[:size]  # type: ignore[misc]
    for head in ("", "<p>")
    for piece in PIECES
}


def read_whole(text: str) -> str:
    """Does all steps, without the bound on a text's length."""
    return told(cheap_form(text), masked)


@pytest.mark.deep
def test_four_times_the_text_costs_no_more_than_in_proportion() -> None:
    assert [name for name, make in TEXTS.items() if grows_too_fast(read_whole, make)] == []
