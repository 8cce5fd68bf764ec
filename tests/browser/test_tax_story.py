"""A tax is missing: the failed runs are one problem, somebody owns it, and a mail leads to their retry."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.mail import EmailMessage
from playwright.sync_api import Page, expect

from monitor import pipeline
from monitor.ingest.base.mode import Mode, Patience
from monitor.models import Failure, Problem, RetryBatch, User
from tests.browser.conftest import Visit, Zoho

pytestmark = pytest.mark.browser
FAILED_FOR = 240  # seconds, in which the flow has runs every 4 to 16


class Clicks:
    """A person's hand on a page: clicks are counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    def button(self, name: str) -> None:
        self.page.get_by_role("button", name=name).click()
        self.count += 1

    def open(self, address: str) -> None:
        """A link in a mail."""
        self.page.goto(address)
        self.count += 1


def sync(zoho: Zoho, page: Page) -> None:
    """What the worker does meanwhile, here without one; waits are the page's, so that it goes on refreshing itself."""
    pipeline.sync_now(
        zoho.account, patience=Patience(Mode.SYNC, pause=lambda seconds: page.wait_for_timeout(seconds * 1000))
    )
    pipeline.deliver()


def the_problem(zoho: Zoho) -> Problem:
    found = Failure.objects.filter(account=zoho.account, execution__error_details__contains="VAT 19", fate="open")
    return Problem.objects.get(pk__in=found.values("group__problem"))


def to(mails: list[EmailMessage], person: User, subject: str) -> EmailMessage:
    [found] = [mail for mail in mails if person.email in mail.to and subject in mail.subject]
    return found


def address_in(mail: EmailMessage, path: str) -> str:
    found = re.search(rf"https?://[^/\s]+({path}[^\s]*)", str(mail.body))
    assert found is not None, mail.body
    return found[1]


def otto_takes_it_and_hands_it_over(visit: Visit, people: dict[str, User]) -> None:
    """An operator finds the problem, sees what it is, and hands it to who may retry many."""
    visit.sign_in(people["otto"])
    visit.go("/problems/")
    visit.page.get_by_role("link", name=re.compile("Failed to create invoice")).first.click()
    expect(visit.page.get_by_text("does not exist").first).to_be_visible()
    visit.page.get_by_role("button", name="Take it").click()
    expect(visit.page.get_by_text("You are on it.")).to_be_visible()
    visit.page.get_by_text("Hand it over").click()
    visit.page.get_by_role("combobox", name="Owner").select_option(label="ada")
    visit.page.get_by_role("button", name="Set the owner").click()
    expect(visit.page.get_by_text("The owner is set.")).to_be_visible()
    visit.page.get_by_role("button", name="Sign out").click()


def test_fifteen_failures_of_one_cause_are_one_problem_and_three_clicks_from_the_mail_they_run_again(
    visit: Visit, zoho: Zoho, people: dict[str, User], mailoutbox: list[Any]
) -> None:
    zoho.world.go_bad("sickness", fixed_by_retry=True, after=-FAILED_FOR)
    # Somebody adds the tax: what fails later than the retry would rightly keep the problem from being resolved.
    sick = zoho.world.role("sick")
    assert sick is not None
    zoho.world.do("heal_flow", flow_id=sick.flow_id)
    sync(zoho, visit.page)
    while zoho.account.executions.filter(flow__flow_id=sick.flow_id, status="running").exists():
        visit.page.wait_for_timeout(1000)
        sync(zoho, visit.page)
    problem = the_problem(zoho)
    failed = Failure.objects.filter(group__problem=problem)
    assert failed.count() >= 15
    assert failed.values("flow").distinct().count() == 1

    otto_takes_it_and_hands_it_over(visit, people)
    pipeline.deliver()
    mail = to(mailoutbox, people["ada"], "Failed to create invoice")
    visit.sign_in(people["ada"])
    hand = Clicks(visit.page)
    hand.open(visit.url + address_in(mail, "/problems/"))
    hand.button("Retry open failures")
    visit.page.get_by_label("Reason").fill("The tax is there again")
    visit.page.get_by_label("Started a minute").fill("600")
    hand.button("Start the retry")
    visit.page.wait_for_url(re.compile(r"/batches/\d+/$"))
    assert hand.count <= 6
    batch = RetryBatch.objects.get(account=zoho.account)
    assert (batch.problem, batch.reason) == (problem, "The tax is there again")

    # The bar moves by itself until all have run again, each once.
    for _ in range(120):
        pipeline.settle_retries()
        batch.refresh_from_db()
        if batch.state == "finished":
            break
        visit.page.wait_for_timeout(500)
    assert batch.state == "finished"
    expect(visit.page.get_by_text("Finished").first).to_be_visible(timeout=15_000)
    items = list(batch.items.select_related("execution"))
    assert {item.state for item in items} == {"succeeded"}
    assert {len(zoho.world.retries[item.execution.execution_id]) for item in items} == {1}

    sync(zoho, visit.page)
    problem.refresh_from_db()
    assert problem.state == "resolved"
    assert to(mailoutbox, people["ada"], "esolved")
    assert not [mail for mail in mailoutbox if people["vera"].email in mail.to]
