"""The search by name: a page for everybody, and the palette of every page."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from dashboard.navigation import MENU
from monitor.models import Role
from tests import factories

pytestmark = pytest.mark.django_db


def client_of(role: Role) -> Client:
    client = Client()
    client.force_login(factories.make_user(f"person-{role}", role))
    return client


def results(client: Client, text: str) -> str:
    return client.get(reverse("find"), {"q": text}, headers={"HX-Request": "true"}).content.decode()


def test_a_viewer_is_led_to_no_page_that_is_closed_to_them() -> None:
    link = f'href="{reverse("audit")}"'
    assert link not in results(client_of(Role.VIEWER), "audit")
    assert link in results(client_of(Role.ADMIN), "audit")


def test_nothing_typed_lists_the_pages() -> None:
    page = results(client_of(Role.VIEWER), "")
    assert reverse("overview") in page
    assert reverse("alert_coverage") in page


def test_what_nothing_is_called_is_said() -> None:
    assert "Nothing is called “no such thing”" in results(client_of(Role.VIEWER), "no such thing")


def test_the_page_and_the_palette_find_the_same() -> None:
    flow = factories.make_flow(flow_name="Leads to <b>Mailchimp</b>")
    client = client_of(Role.VIEWER)
    page = client.get(reverse("find"), {"q": "mailchimp"}).content.decode()
    part = results(client, "mailchimp")
    assert part.strip() in page
    assert flow.get_absolute_url() in part
    assert "<b>" not in part


def test_single_keys_act_for_those_alone_who_want_them() -> None:
    client = client_of(Role.VIEWER)
    assert "data-single-keys" in client.get(reverse("find")).content.decode()
    client.post(reverse("profile"), {"timezone": "UTC"})
    assert "data-single-keys" not in client.get(reverse("find")).content.decode()


def test_every_letter_of_the_menu_is_there_once() -> None:
    keys = [entry.key for entry in MENU if entry.key]
    assert len(keys) == len(set(keys))
    assert "o" in keys
