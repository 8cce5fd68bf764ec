"""An admin activates a rule and undoes it, and reads why Zoho refused another change, in Chromium."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from monitor import pipeline
from monitor.models import Edit, User, WorkflowRule
from tests.browser.conftest import Visit, Zoho

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def confirm(visit: Visit, button: str) -> None:
    visit.page.get_by_label("Reason").fill("As agreed with sales")
    visit.page.get_by_role("button", name=button, exact=True).click()
    expect(visit.page.get_by_text("The change is on its way.")).to_be_visible()
    pipeline.settle_edits()


def test_a_rule_is_switched_renamed_and_an_error_is_read(visit: Visit, zoho: Zoho, people: dict[str, User]) -> None:
    rule = WorkflowRule.objects.get(account=zoho.account, name="Big deal to management")
    there = zoho.world.rules.rules[rule.rule_id]
    visit.sign_in(people["ada"])
    visit.go(rule.get_absolute_url())
    visit.page.get_by_role("link", name="Deactivate").click()
    expect(visit.page.get_by_role("heading", name="What changes")).to_be_visible()
    confirm(visit, "Deactivate")
    expect(visit.page.get_by_text("Zoho did it.")).to_be_visible()
    assert not there.on.at(zoho.world.now())

    visit.page.get_by_role("link", name="Undo it").click()
    confirm(visit, "Activate")
    expect(visit.page.get_by_text("Zoho did it.")).to_be_visible()
    assert there.on.at(zoho.world.now())

    there.body["lock"]["status"] = True
    visit.go(rule.get_absolute_url())
    visit.page.get_by_role("link", name="Delete", exact=True).click()
    visit.page.get_by_label("Its name, typed").fill(rule.name)
    confirm(visit, "Delete")
    expect(visit.page.get_by_text("The rule is locked in Zoho.")).to_be_visible()
    expect(visit.page.get_by_text("Unlock it in Zoho")).to_be_visible()
    assert rule.rule_id in zoho.world.rules.rules
    assert Edit.objects.filter(account=zoho.account).latest("pk").code == "NOT_ALLOWED"
