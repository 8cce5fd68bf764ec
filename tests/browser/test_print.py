"""Pages on paper: no menu and no buttons, tables whole, charts drawn, addresses not spelled out."""

from __future__ import annotations

import os
import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from monitor.models import User
from tests import factories
from tests.browser.conftest import Visit
from tests.dashboard.world import World, make_world

pytestmark = pytest.mark.browser
DEED = "button, .button, .sidebar, .filters, input:not([type=hidden]), select, textarea"


def world_with_runs() -> World:
    now = timezone.now()
    world = make_world(now)
    for hour in range(40):
        factories.make_hour(world.flow, now - timedelta(hours=hour), succeeded=9, failed=hour % 3)
        for status in ("failed", "success"):
            started = now - timedelta(hours=hour, minutes=5)
            factories.make_execution(
                world.flow, status, started_time=started, error_details=f"{'long words ' * 20}{hour}"
            )
    return world


def shown(page: Page, what: str) -> list[str]:
    """Those of some elements that take room on the sheet."""
    found = "what => [...document.querySelectorAll(what)].filter(e => e.getClientRects().length)"
    return list(page.evaluate(f"{found}.map(e => e.outerHTML.slice(0, 120))", what))


def cut(page: Page) -> list[str]:
    """What is hidden within a box that would scroll, or beside the sheet."""
    return list(
        page.evaluate(
            "() => [...document.querySelectorAll('.main .table-box, .main .clip, .main pre, .main .card')]"
            ".filter(e => e.getClientRects().length && e.scrollWidth > e.clientWidth + 1"
            " && getComputedStyle(e).overflowX != 'visible').map(e => e.className)"
        )
    )


def test_a_page_is_printed_without_its_deeds_and_whole(visit: Visit, people: dict[str, User]) -> None:
    world = world_with_runs()
    visit.sign_in(people["ada"])
    page = visit.page
    for address in (
        world.flow.get_absolute_url(),
        "/executions/",
        "/",
        world.connection.get_absolute_url(),
        "/changes/",
    ):
        page.emulate_media(media="screen")
        visit.go(address)
        assert shown(page, DEED)
        page.emulate_media(media="print", color_scheme="dark")
        page.set_viewport_size({"width": 703, "height": 1000})  # a sheet of A4 within its margins
        assert shown(page, DEED) == [], address
        assert cut(page) == [], address
        painted = "(e => [e.color, e.backgroundColor])(getComputedStyle(document.body))"
        assert page.evaluate(painted) == ["rgb(26, 35, 48)", "rgb(255, 255, 255)"], "dark on white, also in the dark"
        after = "[...document.links].map(a => getComputedStyle(a, '::after').content)"
        assert set(page.evaluate(after)) <= {"none", "normal"}
        if folder := os.environ.get("PICTURES"):
            page.screenshot(path=f"{folder}/print{address.replace('/', '-')}.png", full_page=True)
        printed = page.pdf(format="A4")
        assert printed.startswith(b"%PDF")
        assert 1 <= len(re.findall(rb"/Type /Page\b", printed)) <= 12, address
        page.set_viewport_size({"width": 1280, "height": 900})


def test_a_chart_that_was_touched_is_printed_as_the_server_drew_it(visit: Visit, people: dict[str, User]) -> None:
    world = world_with_runs()
    visit.sign_in(people["vera"])
    page = visit.page
    visit.go(world.flow.get_absolute_url())
    box = page.locator(".chart__box").first
    box.hover()
    expect(box).to_have_class(re.compile("chart__box--live"), timeout=20_000)
    page.emulate_media(media="print")
    assert shown(page, ".chart__canvas") == []
    for drawn in page.locator(".chart__svg").all():
        assert drawn.evaluate("e => getComputedStyle(e).opacity + getComputedStyle(e).visibility") == "1visible"
        assert drawn.bounding_box()


@pytest.mark.parametrize("touched", [False, True])
def test_a_chart_is_saved_as_a_picture_of_what_is_seen(visit: Visit, people: dict[str, User], touched: bool) -> None:
    world = world_with_runs()
    visit.sign_in(people["vera"])
    page = visit.page
    visit.go(world.flow.get_absolute_url())
    if touched:
        page.locator(".chart__box").first.hover()
        expect(page.locator(".chart__box").first).to_have_class(re.compile("chart__box--live"), timeout=20_000)
    with page.expect_download() as sent:
        page.get_by_role("button", name="PNG of Success rate").first.click()
    assert sent.value.suggested_filename == "chart-success-rate.png"
    picture = sent.value.path().read_bytes()
    assert picture.startswith(b"\x89PNG")
    width, height = (int.from_bytes(picture[at : at + 4]) for at in (16, 20))
    assert width > 1200
    assert height > 500
    assert len(picture) > 10_000, "it is not empty"
    if folder := os.environ.get("PICTURES"):
        sent.value.save_as(f"{folder}/chart-{touched}.png")
