"""A record passes criteria, fails them, or it cannot be known, and then it is said why."""

from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.rule_criteria.evaluate import AsOf, evaluate
from monitor.rule_criteria.field_kinds import FieldKind, kinds_of
from monitor.rule_criteria.tests_of_fields import COMPARATORS
from monitor.zoho.shapes.rule_definition import CriteriaGroup, Criterion
from tests.rule_criteria import reference

AS_OF = AsOf(datetime(2026, 11, 2, 19, 0, tzinfo=UTC), reference.ZONE)  # the third of November in the zone
RECORDS = st.fixed_dictionaries(
    {
        "Stage": st.sampled_from(reference.STAGES),
        "Amount": st.sampled_from(reference.AMOUNTS),
        "Closing_Date": st.sampled_from(reference.DAYS),
        "Created_Time": st.sampled_from(reference.TIMES),
        "Is_Hot": st.sampled_from(reference.FLAGS),
        "Owner": st.sampled_from(reference.OWNERS),
    }
)


def judged(comparator, value, held, field_kind=None, **more):
    kinds = {"F": field_kind} if field_kind else {}
    return evaluate(Criterion("F", comparator, value, **more), {"F": held}, kinds, AS_OF)


@given(reference.criteria(), RECORDS)
def test_what_is_said_of_a_record_is_what_plain_reckoning_says(tree, record):
    assert evaluate(tree, record, reference.KINDS, AS_OF).passes == reference.passes(tree, record)


@given(reference.criteria(), RECORDS)
def test_without_the_kinds_of_fields_an_answer_is_the_same_or_none(tree, record):
    assert evaluate(tree, record, {}, AS_OF).passes in (reference.passes(tree, record), None)


def test_no_criteria_pass_every_record():
    assert evaluate(None, {}, {}, AS_OF).passes is True


@pytest.mark.parametrize(
    ("comparator", "value", "held", "passes"),
    [
        ("equal", "Closed Lost", "closed lost", True),
        ("greater_than", "50000", 50000, False),
        ("greater_equal", "50000", 50000, True),
        ("equal", "${TODAY}", "2026-11-03", True),
        ("equal", "${YESTERDAY}", "2026-11-02", True),
        ("less_than", "${TOMORROW}", "2026-11-03", True),
        ("equal", "2026-11-03", "2026-11-02T19:00:00+00:00", True),
        ("equal", "${EMPTY}", "", True),
        ("equal", "-None-", None, True),
        ("equal", "-None-", "-None-", True),
        ("equal", "${EMPTY}", "-None-", True),
        ("equal", "-None-", "Won", False),
        ("not_equal", "-None-", None, False),
        ("not_equal", "-None-", "Won", True),
        ("not_equal", "Won", "-None-", True),
        ("not_equal", "${EMPTY}", [], False),
        ("equal", "${NOTEMPTY}", "x", True),
        ("equal", "${NOTEMPTY}", None, False),
        ("not_starts_with", "Clo", "Closed", False),
        ("not_ends_with", "sed", None, True),
        ("is_empty", None, None, True),
        ("is_not_empty", "", "x", True),
        ("equal", ["A", "B"], "b", True),
        ("in", "A, B", "B", True),
        ("not_equal", "A", None, True),
        ("equal", {"id": "7", "name": "Ann"}, {"id": "8", "name": "Ann"}, False),
        ("equal", "ann", {"id": "8", "name": "Ann"}, True),
        ("equal", "true", True, True),
        ("between", ["1", "5"], 5, True),
        ("not_between", ["1", "5"], 6, True),
    ],
)
def test_a_comparator_means_what_its_name_says(comparator, value, held, passes):
    assert judged(comparator, value, held).passes is passes


@pytest.mark.parametrize(
    ("comparator", "value", "held", "more", "why"),
    [
        ("resembles", "x", "x", {}, "comparator is not known"),
        ("equal", "[secret:0123456789abcdef]", "x", {}, "a secret"),
        ("equal", "Budget", "x", {"kind": "field"}, "another field"),
        ("equal", "${CURRENTUSER}", "x", {}, "worked out by Zoho"),
        ("greater_than", "many", 5, {}, "no number"),
        ("equal", "A", ["A", "B"], {}, "several values is not documented"),
        ("greater_than", "5", "text", {}, "has no order"),
        ("contains", "5", 55, {}, "holds no text"),
        ("between", ["1"], 5, {}, "a beginning and an end"),
        ("contains", "", "x", {}, "no text"),
        ("equal", "x", 5, {}, "no number"),
        ("in", ["-None-", "A"], "A", {}, "stands for an empty field"),
        ("not_in", "-None-, A", "A", {}, "stands for an empty field"),
        ("contains", "-None-", "A", {}, "stands for an empty field"),
    ],
)
def test_what_cannot_be_known_says_why(comparator, value, held, more, why):
    found = judged(comparator, value, held, **more)
    assert found.passes is None
    assert why in found.why


@pytest.mark.parametrize(
    ("comparator", "value", "held"),
    [
        ("equal", "${TODAY}", "2026-11-03"),
        ("less_than", "${TOMORROW}", "2026-11-03"),
        ("equal", "2026-11-03", "2026-11-02T19:00:00+00:00"),
        ("greater_than", "2026-11-02", "2026-11-02T19:00:00+00:00"),
    ],
)
def test_where_the_present_is_not_known_nothing_is_known_that_goes_by_the_day(comparator, value, held):
    criterion = Criterion("F", comparator, value)
    assert evaluate(criterion, {"F": held}, {}, AS_OF).passes is True
    found = evaluate(criterion, {"F": held}, {}, None)
    assert (found.passes, bool(found.why)) == (None, True)


def test_where_the_present_is_not_known_days_are_compared_all_the_same():
    assert evaluate(Criterion("F", "less_than", "2026-11-03"), {"F": "2026-11-02"}, {}, None).passes is True
    assert evaluate(Criterion("F", "equal", "Won"), {"F": "Lost"}, {}, None).passes is False


def test_a_field_that_zoho_did_not_send_is_not_taken_for_empty():
    found = evaluate(Criterion("Gone", "equal", "${EMPTY}"), {"F": 1}, {}, AS_OF)
    assert (found.passes, found.why) == (None, "Zoho did not send this field of the record")


def test_what_a_record_holds_may_be_no_value_of_its_field():
    assert "no number" in judged("equal", "5", "five", FieldKind.NUMBER).why
    assert judged("greater_than", "2026-11-02T00:00:00+00:00", "2026-11-03", FieldKind.DATETIME).passes is None


@pytest.mark.parametrize(("operator", "decides"), [("AND", False), ("OR", True)])
def test_a_group_is_known_as_soon_as_one_part_decides_it(operator, decides):
    parts = {True: Criterion("F", "equal", "x"), False: Criterion("F", "equal", "y"), None: Criterion("Gone", "equal")}
    for one, other in product(parts, parts):
        found = evaluate(CriteriaGroup(operator, (parts[one], parts[other])), {"F": "x"}, {}, AS_OF)
        both = {one, other}
        assert found.passes is (decides if decides in both else None if None in both else not decides)
        assert bool(found.why) is (found.passes is None)


def test_a_group_of_an_unknown_operator_is_not_judged():
    found = evaluate(CriteriaGroup("XOR", (Criterion("F", "equal", "x"),)), {"F": "x"}, {}, AS_OF)
    assert (found.passes, [part.passes for part in found.parts]) == (None, [True])


def test_every_documented_comparator_is_known_for_a_field_that_has_it():
    values = {"between": ["1", "5"], "not_between": ["1", "5"], "in": ["1"], "not_in": ["1"]}
    for comparator in COMPARATORS:
        held = "text" if "with" in comparator or "contains" in comparator else 3
        assert judged(comparator, values.get(comparator, "1"), held).passes is not None, comparator


def test_zohos_types_are_kinds_of_fields_and_others_are_left_out():
    found = kinds_of([("A", "currency"), ("B", "ownerlookup"), ("C", "fileupload"), ("D", "multiselectpicklist")])
    assert found == {"A": FieldKind.NUMBER, "B": FieldKind.LOOKUP, "D": FieldKind.SEVERAL}


@pytest.mark.parametrize(
    ("wanted", "held", "passes"),
    [
        ("554023001", {"id": "554023001", "name": "North"}, True),
        ("554023001", {"id": "554023002", "name": "North"}, False),
        ("2020", {"id": "554023002", "name": "2020"}, None),
        ("2020", {"name": "2020"}, None),
        ("2020", {"id": "554023002"}, None),
        ("554023001", "554023001", True),
        ("554023001", "North", None),
        ({"id": "554023001"}, {"id": "554023001", "name": "North"}, True),
        ({"id": "554023001"}, {"name": "North"}, None),
        ("700000000000001", {"id": "700000000000001", "name": "x"}, True),
        ("700000000000001", {"id": "700000000000002", "name": "700000000000001"}, False),
        ("North", {"id": "554023001"}, None),
        ("North", {"id": "554023001", "name": "north"}, True),
    ],
)
def test_a_short_number_may_be_an_id_or_a_name(wanted, held, passes):
    found = judged("equal", wanted, held, FieldKind.LOOKUP)
    assert found.passes is passes
    assert ("is not known" in found.why) is (passes is None)
    turned = judged("not_equal", wanted, held, FieldKind.LOOKUP).passes
    assert turned is (None if passes is None else not passes)


def test_of_several_one_that_is_certain_is_enough():
    held = {"id": "554023001", "name": "2020"}
    assert judged("in", ["2020", "554023001"], held, FieldKind.LOOKUP).passes is True
    assert judged("in", ["2020", "South"], held, FieldKind.LOOKUP).passes is None


@pytest.mark.parametrize("held", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
def test_a_record_with_a_time_at_the_end_of_the_calendar_is_not_known_to_lie_on_a_day(held):
    found = judged("equal", "2026-11-03", held, FieldKind.DATETIME)
    assert (found.passes, found.why) == (None, "the record's time lies at the end of the calendar")
    assert judged("greater_than", "2026-11-03T00:00:00+00:00", held, FieldKind.DATETIME).passes is held.startswith("9")
