"""Open alerts are counted alike wherever they are counted: three of one incident are one."""

from __future__ import annotations

import json
import re
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse

from monitor.models import AlertRule, AlertState, Incident, User
from monitor.queries import accounts, alerts
from monitor.queries.freshness import mirror
from monitor.queries.tallies import in_menu
from tests import factories
from tests.bystander import own

pytestmark = pytest.mark.django_db


@pytest.fixture
def rule(db: None, now: datetime) -> AlertRule:
    """Three alerts of one rule fire; one incident has two of them, another has a third that fires, one is over."""
    rule = factories.make_alert_rule(factories.make_account("Acme"))
    first, second, third, old = (make_firing(rule, now) for _ in range(4))
    shared = factories.make_incident(first)
    shared.members.create(alert=second, episode=1, began_at=now, joined_at=now)
    factories.make_incident(third)
    over = factories.make_incident(old, closed_at=now, closed_how="by_hand")
    over.members.update(left_at=now, left_how="by_hand")
    return rule


def make_firing(rule: AlertRule, now: datetime) -> AlertState:
    known = {"state": "firing", "is_open": True, "episode": 1, "since": now, "evaluated_at": now}
    return AlertState.objects.create(rule=rule, flow=factories.make_flow(rule.account), **known)


def printed(*arguments: str) -> str:
    out = StringIO()
    call_command("status", *arguments, stdout=out)
    return out.getvalue()


def test_the_menu_the_lists_and_the_command_count_the_same(rule: AlertRule, now: datetime) -> None:
    assert in_menu()["alerts"].filter(account=rule.account).count() == 2
    assert json.loads(printed("Acme", "--json"))["open_alerts"] == 2
    assert "  alerts:   2 incidents open" in printed("Acme")
    (line,) = (one for one in accounts.lines(now, mirror(now)) if one.account == rule.account)
    assert line.open_incidents == 2
    assert alerts.rules().get(pk=rule.pk).open_count == 2


def test_the_count_of_an_account_opens_exactly_what_it_counts(rule: AlertRule, ada: User, signed_in: Any) -> None:
    client = signed_in(ada)
    page = client.get(reverse("accounts")).content.decode()
    link = re.search(rf'<a href="([^"]*account={rule.account_id})">2</a>', page)
    assert link is not None
    shown = client.get(link[1]).context["open_incidents"]
    assert {row.incident for row in shown} == set(own(Incident).filter(closed_at=None))


def test_an_account_without_open_incidents_counts_none_and_links_nowhere(ada: User, signed_in: Any) -> None:
    quiet = factories.make_account("Quiet Ltd")
    page = signed_in(ada).get(reverse("accounts")).content.decode()
    assert f'?account={quiet.pk}"' not in page
