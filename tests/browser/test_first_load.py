"""What a browser loads before anybody touches a chart, served as in production: hashed, compressed, kept for ever."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import brotli
import pytest
from django.core.management import call_command
from django.test.testcases import LiveServerThread
from playwright.sync_api import Browser, CDPSession, Page, expect

from dashboard.staticfiles import PLOTLY_NAME
from monitor.models import User
from tests.browser.conftest import Visit, Zoho

pytestmark = pytest.mark.browser
MOST_BYTES = 120_000
PATIENCE = 60_000  # milliseconds: a busy machine reads plotly.js for many seconds
PLOTLY = PLOTLY_NAME.removesuffix(".js")

# Kept across pages is nothing: each asks its own observers, which also tell what came before them.
_SEEN = """() => new Promise((done) => {
    const seen = { shifts: [], paint: 0 };
    new PerformanceObserver((list) => seen.shifts.push(...list.getEntries().map((one) => one.value)))
        .observe({ type: "layout-shift", buffered: true });
    new PerformanceObserver((list) => { seen.paint = list.getEntries().at(-1).startTime; })
        .observe({ type: "largest-contentful-paint", buffered: true });
    requestAnimationFrame(() => setTimeout(() => done(seen), 50));
})"""


class Wire:
    """Counts what a page's network really carried."""

    def __init__(self, page: Page) -> None:
        self.bytes: dict[str, int] = {}
        self.answers: dict[str, dict[str, str]] = {}
        self._urls: dict[str, str] = {}
        self.session: CDPSession = page.context.new_cdp_session(page)
        self.session.on("Network.responseReceived", self._answered)
        self.session.on("Network.loadingFinished", self._finished)
        self.session.send("Network.enable")

    def _answered(self, event: dict[str, Any]) -> None:
        url = event["response"]["url"]
        self._urls[event["requestId"]] = url
        self.answers[url] = {name.lower(): value for name, value in event["response"]["headers"].items()}

    def _finished(self, event: dict[str, Any]) -> None:
        url = self._urls.get(event["requestId"], "")
        self.bytes[url] = self.bytes.get(url, 0) + int(event["encodedDataLength"])

    def asked_for_plotly(self) -> bool:
        return any(PLOTLY in url for url in self._urls.values())


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("collected")


@pytest.fixture
def site(collected: Path, settings: Any, transactional_db: None) -> Iterator[str]:
    """The pages with collected files, by WhiteNoise alone; `live_server` looks the files up and compresses nothing."""
    settings.STATIC_ROOT = str(collected)
    if not any(collected.iterdir()):
        # Less than in production, where plotly.js alone takes ten seconds.
        with mock.patch("whitenoise.compress.brotli.compress", partial(brotli.compress, quality=5)):
            call_command("collectstatic", interactive=False, verbosity=0)
    thread = LiveServerThread("127.0.0.1", lambda application: application)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    assert thread.error is None
    yield f"http://127.0.0.1:{thread.port}"
    thread.terminate()


@pytest.fixture
def cold(chromium: Browser, site: str, zoho: Zoho, people: dict[str, User]) -> Iterator[tuple[Visit, Wire]]:
    """Vera at the overview with an empty cache, and what that carried."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    visit = Visit(context.new_page(), site)
    visit.sign_in(people["vera"])
    page = context.new_page()
    wire = Wire(page)
    wire.session.send("Network.clearBrowserCache")
    again = Visit(page, site)
    page.on("pageerror", lambda error: again.complaints.append(str(error)))
    again.go("/")
    yield again, wire
    context.close()
    assert again.complaints == []


def test_a_first_load_is_small_and_moves_nothing(cold: tuple[Visit, Wire]) -> None:
    visit, wire = cold
    seen = visit.page.evaluate(_SEEN)
    total = sum(wire.bytes.values())
    print(f"\noverview, cold: {total} bytes in {len(wire.bytes)} answers, largest paint {seen['paint']:.0f} ms")
    for url, size in wire.bytes.items():
        print(f"  {size:7} {wire.answers[url].get('content-encoding', '-'):4} {url.removeprefix(visit.url)}")
    assert not wire.asked_for_plotly()
    assert 10_000 < total <= MOST_BYTES
    assert seen["paint"] > 0
    assert seen["shifts"] == []


def test_files_are_hashed_compressed_and_kept_for_ever(cold: tuple[Visit, Wire]) -> None:
    visit, wire = cold
    visit.page.locator("[data-chart]").first.hover()
    expect(visit.page.locator(".js-plotly-plot").first).to_be_visible(timeout=PATIENCE)
    files = {url: answer for url, answer in wire.answers.items() if "/static/" in url}
    assert any(PLOTLY in url for url in files)
    for url, answer in files.items():
        assert "immutable" in answer["cache-control"], url
        # The icon is too small to gain anything.
        assert answer.get("content-encoding") in ("br", "gzip") or url.endswith(".svg"), url
    assert len([url for url in files if ".css" in url]) == 1


@pytest.mark.parametrize("how", ["mouse", "finger", "keyboard"])
def test_plotly_is_asked_for_when_a_chart_is_turned_to_and_moves_nothing(cold: tuple[Visit, Wire], how: str) -> None:
    visit, wire = cold
    page = visit.page
    chart = page.locator("[data-chart]").first
    chart.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    assert not wire.asked_for_plotly()
    painted = chart.bounding_box()
    if how == "mouse":
        chart.hover()
    elif how == "finger":
        chart.dispatch_event("pointerdown", {"pointerType": "touch", "bubbles": True})
    else:
        page.locator(".chart", has=chart).locator("summary").focus()
    expect(chart.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=PATIENCE)
    assert wire.asked_for_plotly()
    assert chart.bounding_box() == painted
    assert page.evaluate(_SEEN)["shifts"] == []


def test_a_mouse_on_its_way_elsewhere_asks_for_nothing(cold: tuple[Visit, Wire]) -> None:
    visit, wire = cold
    page = visit.page
    page.evaluate(
        """() => {
            const over = (one) => one.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
            over(document.querySelector("[data-chart]"));
            over(document.querySelector("h1"));
            return new Promise((done) => setTimeout(done, 400));
        }"""
    )
    page.wait_for_load_state("networkidle")
    assert not wire.asked_for_plotly()
