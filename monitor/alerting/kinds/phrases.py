"""Says numbers, spans and times in the words of alerts. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo


def runs(count: int) -> str:
    """Returns a number of runs: "1 run", "12,000 runs"."""
    return f"{count:,} {'run' if count == 1 else 'runs'}"


def hours(count: float) -> str:
    """Returns a number of hours as people say it: "24 hours", "7 days"."""
    if count > 24 and count % 24 == 0:
        return f"{count / 24:g} days"
    if count < 1:
        return f"{count * 60:g} minutes"
    return f"{count:g} {'hour' if count == 1 else 'hours'}"


def clock(at: datetime, zone: tzinfo) -> str:
    """Returns a time by the clock of a zone, with its day: "2026-11-24 14:02"; it is said where that is UTC.

    A reason is stored once for all readers, by UTC; what is made for one reader goes by that reader's clock.
    """
    said = f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
    return f"{said} UTC" if zone is UTC else said
