"""Debian's Chromium, a live server, and a stand-in Zoho; every console message and CSP report is kept."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from monitor import pipeline
from monitor.ingest.base.mode import Mode, Patience
from monitor.models import Role, User, ZohoAccount
from monitor.zoho import Origins
from standin.build import Credentials, World, make_app, make_world, serving, system_clock
from standin.web.app import App
from tests.factories import make_user

CHROMIUM = "/usr/bin/chromium"
# Without the last three, Chromium looks for hosts beyond this machine at every start.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSWORD = "a-password-for-one-test-only"


@dataclass
class Zoho:
    """A stand-in that is mirrored; `app` answers for it, and holds what it was asked and what is to go wrong."""

    world: World
    account: ZohoAccount
    app: App


@dataclass
class Visit:
    """A page with all that it complained about."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Opens a page and waits until it is quiet."""
        self.page.goto(self.url + path)
        self.page.wait_for_load_state("networkidle")

    def sign_in(self, user: User) -> None:
        """By the form, as a person does."""
        self.go("/")
        self.page.get_by_label("Username").fill(user.username)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(self.url + "/")
        self.page.wait_for_load_state("networkidle")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Puts SQLite into a file: the server's threads and the test then have connections of their own, as in real life.

    In memory all share one, and whoever writes while another one reads is told that the table is locked.
    """
    if connection.vendor == "sqlite":
        name = str(tmp_path_factory.mktemp("database") / "browser.sqlite3")
        connection.settings_dict.setdefault("TEST", {})["NAME"] = name


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests; where it is missing, CI fails and a laptop is told."""
    if not shutil.which(CHROMIUM):
        reason = "Chromium is not installed (apt-get install chromium)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, live_server) -> Iterator[Visit]:
    """A fresh visitor. The test fails if any page wrote an error or broke the content security policy."""
    yield from _visits(chromium.new_context(viewport={"width": 1280, "height": 900}), live_server.url)


@pytest.fixture
def phone(chromium: Browser, live_server) -> Iterator[Visit]:
    """The same on a phone in the dark."""
    context = chromium.new_context(viewport={"width": 375, "height": 740}, color_scheme="dark", has_touch=True)
    yield from _visits(context, live_server.url)


def _visits(context: BrowserContext, url: str) -> Iterator[Visit]:
    page = context.new_page()
    visit = Visit(page, url)

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            visit.complaints.append(f"{page.url}: {message.text}")

    page.on("console", heard)
    page.on("pageerror", lambda error: visit.complaints.append(f"{page.url}: {error}"))
    # A violation that is only reported would not show in the console of every version.
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation',"
        " e => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI))"
    )
    yield visit
    context.close()
    assert visit.complaints == []


@pytest.fixture
def zoho(transactional_db: None) -> Iterator[Zoho]:
    """A stand-in with ten days of history, mirrored and counted, where a retry succeeds."""
    world = make_world(seed=3, clock=system_clock, flows=6, rules=4, executions=1500, history_days=10)
    world.habits = world.habits.changed(retries="succeed")
    with mirrored(world) as found:
        yield found


@contextmanager
def mirrored(world: World) -> Iterator[Zoho]:
    """Serves a world, connects an account to it and mirrors it."""
    known, app = Credentials(), make_app(world, plan="unlimited")
    with serving(app) as url:
        account = pipeline.connect_account(
            name="Stand-in",
            data_center="custom",
            origins=Origins(url, url, url),
            client_id=known.client_id,
            client_secret=known.client_secret,
            refresh_token=known.refresh_token,
            calls_per_minute=100_000,
            calls_per_day=1_000_000,
            actor=make_user("connector", Role.ADMIN),
            now=timezone.now(),
        )
        pipeline.sync_now(account, patience=Patience(Mode.SYNC, pause=time.sleep))
        yield Zoho(world, account, app)


@pytest.fixture
def people(transactional_db: None) -> dict[str, User]:
    """Vera looks, Otto retries, Ada administers; they sign in with PASSWORD."""
    found = {}
    for name, role in (("vera", Role.VIEWER), ("otto", Role.OPERATOR), ("ada", Role.ADMIN)):
        found[name] = make_user(name, role)
        found[name].set_password(PASSWORD)
        found[name].save(update_fields=["password"])
    return found
