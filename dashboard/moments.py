"""Writes a moment as a part of an address, to the microsecond, and reads it again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def moment_text(at: datetime) -> str:
    """Writes a moment as microseconds since 1970."""
    return str((at - _BEGIN) // _MICROSECOND)


def read_moment(text: str) -> datetime:
    """Reads the moment that `moment_text` wrote.

    Raises:
        ValueError: it did not write this.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 40):
        raise ValueError("not a moment")
    try:
        return _BEGIN + int(text) * _MICROSECOND
    except OverflowError as error:
        raise ValueError("not a moment") from error
