"""A form for a workflow rule suggests fields and shared actions, in words and without the people in them."""

from __future__ import annotations

from monitor.queries.rule_suggestions import MOST_SUGGESTED, suggested
from monitor.zoho.shapes.rule_definition import read_rule_definition
from tests.zoho.rule_documents import LOST_DEAL

RULE = read_rule_definition(LOST_DEAL)


def test_fields_and_shared_actions_of_rules_are_suggested_once() -> None:
    found = suggested([RULE, RULE], [])
    assert found.fields == ("Amount", "Reason_For_Loss__s", "Stage")
    assert found.actions == (
        ("4876876000016794062", "Mail: Deal Lost Alert"),
        ("4876876000016794047", "Task: Lost Deal - Feedback"),
    )


def test_shared_actions_that_no_rule_has_are_suggested_by_what_is_known_of_them() -> None:
    facts = {"7": {"field": "Stage", "value": "Lost"}, "8": {"field": "Email", "value": "lea.stone@example.com"}}
    found = dict(suggested([], [("field_updates", facts), ("webhooks", {"9": "hooks.example.com"})]).actions)
    assert found["7"] == "Field update: sets Stage to Lost"
    assert found["9"] == "Webhook: calls hooks.example.com"
    assert "lea.stone" not in found["8"]


def test_no_more_is_suggested_than_a_page_can_bear() -> None:
    facts = {str(number): "hooks.example.com" for number in range(MOST_SUGGESTED + 9)}
    assert len(suggested([], [("webhooks", facts)]).actions) == MOST_SUGGESTED
