"""Writes shares, numbers and lengths of time as people read them, alike on pages, in mails and in alerts.

They are written in the form of the language that is spoken now (`monitor.languages`); pure but for that.
"""

from __future__ import annotations

import re
from math import floor

from monitor.languages import gettext, is_german

DASH = "–"
STEPS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_GERMAN = str.maketrans(",.", ".,")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)( (?=\d))?")


def pointed(text: str) -> str:
    """Writes what Python wrote of a number, "1,234.5", as people of the language that is spoken write it: "1.234,5"."""
    return text.translate(_GERMAN) if is_german() else text


def dated(text: str) -> str:
    """Writes what Python wrote of a day or time, "2026-11-22 12:05 UTC", as people do: "22.11.2026, 12:05 UTC"."""
    if not is_german():
        return text
    return _ISO.sub(lambda found: f"{found[3]}.{found[2]}.{found[1]}{', ' if found[4] else ''}", text)


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
    return pointed(f"{cut:.{digits}f} %")


def number(value: float | None) -> str:
    """Writes a number with commas between thousands; a dash where there is none."""
    if value is None:
        return DASH
    return pointed(f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}")


def span(seconds: float | None, *, least: str = "s") -> str:
    """Writes a length of time in at most two units, rounded down: "3 d 4 h", "12 min", "41 s".

    Args:
        seconds: how long; None where it is not known.
        least: the smallest unit that is said; less of it than one is "less than a minute" where that is "min".
    """
    if seconds is None:
        return DASH
    left = max(0, int(seconds))
    parts: list[str] = []
    for size, unit in STEPS[: [unit for _, unit in STEPS].index(least) + 1]:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(parts) or ("0 s" if least == "s" else gettext("less than a minute"))


def duration(milliseconds: float | None) -> str:
    """Writes a run's duration: "820 ms", "2.4 s", "3 min 5 s"."""
    if milliseconds is None:
        return DASH
    if milliseconds < 0:
        return pointed(f"{milliseconds:,.0f} ms")
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 59_950:
        return pointed(f"{milliseconds / 1000:.1f} s")
    return span(milliseconds / 1000)
