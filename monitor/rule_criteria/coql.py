"""Writes criteria as the WHERE of a COQL query, or names what COQL cannot say. Pure.

Source: docs/reference/zoho-crm.md, "Criteria of rules"
(<https://www.zoho.com/crm/developer/docs/api/v8/COQL-Limitations.html>).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal

from monitor.periods import day_start
from monitor.rule_criteria.evaluate import AsOf
from monitor.rule_criteria.field_kinds import FieldKind, Kinds
from monitor.rule_criteria.tests_of_fields import (
    FieldTest,
    Holds,
    HoldsText,
    IsBetween,
    IsEmpty,
    IsOneOf,
    Unreadable,
    Value,
    field_test,
    listed,
)
from monitor.rule_criteria.values import text_in
from monitor.zoho.shapes.rule_definition import Criteria, CriteriaGroup, Criterion

MOST_CRITERIA = 25
MOST_VALUES = 50  # of an "in"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
# How COQL wants these within a text is not documented in one way; % stands for anything in a "like".
_UNSAYABLE = re.compile(r"['\"\\%\x00-\x1f]")
_DAY = timedelta(days=1)
BEYOND = "its time lies at the end of the calendar, which cannot be told in UTC"


class CannotSayError(Exception):
    """Says what of some criteria COQL cannot say."""


@dataclass(frozen=True, slots=True)
class CoqlWhere:
    """Holds criteria as COQL says them.

    Attributes:
        text: behind WHERE; "" where every record passes, or where it cannot be said.
        cannot: what COQL cannot say, a sentence each; then nothing of it is said.
    """

    text: str
    cannot: tuple[str, ...] = ()


def where_of(criteria: Criteria | None, kinds: Kinds, as_of: AsOf, beside: int = 0) -> CoqlWhere:
    """Writes criteria as COQL.

    Args:
        criteria: None passes every record.
        kinds: of the fields, as far as they are known; else the value tells.
        as_of: the present, for criteria that name the day, and the organisation's zone.
        beside: how many more comparisons stand in the query.
    """
    if criteria is None:
        return CoqlWhere("")
    cannot: list[str] = []
    text, count = _written(criteria, kinds, as_of, cannot)
    if not cannot and count + beside > MOST_CRITERIA:
        cannot.append(f"{count + beside} comparisons are more than the {MOST_CRITERIA} that a query may have")
    return CoqlWhere("", tuple(dict.fromkeys(cannot))) if cannot else CoqlWhere(text)


def is_name(text: str) -> bool:
    """Says whether a text can be the API name of a module or field."""
    return _NAME.fullmatch(text) is not None


def joined(parts: Sequence[str], operator: str) -> str:
    """Joins conditions two by two, as COQL wants them in brackets."""
    text = parts[0]
    for part in parts[1:]:
        text = f"({text} {operator} {part})"
    return text


def count_query(module: str, *conditions: str) -> str:
    """Writes the query that counts records of a module that pass all of some conditions.

    Raises:
        CannotSayError: the module's name is none.
    """
    if not is_name(module):
        raise CannotSayError("the module's name cannot stand in a query")
    wanted = [one for one in conditions if one] or ["id is not null"]
    return f"select COUNT(id) from {module} where {joined(wanted, 'and')}"  # noqa: S608 - COQL, of checked parts


def changed_since(field: str, at: datetime) -> str:
    """Writes the condition that a time of the record lies at or after a moment."""
    return f"{field} >= {_moment(at)}"


def _written(criteria: Criteria, kinds: Kinds, as_of: AsOf, cannot: list[str]) -> tuple[str, int]:
    if isinstance(criteria, CriteriaGroup):
        operator = criteria.operator.lower()
        if operator not in ("and", "or") or not criteria.parts:
            cannot.append("how the criteria are joined is not known")
            return "", 0
        parts = [_written(part, kinds, as_of, cannot) for part in criteria.parts]
        return joined([text for text, _ in parts], operator), sum(count for _, count in parts)
    found = field_test(criteria, kinds, as_of.today)
    try:
        conditions = list(_conditions(found, _spelled(criteria), as_of.zone))
    except CannotSayError as reason:
        cannot.append(f"{criteria.field or 'a field without a name'}: {reason}")
        return "", 0
    # An empty field passes what is turned round, and COQL does not promise that of "!=".
    if found.is_turned and not isinstance(found.test, IsEmpty) and found.kind is not FieldKind.BOOLEAN:
        conditions.append(f"{found.field} is null")
    return joined(conditions, "or" if found.is_turned else "and"), len(conditions)


def _spelled(criterion: Criterion) -> dict[str, str]:
    """Returns texts as they were written, by what they are compared as: COQL may tell cases apart where we do not."""
    values = [criterion.value, *listed(criterion.value)]
    return {folded: str(value).strip() for value in values if (folded := text_in(value)) is not None}


def _conditions(found: FieldTest, spelled: Mapping[str, str], zone: tzinfo) -> Iterator[str]:
    """Writes a test of a field as conditions that all hold; of one that is turned round one of them holds."""
    field, test = found.field, found.test
    if isinstance(test, Unreadable):
        raise CannotSayError(test.why)
    if _NAME.fullmatch(field) is None:
        raise CannotSayError("its name cannot stand in a query")
    if found.kind is FieldKind.LONG_TEXT:
        raise CannotSayError("COQL does not look into fields of several lines")
    if isinstance(test, IsEmpty):
        yield f"{field} is {'not ' if found.is_turned else ''}null"
    elif isinstance(test, HoldsText):
        yield f"{field} {'not like' if found.is_turned else 'like'} '{_pattern(test, spelled)}'"
    elif isinstance(test, IsBetween):
        yield from _between(found, of_days(test, zone) if found.kind is FieldKind.DATETIME else test)
    elif found.kind is FieldKind.DATETIME and any(_is_day(value) for value in test.values):
        yield from _on_a_day(found, test, zone)
    else:
        yield _one_of(found, test, spelled)


def _pattern(test: HoldsText, spelled: Mapping[str, str]) -> str:
    text = _quotable(spelled.get(test.text, test.text))
    before = "" if test.where is Holds.AT_START else "%"
    return f"{before}{text}{'' if test.where is Holds.AT_END else '%'}"


def _one_of(found: FieldTest, test: IsOneOf, spelled: Mapping[str, str]) -> str:
    if found.kind is FieldKind.BOOLEAN:
        if len(test.values) > 1:
            raise CannotSayError("COQL compares a boolean with one value")
        wanted = (True in test.values) != found.is_turned
        return f"{found.field} = '{'true' if wanted else 'false'}'"
    if len(test.values) > MOST_VALUES:
        raise CannotSayError(f"{len(test.values)} values are more than the {MOST_VALUES} of a list")
    values = sorted(_literal(value, found.kind, spelled) for value in test.values)
    if len(values) == 1:
        return f"{found.field} {'!=' if found.is_turned else '='} {values[0]}"
    return f"{found.field} {'not in' if found.is_turned else 'in'} ({', '.join(values)})"


def _on_a_day(found: FieldTest, test: IsOneOf, zone: tzinfo) -> Iterator[str]:
    if len(test.values) > 1:
        raise CannotSayError("COQL has no list of days for a field of date and time")
    (day,) = test.values
    if isinstance(day, date):
        yield from _between(found, of_days(IsBetween(day, day), zone))


def _between(found: FieldTest, test: IsBetween) -> Iterator[str]:
    low = (test.low, test.with_low, "<" if found.is_turned else ">")
    high = (test.high, test.with_high, ">" if found.is_turned else "<")
    for bound, with_it, sign in (low, high):
        if bound is not None:
            # What is turned round keeps the bound that the test leaves out.
            with_sign = sign + "=" if with_it != found.is_turned else sign
            yield f"{found.field} {with_sign} {_literal(bound, found.kind, {})}"


def of_days(test: IsBetween, zone: tzinfo) -> IsBetween:
    """Turns bounds that are days into moments at which the organisation's days begin."""
    low, high, with_low, with_high = test.low, test.high, test.with_low, test.with_high
    if _is_day(low):
        assert isinstance(low, date)  # noqa: S101 - tells the type checker what was asked for
        low, with_low = _day_start(low, zone, is_next=not with_low), True
    if _is_day(high):
        assert isinstance(high, date)  # noqa: S101 - likewise
        high, with_high = _day_start(high, zone, is_next=with_high), False
    return IsBetween(low, high, with_low=with_low, with_high=with_high)


def _day_start(day: date, zone: tzinfo, *, is_next: bool) -> datetime:
    try:
        return day_start(day + _DAY if is_next else day, zone)
    except OverflowError:  # "for ever" is often written as the last day that there is
        raise CannotSayError(BEYOND) from None


def _is_day(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _literal(value: Value, kind: FieldKind | None, spelled: Mapping[str, str]) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, date):
        return f"'{value.isoformat()}'"
    text = str(value)
    if kind is FieldKind.LOOKUP:
        if text.startswith("digits "):
            raise CannotSayError("whether its digits are an id or a name is not known, and COQL wants the id")
        if not text.startswith("id "):
            raise CannotSayError("it names what it leads to, and COQL wants its id")
        text = text.removeprefix("id ")
    return f"'{_quotable(spelled.get(text, text))}'"


def _quotable(text: str) -> str:
    if _UNSAYABLE.search(text):
        raise CannotSayError("its value holds a sign that cannot stand in a query")
    return text


def _moment(value: datetime) -> str:
    try:
        return f"'{value.astimezone(UTC).isoformat(timespec='seconds')}'"
    except OverflowError:
        raise CannotSayError(BEYOND) from None
