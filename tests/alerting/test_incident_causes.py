"""What explains an alert, so that it is not mailed by itself, and what does not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from monitor.alert_numbers import EXPLAINS
from monitor.alerting import actions
from monitor.alerting.incidents import follow
from monitor.models import AlertRule, AlertState, Incident, IncidentAlert, User, ZohoAccount
from monitor.notify.dispatch import dispatch_new
from tests import factories
from tests.alerting.test_incidents import MINUTE, account_down, edge, fail, make_alert, members, of_problem
from tests.bystander import own

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(db: None) -> ZohoAccount:
    return factories.make_account("Acme")


@pytest.fixture
def rule(account: ZohoAccount) -> AlertRule:
    return factories.make_alert_rule(account)


@pytest.fixture
def alert(account: ZohoAccount, rule: AlertRule, ada: User, now: datetime) -> AlertState:
    alert = make_alert(rule, now)
    edge(alert, now)
    follow(account, now)
    return alert


class TestWhatExplains:
    @pytest.mark.parametrize(
        "change",
        ["a gap explains nothing", "nobody is told of it", "it has recovered", "only one for digests fires on"],
    )
    def test_an_accounts_incident_that_explains_nothing_now_keeps_nothing_quiet(
        self, alert: AlertState, account: ZohoAccount, now: datetime, change: str
    ) -> None:
        whole = account_down(account, now)
        if change == "a gap explains nothing":
            AlertState.objects.filter(incident_links__incident=whole).update(numbers={EXPLAINS: 0})
        elif change == "nobody is told of it":
            Incident.objects.filter(pk=whole.pk).update(severity="digest")
        elif change == "only one for digests fires on":
            AlertRule.objects.filter(account=account, kind="mirror").update(severity="digest")
        else:
            whole.members.update(left_at=now, left_how="recovered")
        assert dispatch_new(now + MINUTE) == 1

    def test_a_loud_alert_that_joins_a_snoozed_incident_is_mailed(
        self, alert: AlertState, rule: AlertRule, account: ZohoAccount, otto: User, now: datetime
    ) -> None:
        actions.snooze(own(Incident).get(), alert, now + timedelta(days=20), "known", otto, now)
        assert dispatch_new(now + MINUTE) == 0
        edge(make_alert(rule, now), now + 2 * MINUTE, began_at=now)
        follow(account, now + 2 * MINUTE)
        assert len(members()) == 1
        assert dispatch_new(now + 4 * MINUTE) == 1

    def test_refused_sign_ins_mute_nothing_unless_the_connection_is_known_to_be_broken(
        self, account: ZohoAccount, rule: AlertRule, now: datetime
    ) -> None:
        for _ in range(3):
            flow = factories.make_flow(account)
            of_problem(fail(flow, now, error_code="HTTP_403", error_message="403 Forbidden", error_details=""))
            edge(make_alert(rule, now, flow), now)
        follow(account, now)
        assert own(IncidentAlert).count() == 3
        assert not own(IncidentAlert).exclude(muted="").exists()

    def test_a_silent_flow_is_not_explained_by_an_old_failure(
        self, account: ZohoAccount, rule: AlertRule, now: datetime
    ) -> None:
        failing, old = factories.make_flow(account), factories.make_flow(account)
        silence = factories.make_alert_rule(account, kind="missed_run", options={})
        refused = {"error_code": "HTTP_401", "error_message": "401 Unauthorized", "error_details": ""}
        of_problem(fail(failing, now, **refused))
        of_problem(fail(old, now - timedelta(days=5), **refused))
        edge(make_alert(rule, now, failing), now)
        edge(make_alert(silence, now, old), now)
        follow(account, now)
        assert sorted(map(len, members().values())) == [1, 1]

    def test_two_rules_that_fire_for_one_flow_are_one_incident(
        self, alert: AlertState, account: ZohoAccount, now: datetime
    ) -> None:
        fail(alert.flow, now)
        edge(make_alert(factories.make_alert_rule(account, name="another rule"), now, alert.flow), now + 5 * MINUTE)
        follow(account, now + 5 * MINUTE)
        assert list(map(len, members().values())) == [2]
