"""Connections, changes and the status page in a real browser: on a desk, and on a phone in the dark."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from monitor.models import User
from tests import factories
from tests.browser.conftest import Visit
from tests.dashboard.world import World, make_world

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)


def look_at(page: Page, name: str) -> None:
    """Nothing hinders assistive technology, and nothing is wider than the page."""
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]})
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def busy_world() -> World:
    now = timezone.now()
    world = make_world(now)
    broke = world.connection.failures_from
    factories.make_hour(world.flow, broke - HOUR, succeeded=9)
    factories.make_hour(world.flow, broke, failed=4)
    factories.make_execution(world.flow, "failed", started_time=broke + timedelta(minutes=1))
    long = "Orders of every shop in every country to the one and only ledger"
    for number, (app, status) in enumerate(
        (("Zoho Books", "active"), ("Slack", "resting"), (f"{long}{long}", "error"))
    ):
        factories.make_connection(
            world.account, connection_name=f"{app} sign-in", app=app, status=status, status_since=now - number * HOUR
        )
    told = [
        {"path": ["actions", "[7]", "config", "subject"], "kind": "changed", "before": "Hello", "after": "Dear all"},
        {"path": ["status"], "kind": "changed", "before": "active", "after": "inactive"},
        {"path": ["name"], "kind": "changed", "before": "A", "after": long * 3},
    ]
    for number, changes in enumerate((told[:1], told[1:2], told * 4), start=2):
        factories.make_version(world.flow, number=number, first_seen_at=now - number * HOUR, changes=changes)
    factories.make_version(world.rule, number=2, first_seen_at=now - 9 * HOUR, changes=told[2:])
    factories.make_flow(world.account, flow_name=long, gone_at=now - 5 * HOUR)
    return world


def visit_all(visit: Visit, ada: User, world: World, name: str) -> None:
    visit.sign_in(ada)
    for address, place in (
        ("/connections/", "connections"),
        (world.connection.get_absolute_url(), "connection"),
        ("/changes/", "changes"),
        ("/status-links/", "status-links"),
    ):
        visit.go(address)
        look_at(visit.page, f"{place}-{name}")


def test_the_new_places_are_whole_on_a_desk(visit: Visit, people: dict[str, User]) -> None:
    world = busy_world()
    visit_all(visit, people["ada"], world, "desk")
    page = visit.page
    visit.go("/connections/?state=broken")
    page.get_by_role("link", name="CRM sign-in").click()
    expect(page.get_by_role("heading", name="CRM sign-in")).to_be_visible()
    page.get_by_role("link", name="Lead to campaign").click()
    expect(page.get_by_role("heading", name="Lead to campaign")).to_be_visible()
    visit.go("/changes/?kind=flow")
    page.get_by_role("link", name="Before and after").first.click()
    expect(page.get_by_role("region", name="Changes from the version before").first).to_be_visible()
    visit.go("/connections/")
    with page.expect_download() as sent:
        page.get_by_role("button", name="CSV").click()
    assert sent.value.suggested_filename == "connections.csv"


def test_the_new_places_fit_a_phone_in_the_dark(phone: Visit, people: dict[str, User]) -> None:
    visit_all(phone, people["ada"], busy_world(), "phone")
    expect(phone.page.get_by_role("heading", level=1)).to_be_visible()
    assert phone.complaints == []


def test_an_admin_makes_a_link_and_others_see_the_status(visit: Visit, phone: Visit, people: dict[str, User]) -> None:
    world = busy_world()
    visit.sign_in(people["ada"])
    visit.go("/status-links/")
    page = visit.page
    page.get_by_label("For whom").fill("The board")
    page.get_by_label("Shows").select_option(world.account.name)
    page.get_by_role("button", name="Make a link").click()
    address = page.locator("#status-address").inner_text()
    look_at(page, "status-made-desk")
    path = "/status/" + address.rstrip("/").rsplit("/", 1)[-1] + "/"
    phone.go(path)
    expect(phone.page.get_by_role("heading", name="Something needs attention")).to_be_visible()
    look_at(phone.page, "status-phone")
    visit.go(path)
    look_at(page, "status-desk")
    visit.go("/status-links/")
    page.get_by_role("row", name="The board").get_by_role("button").click()
    expect(page.get_by_text("is ended: its address shows nothing any more")).to_be_visible()
