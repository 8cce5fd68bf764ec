"""The list of executions and a run's page: found by typing, gone through by keys, and they fit a phone in the dark."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from monitor.models import Execution, SavedView, User, ZohoAccount
from tests import factories
from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]}
FAR = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def looked_at(visit: Visit, name: str) -> None:
    """Nothing serious, nothing wider than the screen; a picture where somebody wants one."""
    if folder := os.environ.get("PICTURES"):
        visit.page.screenshot(path=Path(folder) / f"{name}.png")
    found = Axe().run(visit.page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    assert visit.page.evaluate(FAR) <= 0


@pytest.fixture
def runs(account: ZohoAccount, people: dict[str, User]) -> list[Execution]:
    """Failed runs, the newest first, with good ones between; their problem is known."""
    now = timezone.now()
    flow = factories.make_flow(account, flow_name="Lead sync from the web form to the campaign of the season")
    found = []
    for number in range(4):
        at = now - timedelta(minutes=30 * number + 5)
        run = factories.make_execution(flow, "failed", started_time=at, error_message="Tax 19 % is not known in Books")
        factories.make_failure(run)
        factories.make_execution(flow, started_time=at - timedelta(minutes=7))
        found.append(run)
    SavedView.objects.create(
        person=people["otto"], name="Failed this week", query="status=failed&period=7d", is_shared=True
    )
    return found


def test_runs_are_found_by_typing_and_each_filter_is_taken_out_by_its_chip(
    visit: Visit, runs: list[Execution], people: dict[str, User]
) -> None:
    visit.sign_in(people["otto"])
    visit.go("/executions/")
    looked_at(visit, "runs-all")
    visit.page.keyboard.press("/")
    visit.page.keyboard.type('status:failed flow:"lead sync from the web form to the campaign of the season" since:7d')
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/executions/?status=failed*")
    chips = visit.page.get_by_role("list", name="Filters that are set").get_by_role("link")
    expect(chips).to_have_count(3)
    expect(visit.page.locator("#list tbody tr")).to_have_count(4)
    visit.page.get_by_text("Search by field").click()
    looked_at(visit, "runs-found")
    chips.nth(0).click()
    expect(visit.page.locator("#list tbody tr")).to_have_count(8)
    visit.page.get_by_role("link", name="Failed this week").click()
    expect(visit.page.locator("#list tbody tr")).to_have_count(4)
    visit.page.get_by_role("link", name="Change this view").click()
    looked_at(visit, "runs-view")


def test_a_run_leads_to_the_failures_beside_it_by_keys(
    visit: Visit, runs: list[Execution], people: dict[str, User]
) -> None:
    visit.sign_in(people["otto"])
    visit.go(runs[1].get_absolute_url())
    looked_at(visit, "run")
    visit.page.keyboard.press("j")
    visit.page.wait_for_url(f"**{runs[0].get_absolute_url()}")
    visit.page.keyboard.press("k")
    visit.page.wait_for_url(f"**{runs[1].get_absolute_url()}")
    visit.page.get_by_role("link", name="Failure before").click()
    visit.page.wait_for_url(f"**{runs[2].get_absolute_url()}")
    assert visit.page.url.endswith(runs[2].get_absolute_url())


def test_on_a_phone_a_run_is_a_line_with_its_error_below(
    phone: Visit, runs: list[Execution], people: dict[str, User]
) -> None:
    phone.sign_in(people["otto"])
    phone.go("/executions/?status=failed&period=7d")
    looked_at(phone, "runs-phone")
    phone.page.locator("#list").scroll_into_view_if_needed()
    phone.page.locator("#list tbody tr").last.scroll_into_view_if_needed()
    looked_at(phone, "runs-phone-rows")
    for row in phone.page.locator("#list tbody tr").all():
        box = row.bounding_box()
        assert box is not None
        assert box["height"] < 90
    phone.go(runs[1].get_absolute_url())
    looked_at(phone, "run-phone")
