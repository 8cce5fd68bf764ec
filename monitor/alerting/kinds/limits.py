"""Refuses options of conditions that cannot be meant. Pure."""

from __future__ import annotations

import math


def whole(name: str, value: object, least: int, most: int) -> None:
    """Looks whether an option is a whole number within its range.

    Raises:
        ValueError: it is not; the message is for people.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least:,} to {most:,}")


def number(name: str, value: object, least: float, most: float) -> None:
    """Looks whether an option is a number within its range.

    Raises:
        ValueError: it is not; the message is for people.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not least <= value <= most:  # type: ignore[operator]
        raise ValueError(f"{name} must be a number from {least:g} to {most:g}")
