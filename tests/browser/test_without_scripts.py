"""Dialogs work without any script: a link opens them, a link closes them, and their form does what it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from monitor.models import AlertRule, AuditEntry, RetryPolicy, User
from tests import factories
from tests.browser.conftest import Visit, Zoho

pytestmark = pytest.mark.browser


@pytest.fixture
def plain(chromium: Browser, live_server) -> Iterator[Visit]:
    """A visitor whose browser runs no scripts."""
    context = chromium.new_context(java_script_enabled=False)
    yield Visit(context.new_page(), live_server.url)
    context.close()


def test_an_alert_rule_is_deleted_and_kept_by_links(plain: Visit, zoho: Zoho, people: dict[str, User]) -> None:
    rule = factories.make_alert_rule(zoho.account, name="Half of them")
    plain.sign_in(people["ada"])
    plain.go(f"/alert-rules/{rule.pk}/edit/")
    dialog = plain.page.get_by_role("dialog")
    expect(dialog).to_have_count(0)
    plain.page.get_by_role("link", name="Delete").click()
    dialog.get_by_role("link", name="Keep it").click()
    expect(dialog).to_have_count(0)
    plain.page.get_by_role("link", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(plain.page.get_by_text("The rule “Half of them” is deleted.")).to_be_visible()
    assert not AlertRule.objects.filter(pk=rule.pk).exists()
    assert AlertRule.objects.filter(account=zoho.account, is_default=True).exists()


def test_trigger_data_is_shown_unmasked_to_who_says_why(plain: Visit, zoho: Zoho, people: dict[str, User]) -> None:
    flow = zoho.account.flows.all()[0]
    run = factories.make_execution(flow, "failed", trigger_data={"Email": "jo@example.com"})
    plain.sign_in(people["ada"])
    plain.go(run.get_absolute_url())
    expect(plain.page.get_by_text("jo@example.com")).to_have_count(0)
    plain.page.get_by_role("link", name="Show unmasked").click()
    dialog = plain.page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("The customer asks for it")
    dialog.get_by_role("button", name="Show").click()
    expect(plain.page.get_by_text("jo@example.com").first).to_be_visible()
    assert AuditEntry.objects.filter(action="unmask", actor=people["ada"], object_id=str(run.pk)).count() == 1


def test_a_retry_policy_is_switched_on_and_deleted(plain: Visit, zoho: Zoho, people: dict[str, User]) -> None:
    flow = zoho.account.flows.all()[0]
    given = {"account": zoho.account, "flow": flow, "set_by": people["ada"], "set_at": timezone.now()}
    policy = RetryPolicy.objects.create(name="Missing tax", **given)
    RetryPolicy.objects.create(name="Another one", **given)
    plain.sign_in(people["ada"])
    plain.go(policy.get_absolute_url())
    plain.page.get_by_role("button", name="Switch it on").click()
    expect(plain.page.get_by_text("On since")).to_be_visible()
    plain.page.get_by_role("link", name="Delete").click()
    plain.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(plain.page.get_by_text("The policy “Missing tax” is deleted.")).to_be_visible()
    assert [one.name for one in RetryPolicy.objects.filter(account=zoho.account)] == ["Another one"]
