"""Rules are said to start each other only where each step is known, and what is not known is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.rule_audit.audit import audit
from monitor.rule_audit.facts import FieldWrite
from monitor.rule_audit.kinds.cycles import circles, groups
from tests.rule_audit.world import NOW, action, equal, facts, rule

WRITES = {str(place): FieldWrite(field) for place, field in enumerate("ABCD")}


def writing(key, fields, trigger="edit", watched=None, **more):
    """A rule that writes fields; `watched` are those whose update starts it."""
    acts = [(None, [action("field_updates", "ABCD".index(field)) for field in fields])]
    if watched:
        more["details"] = {
            "criteria": {"group_operator": "OR", "group": [equal(one, "${ANYVALUE}") for one in watched]}
        }
    return rule(key, trigger, conditions=acts, **more)


def cycles(*rules, **fields):
    report = audit(facts(*rules, **{"writes": WRITES} | fields), NOW)
    return [one.evidence for one in report.findings if one.kind == "cycle"]


def not_checked(*rules, **fields):
    report = audit(facts(*rules, **{"writes": WRITES} | fields), NOW)
    return [(gap.what, gap.why) for gap in report.not_checked if "cycle" in gap.what]


def of_notes(key, fields, **more):
    return writing(key, fields, details={"trigger_module": {"api_name": "Notes"}}, **more)


def test_an_update_of_a_record_starts_no_rule_that_waits_for_a_related_one():
    assert cycles(of_notes(1, "A"), of_notes(2, "B")) == []
    assert cycles(of_notes(1, "A"), writing(2, "B")) == []
    assert len(cycles(writing(1, "A"), writing(2, "B"))) == 1


def test_rules_of_two_modules_start_each_other_where_each_waits_for_records_of_the_other():
    one = writing(1, "A", details={"trigger_module": {"api_name": "Leads"}})
    two = writing(2, "B", module="Leads", details={"trigger_module": {"api_name": "Deals"}})
    assert cycles(one, two) == ["Rule 1 → Rule 2 → Rule 1, by updates of A, B."]
    assert cycles(one, writing(2, "B", module="Leads")) == []


@pytest.mark.parametrize("trigger", ["field_update", "section_update"])
def test_a_rule_that_watches_fields_is_started_by_a_write_of_one_of_them(trigger):
    other = writing(2, "A", "field_update", watched="B")
    assert cycles(writing(1, "B", trigger, watched="A"), other) == ["Rule 1 → Rule 2 → Rule 1, by updates of A, B."]
    assert cycles(writing(1, "B", trigger, watched="C"), other) == []


@pytest.mark.parametrize("trigger", ["field_update", "section_update"])
def test_a_rule_that_does_not_say_which_fields_it_watches_is_not_checked(trigger):
    one = writing(1, "B", trigger)
    ((what, why),) = not_checked(one, writing(2, "A"))
    assert (what.startswith("cycles by 1 rule on “"), why) == (True, "which fields start them is not said in the rule")
    assert cycles(one, writing(2, "A")) == []


@pytest.mark.parametrize("trigger", ["scheduled_call_edit", "outgoing_call_field_update", "score_update", "x_y", ""])
def test_a_trigger_of_which_it_is_not_documented_what_starts_it_is_not_checked(trigger):
    rules = [writing(1, "B", trigger), writing(2, "B", trigger), rule(3, trigger)]
    ((what, why),) = not_checked(*rules)
    assert (what.startswith("cycles by 2 rules "), why) == (
        True, "whether an update of a field starts them is not documented",
    )  # fmt: skip
    assert cycles(*rules) == []


@pytest.mark.parametrize("trigger", ["create", "delete", "mail_sent_opened", "fb_like_on_post", "incoming_call_ring"])
def test_a_rule_that_no_update_starts_is_no_gap(trigger):
    assert not_checked(writing(1, "B", trigger), writing(2, "A", "edit")) == []


def test_every_step_that_is_named_is_there():
    one, two, three = (
        writing(1, "BC", "field_update", watched="A"),
        writing(2, "A", "field_update", watched="B"),
        writing(3, "A", "field_update", watched="C"),
    )
    assert cycles(one, two, three) == [
        "Rule 1 → Rule 2 → Rule 1; Rule 1 → Rule 3 → Rule 1, by updates of A, B, C."
    ]  # fmt: skip


def test_of_many_circles_some_are_named_and_the_rest_counted():
    hub = writing(1, "A", "field_update", watched="B")
    others = [writing(key, "B", "field_update", watched="A") for key in range(2, 10)]
    (seen,) = cycles(hub, *others)
    assert seen.startswith("Rule 1 → Rule 2 → Rule 1; Rule 1 → Rule 3 → Rule 1; ")
    assert seen.endswith("; 3 more rules of the same circle, by updates of A, B.")


@pytest.mark.property
@given(st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda pair: pair[0] != pair[1]), max_size=25))
def test_circles_are_made_of_steps_that_are_there(steps):
    edges = {}
    for one, other in steps:
        edges.setdefault(one, {})[other] = "A"
    met = set()
    for group in groups(edges):
        for walk in circles(group, edges):
            assert len(set(walk)) == len(walk) > 1
            assert all(pair in steps for pair in zip(walk, [*walk[1:], walk[0]], strict=True))
            met.update(walk)
    reached = set(steps)
    for middle in range(7):
        reached |= {(a, c) for a, b in reached for d, c in reached if b == d == middle}
    in_circles = {one for one, other in reached if one == other}
    assert met <= in_circles
    assert len(met) >= min(len(in_circles), 6)


def test_an_acceptance_of_a_circle_ends_where_its_steps_change():
    def state(*rules):
        (found,) = (one for one in audit(facts(*rules, writes=WRITES), NOW).findings if one.kind == "cycle")
        return found.key, found.state

    one, two = writing(1, "BC", "field_update", watched="A"), writing(2, "A", "field_update", watched="B")
    three, turned = writing(3, "A", "field_update", watched="C"), writing(3, "A", "field_update", watched="B")
    assert state(one, two, three)[0] == state(one, two, turned)[0]
    assert state(one, two, three)[1] != state(one, two, turned)[1]
