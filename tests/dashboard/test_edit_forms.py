"""The requests of Zoho's documents are made by clicks, equal in meaning; what fields cannot say is left to JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from monitor.edits import drafts
from monitor.edits.body import is_shown_in
from monitor.models import Edit
from monitor.queries.versions import change_text
from tests.bystander import own
from tests.dashboard.test_edit_pages import as_a_browser_sends, confirmed, previewed, text_of
from tests.edits import documented
from tests.edits.conftest import EditDesk, opened_desk
from tests.edits.schema import errors_of

TASK, MAIL = "4876876000016794047", "4876876000016794062"


@pytest.fixture
def desk(db: None, ada: Any) -> Iterator[EditDesk]:
    with opened_desk(ada) as found:
        for kind, key, name in (
            ("tasks", TASK, "Lost Deal - Feedback"),
            ("email_notifications", MAIL, "Deal Lost Alert"),
        ):
            row = {"id": key, "name": name, "module": {"api_name": "Deals", "id": "1"}}
            found.world.store.put(kind, row)
        yield found


@pytest.fixture
def admin(desk: EditDesk, signed_in: Any) -> Iterator[Client]:
    with time_machine.travel(desk.clock(), tick=False):
        yield signed_in(desk.person)


def without_ids(value: Any) -> Any:
    """What the documents give by name and id is named by its name here; of shared actions by their id."""
    if isinstance(value, list):
        return [without_ids(one) for one in value]
    if not isinstance(value, dict):
        return value
    keeps = "id" if value.get("type") in ("tasks", "email_notifications") else ""
    left_out = {"id", "color_code", "name"} - {keeps} if keeps else {"id", "color_code"}
    return {key: without_ids(item) for key, item in value.items() if key not in left_out}


def test_the_documented_creation_is_made_by_a_form(desk: EditDesk, admin: Client) -> None:
    wanted = documented.CREATE["workflow_rules"][0]
    address = reverse("rule_form")
    assert admin.get(address).status_code == 200
    said = {
        "step": "preview", "account": desk.account.pk, "name": wanted["name"], "description": wanted["description"],
        "module": "Deals", "trigger": "field_update",
        "t_op": "AND", "tk1_field": "Stage", "tk1_comparator": "equal", "tk1_value": "Closed Lost",
        "c1_op": "AND",
        "c1k1_field": "Amount", "c1k1_comparator": "greater_equal", "c1k1_value": "30000",
        "c1k2_field": "Reason_For_Loss__s", "c1k2_comparator": "equal", "c1k2_value": "Price",
        "c1a1_kind": "tasks", "c1a1_what": TASK,
        "c1a2_kind": "add_tags", "c1a2_what": "Lost due to Pricing, Re-engagement pending",
        "c1a3_kind": "email_notifications", "c1a3_what": MAIL,
        "c1s1_unit": "30", "c1s1_period": "business_days", "c1s1a1_kind": "tasks", "c1s1a1_what": TASK,
    }  # fmt: skip
    shown = admin.post(address, said)
    assert "after 30 business days" in text_of(shown).lower(), text_of(shown)
    assert confirmed(admin, address, shown).status_code == 302, text_of(shown)
    desk.sweep()
    assert own(Edit).get().state == "done"
    method, _, body = desk.writes[-1]
    assert method == "POST"
    assert errors_of(body, "rule_create") == []
    assert without_ids(body["workflow_rules"][0]) == without_ids(wanted)
    made = desk.rule(wanted["name"])
    assert is_shown_in(body["workflow_rules"][0]["conditions"], drafts.newest_of(made)[0]["conditions"])


def test_the_documented_update_is_made_in_fields(desk: EditDesk, admin: Client) -> None:
    """The rule as it was: another threshold, a mail; what the update leaves out stays."""
    wanted = documented.UPDATE["workflow_rules"][0]
    rule = desk.rule()
    before = desk.at_zoho(rule.rule_id).body["conditions"][0]
    group = [
        {"comparator": "greater_equal", "field": {"api_name": "Amount"}, "type": "value", "value": "500000"},
        {"comparator": "equal", "field": {"api_name": "Stage"}, "type": "value", "value": "Negotiation/Review"},
    ]
    old = {"id": before["id"], "criteria_details": {"criteria": {"group_operator": "AND", "group": group}}}
    desk.world.do("rule_update", rule_id=rule.rule_id, body={"conditions": [old]})
    desk.mirror()
    address = reverse("rule_edit", args=[rule.pk, "fields"])
    page = admin.get(address).content.decode()
    assert 'value="500000"' in page
    said = {
        "step": "preview", "name": wanted["name"], "description": wanted["description"],
        "c1k1_comparator": "greater_than", "c1k1_value": "300000",
        "c1a2_kind": "add_tags", "c1a2_what": "Priority",
    }  # fmt: skip
    shown = admin.post(address, as_a_browser_sends(page) | said)
    assert confirmed(admin, address, shown).status_code == 302, text_of(shown)
    desk.sweep()
    assert own(Edit).get().state == "done"
    body = desk.writes[-1][2]
    assert errors_of(body, "rule_update") == []
    (sent,) = body["workflow_rules"]
    assert (sent["name"], sent["description"]) == (wanted["name"], wanted["description"])
    (condition,), (documented_condition,) = sent["conditions"], wanted["conditions"]
    assert condition["id"] == before["id"]
    assert is_shown_in(documented_condition["criteria_details"], condition["criteria_details"])
    (tag,) = condition["instant_actions"]["actions"]
    assert (tag["type"], tag["details"]["tags"]) == ("add_tags", [{"name": "Priority"}])
    after = desk.at_zoho(rule.rule_id).body["conditions"][0]["instant_actions"]["actions"]
    assert [one["type"] for one in after] == ["email_notifications", "add_tags"]


def test_the_documented_update_is_taken_as_it_stands_when_it_is_pasted(desk: EditDesk, admin: Client) -> None:
    rule = desk.rule()
    condition = desk.at_zoho(rule.rule_id).body["conditions"][0]["id"]
    pasted = json.dumps(documented.UPDATE).replace("4876876000016390025", condition)
    address = reverse("rule_edit", args=[rule.pk, "change"])
    shown = previewed(admin, address, {"step": "preview", "definition": pasted})
    assert confirmed(admin, address, shown).status_code == 302, text_of(shown)
    desk.sweep()
    assert own(Edit).get().state == "done"
    assert desk.writes[-1][2] == json.loads(pasted)


def test_the_documented_creation_is_taken_when_it_is_pasted(desk: EditDesk, admin: Client) -> None:
    address = reverse("rule_new")
    said = {"step": "preview", "account": desk.account.pk, "definition": json.dumps(documented.CREATE)}
    shown = admin.post(address, said)
    assert confirmed(admin, address, shown).status_code == 302, text_of(shown)
    desk.sweep()
    body = desk.writes[-1][2]
    assert body == documented.CREATE
    assert own(Edit).get().state == "done"


def test_the_documented_connected_workflow_is_created_by_a_form(desk: EditDesk, admin: Client) -> None:
    (wanted,) = documented.CONNECTED["connected_workflows"]
    there = desk.world.store.collection("connected_workflows")
    for key, row in list(there.items()):
        if row["primary_module"]["api_name"] == "Contacts":
            desk.world.store.remove("connected_workflows", key)
    address = reverse("connected_new")
    said = {"step": "preview", "account": desk.account.pk, "module": "Contacts"}
    said |= {"name": wanted["name"], "description": wanted["description"]}
    own_rows = desk.account.connected_workflows.filter(primary_module="Contacts")
    own_rows.delete()
    shown = admin.post(address, said)
    assert confirmed(admin, address, shown).status_code == 302, text_of(shown)
    desk.sweep()
    assert own(Edit).get().state == "done", own(Edit).get().answer
    body = desk.writes[-1][2]
    assert errors_of(body, "connected_create") == []
    assert is_shown_in(without_ids(wanted), body["connected_workflows"][0])
    assert desk.connected("contacts-process").status == "draft"


def test_an_action_is_taken_out_by_a_button(desk: EditDesk, admin: Client) -> None:
    rule = desk.rule("Lost deal feedback")
    address = reverse("rule_edit", args=[rule.pk, "fields"])
    said = as_a_browser_sends(admin.get(address).content.decode())
    assert said["c1a1_kind"] == "add_tags"
    again = admin.post(address, said | {"part": "remove:c1a1"})
    assert again.status_code == 200
    assert not own(Edit).exists()
    shown = admin.post(address, as_a_browser_sends(again.content.decode()))
    assert "Removed" in text_of(shown)
    assert confirmed(admin, address, shown).status_code == 302, text_of(shown)
    desk.sweep()
    after = desk.at_zoho(rule.rule_id).body["conditions"][0]["instant_actions"]["actions"]
    assert [one["type"] for one in after] == ["tasks"]


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ({"c1_op": "AND", "c1k1_field": "Amount"}, "A criterion needs a field and a comparison."),
        ({"c1a1_kind": "tasks"}, "Say which: an id of its list."),
        ({"c1a1_kind": "add_tags"}, "Say which: tags."),
        ({"c1a1_kind": "assign_owner", "c1a1_what": "Marta"}, "This is no JSON object."),
        ({"c1a1_what": "99"}, "Say what is done, or take it out."),
        ({"c1s1a1_kind": "add_tags", "c1s1a1_what": "A"}, "Say after how long."),
        ({"c1s1_unit": "soon", "c1s1a1_kind": "add_tags", "c1s1a1_what": "A"}, "Give a whole number."),
        ({"c1s1_unit": "3"}, "it has no action"),
        ({"c1a1_kind": "tasks", "c1a1_what": "99"}, "there is none with the id 99"),
        ({}, "It needs at least one condition with actions."),
    ],
)
def test_what_is_missing_in_a_form_is_said_beside_it(
    desk: EditDesk, admin: Client, said: dict[str, str], part: str
) -> None:
    whole = {"step": "preview", "account": desk.account.pk, "name": "N", "module": "Deals", "trigger": "edit"}
    assert part in text_of(admin.post(reverse("rule_form"), whole | said))


def test_the_rules_of_a_module_are_reordered(desk: EditDesk, admin: Client) -> None:
    rule, other = desk.rule(), desk.rule("Deal won hand-over")
    address = reverse("rule_order", args=[rule.pk])
    shown = admin.post(address, {"step": "preview", f"place_{rule.rule_id}": "1", f"place_{other.rule_id}": "2"})
    assert confirmed(admin, address, shown).status_code == 302, text_of(shown)
    desk.sweep()
    assert own(Edit).get().state == "done", own(Edit).get().answer
    assert errors_of(desk.writes[-1][2], "rule_order") == []
    assert desk.at_zoho(other.rule_id).body["module_specific_sequence"] == 2


def test_the_form_suggests_what_rules_of_its_module_have(desk: EditDesk, admin: Client) -> None:
    page = admin.get(reverse("rule_edit", args=[desk.rule("Lost deal feedback").pk, "fields"])).content.decode()
    (task,) = (
        one["id"]
        for one in desk.at_zoho(desk.rule("Lost deal feedback").rule_id).body["conditions"][0]["instant_actions"][
            "actions"
        ]
        if one["type"] == "tasks"
    )
    assert f'<option value="{task}">Task: Ask for feedback</option>' in page
    assert "Stale lead" not in page
    module = {"account": desk.account.pk, "module": "Leads", "part": "condition:"}
    other = admin.post(reverse("rule_form"), module).content.decode()
    assert f'value="{task}"' not in other
    assert "Mail: Lead is getting cold" in other
    assert "getting cold" not in admin.post(reverse("rule_form"), module | {"account": "0"}).content.decode()


def test_what_changes_is_named_by_the_id_of_its_part_and_without_people(desk: EditDesk, admin: Client) -> None:
    rule = desk.rule("Lost deal feedback")
    (condition,) = desk.at_zoho(rule.rule_id).body["conditions"]
    address = reverse("rule_edit", args=[rule.pk, "fields"])
    shown = previewed(admin, address, {"c1s1_unit": "41"})
    (group,) = condition["scheduled_actions"]
    assert f"conditions[{condition['id']}].scheduled_actions[{group['id']}].execute_after.unit" in text_of(shown)
    change = {"path": ["nodes", "[lea.stone@example.com]", "a"], "kind": "added", "after": 1}
    assert "lea.stone" not in change_text(change).path
