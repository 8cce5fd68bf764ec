"""A flow is chosen in a filter by typing a part of its name, with the keyboard alone."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from monitor.models import User, ZohoAccount
from tests import factories
from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser


def test_what_is_typed_is_suggested_and_what_is_suggested_is_chosen(
    visit: Visit, account: ZohoAccount, people: dict[str, User]
) -> None:
    flow, other = (factories.make_flow(account, flow_name=name) for name in ("Lead sync", "Invoices"))
    factories.make_execution(flow)
    run_of_another = factories.make_execution(other)
    visit.sign_in(people["vera"])
    visit.go("/executions/")
    found = Axe().run(visit.page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]})
    assert found.violations_count == 0, found.generate_report()
    field = visit.page.get_by_role("combobox", name="Flow", exact=True)
    options = visit.page.locator("#id_flow_suggested option")
    field.focus()
    expect(options).to_have_count(2)
    field.press_sequentially("sync")
    expect(options).to_have_count(1)
    expect(options).to_have_attribute("value", "Lead sync")
    field.fill("lead sync")
    field.press("Enter")
    visit.page.wait_for_url(f"**flow={flow.pk}**")
    expect(field).to_have_value("Lead sync")
    expect(visit.page.locator("tbody tr")).to_have_count(1)
    expect(visit.page.get_by_text(run_of_another.execution_id)).to_have_count(0)
    assert visit.complaints == []
