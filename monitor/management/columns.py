"""Lays rows of text out in columns that line up on a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

GAP = "  "


def in_columns(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Returns a table's lines: numbers to the right under their heads, words to the left.

    Args:
        heads: of the columns.
        rows: one value for each head; an int is a number.
    """
    table = [list(row) for row in rows]
    numbers = [all(isinstance(row[at], int) for row in table) for at in range(len(heads))]
    texts = [list(heads), *([_text(value) for value in row] for row in table)]
    widths = [max(_width(row[at]) for row in texts) for at in range(len(heads))]
    return [
        GAP.join(_padded(text, width, is_number) for text, width, is_number in zip(row, widths, numbers, strict=True))
        .rstrip()
        for row in texts
    ]  # fmt: skip


def _text(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _padded(text: str, width: int, is_number: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if is_number else text + space


def _width(text: str) -> int:
    """Returns how many places a terminal gives a text: two to a wide character, none to a mark over another one."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
