"""Makes one parameter of dates, times, amounts, durations, sizes and counts, however they are written. Pure."""

from __future__ import annotations

import re

from monitor.triage.marks import PLACE as _P

_MONTH = (
    "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    "|Nov(?:ember)?|Dec(?:ember)?)"
)
_DAY = "(?:Mon(?:day)?|Tue(?:s(?:day)?)?|Wed(?:nesday)?|Thu(?:rs(?:day)?)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)"
_DATE = re.compile(
    rf"(?<!\w)(?:{_DAY}\.?,?\s{{1,3}})?(?:{_MONTH}\.?,?\s{{1,3}}{_P}|{_P}(?:\sof)?\s{{1,3}}{_MONTH}(?!\w))"
    rf"(?:,?\s{{1,3}}{_P})*"
    rf"|(?<!\w){_DAY}\.?,?\s{{1,3}}(?={_P})"
)
_ZONE = re.compile(
    rf"{_P}(?:\s?(?:AM|PM|am|pm|a\.m\.|p\.m\.|Z|UTC|GMT|CES?T|[ECMP][SD]T|IST|BST|o'clock|Uhr)(?!\w)){{1,2}}"
)
_CURRENCIES = (
    r"USD|EUR|GBP|INR|JPY|CHF|AUD|CAD|CNY|RMB|HKD|SGD|AED|SAR|BRL|MXN|SEK|NOK|DKK|PLN|CZK|RUB|TRY|ZAR|THB|KRW|NZD|ILS"
    r"|Rs\.?|US\$|kr|zł"
)
_SIGNS = "$€£¥₹₽₩฿₺₪₫₴₦"
_MONEY = re.compile(rf"(?<!\w)(?:{_CURRENCIES})\s?{_P}|[{_SIGNS}]\s?{_P}|{_P}\s?(?:(?:{_CURRENCIES})(?!\w)|[{_SIGNS}])")
_DURATION = re.compile(
    rf"{_P}[ -]?(?:[mµun]?s|[mµun]?secs?|milli(?:s|seconds?)|micro(?:seconds?)|nano(?:seconds?)|msecs?|seconds?|m|mins?"
    r"|minutes?|h|hrs?|hours?|d|days?|weeks?|months?|years?|Sekunden?|Minuten?|Stunden?|Tage?n?|segundos?|minutos?|horas?"
    r"|días?|secondes?|heures?|jours?)(?![\w/])"
)
_SIZE = re.compile(rf"{_P}\s?(?:[KMGTPkmgtp]i?[Bb]|[Bb]ytes?|B|[Kk]ilobytes?|[Mm]egabytes?|[Gg]igabytes?)(?![\w/])")
_SIZE_TWICE = re.compile(rf"{_P} bytes\s?\({_P} bytes\)")
_PERCENT = re.compile(rf"{_P}\s?(?:%|percent\b|per cent\b|Prozent\b)")
_LESS = re.compile(rf"(?<![\w<])[<>≤≥~±]=?\s?(?={_P}(?!>))")

# A count and its noun: "1 record was", "3 records were".
_NOUNS = (
    "record row item task run time attempt request call credit file error warning field column character line contact"
    " lead deal invoice user member product order event message mail email page point token value key step action flow"
    " result element object node block connection thread worker job retry slot unit license argument parameter failure"
    " fault exception entry query reply"
)
_PLURALS = {
    word: f"{word[:-1]}ies" if word.endswith(("ry", "ly")) and word != "day" else f"{word}s" for word in _NOUNS.split()
} | {"process": "processes", "batch": "batches"}
_VERBS = {"was": "were", "is": "are", "has": "have", "does": "do", "doesn't": "don't", "isn't": "aren't"}
_MANY = "|".join(_PLURALS.values())
_BY_LENGTH = "|".join(sorted(_PLURALS, key=len, reverse=True))
# Whether the parameter is a count is told by what follows: "<*> record was", not "<*> record type".
_NOT_BETWEEN = "bytes|for|of|in|to|from|at|on|by|with|the|a|an|is|was|and|or|not|no"
_FOLLOWS = (
    "were|are|have|do|had|did|could|can|cannot|will|would|must|may|not|in|of|from|for|to|with|without|on|by|left|failed"
    "|exceed|exceeded|already|more|and|or|skipped|remaining|that|which|found|allowed"
)
_COUNT = re.compile(
    rf"({_P} (?:(?!(?:{_NOT_BETWEEN}) )[a-z]{{1,20}} )?)({_BY_LENGTH}|{_MANY})"
    rf"(?: ({'|'.join(_VERBS)})(?![\w'])|(?=\s?\Z|[.,;!?)]|\s(?:{_FOLLOWS})\b))"
)
_MAYBE_PLURAL = re.compile(r"\b([a-z]{3,20})\((?:s|es|ies)\)")


def without_measures(text: str) -> str:
    """Puts one sign for each date, time, amount, duration and size; a size keeps that it is one.

    Args:
        text: in cheap form.
    """
    if _P not in text:
        return text
    text = _ZONE.sub(_P, _DATE.sub(_P, text))
    text = _DURATION.sub(_P, _MONEY.sub(_P, text))
    text = _SIZE_TWICE.sub(f"{_P} bytes", _SIZE.sub(f"{_P} bytes", text))
    return _LESS.sub("", _PERCENT.sub(_P, text))


def counted_alike(text: str) -> str:
    """Writes what is counted in the plural, whatever the count was."""
    text = _MAYBE_PLURAL.sub(_plural, text)
    return _COUNT.sub(_in_plural, text)


def _plural(found: re.Match[str]) -> str:
    word = found[1]
    return word if word.endswith("s") else _PLURALS.get(word, f"{word}s")


def _in_plural(found: re.Match[str]) -> str:
    verb = f" {_VERBS[found[3]]}" if found[3] else ""
    return f"{found[1]}{_PLURALS.get(found[2], found[2])}{verb}"
