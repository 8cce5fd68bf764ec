"""From a problem to its retried runs, in a real browser."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db.models import Count, Q
from django.utils import timezone
from playwright.sync_api import expect

from monitor import pipeline
from monitor.models import Problem, RetryAttempt, RetryBatch, User
from tests.browser.conftest import Visit, Zoho
from tests.browser.test_callbacks_pages import look_at
from tests.dashboard.world import make_attempt
from tests.factories import make_execution

pytestmark = pytest.mark.browser


def mended_problem(zoho: Zoho) -> Problem:
    """The problem with the most open failures, once somebody has mended what was broken at Zoho.

    How many of the other flows' runs have failed depends on the day and the hour: the history ends now.
    """
    for connection in zoho.world.connections.values():
        if not connection.works.at(timezone.now()):
            zoho.world.do("repair_connection", connection_id=connection.connection_id)
    still_open = Count("groups__failures", filter=Q(groups__failures__fate="open"))
    rows = Problem.objects.filter(account=zoho.account, source="runs")
    return rows.annotate(n=still_open).order_by("-n", "pk")[0]


def lost_retry(problem: Problem, person: User) -> RetryAttempt:
    """A retry of one of its runs whose answer was lost an hour ago, and a run that it may have caused."""
    sent = timezone.now() - timedelta(hours=1)
    run = problem.groups.get().failures.order_by("failed_at").first().execution
    fields = {"started_time": sent + timedelta(seconds=3), "trigger_data": run.trigger_data}
    make_execution(run.flow, "success", execution_id="4711", **fields)
    return make_attempt(run, person, sent, state="unknown", sent_at=sent, sends=1)


def test_an_admin_settles_an_unknown_outcome_and_speaks_for_a_flow_without_any_script(
    chromium, live_server, zoho: Zoho, people: dict[str, User]
) -> None:
    attempt = lost_retry(mended_problem(zoho), people["otto"])
    context = chromium.new_context(java_script_enabled=False)
    visit = Visit(context.new_page(), live_server.url)
    visit.sign_in(people["ada"])
    visit.go("/retries/unknown/")
    visit.page.get_by_text("I have looked in Zoho: settle it").click()
    visit.page.get_by_label("It ran: execution 4711").check()
    visit.page.get_by_label("How do you know?").fill("I saw its invoice")
    visit.page.get_by_role("button", name="Settle it").click()
    expect(visit.page.get_by_text("is settled: succeeded")).to_be_visible()
    attempt.refresh_from_db()
    assert (attempt.state, attempt.new_execution_id) == ("succeeded", "4711")
    visit.go(f"{attempt.execution.flow.get_absolute_url()}?tab=definition")
    visit.page.get_by_text("Say whether its work may be repeated").click()
    visit.page.get_by_label("Run again").select_option("unsafe")
    visit.page.get_by_label("Reason").first.fill("It sends money")
    visit.page.get_by_role("button", name="Write it down").click()
    expect(visit.page.get_by_text("that this flow's work must not be repeated: It sends money.")).to_be_visible()
    context.close()


def test_an_admin_retries_a_problems_open_failures_with_two_clicks_and_watches_the_bar(
    visit: Visit, zoho: Zoho, people: dict[str, User]
) -> None:
    problem = mended_problem(zoho)
    visit.sign_in(people["ada"])
    visit.go(problem.get_absolute_url())
    visit.page.get_by_role("button", name="Retry open failures").click()
    visit.page.get_by_label("Reason").fill("The other side answers again")
    visit.page.get_by_label("Started a minute").fill("600")
    visit.page.get_by_role("button", name="Start the retry").click()
    visit.page.wait_for_url(re.compile(r"/batches/\d+/$"))
    batch = RetryBatch.objects.get(account=zoho.account)
    assert batch.problem == problem
    progress = visit.page.locator("#progress")
    expect(progress.get_by_text("Queued")).to_be_visible()
    for _ in range(60):
        # The worker's part, here without a worker: what is due is started, sent and settled.
        pipeline.settle_retries()
        if batch.items.filter(state="succeeded").exists():
            break
        visit.page.wait_for_timeout(500)
    first = batch.items.filter(state="succeeded").select_related("execution").first()
    assert first is not None
    assert len(zoho.world.retries[first.execution.execution_id]) == 1
    # The part has asked for itself.
    expect(progress.get_by_text("Running")).to_be_visible(timeout=15_000)
    visit.page.get_by_role("button", name="Suspend").click()
    expect(progress.get_by_text("Suspended")).to_be_visible()


def test_ticked_runs_are_written_off_and_taken_back_without_any_script(
    chromium, live_server, zoho: Zoho, people: dict[str, User]
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    visit = Visit(context.new_page(), live_server.url)
    visit.sign_in(people["otto"])
    visit.go("/executions/?outcome=open")
    boxes = visit.page.get_by_role("checkbox")
    boxes.nth(0).check()
    boxes.nth(1).check()
    visit.page.get_by_role("button", name="Write off").click()
    expect(visit.page.get_by_role("heading", name="Write 2 failed runs off?")).to_be_visible()
    visit.page.get_by_label("Reason").fill("The month is closed")
    visit.page.get_by_role("button", name="Write off").click()
    expect(visit.page.get_by_text("2 failed runs are written off")).to_be_visible()
    visit.page.get_by_label("With", exact=True).select_option("matching")
    visit.page.get_by_role("button", name="Take back").click()
    expect(visit.page.get_by_text("2 failed runs are open again")).to_be_visible()
    context.close()


def test_the_pages_fit_a_phone_and_hinder_no_assistive_technology(
    phone: Visit, zoho: Zoho, people: dict[str, User]
) -> None:
    phone.sign_in(people["ada"])
    problem = mended_problem(zoho)
    lost_retry(problem, people["otto"])
    flow = problem.groups.get().failures.first().flow
    pages = [
        "/problems/",
        problem.get_absolute_url(),
        f"{problem.get_absolute_url()}records/",
        "/executions/?outcome=open",
    ]
    pages += ["/batches/", "/retries/unknown/", f"{flow.get_absolute_url()}?fields=1"]
    for path in pages:
        phone.go(path)
        phone.page.evaluate("for (const part of document.querySelectorAll('main details')) part.open = true")
        look_at(phone.page, path.strip("/").replace("/", "-").partition("?")[0])
    for button, name in (("Retry open failures", "preview"), ("Write off", "write-off")):
        phone.go(problem.get_absolute_url())
        phone.page.get_by_role("button", name=button).click()
        expect(phone.page.get_by_label("Reason")).to_be_visible()
        look_at(phone.page, name)
    phone.go(problem.get_absolute_url())
    phone.page.get_by_role("button", name="Retry open failures").click()
    phone.page.get_by_label("Reason").fill("The other side answers again")
    phone.page.get_by_role("button", name="Start the retry").click()
    phone.page.wait_for_url(re.compile(r"/batches/\d+/$"))
    look_at(phone.page, "batch")


def test_keys_move_tick_and_choose_in_the_list_and_nowhere_else(
    visit: Visit, zoho: Zoho, people: dict[str, User]
) -> None:
    visit.sign_in(people["otto"])
    visit.go(f"/problems/?account={zoho.account.pk}")
    rows, keyboard = visit.page.locator("#list tbody tr"), visit.page.keyboard
    keyboard.press("j")
    expect(rows.nth(0).locator("th a")).not_to_be_focused()  # the focus is not in the list
    visit.page.get_by_role("group", name="Problems").focus()
    for key in ("j", "j", "x", "k"):
        keyboard.press(key)
    expect(rows.nth(0).locator("th a")).to_be_focused()
    expect(rows.nth(1).get_by_role("checkbox")).to_be_checked()
    expect(rows.nth(0).get_by_role("checkbox")).not_to_be_checked()
    keyboard.press("a")
    expect(visit.page.get_by_label("With the ticked")).to_have_value("take")
    assert not Problem.objects.filter(owner=people["otto"]).exists()  # one key sends nothing
    keyboard.press("Enter")
    expect(visit.page.get_by_text("You are on them.")).to_be_visible()
    assert Problem.objects.filter(owner=people["otto"]).count() == 1
