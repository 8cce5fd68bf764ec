"""Shows that a workflow rule's definition is read into parts and written back as the same JSON."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.zoho import clean
from monitor.zoho.shapes.rule_definition import (
    CriteriaGroup,
    Criterion,
    Delay,
    RuleAction,
    comparisons,
    criteria_json,
    read_criteria,
    read_rule_definition,
    rule_definition_json,
)

from .helpers import fuzzed, sample
from .rule_documents import LOST_DEAL, VP_ALERT, rules
from .test_clean import ANY_JSON

KEYS = (
    *("id", "name", "description", "module", "api_name", "execute_when", "type", "details", "trigger_module", "status"),
    *("active", "conditions", "sequence_number", "criteria_details", "criteria", "comparator", "field", "value"),
    *("group_operator", "group", "relational_criteria", "module_selection", "instant_actions", "scheduled_actions"),
    *("actions", "execute_after", "period", "unit", "tags", "_delete"),
)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "Deals"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)


def there_and_back(raw):
    return rule_definition_json(read_rule_definition(raw))


def test_the_documents_rule_is_read_into_its_parts():
    rule = read_rule_definition(LOST_DEAL)
    assert (rule.name, rule.module, rule.active) == ("Lost Deal due to Pricing - Follow Up", "Deals", None)
    assert (rule.trigger.type, rule.trigger.module) == ("field_update", "Deals")
    assert rule.trigger.criteria == Criterion(
        "Stage", "equal", "Closed Lost", "value", {"field": {"id": "4876876000000002565"}}
    )
    (condition,) = rule.conditions
    assert isinstance(condition.criteria, CriteriaGroup)
    assert condition.criteria.operator == "AND"
    assert [(c.field, c.comparator, c.value) for c in comparisons(condition.criteria)] == [
        ("Amount", "greater_equal", "30000"),
        ("Reason_For_Loss__s", "equal", "Price"),
    ]
    assert [action.type for action in condition.instant] == ["tasks", "add_tags", "email_notifications"]
    assert [(group.delay, len(group.actions)) for group in condition.scheduled] == [(Delay("business_days", 30), 1)]
    assert [action.name for action in rule.actions][-1] == "Lost Deal - Feedback"


def test_the_documents_rules_come_back_as_they_were():
    assert there_and_back(LOST_DEAL) == LOST_DEAL
    assert there_and_back(VP_ALERT) == VP_ALERT
    for raw in sample("crm-rules").json["workflow_rules"]:  # type: ignore[index]
        assert there_and_back(raw) == raw


@fuzzed()
@given(rules())
def test_every_documented_rule_comes_back_as_it_was(raw):
    assert there_and_back(raw) == raw


@fuzzed()
@given(st.dictionaries(st.sampled_from(KEYS), ODD, max_size=8))
def test_what_is_of_a_strange_shape_comes_back_as_it_was(raw):
    assert there_and_back(raw) == clean.mapping(raw)


@fuzzed()
@given(st.dictionaries(st.text(max_size=8), ANY_JSON, max_size=4))
def test_any_json_object_comes_back_as_it_was(raw):
    assert there_and_back(raw) == clean.mapping(raw)


@fuzzed()
@given(st.dictionaries(st.sampled_from(KEYS), ODD, max_size=6))
def test_any_criteria_come_back_as_they_were(raw):
    assert criteria_json(read_criteria(raw)) == raw


def test_what_is_not_known_stays_where_it_stood():
    raw = {"module": {"api_name": "Deals", "plural": "D"}, "execute_when": {"type": "telepathy", "range": 3}}
    rule = read_rule_definition(raw)
    assert (rule.module, rule.trigger.type, rule.trigger.rest) == ("Deals", "telepathy", {"range": 3})
    assert rule.rest == {"module": {"plural": "D"}}


def test_a_changed_part_wins_over_what_was_read():
    rule = read_rule_definition(LOST_DEAL)
    (condition,) = rule.conditions
    amount = next(comparisons(condition.criteria))
    dearer = replace(condition, criteria=replace(amount, value="50000"), instant=(RuleAction("tasks", "Call", "7"),))
    written = rule_definition_json(replace(rule, name="Other", active=False, conditions=(dearer,)))
    assert written["name"] == "Other"
    assert written["status"] == {"active": False}
    assert written["conditions"][0]["criteria_details"]["criteria"] == {
        "comparator": "greater_equal",
        "field": {"api_name": "Amount", "id": "4876876000000002557"},
        "type": "value",
        "value": "50000",
    }
    assert written["conditions"][0]["instant_actions"] == {"actions": [{"type": "tasks", "name": "Call", "id": "7"}]}


def test_a_module_or_a_trigger_that_is_a_plain_text_is_understood():
    rule = read_rule_definition({"module": "Leads", "execute_when": {"details": {"trigger_module": "Notes"}}})
    assert (rule.module, rule.trigger.module, rule.trigger.type) == ("Leads", "Notes", "")
