"""Takes docs/{overview,flow,execution,account,mail}.png from the demo.

A demo that is running is used where DEMO_PASSWORD holds its password; else one is started for the pictures.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = "/usr/bin/chromium"
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
OPTIONS += ["--disable-component-update", "--disable-sync", "--hide-scrollbars", "--force-color-profile=srgb"]
SIZE = {"width": 1280, "height": 900}
PATIENCE = 300.0  # seconds until the history is read, a flow has gone bad and its mail is there


@contextmanager
def demo(port: int, standin_port: int) -> Iterator[str]:
    """Runs the demo and gives its password."""
    given = os.environ.get("DEMO_PASSWORD", "")
    if given:
        yield given
        return
    command = [sys.executable, "manage.py", "demo", "--port", str(port), "--standin-port", str(standin_port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout  # noqa: S101  (a pipe was asked for)
        try:
            for line in process.stdout:
                found = re.search(r"Password\s+(\S+)", line)
                if found:
                    yield found[1]
                    break
            else:
                sys.exit("error: the demo did not start")
        finally:
            process.terminate()


def first_link(page: Page, address: str, pattern: str) -> str:
    """Returns the first link on a page whose target matches, asked again until there is one."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        page.goto(address)
        targets = page.eval_on_selector_all("main a", "links => links.map(link => link.getAttribute('href'))")
        found = [target for target in targets if target and re.fullmatch(pattern, target)]
        if found:
            return str(found[0])
        time.sleep(3)
    sys.exit(f"error: no link like {pattern} on {address} within {PATIENCE:.0f} s")


def take(page: Page, name: str) -> None:
    """Takes one picture, after charts are drawn and nothing moves."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1500)
    target = ROOT / "docs" / f"{name}.png"
    page.screenshot(path=target, animations="disabled")
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size // 1024} KiB")


def sign_in(page: Page, origin: str, password: str) -> None:
    page.goto(f"{origin}/accounts/login/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{origin}/")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--standin-port", type=int, default=8765)
    parser.add_argument("--settle", type=float, default=150, help="seconds for the demo's story to unfold")
    options = parser.parse_args()
    origin = f"http://127.0.0.1:{options.port}"
    with demo(options.port, options.standin_port) as password, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        sign_in(page, origin, password)
        mail = first_link(page, f"{origin}/mails/", r"/mails/\d+/")
        if not os.environ.get("DEMO_PASSWORD"):
            page.wait_for_timeout(options.settle * 1000)
        page.goto(f"{origin}/")
        take(page, "overview")
        flow = first_link(page, f"{origin}/flows/?standing=failing", r"/flows/\d+/")
        page.goto(origin + flow)
        take(page, "flow")
        execution = first_link(page, f"{origin}/executions/?status=failed", r"/executions/\d+/")
        page.goto(origin + execution)
        take(page, "execution")
        page.goto(origin + first_link(page, f"{origin}/accounts-zoho/", r"/accounts-zoho/\d+/"))
        take(page, "account")
        page.goto(origin + mail)
        take(page, "mail")
        browser.close()


if __name__ == "__main__":
    main()
