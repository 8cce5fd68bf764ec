"""Routes, escalations, owners and tags in a real browser: on a wide screen and on a phone, and without scripts."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from monitor.alerting.escalate import EscalationTrigger
from monitor.alerting.escalations import EscalationCause
from monitor.alerting.incidents import escalate
from monitor.models import EscalationPolicy, Flow, Route, RunningStep, User
from monitor.ownership import ownership_of
from tests import factories
from tests.browser.conftest import Visit
from tests.browser.test_callbacks_pages import look_at
from tests.dashboard.world import make_route, make_state

pytestmark = pytest.mark.browser


@pytest.fixture
def flow(transactional_db: None, people: dict[str, User]) -> Flow:
    made = factories.make_flow(factories.make_account("Example Ltd"), flow_name="Lead to campaign")
    factories.own_thing(flow=made, owner=people["otto"], tags=["orders", "billing"])
    factories.make_channel("Operations")
    make_route(made.account, people["otto"])
    Route.objects.filter(account=made.account).update(is_active=True)
    return made


@pytest.mark.parametrize("screen", ["visit", "phone"])
def test_the_pages_hinder_nobody_and_fit(
    screen: str, request: pytest.FixtureRequest, flow: Flow, people: dict[str, User]
) -> None:
    seen: Visit = request.getfixturevalue(screen)
    now, policy = timezone.now(), EscalationPolicy.objects.get(routes__account=flow.account)
    incident = factories.make_incident(make_state(factories.make_alert_rule(flow.account), flow, now), opened_at=now)
    escalate(incident, [EscalationCause(EscalationTrigger.OPENED)], now)
    seen.sign_in(people["ada"])
    for name, path in (
        ("routes", reverse("alert_routes", query={"flow": flow.pk, "severity": "page"})),
        ("route", reverse("alert_route_edit", args=[Route.objects.get(account=flow.account).pk])),
        ("escalation", reverse("escalation_policy_edit", args=[policy.pk])),
        ("escalated", incident.get_absolute_url()),
        ("owned-flow", flow.get_absolute_url()),
        ("owned-flows", reverse("flows", query={"tag": "orders"})),
        ("rule-of-tag", reverse("alert_rule_add", query={"tag": "orders", "account": flow.account_id})),
    ):
        seen.go(path)
        for fold in seen.page.locator("main details > summary").all():
            fold.click()
        look_at(seen.page, f"{name}-{screen}")
        if name == "escalated":
            expect(seen.page.get_by_role("region", name="Escalation")).to_contain_text("Next:")
            assert RunningStep.objects.filter(escalation__incident=incident).count() == 1


def test_an_operator_tags_a_flow_and_the_tag_leads_to_the_list(
    visit: Visit, flow: Flow, people: dict[str, User]
) -> None:
    visit.sign_in(people["otto"])
    visit.go(flow.get_absolute_url())
    visit.page.get_by_role("region", name="At a glance").get_by_role("link", name="Change").click()
    card = visit.page.get_by_role("region", name="Owner, tags, what to know")
    card.get_by_text("Change").click()
    card.get_by_label("Tags").fill("#Orders, urgent")
    card.get_by_role("button", name="Set it").click()
    expect(visit.page.get_by_text("It is set.")).to_be_visible()
    assert ownership_of(Flow.objects.get(pk=flow.pk)).tags == ("orders", "urgent")
    visit.page.get_by_role("link", name="urgent").click()
    expect(visit.page.get_by_role("link", name="Lead to campaign")).to_be_visible()
