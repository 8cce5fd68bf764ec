"""Mails in a narrow window and in a dark program: nothing is cut off, and everything can be read."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from monitor.notify.chart import ChartHour
from monitor.notify.compose import compose
from monitor.notify.kinds import KINDS
from monitor.notify.kinds.alert import render
from monitor.notify.kinds.kind import Letter
from monitor.notify.recent_changes import RecentChange
from tests import factories
from tests.notify.test_render import facts, member

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)
LONG = "Orders_of_every_shop_in_every_country_to_the_one_and_only_ledger_of_the_whole_group"
# What stands there without a place of its own is painted; a program that knows no such scheme shows the light one.
PAINTED = """() => ['body', '.card'].map(one => getComputedStyle(document.querySelector(one)).backgroundColor)"""


def alert_mail(**more: Any) -> str:
    hours = tuple(ChartHour(factories.NOON - (24 - number) * HOUR, number % 9, number % 4) for number in range(24))
    told = facts(
        cause=LONG,
        members=(member(name=LONG), member(alert=4, flow=8, name="Invoices", is_firing=False, reason=LONG)),
        hours=hours,
        changes=(RecentChange(factories.NOON, f"{LONG} was changed"),),
        account_name=LONG,
        flaps=("Invoices",),
        as_of=factories.NOON,
        gap="the flow's history is not read to its end yet",
    )
    return render(replace(told, **more), "Europe/Berlin").html


def letter_mail() -> str:
    letter = Letter(
        subject="A problem is yours",
        intro=f"ada gave you the problem {LONG}.",
        rows=(("Account", LONG), ("Open runs", "12")),
        page="https://monitor.example.com/problems/9/",
        button="Open the problem",
        quote=f"@otto, have a look at {LONG}",
        counted_title="Why not",
        counted=((3, LONG),),
        links=(("All open failures", "https://monitor.example.com/executions/"),),
    )
    return compose("emails/letter", "x", {"letter": letter, "kind": KINDS["assigned"]}).html


MAILS = {
    "fires": alert_mail,
    "is over": lambda: alert_mail(closed_at=factories.NOON + HOUR, closed_how="recovered", errors=()),
    "letter": letter_mail,
}


@pytest.mark.parametrize("name", MAILS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 800])
def test_a_mail_can_be_read_in_a_narrow_window_and_in_the_dark(
    chromium: Browser, name: str, scheme: str, width: int
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme)
    page = context.new_page()
    page.set_content(MAILS[name]())
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]})
    is_fitting = page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    painted = page.evaluate(PAINTED)
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/mail-{name}-{scheme}-{width}.png", full_page=True)
    context.close()
    assert found.violations_count == 0, found.generate_report()
    assert is_fitting
    darkest = [max(map(int, one[4:-1].split(","))) for one in painted]
    assert all(one < 64 if scheme == "dark" else one > 240 for one in darkest), painted
