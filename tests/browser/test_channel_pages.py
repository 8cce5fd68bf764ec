"""Channels in a real browser: one is added, its secret shown once, its log read; also by a phone."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from monitor.models import Channel, ChannelStanding, User
from tests import factories
from tests.browser.conftest import Visit
from tests.browser.test_callbacks_pages import look_at
from tests.dashboard.world import make_channel, make_state

pytestmark = pytest.mark.browser


@pytest.fixture
def incident(db: None) -> Any:
    flow = factories.make_flow(factories.make_account("Acme"))
    state = make_state(factories.make_alert_rule(flow.account), flow, timezone.now())
    return factories.make_incident(state)


def test_an_admin_adds_a_signed_webhook_and_switches_it_off(visit: Visit, people: dict[str, User]) -> None:
    visit.sign_in(people["ada"])
    visit.go(reverse("channels"))
    visit.page.get_by_role("link", name="Add a channel").first.click()
    look_at(visit.page, "channel-services")
    visit.page.get_by_role("link", name="Signed webhook").click()
    look_at(visit.page, "channel-form")
    visit.page.get_by_label("Name").fill("Operations")
    visit.page.get_by_label("Address").fill("https://hooks.example.com/x")
    visit.page.get_by_role("button", name="Add the channel").click()
    expect(visit.page.locator("#channel-secret")).to_contain_text("whsec_")
    look_at(visit.page, "channel-secret")
    visit.page.get_by_role("link", name="Done").click()
    look_at(visit.page, "channel")
    visit.page.get_by_role("button", name="Switch it off").click()
    expect(visit.page.get_by_role("button", name="Switch it on")).to_be_visible()
    assert not Channel.objects.get(name="Operations").is_active
    assert visit.complaints == []


def test_the_pages_of_a_broken_channel_fit_a_phone_and_hinder_nobody(
    phone: Visit, people: dict[str, User], incident: Any
) -> None:
    channel, message = make_channel(incident, people["ada"], timezone.now())
    standing = ChannelStanding.objects.filter(channel=channel)
    standing.update(state="refuses", since=timezone.now(), reason="404 (nothing is known under this address)")
    phone.sign_in(people["ada"])
    for name, url in (
        ("channels", reverse("channels")),
        ("channel-broken", channel.get_absolute_url()),
        ("mails-of-channels", f"{reverse('mails')}?way=channel"),
        ("channel-message", reverse("channel_message", args=[message.pk])),
        ("incident-of-channels", incident.get_absolute_url()),
    ):
        phone.go(url)
        look_at(phone.page, name)
    assert phone.complaints == []
