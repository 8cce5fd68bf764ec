"""Reads a time in any of the forms in which Zoho's products write one; what two people could read differently is none.

Sources: docs/reference/zoho-flow.md, "Times"; docs/reference/faults.md, F19.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal

# No run, rule or record of Zoho's is older; what a program writes for "none" (1970, year 1, year 9999) is no time.
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST = 80  # characters; no form is longer

_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?(?:\s?(?P<half>[AP]M))?"
)
_ZONE = r"\s*(?P<zone>Z|UTC|GMT|(?:UTC|GMT)?[+-]\d\d(?::?\d\d)?)?(?:\[[A-Za-z_/+-]{1,40}\])?"
_AT = rf"(?:,?\s+(?:at\s+)?{_CLOCK}{_ZONE})?"
_MONTH = r"(?P<word>[A-Z]{3,9})\.?"
_DAY_NAME = r"(?:(?:MON|TUE|WED|THU|FRI|SAT|SUN)[A-Z]{0,6},?\s+)?"
_FORMS = tuple(
    re.compile(form + r"\Z", re.IGNORECASE | re.ASCII)
    for form in (
        rf"(?P<year>\d{{4}})(?P<s>[-/])(?P<month>\d\d?)(?P=s)(?P<day>\d\d?)(?:(?:T|\s+){_CLOCK}{_ZONE})?",
        rf"(?P<year>\d{{4}})(?P<month>\d\d)(?P<day>\d\d)T(?P<hour>\d\d)(?P<minute>\d\d)(?:(?P<second>\d\d))?{_ZONE}",
        rf"{_DAY_NAME}{_MONTH}\s+(?P<day>\d\d?),?\s+(?P<year>\d{{4}}){_AT}",
        rf"{_DAY_NAME}(?P<day>\d\d?)[ -]{_MONTH}[ -](?P<year>\d{{4}}){_AT}",
        rf"{_DAY_NAME}{_MONTH}\s+(?P<day>\d\d?)\s+{_CLOCK}{_ZONE}\s+(?P<year>\d{{4}})",
        rf"(?P<one>\d\d?)(?P<s>[-/.])(?P<two>\d\d?)(?P=s)(?P<year>\d{{4}}){_AT}",
    )
)
# What Java and browsers write before AM and PM, and other blanks that look like one.
_BLANKS = re.compile(r"[\u00a0\u2002-\u200a\u202f]")
_NUMBER = re.compile(r"\d{9,13}(?:\.\d{1,9})?\Z", re.ASCII)
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


def moment(value: object, zone: tzinfo = UTC) -> datetime | None:
    """Returns a time as aware UTC; None when there is none, or none that can be read in one way only.

    Read are ISO 8601 with any offset or none, seconds and milliseconds since 1970 as number or text, and the local
    forms of Zoho's pages (`Oct 21, 2025 05:08 PM`, `21-Oct-2025 17:08`, `24-11-2026 10:05`). `05-11-2026` may be in May
    or in November, and is not guessed. Years before 2000 and from 2100 on are no times of Zoho's.

    Args:
        value: anything.
        zone: where a time that names no offset is meant: the organisation's; Zoho's own interfaces say UTC.
    """
    if isinstance(value, str):
        found = _of_text(value, zone)
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        found = _of_number(value)
    else:
        return None
    return found if found is not None and FIRST <= found < LAST else None


def _of_text(value: str, zone: tzinfo) -> datetime | None:
    if _is_plain_utc(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return None
    text = _BLANKS.sub(" ", value.strip())
    if len(text) > LONGEST:
        return None
    if _NUMBER.match(text):
        return _of_number(Decimal(text))
    match = next((found for found in (form.match(text) for form in _FORMS) if found), None)
    if match is None:
        return None
    try:
        return _of_parts(match.groupdict(), zone)
    except (ValueError, OverflowError):
        return None


def _of_number(value: float | Decimal) -> datetime | None:
    """Returns seconds or milliseconds since 1970, whichever lies in our time: the two cannot be mixed up."""
    for unit in (1_000_000, 1_000):
        try:
            found = _EPOCH + timedelta(microseconds=int(value * unit))
        except (ValueError, OverflowError, ArithmeticError):
            continue  # infinite, no number, or too far off in this unit
        if FIRST <= found < LAST:
            return found
    return None


def _of_parts(parts: dict[str, str | None], zone: tzinfo) -> datetime | None:
    month, day = _month_and_day(parts)
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hour", "minute", "second"))
    if parts.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if str(parts["half"]).upper() == "PM" else 0)
    fraction = int((parts.get("fraction") or "0")[:6].ljust(6, "0"))
    offset = _zone(parts.get("zone"), zone)
    found = datetime(int(parts["year"] or 0), month, day, hour, minute, second, fraction, tzinfo=offset)
    return found.astimezone(UTC)


def _month_and_day(parts: dict[str, str | None]) -> tuple[int, int]:
    """Returns month and day.

    Raises:
        ValueError: there is no such month, or it may be either of the two numbers.
    """
    if parts.get("word"):
        return _month(str(parts["word"])), int(parts["day"] or 0)
    if parts.get("month"):
        return int(parts["month"] or 0), int(parts["day"] or 0)
    one, two = int(parts["one"] or 0), int(parts["two"] or 0)
    if one <= 12 and two <= 12 and one != two:
        raise ValueError("either number may be the month")
    return (two, one) if one > 12 else (one, two)


def _month(word: str) -> int:
    for number, name in enumerate(_MONTHS, start=1):
        if word.lower() in (name, name[:3]) or (name == "september" and word.lower() == "sept"):
            return number
    raise ValueError("no month")


def _zone(offset: str | None, zone: tzinfo) -> tzinfo:
    if offset is None:
        return zone
    digits = offset.upper().removeprefix("UTC").removeprefix("GMT").removeprefix("Z")
    if not digits:
        return UTC
    size = digits[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(size[:2]), int(size[2:])
    if minutes > 59:
        raise ValueError("no offset has so many minutes")
    delta = timedelta(hours=hours, minutes=minutes)
    return timezone(-delta if digits[0] == "-" else delta)


def _is_plain_utc(value: str) -> bool:
    """Returns whether it looks like 2025-01-22T10:30:15Z, Flow's form: that is read ten times as fast.

    Only its shape is looked at. Weeks (2025-W04-3) and midnight as 24:00:00, which the fast way knows in some
    versions of Python, do not look like it; what else is wrong, it finds by itself.
    """
    return (
        len(value) == 20
        and value[19] == "Z"
        and value[10] == "T"
        and value[4] == value[7] == "-"
        and value[13] == value[16] == ":"
        and value[11:13] != "24"
    )
