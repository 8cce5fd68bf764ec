"""Says numbers, spans and times in the words of alerts. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo


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


def span(length: timedelta) -> str:
    """Returns a span in its two largest units: "3 days 4 h", "25 min"."""
    minutes = max(round(length.total_seconds() / 60), 0)
    days, rest = divmod(minutes, 24 * 60)
    whole_hours, left = divmod(rest, 60)
    if days:
        said = f"{days} {'day' if days == 1 else 'days'}"
        return f"{said} {whole_hours} h" if whole_hours else said
    if whole_hours:
        return f"{whole_hours} h {left} min" if left else f"{whole_hours} h"
    return f"{left} min"


def milliseconds(value: float) -> str:
    """Returns how long a run took: "850 ms", "4.2 s", "3 min 5 s"."""
    if value < 1_000:
        return f"{value:.0f} ms"
    seconds = value / 1_000
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole, left = divmod(round(seconds), 60)
    return f"{whole} min {left} s" if left else f"{whole} min"


def clock(at: datetime, zone: tzinfo) -> str:
    """Returns a time by the clock of a zone, with its day: "2026-11-24 14:02"; it is said where that is UTC.

    A reason is stored once for all readers, by UTC; what is made for one reader goes by that reader's clock.
    """
    said = f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
    return f"{said} UTC" if zone is UTC else said
