"""Incidents in a real browser: with the mail's link and without scripts, on a phone, for assistive technology."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from monitor.models import Incident, User
from monitor.notify.links import sign_acknowledge, sign_unsubscribe
from tests import factories
from tests.browser.conftest import Visit
from tests.browser.test_callbacks_pages import look_at
from tests.dashboard.world import make_batch, make_quiet, make_state

pytestmark = pytest.mark.browser


@pytest.fixture
def incident(transactional_db: None, people: dict[str, User]) -> Incident:
    account, now = factories.make_account("Example Ltd"), timezone.now()
    flow = factories.make_flow(account, flow_name="Lead to campaign")
    state = make_state(factories.make_alert_rule(account), flow, now)
    make_quiet(state, people["otto"], now)
    made = factories.make_incident(state, began_at=now - timedelta(hours=3), opened_at=now - timedelta(hours=2))
    runs = []
    for minutes in (150, 100, 50):
        at = now - timedelta(minutes=minutes)
        runs.append(factories.make_execution(flow, "failed", started_time=at, completed_time=at))
        factories.make_failure(runs[-1], failed_at=at)
    factories.make_execution(flow, "success", started_time=now - timedelta(minutes=20))
    for hours in range(1, 20):
        factories.make_hour(flow, now - timedelta(hours=hours), 9, 3 if hours < 4 else 0)
    make_batch(runs, people["otto"], now - timedelta(minutes=30))
    at = now - timedelta(hours=5)
    factories.make_version(flow, number=2, first_seen_at=at, modified_time=at)
    head = factories.make_correction(account, flow=flow, incident=made, by=people["otto"], now=now)
    for number in range(3):
        other = factories.make_flow(account, flow_name=f"Invoice {number}")
        factories.make_correction(account, flow=other, incident=made, by=people["otto"], now=now, head=head)
    return made


@pytest.mark.parametrize("screen", ["visit", "phone"])
def test_the_pages_hinder_nobody_and_fit(
    screen: str, request: pytest.FixtureRequest, incident: Incident, people: dict[str, User]
) -> None:
    seen: Visit = request.getfixturevalue(screen)
    otto = people["otto"].pk
    signed = sign_acknowledge(incident.pk, otto, timezone.now())
    for name, token in (("acknowledge_by_mail", signed), ("unsubscribe_by_mail", sign_unsubscribe(otto, "alerts"))):
        answer = seen.page.goto(seen.url + reverse(name, args=[token]))
        assert answer is not None
        assert answer.ok
        look_at(seen.page, f"{name}-{screen}")
    seen.sign_in(people["otto"])
    for name, path in (
        ("overview", f"{reverse('overview')}?grid=yes"),
        ("alerts", reverse("alerts")),
        ("alert", incident.members.get().alert.get_absolute_url()),
        ("incident", incident.get_absolute_url()),
        ("silences", reverse("silences")),
        ("corrections", reverse("corrections")),
    ):
        seen.go(path)
        if name != "overview":  # its only fold lies under a chart that is still being drawn
            for fold in seen.page.locator("main details > summary").all():
                fold.click()
        for scheme in ("light", "dark"):
            seen.page.emulate_media(color_scheme=scheme)
            look_at(seen.page, f"{name}-{screen}-{scheme}")


def test_the_lines_of_a_timeline_lead_to_what_they_tell(
    visit: Visit, incident: Incident, people: dict[str, User]
) -> None:
    visit.sign_in(people["vera"])
    visit.go(incident.get_absolute_url())
    timeline = visit.page.get_by_role("region", name="Timeline")
    timeline.get_by_role("link", name="3 runs failed").click()
    expect(visit.page.get_by_role("row")).to_have_count(4)  # the head too
    visit.page.go_back()
    timeline.get_by_role("link", name="was changed (version 2)").click()
    expect(visit.page.get_by_role("heading", level=1)).to_contain_text("Version 2")


def test_the_link_of_a_mail_acknowledges_and_the_page_says_by_whom(
    visit: Visit, incident: Incident, people: dict[str, User]
) -> None:
    token = sign_acknowledge(incident.pk, people["otto"].pk, timezone.now())
    visit.go(reverse("acknowledge_by_mail", args=[token]))
    visit.page.get_by_role("button", name="Acknowledge as otto").click()
    expect(visit.page.get_by_text("Acknowledged by otto.")).to_be_visible()
    visit.sign_in(people["vera"])
    visit.go(incident.get_absolute_url())
    expect(visit.page.get_by_text("acknowledged it").first).to_be_visible()
