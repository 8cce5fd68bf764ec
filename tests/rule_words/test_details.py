"""Shows what is said of an action below the sentence, and that the sentence stays as it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from monitor.rule_words.details import LONGEST_SAID, MOST_SAID, detail_words
from monitor.rule_words.say import say
from monitor.zoho.shapes.rule_definition import RuleAction, read_rule_definition
from tests.zoho.helpers import fuzzed
from tests.zoho.rule_documents import LOST_DEAL, rules


def words(kind: str, fact: Any = None, **details: Any) -> str:
    return detail_words(RuleAction(kind, "Named", "7", details), {} if fact is None else {(kind, "7"): fact})


@pytest.mark.parametrize(
    ("kind", "fact", "said"),
    [
        ("field_updates", {"field": "Stage", "value": "Closed Lost"}, "sets Stage to Closed Lost"),
        ("field_updates", {"field": "Phone", "value": "${EMPTY}"}, "sets Phone to empty"),
        ("field_updates", {"field": "Opt_Out", "value": True}, "sets Opt Out to yes"),
        ("field_updates", {"field": "Stage", "value": None}, "sets Stage; to what, Zoho's list does not say"),
        ("field_updates", {"field": "", "value": None}, "sets a field of a related record"),
        ("webhooks", "erp.example.com", "calls erp.example.com"),
        ("webhooks", "", ""),
        (
            "tasks",
            {"subject": "Call", "due": "in 2 days", "priority": "High"},
            "subject 'Call', due in 2 days, priority High",
        ),
        ("tasks", {}, ""),
        (
            "email_notifications",
            {"template": "L", "ways": [["to", "user", 2], ["cc", "o", 1], ["bcc", "", 1]]},
            "template 'L', to 2 recipients of kind 'user', cc 1 recipient of kind 'o', bcc 1 recipient of kind unknown",
        ),
        ("functions", {"field": "Stage"}, ""),
    ],
)  # fmt: skip
def test_what_the_list_of_shared_actions_says_is_said(kind: str, fact: Any, said: str) -> None:
    assert words(kind, fact) == said


def test_what_stands_in_the_rule_itself_is_said_and_who_gets_a_record_is_not() -> None:
    mapped = [
        {"field": {"api_name": "Subject"}, "value": "Call back"},
        {"field": {"api_name": "Due_Date"}, "display_value": "in 2 days", "value": {"period": "days"}},
        {"field": 5, "value": "x"},
        "odd",
    ]
    details = {
        "module": {"api_name": "Tasks"},
        "field_mappings": mapped,
        "notify": True,
        "id": "9",
        "layout": {"id": 1},
    }
    assert words("create_record", **details) == "Subject: Call back, Due Date: in 2 days, notify: yes"
    assert words("assign_owner", owner="Pat Example") == ""
    assert words("add_tags", tags=[{"name": "Lost"}], over_write=False) == ""


def test_long_values_and_many_are_cut() -> None:
    said = words("add_meeting", **{f"part_{number}": "x" * 500 for number in range(MOST_SAID + 3)})
    assert said.count("…") == MOST_SAID
    assert said.endswith(" and 3 more")
    assert len(said) < (MOST_SAID + 1) * (LONGEST_SAID + 20)


def test_an_action_of_the_same_id_and_another_kind_is_another() -> None:
    assert detail_words(RuleAction("tasks", "Named", "7"), {("webhooks", "7"): "erp.example.com"}) == ""


@fuzzed()
@given(rules())
def test_details_change_no_sentence_and_stand_beside_each_action(raw: dict[str, Any]) -> None:
    definition = read_rule_definition(raw)
    known = {(action.type, action.id): {"field": "Stage", "value": "x"} for action in definition.actions}
    plain, told = say(definition), say(definition, known)
    assert plain.text == told.text
    for branch in told.branches:
        assert all(len(step.lines) == len(step.acts) for step in branch.steps)


def test_of_the_documents_rule_the_scheduled_task_is_told_of_too() -> None:
    told = say(read_rule_definition(LOST_DEAL), {("tasks", "4876876000016794047"): {"subject": "Feedback"}})
    (branch,) = told.branches
    assert [step.details for step in branch.steps] == [("subject 'Feedback'", "", ""), ("subject 'Feedback'",)]
