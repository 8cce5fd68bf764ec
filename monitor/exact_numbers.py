"""Reads numbers of JSON without losing a digit of them; what no type of ours holds exactly stays text. Pure.

A JSON number may have any length (RFC 8259, section 6, <https://www.rfc-editor.org/rfc/rfc8259>). Whole ones are exact
in Python; fractions and exponents are binary floats of 17 digits at the most. The sources of such numbers are mapped
fields of other apps: account numbers, amounts, ids (docs/reference/faults.md, F18).
"""

from __future__ import annotations

import json
import math
from decimal import Decimal, InvalidOperation

MOST_DIGITS = 1_000  # of a whole number that is kept as one: Python refuses to write far longer ones out
MOST_SHOWN = 20_000  # characters of any number


class ExactNumber(str):
    """Holds a number as it was written, where a float or an int of ours would be another one."""

    __slots__ = ()


def read_whole(digits: str) -> int | ExactNumber:
    """Reads a whole number; very long ones stay text.

    Args:
        digits: as JSON writes it.
    """
    return int(digits) if len(digits) <= MOST_DIGITS else _as_written(digits)


def read_fraction(digits: str) -> float | ExactNumber:
    """Reads a number with a fraction or an exponent; it stays text where a float would be another number.

    Floats of 17 digits before the point stay text, too: PostgreSQL gives them back as whole numbers, and what is
    stored would no longer be what came.

    Args:
        digits: as JSON writes it.
    """
    value = float(digits)
    if not math.isfinite(value):
        return _as_written(digits)
    try:
        is_same = Decimal(digits) == Decimal(repr(value)) and "e+" not in repr(value)
    except InvalidOperation:  # an exponent of more digits than any number has
        is_same = False
    return value if is_same else _as_written(digits)


def decoder(**options: object) -> json.JSONDecoder:
    """Makes a decoder of JSON that keeps every number; NaN and Infinity, which JSON does not know, stay text, too.

    Args:
        options: of `json.JSONDecoder`, besides those for numbers.
    """
    numbers = {"parse_int": read_whole, "parse_float": read_fraction, "parse_constant": ExactNumber}
    return json.JSONDecoder(**{**options, **numbers})  # type: ignore[arg-type]


def _as_written(digits: str) -> ExactNumber:
    return ExactNumber(digits if len(digits) <= MOST_SHOWN else f"{digits[: MOST_SHOWN - 1]}…")
