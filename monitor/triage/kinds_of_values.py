"""Says of which kind a value is, by its form: id, e-mail, date, amount … For display only. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection

TEXT, NUMBER, ID = "text", "number", "id"
_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[ap]m)?"
_OFFSET = r"(?:\s?(?:z|utc|gmt|[+-]\d{2}:?\d{2}))?"
_DAY = (
    rf"(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}"
    rf"|\d{{1,2}}[ -]{_MONTH}[ -]\d{{2,4}}|{_MONTH} \d{{1,2}},? \d{{4}})"
)
_MONEY = r"(?:[$€£¥₹]|usd|eur|gbp|inr|chf|jpy|aud|cad|rs\.?)"
# By turns: the first that fits a whole value names it.
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(rf"(?i)(?:{form})"))
    for kind, form in (
        ("e-mail", r"[^\s@]{1,200}@[^\s@]{1,200}\.[^\s@]{2,60}"),
        ("URL", r"(?:[a-z][a-z+.-]{1,20}://|www\.)\S+"),
        ("date and time", rf"{_DAY}(?:t|,?\s){_CLOCK}{_OFFSET}"),
        ("date", _DAY),
        ("time", rf"{_CLOCK}{_OFFSET}"),
        ("IP address", r"(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}"),
        ("amount", rf"{_MONEY}\s?-?[\d.,' ]*\d|-?\d[\d.,' ]*\s?{_MONEY}"),
        ("amount", r"-?\d{1,3}(?:,\d{2,3})+(?:\.\d+)?|-?\d+[.,]\d\d"),
        ("percentage", r"-?\d+(?:[.,]\d+)?\s?%"),
        ("duration", r"\d+(?:[.,]\d+)?\s?(?:ms|s|secs?|seconds?|mins?|minutes?|h|hours?|days?|milliseconds?)"),
        ("size", r"\d+(?:[.,]\d+)?\s?(?:bytes?|[kmgt]i?b|b)"),
        ("phone number", r"\+\d[\d ()/-]{6,20}\d"),
        (ID, r"\d{10,64}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"),
        (NUMBER, r"[+-]?\d{1,9}(?:[.,]\d+)?"),
        ("true or false", "true|false|null"),
        ("file", r"(?:[a-z]:)?[\\/]\S+|\S+\.(?:csv|pdf|xlsx?|docx?|txt|json|xml|zip|png|jpe?g|html?)"),
        ("host", r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*\.[a-z]{2,24}(?::\d{1,5})?"),
        (ID, r"(?=\S*\d)[\w.:/-]+"),
    )
)
_NAME = re.compile(r"[^\W\d_][\w'’.-]*(?:\s[^\W\d_][\w'’.-]*){1,3}")
_A_NAME_FOLLOWS = frozenset(
    ("name", "user", "username", "contact", "customer", "client", "owner", "person", "employee", "lead", "vendor")
)
_AN_ID_FOLLOWS = frozenset(("id", "ids", "uid", "uuid", "guid", "key", "record"))


def kind_of(value: str, *, before: str = "", people: Collection[str] = ()) -> str:
    """Returns what people call such a value.

    Args:
        value: without the marks around it.
        before: the word before it, in small letters.
        people: names that stand in the text.
    """
    kind = next((kind for kind, form in _FORMS if form.fullmatch(value)), "")
    if kind == NUMBER and before in _AN_ID_FOLLOWS:
        return ID
    if kind:
        return kind
    plain = value.casefold()
    if any(plain == name.casefold() for name in people):
        return "name"
    words = value.split()
    is_titled = all(word[:1].isupper() for word in words if word[:1].isalpha())
    is_called = before in _A_NAME_FOLLOWS and len(words) <= 3 and not any(map(str.isdigit, value))
    return "name" if is_called or (is_titled and _NAME.fullmatch(value) is not None) else TEXT
