"""Of the conditions of a rule the first one that a record passes is carried out: overlaps are judged by that."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.rule_audit.audit import audit
from monitor.rule_audit.facts import FieldWrite
from monitor.rule_audit.kinds.overlaps import pairs, plain
from monitor.rule_criteria.evaluate import evaluate
from monitor.zoho.shapes.rule_definition import read_rule_definition, rule_definition_json
from tests.rule_audit.world import NOW, action, both, equal, facts, rule

WRITES = {str(place): FieldWrite(field) for place, field in enumerate("AB")}
ABOVE = equal("Amount", "100", "greater_than")
X, Y = equal("Stage", "X"), equal("Stage", "Y")
CRITERIA = [None, X, Y, equal("Stage", ["X", "Y"], "in"), equal("Stage", "X", "not_equal"), both(X, equal("Kind", "1"))]
RECORDS = [{"Stage": stage, "Kind": kind} for stage in ("X", "Y", "Z", None) for kind in ("1", "2")]
TASK, WRITES_A, WRITES_B = action("tasks", 1), action("field_updates", 0), action("field_updates", 1)


def overlaps(*some, **fields):
    rules = [rule(key, **more) for key, more in enumerate(some, start=1)]
    report = audit(facts(*rules, **{"writes": WRITES} | fields), NOW)
    return [one for one in report.findings if one.kind in ("overlap", "duplicate")]


def of(*pairs_of, numbers=None):
    definition = rule(1, conditions=[(criteria, [act]) for criteria, act in pairs_of]).definition
    if numbers:
        parts = zip(definition.conditions, numbers, strict=True)
        definition = replace(definition, conditions=tuple(replace(part, sequence=number) for part, number in parts))
    return {"definition": definition}


def test_every_other_record_is_not_one_that_passed_before():
    assert overlaps(of((ABOVE, TASK), (None, WRITES_B)), of((ABOVE, WRITES_B))) == []
    (seen,) = overlaps(of((ABOVE, TASK), (None, WRITES_B)), of((equal("Amount", "100", "less_equal"), WRITES_B)))
    assert seen.evidence == "Both write B, on “Created” of Deals, for every record that passes the criteria of Rule 2."


@pytest.mark.parametrize(
    ("numbers", "is_found"), [((1, 2), True), ((2, 1), False), ((1, 1), False), ((1, None), False)]
)
def test_conditions_are_tried_in_the_order_of_their_numbers(numbers, is_found):
    one = of((X, WRITES_A), (equal("Stage", ["X", "Y"], "in"), TASK), numbers=numbers)
    assert bool(overlaps(one, of((X, WRITES_A)))) is is_found


def test_each_direction_is_said_for_itself():
    both_ways = overlaps(
        of((X, WRITES_A), (both(Y, equal("Kind", "1")), WRITES_B)),
        of((both(X, equal("Kind", "1")), WRITES_A), (Y, WRITES_B)),
    )  # fmt: skip
    (seen,) = both_ways
    first, second = (f"for every record that passes a condition of Rule {key} and none before it" for key in (1, 2))
    assert seen.evidence == f"Both write B, on “Created” of Deals, {first}; A {second}."


def taken(definition, record):
    """The place of the first condition that a record passes, and None."""
    passes = (part for part in definition.conditions if evaluate(part.criteria, record, {}, None).passes)
    return next(passes, None)


def writes(definition, record):
    part = taken(definition, record)
    return {WRITES[act.id].field for act in part.actions if act.type == "field_updates"} if part is not None else set()


CONDITIONS = st.lists(
    st.tuples(st.sampled_from(CRITERIA), st.sampled_from([TASK, WRITES_A, WRITES_B])), min_size=1, max_size=4
)


@pytest.mark.property
@given(CONDITIONS, CONDITIONS)
def test_what_is_said_of_two_rules_is_so_for_every_record(one, two):
    rules = [rule(1, conditions=[(c, [a]) for c, a in one]), rule(2, conditions=[(c, [a]) for c, a in two])]
    for pair in pairs(facts(*rules, writes=WRITES)):
        first, second = pair.one.definition, pair.other.definition
        for record in RECORDS:
            if pair.is_duplicate:
                assert writes(first, record) == writes(second, record)
            for said in pair.writes:
                whose = (said.of or pair.one).definition
                if said.is_whole and taken(whose, record) is not None:
                    assert {*said.fields} <= writes(first, record) & writes(second, record)
        for said in pair.writes:
            for field in said.fields:
                met = [record for record in RECORDS if field in writes(first, record) & writes(second, record)]
                assert met


@pytest.mark.parametrize("off", [None, False, "false"])
@pytest.mark.parametrize("name", ["repeat", "match_all", "anything"])
def test_what_is_off_is_as_what_is_left_out(name, off):
    def watching(**more):
        return {"trigger": "field_update", "details": {"criteria": X, **more}, "conditions": [(Y, [TASK])]}

    assert [one.kind for one in overlaps(watching(), watching(**{name: off}))] == ["duplicate"]
    assert [one.kind for one in overlaps(watching(), watching(**{name: True}))] == []
    assert [one.kind for one in overlaps(watching(**{name: True}), watching(**{name: "true"}))] == ["duplicate"]


def test_what_stands_in_two_spellings_is_one():
    tags = {"tags": [{"name": "A"}]}
    for one, two in [({"over_write": False}, {}), ({"overwrite": True}, {"over_write": True})]:
        some = [of((X, action("add_tags", 1, **tags, **more))) for more in (one, two)]
        assert [found.kind for found in overlaps(*some)] == ["duplicate"]
    assert plain({"field": {"api_name": "Date", "id": "3"}}) == plain({"field": "Date"})


TRIGGERS = [{"criteria": X}, {"criteria": Y}, {"criteria": X, "match_all": True}]
REASONS = st.tuples(CONDITIONS, st.sampled_from(TRIGGERS), st.sampled_from("AB"), st.booleans())


@pytest.mark.property
@given(REASONS, REASONS)
def test_an_acceptance_ends_with_any_change_of_what_is_compared(one, two):
    def found(reason):
        conditions, trigger, field, is_related = reason
        related = {"module": {"api_name": "Contacts"}, "module_selection": "any", "criteria": X}
        definition = rule(1, "field_update", conditions=[(c, [a]) for c, a in conditions], details=trigger).definition
        if is_related:
            raw = rule_definition_json(definition)
            raw["conditions"][0]["criteria_details"] = {"relational_criteria": related}
            definition = read_rule_definition(raw)
        rules = [{"trigger": "field_update", "definition": definition}] * 2
        (seen,) = overlaps(*rules, writes={"0": FieldWrite(field), "1": FieldWrite("B")})
        return seen

    first, second = found(one), found(two)
    if first.state == second.state:
        assert first.evidence == second.evidence
        assert first.kind != "duplicate" or one[1] == two[1]


def test_an_acceptance_ends_where_an_update_writes_another_field_or_the_trigger_changes():
    conditions = {"conditions": [(None, [WRITES_A, TASK])]}, {"conditions": [(None, [WRITES_A])]}
    (one,), (two,) = (overlaps(*conditions, writes={"0": FieldWrite(field)}) for field in "AZ")
    assert (one.key == two.key, one.state == two.state) == (True, False)
    on = [
        overlaps(*[{"trigger": "field_update", "details": {"criteria": criteria}, "conditions": [(None, [TASK])]}] * 2)
        for criteria in (X, Y)
    ]
    assert on[0][0].key == on[1][0].key
    assert on[0][0].state != on[1][0].state


def test_an_update_of_a_related_record_is_not_checked():
    one = rule(1, conditions=[(X, [WRITES_A])])
    report = audit(facts(one, writes={"0": FieldWrite("")}), NOW)
    assert [gap.what for gap in report.not_checked] == ["overlaps and cycles by 1 other field update"]


@pytest.mark.parametrize(
    "act",
    [
        {"type": "tasks", "name": "Call"},
        {"type": "assign_owner", "name": "To the manager"},
        {"type": "functions"},
        {"name": "of no type"},
    ],
)
def test_actions_of_which_nobody_says_what_they_do_are_not_the_same(act):
    assert "duplicate" not in [one.kind for one in overlaps(of((X, act)), of((X, act)))]


def test_rules_that_do_nothing_are_no_duplicates():
    nothing = rule(1, conditions=[(X, [])]).definition
    assert overlaps({"definition": nothing}, {"definition": nothing}) == []


def test_a_delay_that_is_written_as_a_text_is_that_delay():
    def later(unit):
        group = {"execute_after": {"period": "days", "unit": unit}, "actions": [TASK]}
        return {"definition": rule(1, conditions=[(X, [])], parts={"scheduled_actions": [group]}).definition}

    assert [one.kind for one in overlaps(later("3"), later(3))] == ["duplicate"]
    assert overlaps(later("3"), later(4)) == []
