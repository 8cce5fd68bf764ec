"""What people come for, counted in clicks from where they are: a story for each task.

The way from a mail to the retry of fifteen runs is `test_tax_story.py`: three clicks.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from monitor.models import Problem, User
from tests import factories
from tests.browser.conftest import Visit
from tests.dashboard.world import World, make_world

pytestmark = pytest.mark.browser


class Clicks:
    """A person's hand, whose clicks are counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    def on(self, thing: Locator) -> None:
        thing.click()
        self.count += 1
        self.page.wait_for_load_state("networkidle")


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def world(transactional_db: None, people: dict[str, User], now: datetime) -> World:
    """One of everything: a problem that somebody owns, a silent flow, a rule that never ran, changes of last week."""
    made = make_world(now)
    Problem.objects.filter(pk=made.problem.pk).update(
        title="No tax “19 %” is known", remedy="missing", owner=people["otto"], first_seen_at=now, last_seen_at=now
    )
    made.execution.error_message = "No tax “19 %” is known"
    made.execution.save()
    read = {f"read_{name}_count": 0 for name in ("execution", "success", "failure")}
    quiet = factories.make_flow(made.account, flow_name="Nightly clean-up", executions_read_at=now, seen_at=now, **read)
    for number in range(9):
        factories.make_hour(quiet, now - timedelta(hours=40 + 4 * number), 1)
    last_month = now.replace(day=1) - timedelta(days=3)
    factories.make_execution(made.flow, "failed", started_time=last_month)
    factories.make_version(made.flow, number=2, first_seen_at=now - timedelta(days=2))
    factories.make_rule(made.account, name="Never ran", active=True, last_executed_time=None)
    return made


def test_is_anything_wrong_why_and_who_is_on_it(visit: Visit, world: World, people: dict[str, User]) -> None:
    visit.sign_in(people["vera"])
    hand = Clicks(visit.page)
    expect(visit.page.get_by_text(re.compile("2 problems")).first).to_be_visible()
    row = visit.page.locator(".need", has_text="No tax")
    expect(row.get_by_text("otto")).to_be_visible()
    assert hand.count == 0
    hand.on(row.get_by_role("link", name=re.compile("No tax")).first)
    expect(visit.page.get_by_text("Add what is missing").first).to_be_visible()
    assert hand.count == 1


def test_what_changed_in_a_flow_last_week_is_on_its_page(visit: Visit, world: World, people: dict[str, User]) -> None:
    visit.sign_in(people["vera"])
    visit.go(world.flow.get_absolute_url())
    hand = Clicks(visit.page)
    hand.on(
        visit.page.get_by_role("navigation", name="Parts of this flow").get_by_role(
            "link", name=re.compile("Definition")
        )
    )
    expect(visit.page.get_by_role("link", name=re.compile("2")).first).to_be_visible()
    assert hand.count == 1


def test_last_months_failures_are_a_file_in_two_clicks(visit: Visit, world: World, people: dict[str, User]) -> None:
    visit.sign_in(people["otto"])
    hand = Clicks(visit.page)
    hand.on(visit.page.get_by_role("link", name="last month's"))
    with visit.page.expect_download() as told:
        hand.on(visit.page.get_by_role("button", name="CSV"))
    assert told.value.suggested_filename.endswith(".csv")
    assert hand.count == 2


def test_which_rules_never_fired(visit: Visit, world: World, people: dict[str, User]) -> None:
    visit.sign_in(people["vera"])
    hand = Clicks(visit.page)
    hand.on(visit.page.get_by_role("link", name=re.compile("never fired")))
    expect(visit.page.get_by_role("link", name="Never ran")).to_be_visible()
    assert hand.count == 1


def test_a_flow_that_was_silent_at_night_is_found_on_the_phone(
    phone: Visit, world: World, people: dict[str, User]
) -> None:
    phone.sign_in(people["vera"])
    hand = Clicks(phone.page)
    hand.on(phone.page.get_by_role("link", name="Nightly clean-up").first)
    expect(phone.page.get_by_text("Silent").first).to_be_visible()
    assert hand.count == 1
