"""The overview as it stands open: what differs is exchanged where it is, and nothing that is read moves."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from dashboard import remembered
from monitor.models import Problem, User
from tests.browser.conftest import Visit
from tests.dashboard.world import World, make_world

pytestmark = pytest.mark.browser
SELECTED = "getSelection().toString()"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def world(transactional_db: None, people: dict[str, User], now: datetime) -> World:
    made = make_world(now)
    Problem.objects.filter(pk=made.problem.pk).update(title="No tax is known", first_seen_at=now, last_seen_at=now)
    return made


def refresh(page: Page) -> None:
    remembered.forget()
    page.evaluate("import(document.querySelector('[data-module]').dataset.module)")
    with page.expect_response(lambda answer: "part=cards" in answer.url):
        page.evaluate("htmx.trigger('#overview-cards', 'seen')")
    expect(page.locator("#overview-cards.htmx-request")).to_have_count(0)


def one_more(world: World, now: datetime) -> None:
    made = Problem.objects.create(
        account=world.account, title="A worse one", remedy="retry", state="escalating",
        first_seen_at=now, last_seen_at=now, state_since=now,
    )  # fmt: skip
    assert made.pk


def test_what_differs_is_exchanged_and_focus_selection_and_place_stay(
    visit: Visit, world: World, people: dict[str, User]
) -> None:
    visit.sign_in(people["otto"])
    page = visit.page
    line = page.locator(".need", has_text="No tax is known")
    expect(line.get_by_text("otto")).to_have_count(0)
    page.evaluate("document.querySelector('#overview-cards').mine = 'the same element'")
    line.get_by_role("link").first.focus()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.need__title a'))")
    selected, place = page.evaluate(SELECTED), line.bounding_box()
    Problem.objects.filter(pk=world.problem.pk).update(owner=people["otto"])
    refresh(page)
    expect(line.locator(".need__owner")).to_contain_text("otto")
    assert page.evaluate("document.querySelector('#overview-cards').mine") == "the same element"
    assert page.evaluate("document.activeElement.closest('.need') !== null")
    assert (page.evaluate(SELECTED), line.bounding_box()) == (selected, place)
    assert selected


def test_lines_that_come_wait_until_they_are_asked_for_or_the_page_is_left_alone(
    visit: Visit, world: World, people: dict[str, User], now: datetime
) -> None:
    visit.page.clock.install()
    visit.sign_in(people["otto"])
    page = visit.page
    line = page.locator(".need", has_text="No tax is known")
    place = line.bounding_box()
    page.mouse.move(10, 10)
    one_more(world, now)
    refresh(page)
    expect(page.locator(".need", has_text="A worse one")).to_have_count(0)
    assert line.bounding_box() == place
    page.get_by_role("button", name="Lines came or went: show").click()
    expect(page.locator(".need", has_text="A worse one")).to_be_visible()
    expect(page.get_by_role("button", name="Lines came or went: show")).to_have_count(0)
    Problem.objects.filter(title="A worse one").update(title="Gone by then", state="resolved")
    page.clock.fast_forward(timedelta(minutes=4).total_seconds() * 1000)
    refresh(page)
    expect(page.locator(".need", has_text="A worse one")).to_be_visible()
    page.clock.fast_forward(timedelta(minutes=2).total_seconds() * 1000)
    refresh(page)
    expect(page.locator(".need", has_text="A worse one")).to_have_count(0)
