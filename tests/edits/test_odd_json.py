"""Whatever JSON a person pastes, and whatever Zoho holds, a change becomes a draft or an objection, never an error."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.edits import drafts
from monitor.edits.ask_zoho import MOST_PAGES, facts_for
from monitor.edits.check import KnownFacts
from monitor.edits.unmask import shown_definition
from monitor.zoho.shapes.actions import AutomationAction, automation_action
from monitor.zoho.shapes.crm_common import Page
from tests import factories
from tests.edits.documented import UPDATE
from tests.edits.odd import ODD, RULE, places, with_odd

FACTS = KnownFacts(shared={kind: frozenset({"1"}) for kind in ("tasks", "webhooks", "email_notifications")})


def assert_judged(draft: drafts.EditDraft) -> None:
    """Either something would be sent, or each objection says in words and with a code why nothing is."""
    assert draft.body if not draft.objections else all(one.code and one.message for one in draft.objections)


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_a_part_of_any_form_pasted_anywhere_is_a_draft_or_an_objection(db: None, odd: Any) -> None:
    rule = factories.make_rule(rule_id=str(RULE["id"]))
    factories.make_version(rule, content=RULE)
    for path in places(RULE):
        wanted = with_odd(RULE, path, odd)
        assert_judged(drafts.new_rule_draft(rule.account, wanted, FACTS))
        assert_judged(drafts.rule_draft(rule, "change", {"definition": wanted}, FACTS))
    body = UPDATE["workflow_rules"][0]
    for path in places(body):
        assert_judged(drafts.rule_draft(rule, "change", {"body": with_odd(body, path, odd)}, FACTS))


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_a_part_of_any_form_that_zoho_holds_is_shown_and_changed(db: None, odd: Any) -> None:
    rule = factories.make_rule(rule_id=str(RULE["id"]))
    version = factories.make_version(rule, content=RULE)
    for path in places(RULE):
        version.content = with_odd(RULE, path, odd)
        version.save()
        shown_definition(version.content)
        for act, wish in (("describe", {"name": "N", "description": "d"}), ("change", {"definition": RULE})):
            assert_judged(drafts.rule_draft(rule, act, wish, FACTS))
        drafts.as_copy(version.content)


def plain_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def assert_lists_are_lists(body: dict[str, Any]) -> None:
    """Zoho may take null, or a text, for an empty list: then more would go than the page foretells."""
    assert "conditions" not in body or plain_list(body["conditions"])
    for condition in body.get("conditions", []):
        assert "instant_actions" not in condition or plain_list(condition["instant_actions"]["actions"])
        assert "scheduled_actions" not in condition or plain_list(condition["scheduled_actions"])
        assert isinstance(condition.get("sequence_number", 1), int)
        for group in condition.get("scheduled_actions", []):
            assert "actions" not in group or plain_list(group["actions"])
    assert isinstance(body.get("execute_when", {}).get("details", {}), dict)
    assert "module" not in body


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_nothing_of_another_form_is_sent_for_a_list_or_an_object(db: None, odd: Any) -> None:
    rule = factories.make_rule(rule_id=str(RULE["id"]))
    part = {**RULE["conditions"][0], "id": UPDATE["workflow_rules"][0]["conditions"][0]["id"]}
    factories.make_version(rule, content={**RULE, "conditions": [part]})
    body = {**UPDATE["workflow_rules"][0]}
    body["conditions"] = [{**part, **body["conditions"][0]}]
    for kind, whole in (("body", body), ("definition", {**RULE, "conditions": [part]})):
        for path in places(whole):
            draft = drafts.rule_draft(rule, "change", {kind: with_odd(whole, path, odd)}, FACTS)
            if not draft.objections:
                assert_lists_are_lists(draft.body)


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ({"conditions": None}, "list_form"),
        ({"conditions": [{"id": "1", "instant_actions": None}]}, "instant_form"),
        ({"conditions": [{"id": "1", "scheduled_actions": None}]}, "list_form"),
        ({"conditions": [{"id": "1", "sequence_number": "2"}]}, "sequence_form"),
        ({"conditions": [{"id": "1", "_delete": True}]}, "delete_form"),
        ({"conditions": [{"_delete": None}]}, "delete_form"),
        ({"conditions": [{"id": "1", "instant_actions": {"actions": [{}]}}]}, "part_form"),
        ({"status": {"active": "no"}}, "status_form"),
        ({"execute_when": "edit"}, "trigger_form"),
    ],
)
def test_a_pasted_part_of_no_documented_form_is_refused_in_words(db: None, part: dict[str, Any], code: str) -> None:
    rule = factories.make_rule(rule_id="7")
    group = {"id": "3", "execute_after": {"period": "days", "unit": 1}, "actions": [{"type": "tasks", "id": "1"}]}
    condition = {
        "id": "1",
        "instant_actions": {"actions": [{"type": "tasks", "id": "1"}]},
        "scheduled_actions": [group],
    }
    base = {"id": "7", "name": "N", "module": {"api_name": "Deals"}, "execute_when": {"type": "edit"}}
    factories.make_version(rule, content={**base, "conditions": [condition]})
    draft = drafts.rule_draft(rule, "change", {"body": part})
    assert code in [one.code for one in draft.objections]


@pytest.mark.parametrize("module", ["Deals", {"api_name": "Deals"}, {"id": "5"}, {}, "", {"api_name": None}])
def test_the_rules_own_module_is_not_sent_however_it_is_named(db: None, module: Any) -> None:
    rule = factories.make_rule(rule_id="7")
    base = {"id": "7", "name": "N", "module": {"api_name": "Deals", "id": "5"}, "execute_when": {"type": "edit"}}
    factories.make_version(rule, content=base)
    for kind in ("body", "definition"):
        wish = {kind: {**base, "name": "M", "module": module}}
        draft = drafts.rule_draft(rule, "change", wish)
        assert (draft.body, draft.objections) == ({"name": "M"}, ())
    for other in ("Leads", {"api_name": "Leads"}, {"id": "6"}):
        draft = drafts.rule_draft(rule, "change", {"definition": {**base, "module": other}})
        assert [one.code for one in draft.objections] == ["module_fixed"]


class _LongList:
    """Gives a list of shared actions page by page, ids counted on."""

    def __init__(self, pages: int) -> None:
        self.pages, self.asked = pages, 0

    def workflow_configurations(self, module: str) -> None:
        return None

    def list_actions(self, kind: Any, page: int = 1) -> Page[AutomationAction]:
        self.asked += 1
        rows = [automation_action({"id": str(page * 1000 + number), "name": "Action"}) for number in range(200)]
        return Page(rows, page < self.pages, page, 200, None, [])


def naming(identity: str) -> dict[str, Any]:
    action = {"type": "field_updates", "id": identity}
    return {"module": {"api_name": "Deals"}, "conditions": [{"instant_actions": {"actions": [action]}}]}


def test_a_list_is_read_until_what_is_named_was_seen() -> None:
    crm = _LongList(pages=9)
    facts = facts_for(naming("2007"), crm)  # type: ignore[arg-type]
    assert (crm.asked, "2007" in facts.shared["field_updates"], facts.not_read) == (2, True, ())


def test_a_list_that_goes_on_after_the_last_page_is_not_known_and_no_objection() -> None:
    crm = _LongList(pages=MOST_PAGES + 1)
    facts = facts_for(naming("9"), crm)  # type: ignore[arg-type]
    assert (crm.asked, dict(facts.shared)) == (MOST_PAGES, {})
    assert facts.not_read == ("the whole list of field updates (it is too long)",)


def test_of_a_list_that_was_read_to_its_end_it_is_known_what_is_not_there() -> None:
    facts = facts_for(naming("9"), _LongList(pages=MOST_PAGES))  # type: ignore[arg-type]
    assert "9" not in facts.shared["field_updates"]
