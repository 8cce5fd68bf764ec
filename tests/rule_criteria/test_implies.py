"""Criteria imply others only where every record that passes the one passes the other."""

from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import assume, given

from monitor.rule_criteria.evaluate import AsOf, evaluate
from monitor.rule_criteria.implies import implies
from monitor.zoho.shapes.rule_definition import CriteriaGroup, Criterion
from tests.rule_criteria import reference

AS_OF = AsOf(datetime(2026, 11, 2, 19, 0, tzinfo=UTC), reference.ZONE)
WORDS = ("Stage", "Amount", "Closing_Date", "Created_Time", "Is_Hot", "Owner")
DOMAIN = {
    "Stage": reference.STAGES,
    "Amount": [None, 9, 10, 15, 20, 20.2, 20.5, 22, 25, 30],
    "Closing_Date": [*reference.DAYS, "2026-10-31"],
    "Created_Time": [*reference.TIMES, "2026-11-03T12:00:00+05:30"],
    "Is_Hot": reference.FLAGS,
    "Owner": reference.OWNERS,
}


def fields_of(tree):
    return {tree.field} if isinstance(tree, Criterion) else set().union(*map(fields_of, tree.parts))


def records(fields):
    names = sorted(fields)
    for values in product(*(DOMAIN[name] for name in names)):
        yield dict(zip(names, values, strict=True))


def check(one, other, kinds):
    fields = fields_of(one) | fields_of(other)
    assume(len(fields) <= 3)
    if implies(one, other, kinds):
        for record in records(fields):
            if reference.passes(one, record):
                assert reference.passes(other, record), record


@given(reference.criteria(), reference.criteria())
def test_what_implies_really_does_so(one, other):
    check(one, other, reference.KINDS)


@given(reference.leaves(), reference.leaves())
def test_what_implies_really_does_so_also_where_no_kinds_are_known(one, other):
    assume(one.field == other.field)
    check(one, other, {})


@given(reference.criteria())
def test_criteria_imply_themselves_and_what_is_weaker(tree):
    more = CriteriaGroup("AND", (tree, Criterion("Stage", "equal", "Won")))
    assert implies(tree, tree)
    assert implies(tree, None)
    assert not implies(None, tree)
    assert implies(more, tree, reference.KINDS)
    assert implies(tree, CriteriaGroup("OR", (tree, Criterion("Stage", "equal", "Won"))), reference.KINDS)


def at_least(value):
    return Criterion("Amount", "greater_equal", str(value))


def test_the_narrower_threshold_implies_the_wider_one():
    assert implies(Criterion("Amount", "greater_than", "50000"), at_least(30000))
    assert not implies(at_least(30000), Criterion("Amount", "greater_than", "50000"))
    assert implies(Criterion("Amount", "equal", "40000"), at_least(30000))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Criterion("S", "equal", "Won"), Criterion("S", "in", ["won", "Lost"])),
        (Criterion("S", "equal", "Won"), Criterion("S", "not_equal", "Lost")),
        (Criterion("S", "equal", "Won"), Criterion("S", "not_equal", "${EMPTY}")),
        (Criterion("S", "equal", "${EMPTY}"), Criterion("S", "not_contains", "x")),
        (Criterion("S", "not_in", ["a", "b"]), Criterion("S", "not_equal", "a")),
        (Criterion("S", "starts_with", "Clo"), Criterion("S", "contains", "lo")),
        (Criterion("S", "starts_with", "Clo"), Criterion("S", "not_equal", "Won")),
        (Criterion("S", "starts_with", "ab"), CriteriaGroup("AND", (Criterion("S", "starts_with", "a"),))),
        (Criterion("N", "between", ["5", "7"]), Criterion("N", "less_than", "8")),
        (Criterion("N", "between", ["5", "7"]), Criterion("N", "not_between", ["8", "9"])),
        (CriteriaGroup("AND", (Criterion("N", "greater_than", "5"), Criterion("N", "less_than", "7"))),
         Criterion("N", "between", ["5", "7"])),
        (CriteriaGroup("OR", (Criterion("S", "equal", "a"), Criterion("S", "equal", "b"))),
         Criterion("S", "in", ["a", "b", "c"])),
        (Criterion("S", "equal", "${CURRENTUSER}"),
         Criterion("S", "equal", "${CURRENTUSER}", rest={"field": {"id": "5"}})),
        (Criterion("S", "equal", "Won"), Criterion("S", "not_equal", "-None-")),
        (Criterion("S", "equal", "-None-"), Criterion("S", "equal", "${EMPTY}")),
        (Criterion("S", "equal", "1"), Criterion("S", "not_in", ["2", "1.5"])),
    ],
)  # fmt: skip
def test_it_finds_what_people_see_at_a_glance(one, other):
    assert implies(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Criterion("S", "equal", "${CURRENTUSER}"), Criterion("S", "not_equal", "${EMPTY}")),
        (Criterion("S", "equal", {"id": "1"}), Criterion("S", "not_equal", {"name": "Ann"})),
        (Criterion("S", "resembles", "a"), Criterion("S", "resembles", "b")),
        (Criterion("S", "equal", "a"), Criterion("T", "equal", "a")),
        (CriteriaGroup("XOR", (Criterion("S", "equal", "a"),)), Criterion("S", "equal", "a")),
        (Criterion("S", "equal", "1"), Criterion("S", "not_equal", "1.0")),
        (Criterion("S", "in", ["1", "x"]), Criterion("S", "not_in", ["y", "01"])),
        (
            Criterion("S", "in", ["x", "2026-11-01T00:00:00+00:00"]),
            Criterion("S", "not_in", ["y", "2026-11-01T05:30:00+05:30"]),
        ),
        (Criterion("S", "in", ["x", "2026-11-01T00:00:00+00:00"]), Criterion("S", "not_in", ["y", "2026-11-01"])),
        (Criterion("S", "equal", "Ann"), Criterion("S", "not_equal", "700000000000001")),
        (Criterion("S", "equal", "Ann"), Criterion("S", "not_equal", "554023001")),
        (Criterion("S", "equal", {"id": "700000000000001"}), Criterion("S", "not_equal", "554023001")),
        (
            Criterion("S", "equal", kind="field", value="", rest={"compared": {"api_name": "A"}}),
            Criterion("S", "equal", kind="field", value="", rest={"compared": {"api_name": "B"}}),
        ),
        (Criterion("S", "greater_than", "${X}", rest={"rhs": "A"}), Criterion("S", "greater_than", "${X}")),
        (Criterion("S", "not_equal", "x"), Criterion("S", "not_equal", "-None-")),
        (Criterion("S", "in", ["-None-", "a"]), Criterion("S", "not_equal", "${EMPTY}")),
        (Criterion("D", "equal", "2026-01-01"), Criterion("D", "less_than", "2026-01-02T00:00:00+00:00")),
    ],
)
def test_what_is_not_known_implies_nothing(one, other):
    assert not implies(one, other)


def test_criteria_of_very_many_cases_are_not_looked_at():
    pair = CriteriaGroup("OR", (Criterion("S", "equal", "a"), Criterion("S", "equal", "b")))
    assert not implies(CriteriaGroup("AND", (pair,) * 8), Criterion("S", "in", ["a", "b", "c"]))
    assert evaluate(pair, {"S": "a"}, {}, AS_OF).passes
