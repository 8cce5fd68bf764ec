"""What keeps alerts quiet by the marks of what they are about."""

from __future__ import annotations

from datetime import datetime

import pytest

from monitor.alerting import actions
from monitor.alerting.incidents import follow
from monitor.models import AlertRule, AlertState, Incident, Notice, Tag, User, ZohoAccount
from monitor.notify.dispatch import dispatch_new
from monitor.ownership import set_ownership
from monitor.queries.quiet import why_quiet
from tests import factories
from tests.alerting.test_incidents import MINUTE, edge, make_alert
from tests.bystander import own

pytestmark = pytest.mark.django_db


@pytest.fixture
def rule(account: ZohoAccount) -> AlertRule:
    return factories.make_alert_rule(account)


@pytest.fixture
def alert(rule: AlertRule, ada: User, now: datetime) -> AlertState:
    alert = make_alert(rule, now)
    edge(alert, now)
    follow(rule.account, now)
    return alert


@pytest.mark.parametrize("by", ["tag", "owner"])
def test_a_silence_by_tag_or_owner_ends_for_what_loses_them(
    alert: AlertState, otto: User, ada: User, now: datetime, by: str
) -> None:
    set_ownership(alert.watched_flow, ada, ["orders"], otto, now)
    marks = {"tag": Tag.objects.get(name="orders")} if by == "tag" else {"owner": ada}
    actions.silence(otto, now, starts_at=now, ends_at=now + 600 * MINUTE, why="They move", **marks)
    assert dispatch_new(now + MINUTE) == 0
    assert own(Notice).get().why_silent == "silenced"
    assert why_quiet({1: (own(Incident).get(), [alert])}, now)[1][0].why == "They move"
    set_ownership(alert.watched_flow, None, [], otto, now + 2 * MINUTE)
    assert dispatch_new(now + 3 * MINUTE) == 1
    assert why_quiet({1: (own(Incident).get(), [alert])}, now) == {1: []}
