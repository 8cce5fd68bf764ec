"""A list that stands open says what is new, moves nothing, rests while nobody sees it, and says that it is cut off."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from monitor import audit
from monitor.models import User
from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser
HIDE = "Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })"


def ask(page: Page) -> None:
    page.evaluate("htmx.trigger(document.body, 'seen')")


def test_news_come_quietly_rest_while_hidden_and_survive_a_lost_connection(
    visit: Visit, people: dict[str, User]
) -> None:
    visit.sign_in(people["ada"])
    visit.go("/audit/")
    page, row = visit.page, visit.page.locator("tbody tr").first
    place, count = row.bounding_box(), page.locator("tbody tr").count()
    audit.record(people["ada"], "sync", None, now=timezone.now())
    ask(page)
    link = page.locator(".news__link")
    expect(link).to_have_text("1 new entry")
    assert row.bounding_box() == place

    page.evaluate(HIDE)
    audit.record(people["ada"], "sync", None, now=timezone.now())
    with page.expect_event("console", predicate=lambda said: said.text == "asked", timeout=5000):
        page.evaluate("htmx.trigger(document.body, 'seen'); console.log('asked')")
    expect(link).to_have_text("1 new entry")
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    expect(link).to_have_text("2 new entries")

    page.route("**/audit/?than=*", lambda route: route.abort())
    ask(page)
    lost = page.get_by_text("This page could not be refreshed. It shows")
    expect(lost).to_be_visible()
    assert row.bounding_box() == place
    page.unroute("**/audit/?than=*")
    ask(page)
    expect(lost).to_have_count(0)
    assert any("ERR_FAILED" in one for one in visit.complaints)
    visit.complaints.clear()
    link.click()
    expect(page.locator("tbody tr")).to_have_count(count + 2)
    expect(page.locator(".news__link")).to_have_count(0)
