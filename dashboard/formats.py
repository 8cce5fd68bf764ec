"""Writes numbers and times for people. Pure; the template tags are a thin layer over it."""

from __future__ import annotations

from datetime import date as date_of
from datetime import datetime, timedelta
from math import floor

DASH = "–"
# `strftime` would write the same: the process keeps the locale C, and a list has hundreds of times.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STEPS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def rate(value: float | None, digits: int = 1) -> str:
    """Writes a percentage, rounded down: 99.96 is "99.9 %", because "100 %" must mean that nothing failed.

    Args:
        value: per cent, 0 to 100, or None where nothing ran.
        digits: digits after the point.
    """
    if value is None:
        return DASH
    if value >= 100:
        return "100 %"
    factor = 10**digits
    # The small addend keeps 95.3 (stored as 95.29999...) from being shown as 95.2.
    cut = min(floor(value * factor + 1e-7), 100 * factor - 1) / factor
    return f"{cut:.{digits}f} %"


def sentence(text: str) -> str:
    """Writes a line of ours as a sentence: a capital letter first, and one full stop at its end."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


def number(value: float | None) -> str:
    """Writes a number with commas between thousands; a dash where there is none."""
    if value is None:
        return DASH
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def span(seconds: float | None) -> str:
    """Writes a length of time in at most two units: "3 d 4 h", "12 min", "41 s"."""
    if seconds is None:
        return DASH
    left = max(0, int(seconds))
    if left < 1:
        return "0 s"
    parts: list[str] = []
    for size, unit in _STEPS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(parts)


def duration(milliseconds: float | None) -> str:
    """Writes a run's duration: "820 ms", "2.4 s", "3 min 5 s"."""
    if milliseconds is None:
        return DASH
    if milliseconds < 0:
        return f"{milliseconds:,.0f} ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 59_950:
        return f"{milliseconds / 1000:.1f} s"
    return span(milliseconds / 1000)


def clock(local: datetime) -> str:
    """Writes the hour and minute, and which of two it is where the clock shows them twice: "02:00 (winter)"."""
    return f"{local:%H:%M}{again(local)}"


def again(local: datetime) -> str:
    """Writes what tells the second of two equal wall times from the first; nothing for any other time.

    Args:
        local: a time in the viewer's zone.
    """
    if not local.fold:
        return ""
    if local.replace(fold=0).dst() and not local.dst():
        return " (winter)"
    hours = (local.utcoffset() or timedelta(0)) / timedelta(hours=1)
    return f" (UTC{hours:+g})"


def exact(local: datetime) -> str:
    """Writes a whole time: "Sun 22 Nov 2026, 12:00:05 UTC".

    Args:
        local: a time in the viewer's zone.
    """
    return f"{_DAYS[local.weekday()]} {date(local)}, {_seconds(local)} {local.tzname()}"


def moment(local: datetime, this_year: int) -> str:
    """Writes a time in a line: "22 Nov 12:00:05", with the year where it is another one.

    Args:
        local: a time in the viewer's zone.
        this_year: the year that goes without saying.
    """
    year = "" if local.year == this_year else f" {local.year}"
    return f"{short_date(local)}{year} {_seconds(local)}{again(local)}"


def date(day: date_of) -> str:
    """Writes a day, or that of a time in the viewer's zone: "22 Nov 2026"."""
    return f"{short_date(day)} {day.year}"


def short_date(day: date_of) -> str:
    """Writes a day without its year: "22 Nov"."""
    return f"{day.day} {_MONTHS[day.month]}"


def _seconds(local: datetime) -> str:
    return f"{local.hour:02}:{local.minute:02}:{local.second:02}"


def relative(at: datetime, now: datetime) -> str:
    """Writes how long ago: "5 min ago", "just now", "in 3 min", in one unit: the tooltip has the exact time."""
    delta = (now - at).total_seconds()
    if abs(delta) < 5:
        return "just now"
    size, unit = next((size, unit) for size, unit in _STEPS if abs(delta) >= size)
    text = f"{int(abs(delta) // size)} {unit}"
    return f"{text} ago" if delta > 0 else f"in {text}"


def pace(value: float) -> str:
    """Writes how many there are in a minute: "0.4", "12", "1,200"."""
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}"


def change(value: float | None, before: float | None) -> str:
    """Writes the signed difference of two numbers, or nothing where one of them is missing."""
    if value is None or before is None:
        return ""
    return f"{value - before:+,.0f}".replace("-", "−")


def points(value: float | None, before: float | None) -> str:
    """Writes the signed difference of two percentages, in percentage points."""
    if value is None or before is None:
        return ""
    return f"{value - before:+.1f} points".replace("-", "−")


def capped(count: int, cap: int) -> str:
    """Writes a count that was stopped at `cap`: "1,000+"."""
    return f"{cap:,}+" if count > cap else f"{count:,}"


def window(hours: int) -> str:
    """Writes an alert rule's window: "the last 24 hours", "the last 7 days"."""
    if hours % 24 == 0 and hours > 24:
        return f"the last {hours // 24} days"
    return "the last hour" if hours == 1 else f"the last {hours} hours"


def total_seconds(value: timedelta | float | None) -> float | None:
    """Converts a timedelta to seconds; numbers are seconds already."""
    return value.total_seconds() if isinstance(value, timedelta) else value
