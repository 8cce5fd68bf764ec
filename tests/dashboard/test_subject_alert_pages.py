"""Alerts that are about no flow: on pages, in exports and in mails, each with a link to what it is about."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse

from monitor.alerting.evaluate import evaluate_account
from monitor.alerting.incidents import follow
from monitor.models import AlertState, Connection, Delivery, Incident, Role
from monitor.notify.dispatch import dispatch_new
from tests import factories
from tests.alerting.test_subjects import be_read, make_connection
from tests.bystander import own

pytestmark = pytest.mark.django_db


@pytest.fixture
def alert(db: None, now: Any, settings: Any) -> AlertState:
    """A connection with a name that would be code, which is broken."""
    settings.ALERT_GROUP_WAIT = 0
    account = factories.make_account("Acme")
    factories.make_user("pat", Role.ADMIN, email="pat@example.com")
    factories.make_alert_rule(account, kind="connection", name="A connection does not work")
    make_connection(account, now, connection_name="<b>Books</b>", status="expired")
    be_read(account, now)
    evaluate_account(account, now)
    follow(account, now)
    return own(AlertState).get()


def test_pages_name_the_connection_and_link_to_it(client: Any, alert: AlertState) -> None:
    client.force_login(factories.make_user("lee", Role.VIEWER))
    connection = reverse("connection", args=[own(Connection).get().pk])
    for address in (reverse("alerts"), alert.get_absolute_url(), own(Incident).get().get_absolute_url()):
        page = client.get(address).content.decode()
        assert "&lt;b&gt;Books&lt;/b&gt; (zoho_books)" in page, address
    page = client.get("/").content.decode()
    assert "&lt;b&gt;Books&lt;/b&gt;" in page
    assert "The connection to zoho_books does not work" in page
    page = client.get(alert.get_absolute_url()).content.decode()
    assert f'href="{connection}"' in page
    assert "The connection" in page
    assert "Success rate" not in page
    assert "Zoho calls it “expired”" in page


def test_the_export_names_it(alert: AlertState) -> None:
    out = StringIO()
    call_command("export", "alerts", "--format", "ndjson", stdout=out)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    (row,) = [row for row in rows if row["subject_kind"] == "connection"]
    assert (row["subject_name"], row["flow_id"], row["threshold"]) == ("<b>Books</b> (zoho_books)", None, None)


def test_the_mail_names_it_and_links_to_it(alert: AlertState, now: Any, settings: Any) -> None:
    dispatch_new(now + timedelta(minutes=1))
    mail = own(Delivery).get(recipient__username="pat")
    assert "Books" in mail.subject
    assert f"The connection: {settings.PUBLIC_URL}{alert.subject_url}" in mail.text
    assert "<b>Books" not in mail.html
