"""The main job with real processes: a flow goes bad, a mail comes, an admin retries it in the browser, a mail comes."""

from __future__ import annotations

import json
import logging
import os
import re
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from monitor.models import AlertState, Execution, RetryAttempt
from tests.notify.sink import Sink, free_port, listening
from tests.realprocess import Stage, rows, second_connection, throw_away_database, wait_for

pytestmark = pytest.mark.story
CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SECRET, REFRESH, CONTROL = "story-client-secret", "1000.story.refresh", "story-control"
PASSWORD = "a-password-for-this-story-only"
PROMISE = 180.0  # seconds from a failure at Zoho to the mail


@dataclass
class Clock:
    """The time of each step, printed at the end."""

    began: float = field(default_factory=time.monotonic)
    steps: list[tuple[str, float]] = field(default_factory=list)

    def step(self, what: str) -> float:
        """Notes a step; returns the seconds since the one before."""
        now = time.monotonic()
        last = self.steps[-1][1] if self.steps else self.began
        self.steps.append((what, now))
        return now - last

    def __str__(self) -> str:
        lines, last = [], self.began
        for what, at in self.steps:
            lines.append(f"{at - self.began:7.1f} s  (+{at - last:5.1f})  {what}")
            last = at
        return "\n".join(lines)


@dataclass
class Scene:
    """Everything that runs: addresses, the mail sink, the processes."""

    stage: Stage
    sink: Sink
    zoho: str
    web: str
    clock: Clock

    def control(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Asks or tells the stand-in something."""
        request = urllib.request.Request(
            f"{self.zoho}/_control/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Standin-Control": CONTROL, "Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=20) as answer:
            return json.load(answer)

    def mail(self, tag: str, flow_name: str) -> EmailMessage | None:
        """A mail about this flow whose subject begins with `[tag]`."""
        for mail in self.sink.mails:
            if mail["Subject"].startswith(f"[{tag}] {flow_name}"):
                return mail
        return None

    def logs(self) -> str:
        return "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in self.stage.folder.glob("*.log"))


@pytest.fixture
def scene(tmp_path: Path, django_db_blocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    if not CHROMIUM.exists() and not os.environ.get("CI"):
        pytest.skip("chromium is not installed (apt-get install chromium)")
    # The browser's driver runs an event loop in this thread; our rows are still read one after the other.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    sink, smtp, zoho, web = Sink(), free_port(), free_port(), free_port()
    with throw_away_database(tmp_path) as url, django_db_blocker.unblock(), listening(sink, smtp):
        stage = Stage(
            tmp_path, url, PUBLIC_URL=f"http://127.0.0.1:{web}", EMAIL_URL=f"smtp://127.0.0.1:{smtp}", ALLOWED_HOSTS=""
        )
        with second_connection(url):
            scene = Scene(stage, sink, f"http://127.0.0.1:{zoho}", f"http://127.0.0.1:{web}", Clock())
            try:
                open_scene(scene, zoho, web)
                yield scene
            finally:
                print(f"\n{scene.clock}")
                stage.close()
        assert stage.left() == []


def open_scene(scene: Scene, zoho: int, web: int) -> None:
    """The stand-in, an account, an admin, the web server and the worker."""
    stage = scene.stage
    stage.must("migrate", "-v0")
    stage.must(
        *("createsuperuser", "--noinput", "--username", "ada", "--email", "ada@example.com"),
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )
    scene.clock.step("database and admin are there")
    stage.start(
        *("standin", "--port", str(zoho), "--flows", "8", "--executions", "900", "--plan", "enterprise"),
        *("--client-id", "1000.STORY", "--retries", "succeed"),
        STANDIN_CLIENT_SECRET=SECRET,
        STANDIN_REFRESH_TOKEN=REFRESH,
        STANDIN_CONTROL_TOKEN=CONTROL,
    )
    wait_for("the stand-in", lambda: "listening" in stage.log("standin").read_text(), timeout=60)
    urls = ("--accounts-url", scene.zoho, "--flow-url", scene.zoho, "--crm-url", scene.zoho)
    stage.must(
        *(
            "connect",
            "Story Ltd",
            "--data-center",
            "custom",
            *urls,
            "--client-id",
            "1000.STORY",
            "--plan",
            "enterprise",
        ),
        ZOHO_CLIENT_SECRET=SECRET,
        ZOHO_REFRESH_TOKEN=REFRESH,
    )
    scene.clock.step("the account is connected")
    stage.start("web", "--port", str(web))
    stage.start("worker")


def healthy_flow() -> AlertState | None:
    """The quietest flow that is judged and well: few runs, so that few failures make it bad."""
    states = rows(AlertState, state="ok", runs__gte=20, rate__gte=95).select_related("flow").order_by("runs")
    return states.first()


def failures_needed(state: AlertState) -> int:
    """How many failures bring the rate just below 95 %, so that one success among them brings it back."""
    assert state.rate is not None
    good = round(state.rate * state.runs / 100)
    return next(n for n in range(1, 100) if 100 * good / (state.runs + n) < 95)


def test_a_flow_goes_bad_a_mail_comes_an_admin_retries_and_it_recovers(scene: Scene):
    clock, sink = scene.clock, scene.sink
    state = wait_for("the first judgement of a flow that is well", healthy_flow, timeout=240)
    clock.step(f"thirty days are mirrored and judged; {rows(Execution).count()} executions")

    flow, count = state.flow, failures_needed(state)
    made = scene.control("do/add_executions", {"flow_id": flow.flow_id, "count": count, "status": "failed"})["result"]
    clock.step(f"the flow goes bad: {count} failure(s) beside {state.runs} runs, rate was {state.rate:.1f} %")

    alarm = wait_for("the alert's mail", lambda: scene.mail("Firing", flow.flow_name), timeout=PROMISE)
    waited = clock.step(f"the mail is here: {alarm['Subject']}")
    assert waited < PROMISE
    assert alarm["To"] == "ada@example.com"
    assert alarm.get_body(("html",)) is not None

    execution = rows(Execution, execution_id=made[0]).get()
    with browser_page() as page:
        retry_in_the_browser(page, scene, alarm, execution)

    child = rows(Execution, execution_id=rows(RetryAttempt).get().new_execution_id).get()
    assert child.status == "success"
    ledger = scene.control("ledger")
    assert {key: value for key, value in ledger["retries_received"].items() if value} == {made[0]: 1}

    # The rate is back with the retry; that it fails no more than usual is known once it has run well for a while.
    scene.control("do/add_executions", {"flow_id": flow.flow_id, "count": 12, "status": "success"})
    clock.step("the flow runs well again")
    recovery = wait_for("the recovery's mail", lambda: scene.mail("Recovered", flow.flow_name), timeout=PROMISE)
    clock.step(f"the mail is here: {recovery['Subject']}")
    about = [mail["Subject"] for mail in sink.mails if flow.flow_name in mail["Subject"]]
    assert len(about) == 2, about


@contextmanager
def browser_page() -> Iterator[Page]:
    """A page of Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_OPTIONS)
        try:
            yield browser.new_page()
        finally:
            browser.close()


def retry_in_the_browser(page: Page, scene: Scene, alarm: EmailMessage, execution: Execution) -> None:
    """From the mail's link over sign-in and the flow's page to the execution, and its retry to the end."""
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    body = alarm.get_body(("plain",))
    assert body is not None
    link = re.findall(r"The flow: (\S+)", body.get_content())[0]
    assert link.startswith(scene.web)
    page.goto(link)
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(link)
    scene.clock.step("the admin has followed the mail's link and signed in")

    page.goto(f"{scene.web}/executions/{execution.pk}/")
    expect(page.get_by_role("heading", level=1)).to_contain_text(execution.execution_id)
    page.get_by_label("Reason").first.fill("The story's admin wants it to run again")
    risk = page.locator("input[type=checkbox][name=accept_risk]")
    if risk.count():
        risk.check()
    page.locator("#retry").get_by_role("button", name="Retry").click()
    scene.clock.step("the admin has asked for the retry")
    expect(page.locator("#retry")).to_contain_text("Fixed by a retry", timeout=120_000)
    scene.clock.step("its success is mirrored and shown")
    assert problems == []
