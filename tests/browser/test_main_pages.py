"""What a person does all day, in a real browser."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from monitor import pipeline
from monitor.models import Execution, Flow, RetryAttempt, User
from tests.browser.conftest import Visit, Zoho
from tests.bystander import own

pytestmark = pytest.mark.browser
PLOTLY_MS = 60_000  # a busy machine reads plotly.js for many seconds


def permanent_failure(zoho: Zoho) -> Execution:
    """Finds a failure that only a person would run again: old enough that Zoho no longer does, in a flow that works."""
    failed = Execution.objects.filter(status="failed", started_time__lt=timezone.now() - timedelta(days=2))
    newest = failed.select_related("flow").order_by("-started_time")
    return next(one for one in newest if zoho.world.flow(one.flow.flow_id).ailment(timezone.now(), "") is None)


def test_the_overview_shows_charts_that_plotly_has_really_drawn(
    visit: Visit, zoho: Zoho, people: dict[str, User]
) -> None:
    visit.sign_in(people["vera"])
    expect(visit.page.get_by_role("heading", name="Overview")).to_be_visible()
    visit.page.locator("[data-chart]").first.hover()
    chart = visit.page.locator(".js-plotly-plot").first
    expect(chart.locator(".scatterlayer .trace path.js-line").first).to_be_visible(timeout=PLOTLY_MS)
    # A line with a length, not an empty element.
    length = chart.locator("path.js-line").first.evaluate("path => path.getTotalLength()")
    assert length > 50


def test_a_refresh_leaves_the_keyboard_where_it_is_and_the_grid_comes_when_it_is_scrolled_to(
    visit: Visit, zoho: Zoho, people: dict[str, User]
) -> None:
    visit.sign_in(people["otto"])
    needs = visit.page.locator(".need__title a")
    needs.last.focus()
    where = needs.last.get_attribute("id")
    assert where
    visit.page.evaluate("document.getElementById('overview-cards').dataset.old = 'yes'")
    visit.page.evaluate("import(document.querySelector('[data-module]').dataset.module)")
    with visit.page.expect_response("**part=cards**"):
        visit.page.evaluate("htmx.ajax('GET', '/?part=cards', {source: '#overview-cards', swap: 'exchange'})")
    expect(visit.page.locator("#overview-cards:not([data-old])")).to_be_attached()
    assert visit.page.evaluate("document.activeElement.id") == where
    assert not visit.page.locator(".day-grid").count()
    visit.page.locator("#overview-grid").scroll_into_view_if_needed()
    expect(visit.page.locator(".day-grid .b, .day-grid .w").first).to_be_visible()
    with visit.page.expect_navigation(url="**/executions/?*"):
        visit.page.locator(".day-grid .b a, .day-grid .w a").first.click()
    expect(visit.page.locator("table tbody tr").first).to_contain_text("Failed")


def test_the_charts_are_there_before_any_script_has_run(
    chromium, live_server, zoho: Zoho, people: dict[str, User]
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    visit = Visit(context.new_page(), live_server.url)
    visit.sign_in(people["vera"])
    expect(visit.page.locator("svg.chart__svg path, svg.chart__svg polyline").first).to_be_attached()
    context.close()


def test_a_flow_page_draws_success_rate_run_times_and_results(
    visit: Visit, zoho: Zoho, people: dict[str, User]
) -> None:
    visit.sign_in(people["vera"])
    flow = Flow.objects.filter(executions__isnull=False).order_by("-execution_count").first()
    assert flow is not None
    visit.go(f"{flow.get_absolute_url()}?tab=charts")
    for chart in visit.page.locator("[data-chart]").all():
        chart.hover()
        expect(chart.locator(".js-plotly-plot")).to_be_visible(timeout=PLOTLY_MS)
    expect(visit.page.locator(".js-plotly-plot")).to_have_count(4)
    expect(visit.page.locator(".js-plotly-plot .trace").first).to_be_attached()


def test_a_click_on_a_bar_opens_the_runs_that_it_counts(visit: Visit, zoho: Zoho, people: dict[str, User]) -> None:
    visit.sign_in(people["vera"])
    flow = Flow.objects.filter(executions__isnull=False).order_by("-execution_count").first()
    assert flow is not None
    visit.go(f"{flow.get_absolute_url()}?tab=charts")
    chart = visit.page.locator("[data-chart=chart-outcomes]")
    chart.hover()
    bars = chart.locator(".js-plotly-plot .barlayer .point path")
    expect(bars.first).to_be_attached(timeout=PLOTLY_MS)
    tallest = max((bar.bounding_box() for bar in bars.all()), key=lambda box: box["height"] if box else 0)
    assert tallest is not None
    visit.page.mouse.click(tallest["x"] + tallest["width"] / 2, tallest["y"] + tallest["height"] / 2)
    visit.page.wait_for_url("**/executions/?*")
    assert f"flow={flow.pk}" in visit.page.url
    assert "start=" in visit.page.url
    assert "end=" in visit.page.url


def test_filtering_executions_shows_only_what_was_asked_for(visit: Visit, zoho: Zoho, people: dict[str, User]) -> None:
    visit.sign_in(people["vera"])
    visit.go("/executions/")
    visit.page.get_by_label("Status", exact=True).select_option("failed")
    visit.page.wait_for_url("**status=failed**")
    visit.page.wait_for_load_state("networkidle")
    rows = visit.page.locator("table tbody tr")
    expect(rows.first).to_contain_text("Failed")
    assert all("Success" not in text for text in rows.all_inner_texts())


def test_an_operator_retries_a_failed_execution_and_sees_its_outcome(
    visit: Visit, zoho: Zoho, people: dict[str, User]
) -> None:
    execution = permanent_failure(zoho)
    visit.sign_in(people["otto"])
    visit.go(execution.get_absolute_url())
    visit.page.get_by_label("Reason").fill("The contact's address was corrected")
    visit.page.get_by_role("button", name="Retry").click()
    visit.page.wait_for_load_state("networkidle")
    expect(visit.page.get_by_text("Requested").first).to_be_visible()
    attempt = own(RetryAttempt).get()
    for _ in range(60):
        # The worker's part, here without a worker: due attempts are sent and settled.
        pipeline.settle_retries()
        attempt.refresh_from_db()
        if not attempt.is_open:
            break
        visit.page.wait_for_timeout(500)
    assert attempt.state == RetryAttempt.State.SUCCEEDED
    expect(visit.page.get_by_text("Succeeded").first).to_be_visible(timeout=25_000)
    assert len(zoho.world.retries[execution.execution_id]) == 1


def test_a_viewer_is_offered_no_retry(visit: Visit, zoho: Zoho, people: dict[str, User]) -> None:
    visit.sign_in(people["vera"])
    visit.go(permanent_failure(zoho).get_absolute_url())
    expect(visit.page.get_by_role("button", name="Retry")).to_have_count(0)


def test_no_page_is_wider_than_a_phone(phone: Visit, zoho: Zoho, people: dict[str, User]) -> None:
    phone.sign_in(people["ada"])
    pages = ["/", "/flows/", "/executions/", "/rules/", "/alerts/", "/accounts-zoho/", "/people/", "/mails/", "/audit/"]
    for path in [*pages, permanent_failure(zoho).get_absolute_url(), zoho.account.get_absolute_url()]:
        phone.go(path)
        wide = phone.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path


def test_on_a_phone_an_error_has_the_whole_width_of_its_line_before_it_wraps(
    phone: Visit, zoho: Zoho, people: dict[str, User]
) -> None:
    phone.sign_in(people["vera"])
    phone.go("/executions/?status=failed")
    # Of each error: the share of its card that its cell takes, where its text is too long for one line.
    shares = phone.page.evaluate(
        """[...document.querySelectorAll('td.clip')]
             .filter(cell => cell.innerText.trim().length > 30)
             .map(cell => cell.getBoundingClientRect().width / cell.parentElement.getBoundingClientRect().width)"""
    )
    assert shares
    assert min(shares) > 0.85


def test_the_first_tab_leads_past_the_menu_to_the_content(visit: Visit, zoho: Zoho, people: dict[str, User]) -> None:
    visit.sign_in(people["vera"])
    visit.page.keyboard.press("Tab")
    focused = visit.page.evaluate("document.activeElement.getAttribute('href')")
    assert focused == "#main"
