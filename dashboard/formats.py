"""Writes numbers and times for people who look at pages; the template tags are a thin layer over it.

They are written in the form of the language that is spoken now; pure but for that.
"""

from __future__ import annotations

from datetime import date as date_of
from datetime import datetime, timedelta

from monitor.figures import DASH, STEPS, duration, number, pointed, rate, span
from monitor.languages import gettext as _
from monitor.languages import is_german, ngettext

__all__ = ["DASH", "duration", "number", "rate", "span"]  # as the product writes them everywhere
# `strftime` would write the same: the process keeps the locale C, and a list has hundreds of times.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_TAGE = ("Mo.", "Di.", "Mi.", "Do.", "Fr.", "Sa.", "So.")
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def sentence(text: str) -> str:
    """Writes a line of ours as a sentence: a capital letter first, and one full stop at its end."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


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
        return " " + _("(winter)")
    hours = (local.utcoffset() or timedelta(0)) / timedelta(hours=1)
    return f" (UTC{hours:+g})"


def exact(local: datetime) -> str:
    """Writes a whole time: "Sun 22 Nov 2026, 12:00:05 UTC".

    Args:
        local: a time in the viewer's zone.
    """
    weekday = _TAGE[local.weekday()] + "," if is_german() else _DAYS[local.weekday()]
    return f"{weekday} {date(local)}, {_seconds(local)} {local.tzname()}"


def moment(local: datetime, this_year: int) -> str:
    """Writes a time in a line: "22 Nov 12:00:05", with the year where it is another one.

    Args:
        local: a time in the viewer's zone.
        this_year: the year that goes without saying.
    """
    if is_german():
        return f"{short_date(local) if local.year == this_year else date(local)}, {_seconds(local)}{again(local)}"
    year = "" if local.year == this_year else f" {local.year}"
    return f"{short_date(local)}{year} {_seconds(local)}{again(local)}"


def date(day: date_of) -> str:
    """Writes a day, or that of a time in the viewer's zone: "22 Nov 2026"."""
    return f"{short_date(day)}{day.year}" if is_german() else f"{short_date(day)} {day.year}"


def slot(local: datetime, *, with_year: bool) -> str:
    """Writes when a column of a chart begins: "Sun 22 Nov 06:00".

    Args:
        local: a time in the viewer's zone.
        with_year: whether the chart's years do not go without saying.
    """
    day = date(local) if with_year else short_date(local)
    return f"{(_TAGE if is_german() else _DAYS)[local.weekday()]} {day} {clock(local)}"


def short_date(day: date_of) -> str:
    """Writes a day without its year: "22 Nov"."""
    return f"{day.day:02}.{day.month:02}." if is_german() else f"{day.day} {_MONTHS[day.month]}"


def _seconds(local: datetime) -> str:
    return f"{local.hour:02}:{local.minute:02}:{local.second:02}"


_DATIVE = {
    "d": ("Tag", "Tagen"),
    "h": ("Stunde", "Stunden"),
    "min": ("Minute", "Minuten"),
    "s": ("Sekunde", "Sekunden"),
}


def relative(at: datetime, now: datetime) -> str:
    """Writes how long ago: "5 min ago", "just now", "in 3 min", in one unit: the tooltip has the exact time."""
    delta = (now - at).total_seconds()
    if abs(delta) < 5:
        return _("just now")
    size, unit = next((size, unit) for size, unit in STEPS if abs(delta) >= size)
    count = int(abs(delta) // size)
    if is_german():
        return f"{'vor' if delta > 0 else 'in'} {count} {_DATIVE[unit][count != 1]}"
    text = f"{count} {unit}"
    return f"{text} ago" if delta > 0 else f"in {text}"


def pace(value: float) -> str:
    """Writes how many there are in a minute: "0.4", "12", "1,200"."""
    return pointed(f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}")


def change(value: float | None, before: float | None) -> str:
    """Writes the signed difference of two numbers, or nothing where one of them is missing."""
    if value is None or before is None:
        return ""
    return pointed(f"{value - before:+,.0f}".replace("-", "−"))


def points(value: float | None, before: float | None) -> str:
    """Writes the signed difference of two percentages, in percentage points."""
    if value is None or before is None:
        return ""
    return _("%(points)s points") % {"points": pointed(f"{value - before:+.1f}".replace("-", "−"))}


def capped(count: int, cap: int) -> str:
    """Writes a count that was stopped at `cap`: "1,000+"."""
    return pointed(f"{cap:,}+" if count > cap else f"{count:,}")


def window(hours: int) -> str:
    """Writes an alert rule's window: "the last 24 hours", "the last 7 days"."""
    if hours % 24 == 0 and hours > 24:
        return _("the last %(days)s days") % {"days": hours // 24}
    return ngettext("the last hour", "the last %(hours)s hours", hours) % {"hours": hours}


def total_seconds(value: timedelta | float | None) -> float | None:
    """Converts a timedelta to seconds; numbers are seconds already."""
    return value.total_seconds() if isinstance(value, timedelta) else value
