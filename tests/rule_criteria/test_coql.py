"""Criteria become a COQL query that finds the very records, or it is said what COQL cannot say."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.rule_criteria.coql import BEYOND, CannotSayError, changed_since, count_query, where_of
from monitor.rule_criteria.evaluate import AsOf
from monitor.rule_criteria.field_kinds import FieldKind
from monitor.zoho.shapes.rule_definition import CriteriaGroup, Criterion
from standin.crm import coql
from standin.errors import RefusalError
from tests.rule_criteria import reference
from tests.rule_criteria.test_evaluate import RECORDS

AS_OF = AsOf(datetime(2026, 11, 2, 19, 0, tzinfo=UTC), reference.ZONE)
FIELDS = (
    ("id", "Id", "bigint"), ("Stage", "Stage", "picklist"), ("Amount", "Amount", "currency"),
    ("Closing_Date", "Closing Date", "date"), ("Created_Time", "Created", "datetime"), ("Is_Hot", "Hot", "boolean"),
    ("Owner", "Owner", "ownerlookup"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def fields(monkeypatch):
    monkeypatch.setattr(coql, "fields_of", lambda module: FIELDS)


@given(reference.criteria(), st.lists(RECORDS, max_size=30))
def test_a_query_counts_the_records_that_pass(tree, rows):
    found = where_of(tree, reference.KINDS, AS_OF)
    if found.cannot:
        assert not found.text
        return
    rows = [{"id": str(place), **row} for place, row in enumerate(rows)]
    answer, _ = coql.run(coql.parse(count_query("Deals", found.text)), rows)
    assert answer == [{"COUNT(id)": sum(reference.passes(tree, row) for row in rows)}]


def where(*parts, operator="AND", kinds=reference.KINDS):
    return where_of(CriteriaGroup(operator, parts), kinds, AS_OF)


def test_more_than_two_criteria_stand_in_brackets_two_by_two():
    parts = [Criterion("Amount", "greater_than", str(one)) for one in range(3)]
    assert where(*parts).text == "((Amount > 0 and Amount > 1) and Amount > 2)"


def test_a_field_that_is_not_something_may_be_empty():
    assert where_of(Criterion("Stage", "not_equal", "Won"), {}, AS_OF).text == "(Stage != 'Won' or Stage is null)"


def test_the_empty_choice_of_a_picklist_is_no_text():
    assert where_of(Criterion("Stage", "equal", "-None-"), reference.KINDS, AS_OF).text == "Stage is null"
    assert where_of(Criterion("Stage", "not_equal", "-None-"), {}, AS_OF).text == "Stage is not null"
    assert "stands for an empty field" in where(Criterion("Stage", "in", ["-None-", "Won"])).cannot[0]


def test_days_of_a_field_with_a_time_are_the_organisations():
    found = where_of(Criterion("Created_Time", "less_equal", "2026-11-02"), reference.KINDS, AS_OF)
    assert found.text == "Created_Time < '2026-11-02T18:30:00+00:00'"


def test_words_keep_their_spelling():
    assert where_of(Criterion("Stage", "starts_with", "Closed"), {}, AS_OF).text == "Stage like 'Closed%'"
    assert where_of(Criterion("Stage", "in", ["Closed Lost"]), {}, AS_OF).text == "Stage = 'Closed Lost'"


@pytest.mark.parametrize(
    ("criterion", "kind", "what"),
    [
        (Criterion("F", "equal", "it's"), None, "a sign that cannot stand"),
        (Criterion("F", "contains", "50 %"), None, "a sign that cannot stand"),
        (Criterion("F", "contains", "x"), FieldKind.LONG_TEXT, "several lines"),
        (Criterion("F", "equal", "Ann"), FieldKind.LOOKUP, "wants its id"),
        (Criterion("F", "equal", "554023001"), FieldKind.LOOKUP, "an id or a name is not known"),
        (Criterion("F", "in", [str(one) for one in range(51)]), None, "51 values"),
        (Criterion("F", "in", ["2026-11-01", "2026-11-02"]), FieldKind.DATETIME, "no list of days"),
        (Criterion("F", "equal", ["true", "false"]), FieldKind.BOOLEAN, "one value"),
        (Criterion("F", "resembles", "x"), None, "comparator is not known"),
        (Criterion("F", "equal", "B", kind="field"), None, "another field"),
        (Criterion("F; drop", "equal", "B"), None, "its name cannot stand"),
        (Criterion("", "equal", "B"), None, "names no field"),
    ],
)
def test_what_coql_cannot_say_is_named(criterion, kind, what):
    found = where(criterion, Criterion("Amount", "equal", "5"), kinds={"F": kind} if kind else {})
    assert found.text == ""
    assert what in found.cannot[0]


def test_criteria_that_are_joined_in_an_unknown_way_are_named():
    assert where(Criterion("F", "equal", "x"), operator="XOR").cannot == ("how the criteria are joined is not known",)


def test_a_query_has_25_comparisons_at_most():
    parts = [Criterion("Amount", "greater_than", str(one)) for one in range(26)]
    assert "26 comparisons" in where(*parts).cannot[0]
    assert where(*parts[:25]).text
    tree = CriteriaGroup("AND", tuple(parts[:25]))
    assert "26 comparisons" in where_of(tree, reference.KINDS, AS_OF, beside=1).cannot[0]


def test_a_count_is_of_the_records_that_changed():
    since = changed_since("Modified_Time", datetime(2026, 9, 1, tzinfo=UTC))
    assert count_query("Deals", since, "Amount > 5") == (
        "select COUNT(id) from Deals where (Modified_Time >= '2026-09-01T00:00:00+00:00' and Amount > 5)"
    )
    assert count_query("Deals") == "select COUNT(id) from Deals where id is not null"
    with pytest.raises(CannotSayError):
        count_query("Deals where 1")


def test_the_stand_in_refuses_what_coql_does_not_have():
    for text in ("Amount > 1 and Amount > 2 and Amount > 3", "Amount like '5%'", "(Amount > 1", "Amount between 1"):
        with pytest.raises(RefusalError):
            coql.parse(count_query("Deals", text))


@pytest.mark.parametrize(
    ("comparator", "value"),
    [("equal", "9999-12-31"), ("greater_than", "9999-12-31"), ("less_equal", "0001-01-01T00:00:00+14:00")],
)
def test_a_time_at_the_end_of_the_calendar_is_named(comparator, value):
    found = where_of(Criterion("T", comparator, value), {"T": FieldKind.DATETIME}, AS_OF)
    assert found.cannot == (f"T: {BEYOND}",)
    assert where_of(Criterion("D", "equal", "9999-12-31"), {"D": FieldKind.DATE}, AS_OF).text == "D = '9999-12-31'"
