"""What keeps alerts quiet by the marks of what they are about."""

from __future__ import annotations

from datetime import datetime

import pytest

from monitor.alerting import actions
from monitor.alerting.incidents import follow
from monitor.hushes import quiet_by
from monitor.models import AlertRule, AlertState, Incident, Notice, Tag, User, ZohoAccount
from monitor.notify.dispatch import dispatch_new
from monitor.ownership import set_ownership
from monitor.queries.quiet import why_quiet
from monitor.routing.read import labels_of_alerts
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


def test_a_silence_by_tag_leaves_an_alert_about_a_problem_alone(
    rule: AlertRule, otto: User, ada: User, now: datetime
) -> None:
    """The problem has the tags of all flows that ever failed by it, and goes on in those that do not have this one."""
    flow = factories.make_flow(rule.account)
    set_ownership(flow, ada, ["sandbox"], otto, now)
    failure = factories.make_failure(factories.make_execution(flow, "failed"))
    about = {"subject_kind": "problem", "subject_key": str(failure.group.problem_id)}
    alert = AlertState.objects.create(rule=rule, since=now, evaluated_at=now, **about)
    marks = {"tag": Tag.objects.get(name="sandbox")}
    actions.silence(otto, now, starts_at=now, ends_at=now + 600 * MINUTE, why="They move", **marks)
    assert labels_of_alerts([alert])[0].tags == {marks["tag"].pk}
    assert quiet_by([alert], now + MINUTE) == [[]]
