"""Says whether every record that passes some criteria passes others too. Pure.

It is sound and not complete: a yes is certain, a no only says that it was not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import product

from monitor.rule_criteria.evaluate import holds, is_between
from monitor.rule_criteria.field_kinds import FieldKind, Kinds
from monitor.rule_criteria.tests_of_fields import (
    ORDERED,
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
from monitor.rule_criteria.values import day_in, may_be_id, moment_in, number_in
from monitor.zoho.shapes.rule_definition import Criteria, CriteriaGroup, comparisons

MOST_CASES = 64  # of criteria written out as cases; more are not looked at
NOT = "\0NOT"  # joins one part, turned round; with a character that is in nothing that Zoho sent
Cases = list[tuple[FieldTest, ...]]


@dataclass(frozen=True, slots=True)
class PreparedCriteria:
    """Holds criteria written out, so that they are compared with many others at little cost.

    Attributes:
        criteria: None passes every record.
        kinds: of the fields that it puts in order, and those that are known.
        fields: all that it looks at.
        cases: one of which holds; None where they are too many.
        clauses: all of which hold; None likewise.
        sought: the fields of each clause.
    """

    criteria: Criteria | None
    kinds: Kinds
    fields: frozenset[str] = frozenset()
    cases: Cases | None = None
    clauses: Cases | None = None
    sought: tuple[frozenset[str], ...] = ()


def prepare(criteria: Criteria | None, kinds: Kinds | None = None) -> PreparedCriteria:
    """Writes criteria out.

    Args:
        criteria: None passes every record.
        kinds: of the fields, as far as they are known; else a field that is put in order tells its own.
    """
    if criteria is None:
        return PreparedCriteria(None, kinds or {})
    known = _kinds(kinds or {}, criteria)
    cases, clauses = written_out(criteria, known), written_out(criteria, known, for_all=True)
    return PreparedCriteria(
        criteria,
        known,
        frozenset(one.field for one in comparisons(criteria)),
        [tuple(_joined(case)) for case in cases] if cases is not None else None,
        clauses,
        tuple(frozenset(test.field for test in clause) for clause in clauses or ()),
    )


def implies(one: Criteria | None, other: Criteria | None, kinds: Kinds | None = None) -> bool:
    """Says whether whatever passes `one` passes `other`.

    Args:
        one: None passes every record.
        other: likewise.
        kinds: of the fields, as far as they are known.
    """
    return follows(prepare(one, kinds), prepare(other, kinds))


def follows(one: PreparedCriteria, other: PreparedCriteria) -> bool:
    """Says whether whatever passes `one` passes `other`, as `implies`."""
    if other.criteria is None:
        return True
    if one.criteria is None:
        return False
    if any(fields.isdisjoint(one.fields) for fields in other.sought):
        return False
    one, other = _alike(one, other)
    if one.cases is None or other.clauses is None:
        return one.criteria == other.criteria
    return all(any(_follows(case, test) for test in clause) for case in one.cases for clause in other.clauses)


def excludes(one: PreparedCriteria, other: PreparedCriteria) -> bool:
    """Says whether nothing passes both of two criteria; sound and not complete, as `follows`."""
    if one.criteria is None or other.criteria is None:
        return False
    one, other = _alike(one, other)
    if one.cases is None or other.cases is None:
        return False
    return all(any(_follows(case, test.turned()) for test in against) for case in one.cases for against in other.cases)


def _alike(one: PreparedCriteria, other: PreparedCriteria) -> tuple[PreparedCriteria, PreparedCriteria]:
    """Has both take each field for the same kind."""
    if one.criteria is None or other.criteria is None or not _differ(one, other):
        return one, other
    both = {**one.kinds, **other.kinds, **_kinds({}, one.criteria, other.criteria)}
    return prepare(one.criteria, both), prepare(other.criteria, both)


def _differ(one: PreparedCriteria, other: PreparedCriteria) -> bool:
    """Says whether one of two takes a field of both for another kind than the other does."""
    common = one.fields & other.fields
    return any(one.kinds.get(field) != other.kinds.get(field) for field in common)


def _kinds(kinds: Kinds, *some: Criteria) -> dict[str, FieldKind]:
    """Finds the kinds of fields: one that is put in order anywhere is of that order everywhere."""
    found = dict(kinds)
    for criteria in some:
        for one in comparisons(criteria):
            if one.field in kinds:
                continue
            kind = field_test(one, {}).kind
            # The later of the three takes the values of the one before it, too.
            if kind in ORDERED and found.get(one.field) not in ORDERED[ORDERED.index(kind) :]:
                found[one.field] = kind
    return found


def written_out(criteria: Criteria, kinds: Kinds, *, for_all: bool = False) -> Cases | None:
    """Writes criteria out: as cases one of which holds, or, for all, as clauses all of which hold.

    Returns:
        None where there are too many, or a group is joined in an unknown way.
    """
    if not isinstance(criteria, CriteriaGroup):
        return [(field_test(criteria, kinds),)]
    operator = criteria.operator.upper()
    if operator == NOT:
        inner = written_out(criteria.parts[0], kinds, for_all=not for_all)
        return None if inner is None else [tuple(test.turned() for test in case) for case in inner]
    if operator not in ("AND", "OR") or not criteria.parts:
        return None
    parts = [written_out(part, kinds, for_all=for_all) for part in criteria.parts]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if (operator == "OR") != for_all:
        found = [case for part in known for case in part]
        return found if len(found) <= MOST_CASES else None
    total = 1
    for part in known:
        total *= len(part)
        if total > MOST_CASES:
            return None
    return [tuple(test for case in chosen for test in case) for chosen in product(*known)]


def _joined(case: Sequence[FieldTest]) -> list[FieldTest]:
    """Adds to a case what its bounds of one field say together."""
    spans: dict[str, FieldTest] = {}
    for one in case:
        if not isinstance(one.test, IsBetween) or one.is_turned:
            continue
        before = spans.get(one.field)
        if before is None:
            spans[one.field] = one
        elif isinstance(before.test, IsBetween) and (both := _overlap(before.test, one.test)) is not None:
            spans[one.field] = FieldTest(one.field, both, is_turned=False, kind=one.kind)
    return [*case, *spans.values()]


def _overlap(one: IsBetween, other: IsBetween) -> IsBetween | None:
    if not _are_alike(one.low, one.high, other.low, other.high):
        return None
    low = max((bound for bound in (one.low, other.low) if bound is not None), default=None)
    high = min((bound for bound in (one.high, other.high) if bound is not None), default=None)
    with_low = all(each.with_low for each in (one, other) if each.low == low)
    with_high = all(each.with_high for each in (one, other) if each.high == high)
    return IsBetween(low, high, with_low=with_low, with_high=with_high)


def _follows(case: Sequence[FieldTest], wanted: FieldTest) -> bool:
    return any(one.field == wanted.field and field_implies(one, wanted) for one in case)


def field_implies(one: FieldTest, other: FieldTest) -> bool:
    """Says whether what passes a test of a field passes another test of the same field."""
    if one.is_turned:
        return other.is_turned and is_inside(other.test, one.test)
    return are_apart(one.test, other.test) if other.is_turned else is_inside(one.test, other.test)


def is_inside(one: Test, other: Test) -> bool:
    """Says whether what passes a positive test passes another one."""
    if one == other:
        return True
    if isinstance(one, IsOneOf):
        return all(_passes(value, other) for value in one.values)
    if isinstance(one, IsBetween) and isinstance(other, IsBetween):
        return _spans(other, one)
    if isinstance(one, HoldsText) and isinstance(other, HoldsText):
        if other.where is Holds.ANYWHERE:
            return other.text in one.text
        return one.where is other.where and holds(one.text, other)
    return False


def are_apart(one: Test, other: Test) -> bool:
    """Says whether nothing passes both of two positive tests."""
    if isinstance(one, Unreadable) or isinstance(other, Unreadable):
        # An unreadable test of what Zoho works out may be that for empty.
        return False
    if isinstance(one, IsEmpty) or isinstance(other, IsEmpty):
        return one != other
    if isinstance(other, IsOneOf) and not isinstance(one, IsOneOf):
        one, other = other, one
    if isinstance(one, IsOneOf):
        return all(_fails(value, other) for value in one.values)
    if isinstance(one, IsBetween) and isinstance(other, IsBetween):
        return _are_alike(one.low, one.high, other.low, other.high) and (_is_below(one, other) or _is_below(other, one))
    if isinstance(one, HoldsText) and isinstance(other, HoldsText) and one.where is other.where:
        return one.where is not Holds.ANYWHERE and not (holds(one.text, other) or holds(other.text, one))
    return False


def _passes(value: object, test: Test) -> bool:
    if isinstance(test, IsOneOf):
        return value in test.values
    if isinstance(test, IsBetween):
        return _are_alike(value, test.low, test.high) and is_between(value, test)
    return isinstance(test, HoldsText) and isinstance(value, str) and holds(value, test)


def _fails(value: object, test: Test) -> bool:
    if isinstance(test, IsOneOf):
        return all(_are_alike(value, one) and not _may_be_same(value, one) for one in test.values)
    if isinstance(test, IsBetween):
        return _are_alike(value, test.low, test.high) and not is_between(value, test)
    return isinstance(test, HoldsText) and isinstance(value, str) and not holds(value, test)


def _may_be_same(one: object, other: object) -> bool:
    """Says whether two values can be one: what is looked up by id may be what is looked up by name."""
    if one == other or not isinstance(one, str) or not isinstance(other, str):
        return one == other
    words = ("id ", "name ", "digits ")
    if one.startswith(words) and other.startswith(words):
        return one[:3] != other[:3]
    return _may_be_no_texts(one, other)


def _may_be_no_texts(one: str, other: str) -> bool:
    """Says whether two texts may be one value of a field of numbers, times or lookups: its kind is often guessed."""
    numbers = number_in(one), number_in(other)
    if None not in numbers:
        return numbers[0] == numbers[1]
    # Texts are compared in small letters, and times are read with great ones.
    some = one.upper(), other.upper()
    moments, days = [moment_in(text) for text in some], [day_in(text) for text in some]
    if all(moment or day for moment, day in zip(moments, days, strict=True)):
        return None in moments or moments[0] == moments[1]
    return may_be_id(one) != may_be_id(other)


def _are_alike(*values: object) -> bool:
    """Says whether values can be put in order."""
    kinds = {_order(value) for value in values if value is not None}
    return len(kinds) <= 1


def _order(value: object) -> type:
    for kind in (bool, Decimal, datetime, date, str):
        if isinstance(value, kind):
            return kind
    return type(value)


def _spans(wide: IsBetween, narrow: IsBetween) -> bool:
    if not _are_alike(wide.low, wide.high, narrow.low, narrow.high):
        return False
    return _reaches(wide, narrow, low=True) and _reaches(wide, narrow, low=False)


def _reaches(wide: IsBetween, narrow: IsBetween, *, low: bool) -> bool:
    of_wide, of_narrow = (wide.low, narrow.low) if low else (wide.high, narrow.high)
    if of_wide is None:
        return True
    if of_narrow is None:
        return False
    if of_wide == of_narrow:
        with_wide, with_narrow = (wide.with_low, narrow.with_low) if low else (wide.with_high, narrow.with_high)
        return with_wide or not with_narrow
    return bool(of_wide < of_narrow if low else of_wide > of_narrow)  # type: ignore[operator]


def _is_below(one: IsBetween, other: IsBetween) -> bool:
    if one.high is None or other.low is None:
        return False
    return bool(one.high < other.low) or (  # type: ignore[operator]
        one.high == other.low and not (one.with_high and other.with_low)
    )
