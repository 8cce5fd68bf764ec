"""Refuses a number that is not within what an option allows, and says what it allows."""

from __future__ import annotations

from django.core.management.base import CommandError


def require_range(option: str, value: float | None, least: int, most: int) -> None:
    """Ends the command with one clear line where an option's number is too small, too large, or no number.

    Args:
        option: as it is written, such as "--calls-per-day".
        value: what was given; None where nothing was.
        least: the smallest that is allowed.
        most: the largest that is allowed.

    Raises:
        CommandError: it is outside.
    """
    # Not "outside": a float may be nan, which is neither below nor above anything.
    if value is not None and not least <= value <= most:
        raise CommandError(f"{option} must be between {least} and {most}")
