"""Everything is a few letters away, by the keyboard alone; single keys act where they are wanted and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from monitor.models import User, ZohoAccount
from tests import factories
from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]}


def picture(visit: Visit, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        visit.page.screenshot(path=Path(folder) / f"{name}.png")


def test_a_flow_is_opened_from_any_page_by_a_few_letters_and_the_arrow_keys(
    visit: Visit, account: ZohoAccount, people: dict[str, User]
) -> None:
    factories.make_flow(account, flow_name="Lead notes")
    flow = factories.make_flow(account, flow_name="Lead sync")
    visit.sign_in(people["vera"])
    visit.page.keyboard.press("Control+k")
    field = visit.page.get_by_label("Find a page, a flow")
    expect(field).to_be_focused()
    expect(visit.page.locator("#palette-found a").first).to_contain_text("Overview")
    field.press_sequentially("lead")
    expect(visit.page.locator("#palette-found a")).to_have_count(2)
    picture(visit, "palette")
    found = Axe().run(visit.page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    visit.page.keyboard.press("ArrowDown")
    visit.page.keyboard.press("ArrowDown")
    expect(visit.page.locator("#palette-found a").nth(1)).to_be_focused()
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url(f"**{flow.get_absolute_url()}")


def test_enter_opens_the_first_of_what_was_typed_and_escape_goes_back(
    visit: Visit, account: ZohoAccount, people: dict[str, User]
) -> None:
    visit.sign_in(people["vera"])
    opener = visit.page.get_by_role("link", name="Find Ctrl K")
    opener.press("Enter")
    expect(visit.page.get_by_label("Find a page, a flow")).to_be_focused()
    visit.page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    opener.press("Enter")
    visit.page.get_by_label("Find a page, a flow").press_sequentially("coverage")
    expect(visit.page.locator("#palette-found a")).to_have_count(1)
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/coverage/")


def test_single_keys_lead_about_but_not_while_somebody_types_and_not_for_who_switched_them_off(
    visit: Visit, account: ZohoAccount, people: dict[str, User]
) -> None:
    visit.sign_in(people["vera"])
    visit.page.keyboard.press("g")
    visit.page.keyboard.press("e")
    visit.page.wait_for_url("**/executions/")
    visit.page.keyboard.press("/")
    focused = visit.page.locator(":focus")
    expect(focused).to_have_js_property("tagName", "INPUT")
    visit.page.keyboard.type("gf?")
    expect(focused).to_have_value("gf?")
    visit.page.locator("h1").click()
    visit.page.keyboard.press("?")
    expect(visit.page.get_by_text("Keys that act anywhere")).to_be_visible()
    picture(visit, "keys")
    visit.page.keyboard.press("Escape")
    User.objects.filter(username="vera").update(single_keys=False)
    visit.go("/executions/")
    visit.page.keyboard.press("g")
    visit.page.keyboard.press("f")
    visit.page.keyboard.press("?")
    expect(visit.page.get_by_text("Keys that act anywhere")).to_be_hidden()
    assert visit.page.url.endswith("/executions/")


def test_the_page_finds_the_same_on_a_phone(phone: Visit, account: ZohoAccount, people: dict[str, User]) -> None:
    factories.make_flow(account, flow_name="Invoices of the northern region, to the books and to sales by mail")
    phone.sign_in(people["vera"])
    phone.go("/find/?q=invoices")
    picture(phone, "find-phone")
    found = Axe().run(phone.page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not phone.page.evaluate(wide)
