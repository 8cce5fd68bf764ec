"""Says whether a record passes a rule's criteria, part by part: yes, no, or not to be known, with the reason. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from monitor.periods import day_of
from monitor.rule_criteria.field_kinds import FieldKind, Kinds, kind_of_value
from monitor.rule_criteria.tests_of_fields import (
    FieldTest,
    Holds,
    HoldsText,
    IsBetween,
    IsEmpty,
    IsOneOf,
    Test,
    Unreadable,
    field_test,
)
from monitor.rule_criteria.values import (
    boolean_in,
    day_in,
    is_empty,
    is_looked_up,
    lookup_in,
    moment_in,
    number_in,
    text_in,
)
from monitor.zoho.shapes.rule_definition import Criteria, CriteriaGroup, Criterion, is_unreadable


@dataclass(frozen=True, slots=True)
class CriteriaAnswer:
    """Holds what became of criteria or a part of them.

    Attributes:
        passes: None where it cannot be known.
        why: why it cannot be known, "" else; of a group that of its first such part.
        criterion: the part; None for a group.
        operator: of a group, "AND" or "OR"; else "".
        parts: of a group.
        value: what the record holds in the field; None for a group too.
    """

    passes: bool | None
    why: str = ""
    criterion: Criterion | None = None
    operator: str = ""
    parts: tuple[CriteriaAnswer, ...] = ()
    value: Any = None


@dataclass(frozen=True, slots=True)
class AsOf:
    """Holds when a record is looked at, and by whose days: the organisation's."""

    now: datetime
    zone: tzinfo

    @property
    def today(self) -> date:
        """Returns the day."""
        return day_of(self.now, self.zone)


def evaluate(criteria: Criteria | None, record: Mapping[str, Any], kinds: Kinds, as_of: AsOf | None) -> CriteriaAnswer:
    """Judges a record as it stands.

    Args:
        criteria: None passes every record.
        record: its fields by API name, as Zoho sends them.
        kinds: of its fields, as far as they are known; else what the record holds tells.
        as_of: the present; None where it is not known: then nothing is known of what goes by the day.
    """
    if criteria is None:
        return CriteriaAnswer(passes=True)
    if isinstance(criteria, CriteriaGroup):
        parts = tuple(evaluate(part, record, kinds, as_of) for part in criteria.parts)
        return _of_group(criteria.operator.upper(), parts)
    return _of_criterion(criteria, record, kinds, as_of)


def _of_group(operator: str, parts: tuple[CriteriaAnswer, ...]) -> CriteriaAnswer:
    if operator not in ("AND", "OR"):
        return CriteriaAnswer(None, "how its parts are joined is not known", operator=operator, parts=parts)
    decides = operator == "OR"  # the answer of one part that settles the group
    answers = [part.passes for part in parts]
    passes = decides if decides in answers else None if None in answers else not decides
    why = next((part.why for part in parts if part.passes is None), "") if passes is None else ""
    return CriteriaAnswer(passes, why, operator=operator, parts=parts)


def _of_criterion(criterion: Criterion, record: Mapping[str, Any], kinds: Kinds, as_of: AsOf | None) -> CriteriaAnswer:
    if is_unreadable(criterion):
        return CriteriaAnswer(None, "its form is not known", criterion)
    if criterion.field and criterion.field not in record:
        return CriteriaAnswer(None, "Zoho did not send this field of the record", criterion)
    value = record.get(criterion.field)
    kind = kinds.get(criterion.field) or kind_of_value(value)
    known = {criterion.field: kind} if kind is not None else {}
    found = field_test(criterion, known, as_of.today if as_of is not None else None)
    try:
        passes, why = _passes(found, value, as_of.zone if as_of is not None else None)
    except OverflowError:  # a time of the first or last day that there is, in another zone
        passes, why = None, "the record's time lies at the end of the calendar"
    return CriteriaAnswer(passes, why, criterion, value=value)


def _passes(found: FieldTest, value: Any, zone: tzinfo | None) -> tuple[bool | None, str]:
    if isinstance(found.test, Unreadable):
        return None, found.test.why
    if is_empty(value):
        return isinstance(found.test, IsEmpty) != found.is_turned, ""
    if isinstance(found.test, IsEmpty):
        return found.is_turned, ""
    held = _held(value, found.kind)
    if held is None:
        return None, f"what the record holds is no {found.kind}"
    if zone is None and isinstance(held, datetime) and _names_a_day(found.test):
        return None, "on which day of the organisation it was is not known"
    if found.kind is FieldKind.LOOKUP and isinstance(found.test, IsOneOf):
        return _leads_to(found, value)
    inside = _is_inside(found.test, held, zone or UTC)
    if inside is None:
        return None, "the record and the criterion hold values of different kinds"
    return inside != found.is_turned, ""


def _leads_to(found: FieldTest, value: Any) -> tuple[bool | None, str]:
    wanted = found.test.values if isinstance(found.test, IsOneOf) else ()
    answers = [is_looked_up(str(one), value) for one in wanted]
    if True not in answers and None in answers:
        return None, "whether an id or a name is compared, or which of the two the record has, is not known"
    return (True in answers) != found.is_turned, ""


def _names_a_day(test: Test) -> bool:
    named = test.values if isinstance(test, IsOneOf) else (test.low, test.high) if isinstance(test, IsBetween) else ()
    return any(isinstance(one, date) and not isinstance(one, datetime) for one in named)


def _held(value: Any, kind: FieldKind | None) -> Any:
    if kind is FieldKind.NUMBER:
        return number_in(value)
    if kind is FieldKind.DATETIME:
        return moment_in(value)
    if kind is FieldKind.DATE:
        return day_in(value)
    if kind is FieldKind.BOOLEAN:
        return boolean_in(value)
    return lookup_in(value) if kind is FieldKind.LOOKUP else text_in(value)


def _is_inside(test: Test, held: Any, zone: tzinfo) -> bool | None:
    if isinstance(test, HoldsText):
        return holds(held, test)
    if isinstance(test, IsOneOf):
        return any(bool(_like(held, one, zone) == one) for one in test.values)
    if not isinstance(test, IsBetween):
        return None
    compared = _like(held, test.low if test.low is not None else test.high, zone)
    return is_between(compared, test) if compared is not None else None


def _like(held: Any, wanted: Any, zone: tzinfo) -> Any:
    """Turns what a record holds into the type of what it is compared with; a time becomes the organisation's day."""
    if isinstance(held, datetime) and isinstance(wanted, date) and not isinstance(wanted, datetime):
        return day_of(held, zone)
    if isinstance(held, Decimal) != isinstance(wanted, Decimal) or isinstance(held, datetime) != isinstance(
        wanted, datetime
    ):
        return None
    return held


def holds(text: Any, test: HoldsText) -> bool:
    """Says whether a text holds another where it has to."""
    if test.where is Holds.AT_START:
        return str(text).startswith(test.text)
    return str(text).endswith(test.text) if test.where is Holds.AT_END else test.text in str(text)


def is_between(value: Any, test: IsBetween) -> bool:
    """Says whether a value lies between two bounds of its type."""
    if test.low is not None and not (value > test.low or (test.with_low and value == test.low)):
        return False
    return test.high is None or bool(value < test.high or (test.with_high and value == test.high))
