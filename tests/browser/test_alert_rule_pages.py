"""A person makes an alert rule in a real browser: chooses what it notices, tries it on the history, saves it."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from monitor.models import AlertRule, User
from tests.browser.conftest import Visit, Zoho
from tests.browser.test_callbacks_pages import look_at

pytestmark = pytest.mark.browser


def test_an_admin_makes_a_rule_with_a_preview(visit: Visit, zoho: Zoho, people: dict[str, User]) -> None:
    page = visit.page
    visit.sign_in(people["ada"])
    visit.go("/alert-rules/")
    page.get_by_role("link", name="Add a rule").click()
    look_at(page, "rule-kinds")
    page.get_by_role("link", name="Failures in a row").click()
    page.get_by_label("Account").select_option(label="Stand-in")
    page.get_by_label("Name").fill("Two in a row")
    page.get_by_label("Failures in a row (runs)").fill("1")
    page.get_by_label("Severity").select_option(label="Page")
    page.get_by_role("button", name="Preview 30 days").click()
    expect(page.get_by_role("heading", name="Preview: the last 30 days")).to_be_visible()
    expect(page.get_by_text(re.compile(r"It would have fired [\d,]+ times"))).to_be_visible()
    drawn = page.locator("#preview .js-plotly-plot .shapelayer path, #preview .chart__firing")
    expect(drawn.first).to_be_attached()
    expect(page.get_by_label("Name")).to_have_value("Two in a row")
    look_at(page, "rule-preview")
    assert not AlertRule.objects.filter(name="Two in a row").exists()

    page.get_by_label("Failures in a row (runs)").fill("2")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The rule “Two in a row” is saved.")).to_be_visible()
    expect(page.get_by_role("cell", name="2 failures in a row")).to_be_visible()
    rule = AlertRule.objects.get(name="Two in a row")
    assert (rule.kind, rule.options, rule.severity) == ("in_a_row", {"count": 2}, "page")


def test_an_admin_is_led_from_a_flow_of_whom_nobody_hears_to_the_form_that_helps(
    phone: Visit, zoho: Zoho, people: dict[str, User]
) -> None:
    """On a phone, in the dark."""
    AlertRule.objects.filter(account=zoho.account).delete()
    page = phone.page
    phone.sign_in(people["ada"])
    phone.go(reverse("alert_coverage"))
    look_at(page, "coverage")
    page.get_by_role("link", name="Add a rule for failures").first.click()
    expect(page.get_by_role("heading", name="New alert rule: Failing now")).to_be_visible()
    expect(page.get_by_text("a total outage is found after")).to_be_visible()
    look_at(page, "rule-form")
    page.get_by_role("button", name="Save").click()
    phone.go(reverse("alert_coverage"))
    expect(page.get_by_role("link", name="Add a rule for failures")).to_have_count(0)


def test_a_rule_is_tried_and_saved_without_any_script(
    chromium, live_server, zoho: Zoho, people: dict[str, User]
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    plain = Visit(context.new_page(), live_server.url)
    plain.sign_in(people["ada"])
    plain.go("/alert-rules/add/?kind=in_a_row")
    plain.page.get_by_label("Account").select_option(label="Stand-in")
    plain.page.get_by_role("button", name="90 days").click()
    expect(plain.page.get_by_role("heading", name="Preview: the last 90 days")).to_be_visible()
    plain.page.get_by_role("button", name="Save").click()
    expect(plain.page.get_by_text("is saved. It is checked within a minute.")).to_be_visible()
    context.close()
