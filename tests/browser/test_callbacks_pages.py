"""Callbacks in a real browser: an address is made, its secret shown once, rotated and deleted."""

from __future__ import annotations

import os

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, expect

from monitor.models import HookEndpoint, User, ZohoAccount
from tests import factories
from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser


def look_at(page: Page, name: str) -> None:
    """Nothing hinders assistive technology, and nothing is wider than the page."""
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]})
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def make_address(visit: Visit, account: ZohoAccount) -> None:
    visit.go(reverse("push", args=[account.pk]))
    visit.page.get_by_label("Name").fill("Error branches")
    visit.page.get_by_role("button", name="Create the address").click()
    expect(visit.page.locator("#hook-secret")).to_contain_text("whsec_")


def test_an_admin_makes_rotates_and_deletes_an_address(visit: Visit, people: dict[str, User]) -> None:
    account = factories.make_account("Example Ltd")
    visit.sign_in(people["ada"])
    make_address(visit, account)
    look_at(visit.page, "shown")

    visit.page.get_by_role("link", name="Done").click()
    visit.page.get_by_role("button", name="Add a new secret").click()
    expect(visit.page.locator("#hook-secret")).to_contain_text("whsec_")
    visit.page.get_by_role("link", name="Done").click()
    look_at(visit.page, "hook")
    visit.page.get_by_role("button", name="Remove all but the newest").click()
    expect(visit.page.get_by_text("1 old secret is removed.")).to_be_visible()

    visit.page.get_by_text("How a flow signs").click()
    expect(visit.page.get_by_role("region", name="Example in Deluge")).to_be_visible()
    visit.page.get_by_role("link", name="Delete").first.click()
    visit.page.locator("#delete-dialog").get_by_role("button", name="Delete").click()
    expect(visit.page.get_by_text("No address")).to_be_visible()
    assert not HookEndpoint.objects.filter(account=account).exists()


def test_the_pages_fit_a_phone(phone: Visit, people: dict[str, User]) -> None:
    account = factories.make_account("Example Ltd")
    phone.sign_in(people["ada"])
    make_address(phone, account)
    look_at(phone.page, "shown-phone")
    phone.go(reverse("push", args=[account.pk]))
    look_at(phone.page, "push-phone")
    assert phone.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
