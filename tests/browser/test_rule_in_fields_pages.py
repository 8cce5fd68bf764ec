"""An admin creates and changes a rule in fields by clicks, in Chromium: the requests of Zoho's own documents."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from monitor import pipeline
from monitor.edits.body import is_shown_in
from monitor.models import User, WorkflowRule
from tests.browser.conftest import Visit, Zoho
from tests.edits import documented

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TASK, MAIL = "4876876000016794047", "4876876000016794062"


def compare(row: Locator, field: str, comparison: str, value: str) -> None:
    row.get_by_label("Field (API name)").fill(field)
    row.get_by_label("Comparison").select_option(label=comparison)
    row.get_by_label("Value").fill(value)


def act(row: Locator, kind: str, what: str) -> None:
    row.get_by_label("Action", exact=True).select_option(label=kind)
    row.get_by_label("Id, tags or details").fill(what)


def send(visit: Visit, button: str) -> None:
    visit.page.get_by_label("Reason").fill("As agreed with sales")
    visit.page.get_by_role("button", name=button, exact=True).click()
    expect(visit.page.get_by_text("The change is on its way.")).to_be_visible()
    pipeline.settle_edits()
    expect(visit.page.get_by_text("Zoho did it.")).to_be_visible()


def conditions_at(zoho: Zoho, name: str) -> list[dict[str, Any]]:
    (rule,) = (one for one in zoho.world.rules.rules.values() if one.body["name"] == name)
    return rule.body["conditions"]


def test_the_documented_rule_is_created_by_clicks_and_then_updated(
    visit: Visit, zoho: Zoho, people: dict[str, User]
) -> None:
    wanted, page = documented.CREATE["workflow_rules"][0], visit.page
    for kind, key, name in (
        ("tasks", TASK, "Lost Deal - Feedback"),
        ("email_notifications", MAIL, "Deal Lost Alert"),
    ):
        zoho.world.store.put(kind, {"id": key, "name": name, "module": {"api_name": "Deals", "id": "1"}})
    visit.sign_in(people["ada"])
    visit.go("/rules/new/")
    page.get_by_label("Name", exact=True).fill(wanted["name"])
    page.get_by_label("Description").fill(wanted["description"])
    page.get_by_label("Module (API name)").fill("Deals")
    page.get_by_label("Runs when a record is").select_option(label="Field updated")
    trigger = page.get_by_role("group", name="Only of a field's update")
    compare(trigger.get_by_role("group", name="Comparison 1"), "Stage", "is", "Closed Lost")
    condition = page.get_by_role("group", name="Condition 1")
    compare(condition.get_by_role("group", name="Comparison 1"), "Amount", "≥", "30000")
    condition.get_by_role("button", name="Add a comparison").click()
    second = condition.get_by_role("group", name="Comparison 2")
    expect(second.get_by_label("Field (API name)")).to_be_focused()
    compare(second, "Reason_For_Loss__s", "is", "Price")
    act(condition.get_by_role("group", name="Action 1, at once"), "Task", TASK)
    for number, kind, what in ((2, "Add tags", "Lost due to Pricing, Re-engagement pending"), (3, "Mail", MAIL)):
        condition.get_by_role("button", name="Add an action").last.click()
        act(condition.get_by_role("group", name=f"Action {number}, at once"), kind, what)
    condition.get_by_role("button", name="Add a scheduled action").click()
    later = condition.get_by_role("group", name="Scheduled actions 1")
    later.get_by_label("After").fill("30")
    later.get_by_label("Unit").select_option(label="business days")
    act(later.get_by_role("group", name="Action 1, then"), "Task", TASK)
    later.get_by_label("After").press("Enter")  # which adds and takes out nothing
    expect(page.get_by_text("After 30 business days")).to_be_visible()
    send(visit, "Create")
    (made,) = conditions_at(zoho, wanted["name"])
    (group,) = made["scheduled_actions"]
    assert group["execute_after"] == {"period": "business_days", "unit": 30}
    assert [one["type"] for one in made["instant_actions"]["actions"]] == ["tasks", "add_tags", "email_notifications"]

    rule = WorkflowRule.objects.get(account=zoho.account, name=wanted["name"])
    visit.go(f"/rules/{rule.pk}/edit/fields/")
    condition = page.get_by_role("group", name="Condition 1")
    compare(condition.get_by_role("group", name="Comparison 1"), "Amount", ">", "300000")
    condition.get_by_role("button", name="Add a group").click()
    inner = condition.get_by_role("group", name="Group 1")
    compare(inner.get_by_role("group", name="Comparison 1"), "Stage", "is", "Negotiation/Review")
    condition.get_by_role("button", name="Take out these scheduled actions").click()
    page.get_by_role("button", name="Show what would change").last.click()
    expect(page.get_by_text("After 30 business days")).to_have_count(0)
    send(visit, "Change criteria and actions")
    (after,) = conditions_at(zoho, wanted["name"])
    group = after["criteria_details"]["criteria"]["group"]
    assert [(one["field"]["api_name"], one["value"]) for one in group] == [
        ("Amount", "300000"),
        ("Reason_For_Loss__s", "Price"),
        ("Stage", "Negotiation/Review"),
    ]
    assert not after["scheduled_actions"]
    assert after["instant_actions"] == made["instant_actions"]


def test_the_documented_update_is_made_by_clicks(visit: Visit, zoho: Zoho, people: dict[str, User]) -> None:
    """Of a rule that differs in all that the document changes; what the document leaves out stays."""
    wanted, page = documented.UPDATE["workflow_rules"][0], visit.page
    (documented_condition,) = wanted["conditions"]
    rule = WorkflowRule.objects.get(account=zoho.account, name="Big deal to management")
    (before,) = conditions_at(zoho, rule.name)
    visit.sign_in(people["ada"])
    visit.go(f"/rules/{rule.pk}/edit/fields/")
    page.get_by_label("Name", exact=True).fill(wanted["name"])
    page.get_by_label("Description").fill(wanted["description"])
    condition = page.get_by_role("group", name="Condition 1")
    comparisons = condition.get_by_role("group", name=re.compile(r"^Comparison \d"))
    while comparisons.count() > 1:
        before_it = comparisons.count()
        comparisons.last.get_by_role("button", name="Take out").click()
        expect(comparisons).to_have_count(before_it - 1)
    compare(comparisons.first, "Amount", ">", "300000")
    condition.get_by_role("button", name="Add a comparison").click()
    compare(condition.get_by_role("group", name="Comparison 2"), "Stage", "is", "Negotiation/Review")
    actions = condition.get_by_role("group", name=re.compile(r"^Action \d+, at once"))
    there = actions.count()
    condition.get_by_role("button", name="Add an action").last.click()
    (tags,) = documented_condition["instant_actions"]["actions"]
    act(actions.nth(there), "Add tags", json.dumps(tags["details"]))
    page.get_by_role("button", name="Show what would change").last.click()
    expect(page.get_by_text("replace all tags").first).to_be_visible()
    send(visit, "Change criteria and actions")
    (after,) = conditions_at(zoho, wanted["name"])
    assert is_shown_in(documented_condition["criteria_details"], after["criteria_details"])
    kept = [one["type"] for one in before["instant_actions"]["actions"]]
    assert [one["type"] for one in after["instant_actions"]["actions"]] == [*kept, "add_tags"]
    assert is_shown_in(tags["details"], after["instant_actions"]["actions"][-1]["details"])
    assert after.get("scheduled_actions") == before.get("scheduled_actions")
