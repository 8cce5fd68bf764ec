"""Alerts that fire and recover → incidents, their timeline, and what is to be mailed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.alert_numbers import EXPLAINS
from monitor.alerting import actions
from monitor.alerting.incidents import follow, remind
from monitor.models import (
    AlertRule,
    AlertState,
    Connection,
    Delivery,
    Execution,
    Flow,
    Incident,
    IncidentAlert,
    Notice,
    Problem,
    Silence,
    Transition,
    User,
    ZohoAccount,
)
from monitor.notify.dispatch import dispatch_new
from tests import factories
from tests.bystander import own

pytestmark = pytest.mark.django_db
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@pytest.fixture
def account(db: None) -> ZohoAccount:
    return factories.make_account("Acme")


@pytest.fixture
def rule(account: ZohoAccount) -> AlertRule:
    return factories.make_alert_rule(account)


def make_alert(rule: AlertRule, now: datetime, flow: Flow | None = None, **fields: Any) -> AlertState:
    known = {"state": "firing", "is_open": True, "episode": 1, "since": now, "evaluated_at": now}
    return AlertState.objects.create(rule=rule, flow=flow or factories.make_flow(rule.account), **(known | fields))


def edge(alert: AlertState, at: datetime, kind: str = "firing", **fields: Any) -> Transition:
    to = {"firing": "firing", "resolved": "ok"}.get(kind, "no_data")
    known = {"episode": alert.episode, "from_state": "ok", "to_state": to, "at": at, "runs": 40, "failed": 10}
    return Transition.objects.create(alert=alert, kind=kind, **(known | {"reason": "30 of 40 runs succeeded"} | fields))


def fail(flow: Flow, now: datetime, times: int = 3, **fields: Any) -> list[Execution]:
    """The newest failures of a flow."""
    at = now - 5 * MINUTE
    return [factories.make_execution(flow, "failed", started_time=at + n * SECOND, **fields) for n in range(times)]


def of_problem(runs: list[Execution], problem: Problem | None = None, app: str = "Zoho Books") -> Problem:
    """Enters runs into the ledger, with one problem for all."""
    for run in runs:
        failure = factories.make_failure(run)
        group = failure.group
        if problem is not None:
            group.problem = problem
        group.app = app
        group.save()
        problem = group.problem
    assert problem is not None
    return problem


def refused(flow: Flow, now: datetime, app: str = "Zoho CRM") -> None:
    """Failures of a flow whose sign-in to an app is refused, each flow with words and so a problem of its own."""
    of_problem(fail(flow, now, error_message="Action failed", error_details="HTTP 401 INVALID_TOKEN"), app=app)


def account_down(account: ZohoAccount, now: datetime) -> Incident:
    """The incident of a whole account, of which people were told."""
    rule = factories.make_alert_rule(account, kind="mirror", options={})
    alert = make_alert(rule, now, numbers={EXPLAINS: 1})
    whole = Incident.objects.create(account=account, cause="account", began_at=now, opened_at=now, last_seq=1)
    IncidentAlert.objects.create(incident=whole, alert=alert, episode=1, began_at=now, joined_at=now)
    Notice.objects.create(incident=whole, seq=1, kind="firing", at=now, due_at=now, dispatch_state="dispatched")
    return whole


def members() -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for link in own(IncidentAlert):
        found.setdefault(link.incident_id, set()).add(link.alert_id)
    return found


def mails() -> list[tuple[str, str]]:
    return sorted(own(Delivery).values_list("recipient__username", "subject"))


class TestStorm:
    def test_fifty_flows_on_one_broken_sign_in_and_another_flow_are_two_notifications_a_person(
        self, account: ZohoAccount, rule: AlertRule, ada: User, otto: User, now: datetime
    ) -> None:
        for minute in range(5):
            for _ in range(10):
                flow = factories.make_flow(account)
                refused(flow, now)
                edge(make_alert(rule, now, flow), now + minute * MINUTE)
            if minute == 2:
                other = factories.make_flow(account, flow_name="Billing")
                of_problem(fail(other, now, error_message="The tax does not exist"))
                edge(make_alert(rule, now, other), now + minute * MINUTE)
            for second in range(0, 60, 15):
                at = now + minute * MINUTE + second * SECOND
                follow(account, at)
                remind(account, at)
                dispatch_new(at)
        for minutes in (6, 11, 30, 239):
            remind(account, now + minutes * MINUTE)
            dispatch_new(now + minutes * MINUTE)
        assert sorted(map(len, members().values())) == [1, 50]
        assert [who for who, _ in mails()] == ["ada", "ada", "otto", "otto"]
        assert {subject for _, subject in mails()} == {
            "[Firing] 10 flows: the sign-in to Zoho CRM does not work",
            "[Firing] Billing: 30 of 40 runs succeeded",
        }

    def test_all_that_the_first_look_finds_is_one_mail_that_lists_it(
        self, account: ZohoAccount, rule: AlertRule, ada: User, now: datetime
    ) -> None:
        for number in range(30):
            flow = factories.make_flow(account, flow_name=f"Flow {number:02}")
            of_problem(fail(flow, now, error_message=f"Cause {number}"))
            edge(make_alert(rule, now, flow), now, is_first=True)
            if number % 10 == 9:  # as histories are read
                follow(account, now + number * 4 * SECOND)
                assert dispatch_new(now + number * 4 * SECOND) == 0
        dispatch_new(now + 4 * MINUTE)
        assert mails() == [("ada", "[Firing] 30 flows: found by the first look")]
        text = own(Delivery).get().text
        assert all(f"Flow {number:02}" in text for number in range(30))


class TestCause:
    def test_flows_that_share_a_problem_are_one_incident_and_others_are_not(
        self, account: ZohoAccount, rule: AlertRule, now: datetime
    ) -> None:
        flows = [factories.make_flow(account) for _ in range(3)]
        problem = of_problem(fail(flows[0], now))
        of_problem(fail(flows[1], now), problem)
        of_problem(fail(flows[2], now))
        alerts = [make_alert(rule, now, flow) for flow in flows]
        for alert in alerts:
            edge(alert, now)
        follow(account, now)
        assert sorted(map(len, members().values())) == [1, 2]
        shared = own(Incident).get(cause_key=str(problem.pk))
        assert {link.alert for link in shared.members.all()} == set(alerts[:2])

    def test_a_merged_problem_is_the_one_that_took_it_in(
        self, account: ZohoAccount, rule: AlertRule, now: datetime
    ) -> None:
        flows = [factories.make_flow(account) for _ in range(2)]
        first, second = (of_problem(fail(flow, now)) for flow in flows)
        Problem.objects.filter(pk=second.pk).update(merged_into=first)
        for flow in flows:
            edge(make_alert(rule, now, flow), now)
        follow(account, now)
        assert list(map(len, members().values())) == [2]

    def test_zoho_calling_a_connection_broken_explains_failures_that_say_nothing(
        self, account: ZohoAccount, rule: AlertRule, now: datetime
    ) -> None:
        seen = {"first_seen_at": now, "seen_at": now, "status_since": now}
        Connection.objects.create(
            account=account, connection_id="1", connection_name="Books", app="Zoho Books", status="expired", **seen
        )
        for _ in range(2):
            flow = factories.make_flow(account)
            of_problem(fail(flow, now, error_message="Action failed", error_details=""))
            edge(make_alert(rule, now, flow), now)
        follow(account, now)
        assert own(Incident).get().cause_key == "Zoho Books"

    def test_what_another_accounts_flows_fail_with_is_another_incident(
        self, account: ZohoAccount, rule: AlertRule, now: datetime
    ) -> None:
        theirs = factories.make_alert_rule(factories.make_account())
        for one in (rule, theirs):
            flow = factories.make_flow(one.account)
            refused(flow, now)
            edge(make_alert(one, now, flow), now)
        follow(account, now)
        assert [one.account for one in own(Incident)] == [account]
        follow(theirs.account, now)
        assert {one.account_id for one in own(Incident)} == {account.pk, theirs.account_id}

    def test_it_takes_few_statements_however_many_flows(
        self, account: ZohoAccount, rule: AlertRule, now: datetime, django_assert_max_num_queries: Any
    ) -> None:
        for _ in range(20):
            flow = factories.make_flow(account)
            refused(flow, now)
            edge(make_alert(rule, now, flow), now)
        # Three for each alert (is it known, its membership, its line), two more where its incident grows.
        with django_assert_max_num_queries(20 * 7 + 15):
            follow(account, now)

    def test_an_alert_about_the_whole_account_is_an_incident_of_it_that_keeps_the_others_quiet(
        self, account: ZohoAccount, rule: AlertRule, ada: User, now: datetime
    ) -> None:
        mirror = factories.make_alert_rule(account, kind="mirror", name="The mirror")
        known = {"subject_kind": "account", "subject_key": "1", "since": now, "evaluated_at": now, "episode": 1}
        edge(AlertState.objects.create(rule=mirror, **known), now, reason="Zoho refuses our credentials")
        edge(make_alert(rule, now), now)
        follow(account, now)
        assert sorted(own(Incident).values_list("cause", flat=True)) == ["account", "time"]
        dispatch_new(now + MINUTE)
        assert mails() == [("ada", "[Firing] Acme: Zoho refuses our credentials")]


class TestLife:
    def test_it_began_with_the_earliest_of_its_alerts_and_is_over_with_the_last(
        self, account: ZohoAccount, rule: AlertRule, now: datetime
    ) -> None:
        first, second = make_alert(rule, now), make_alert(rule, now)
        edge(first, now, began_at=now - 5 * MINUTE)
        edge(second, now, began_at=now - 9 * MINUTE)
        follow(account, now)
        incident = own(Incident).get()
        assert (incident.began_at, incident.opened_at) == (now - 9 * MINUTE, now)
        edge(first, now + MINUTE, "resolved")
        follow(account, now + MINUTE)
        incident.refresh_from_db()
        assert incident.is_open
        edge(second, now + 2 * MINUTE, "resolved")
        follow(account, now + 2 * MINUTE)
        incident.refresh_from_db()
        assert (incident.closed_at, incident.closed_how) == (now + 2 * MINUTE, "recovered")
        assert [event.kind for event in incident.events.all()] == ["fired", "fired", "recovered", "recovered", "closed"]

    def test_what_is_not_checked_any_more_has_not_recovered(
        self, account: ZohoAccount, rule: AlertRule, now: datetime
    ) -> None:
        alert = make_alert(rule, now)
        edge(alert, now)
        edge(alert, now + MINUTE, "closed", reason="the rule is switched off")
        follow(account, now + MINUTE)
        assert own(Incident).get().closed_how == "ended"

    def test_a_closed_incident_takes_nothing_in(self, account: ZohoAccount, rule: AlertRule, now: datetime) -> None:
        flow = factories.make_flow(account)
        of_problem(fail(flow, now))
        alert = make_alert(rule, now, flow)
        edge(alert, now)
        edge(alert, now + MINUTE, "resolved")
        follow(account, now + MINUTE)
        edge(alert, now + 2 * MINUTE, episode=2)
        follow(account, now + 2 * MINUTE)
        assert [one.is_open for one in own(Incident).order_by("pk")] == [False, True]

    def test_one_rule_taking_over_from_another_neither_closes_the_incident_nor_opens_one(
        self, account: ZohoAccount, rule: AlertRule, now: datetime
    ) -> None:
        flow = factories.make_flow(account)
        of_problem(fail(flow, now))
        wide = make_alert(rule, now, flow)
        edge(wide, now)
        follow(account, now)
        narrow = make_alert(factories.make_alert_rule(account, flow=flow), now, flow)
        edge(wide, now + MINUTE, "closed", reason="the flow has a rule of its own")
        edge(narrow, now + MINUTE)
        follow(account, now + MINUTE)
        incident = own(Incident).get()
        assert incident.is_open
        assert [link.alert for link in incident.members.filter(left_at=None)] == [narrow]

    def test_what_fires_again_after_it_was_closed_by_hand_is_an_incident_of_its_own(
        self, account: ZohoAccount, rule: AlertRule, otto: User, now: datetime
    ) -> None:
        alert = make_alert(rule, now)
        edge(alert, now)
        follow(account, now)
        actions.close_by_hand(own(Incident).get(), "a drill", otto, now + MINUTE)
        edge(alert, now + 2 * MINUTE, "resolved")
        follow(account, now + 2 * MINUTE)
        assert own(Incident).get().closed_how == "by_hand"
        edge(alert, now + 3 * MINUTE, episode=2)
        follow(account, now + 3 * MINUTE)
        assert own(Incident).count() == 2

    def test_following_twice_enters_nothing_twice(self, account: ZohoAccount, rule: AlertRule, now: datetime) -> None:
        found = edge(make_alert(rule, now), now)
        assert follow(account, now) == 1
        assert follow(account, now) == 0
        Transition.objects.filter(pk=found.pk).update(dispatch_state="new")
        assert follow(account, now) == 1
        assert (own(IncidentAlert).count(), own(Notice).count()) == (1, 1)

    def test_losing_and_regaining_data_is_a_line_and_no_mail(
        self, account: ZohoAccount, rule: AlertRule, now: datetime
    ) -> None:
        alert = make_alert(rule, now)
        edge(alert, now)
        edge(alert, now + MINUTE, "no_data", reason="the mirror stands still")
        edge(alert, now + 2 * MINUTE, "data_back")
        follow(account, now + 2 * MINUTE)
        assert [event.kind for event in own(Incident).get().events.all()] == ["fired", "no_data", "data_back"]
        assert own(Notice).count() == 1


class TestNotices:
    @pytest.fixture
    def sent(self, account: ZohoAccount, rule: AlertRule, ada: User, now: datetime) -> Incident:
        """An incident whose first mail went out half a minute after it began."""
        edge(make_alert(rule, now), now)
        follow(account, now)
        assert dispatch_new(now + 29 * SECOND) == 0
        assert dispatch_new(now + 30 * SECOND) == 1
        return own(Incident).get()

    def test_the_first_mail_waits_while_more_alerts_join_but_not_for_ever(
        self, account: ZohoAccount, rule: AlertRule, ada: User, now: datetime
    ) -> None:
        for step in range(10):
            at = now + step * 20 * SECOND
            edge(make_alert(rule, now), at, began_at=now)
            follow(account, at)
            if dispatch_new(at):
                break
        assert step == 6  # two minutes
        assert own(IncidentAlert).count() == 7

    def test_what_joins_is_told_once_in_five_minutes(
        self, sent: Incident, account: ZohoAccount, rule: AlertRule, now: datetime
    ) -> None:
        for minute in (1, 2, 3):
            edge(make_alert(rule, now), now + minute * MINUTE, began_at=now)
            follow(account, now + minute * MINUTE)
            assert dispatch_new(now + minute * MINUTE) == 0
        assert dispatch_new(now + 5 * MINUTE + 29 * SECOND) == 0
        assert dispatch_new(now + 5 * MINUTE + 30 * SECOND) == 1
        assert mails()[-1][1] == "[More alerts] 3 more: they began together"

    def test_a_second_rule_that_fires_for_the_same_flow_is_no_news(
        self, account: ZohoAccount, rule: AlertRule, ada: User, now: datetime
    ) -> None:
        flow = factories.make_flow(account)
        of_problem(fail(flow, now))
        edge(make_alert(rule, now, flow), now)
        follow(account, now)
        dispatch_new(now + MINUTE)
        second = factories.make_alert_rule(account, name="Failing now")
        edge(make_alert(second, now, flow), now + 2 * MINUTE)
        follow(account, now + 2 * MINUTE)
        assert list(own(Notice).values_list("kind", flat=True)) == ["firing"]
        assert list(map(len, members().values())) == [2]

    def test_it_is_repeated_every_four_hours_until_somebody_is_on_it(
        self, sent: Incident, account: ZohoAccount, otto: User, now: datetime
    ) -> None:
        told = now + 30 * SECOND
        assert remind(account, told + 240 * MINUTE - SECOND) == 0
        assert remind(account, told + 240 * MINUTE) == 1
        assert remind(account, told + 240 * MINUTE) == 0
        assert dispatch_new(told + 240 * MINUTE) == 1
        assert remind(account, told + 480 * MINUTE) == 1
        actions.acknowledge(sent, otto, "", told + 480 * MINUTE)
        dispatch_new(told + 480 * MINUTE)
        assert own(Notice).last().why_silent == "acknowledged"
        assert remind(account, told + 960 * MINUTE) == 0
        actions.take_back(sent, otto, told + 960 * MINUTE)
        assert remind(account, told + 960 * MINUTE) == 1

    @pytest.mark.parametrize(("hours", "times"), [(0, 0), (1, 1), (4, 0)])
    def test_how_often_is_for_its_rule_to_say(
        self, sent: Incident, account: ZohoAccount, rule: AlertRule, now: datetime, hours: int, times: int
    ) -> None:
        AlertRule.objects.filter(pk=rule.pk).update(repeat_hours=hours)
        assert remind(account, now + 61 * MINUTE) == times

    def test_a_louder_alert_that_joins_makes_the_incident_louder_and_is_told(
        self, sent: Incident, account: ZohoAccount, now: datetime
    ) -> None:
        loud = factories.make_alert_rule(account, name="Loud", severity="page")
        edge(make_alert(loud, now), now + MINUTE, began_at=now)
        follow(account, now + MINUTE)
        sent.refresh_from_db()
        assert sent.severity == "page"
        assert sent.notices.last().kind == "update"

    def test_a_digests_incident_is_not_mailed_until_something_louder_joins(
        self, account: ZohoAccount, rule: AlertRule, ada: User, now: datetime
    ) -> None:
        AlertRule.objects.filter(pk=rule.pk).update(severity="digest")
        edge(make_alert(rule, now), now)
        follow(account, now)
        assert dispatch_new(now + MINUTE) == 1
        assert mails() == []
        loud = factories.make_alert_rule(account, name="Loud")
        edge(make_alert(loud, now), now + 2 * MINUTE, began_at=now)
        follow(account, now + 2 * MINUTE)
        dispatch_new(now + 10 * MINUTE)
        assert [subject for _, subject in mails()] == ["[Firing] 2 flows: they began together"]

    def test_the_people_whom_the_rules_name_are_told_and_nobody_else(
        self, account: ZohoAccount, rule: AlertRule, ada: User, otto: User, vera: User, now: datetime
    ) -> None:
        rule.recipients.set([otto, vera])
        edge(make_alert(rule, now), now)
        follow(account, now)
        dispatch_new(now + MINUTE)
        assert [who for who, _ in mails()] == ["otto"]
        everybody = factories.make_alert_rule(account, name="For all")
        edge(make_alert(everybody, now), now + 2 * MINUTE, began_at=now)
        follow(account, now + 2 * MINUTE)
        dispatch_new(now + 10 * MINUTE)
        assert [who for who, _ in mails()] == ["ada", "otto", "otto"]

    def test_a_notification_waits_for_the_working_hours_of_its_rule(
        self, account: ZohoAccount, rule: AlertRule, ada: User, now: datetime
    ) -> None:
        office = {"zone": "UTC", "days": [0, 1, 2, 3, 4], "from": "08:00", "to": "17:00"}
        AlertRule.objects.filter(pk=rule.pk).update(working_hours=office)
        edge(make_alert(rule, now), now)  # a Sunday
        follow(account, now)
        assert dispatch_new(now + MINUTE) == 0
        notice = own(Notice).get()
        assert (notice.why_silent, notice.due_at) == ("hours", now + 20 * 60 * MINUTE)
        assert dispatch_new(now + 20 * 60 * MINUTE) == 1
        assert len(mails()) == 1


class TestQuiet:
    @pytest.fixture
    def alert(self, account: ZohoAccount, rule: AlertRule, ada: User, now: datetime) -> AlertState:
        alert = make_alert(rule, now)
        edge(alert, now)
        follow(account, now)
        return alert

    def test_a_snoozed_subject_is_mailed_when_the_snooze_ends_and_it_still_fires(
        self, alert: AlertState, otto: User, now: datetime
    ) -> None:
        actions.snooze(own(Incident).get(), alert, now + 60 * MINUTE, "", otto, now)
        assert dispatch_new(now + MINUTE) == 0
        assert own(Notice).get().why_silent == "snoozed"
        assert dispatch_new(now + 59 * MINUTE) == 0
        assert dispatch_new(now + 60 * MINUTE) == 1
        assert [who for who, _ in mails()] == ["ada", "otto"]

    def test_what_is_over_before_its_snooze_ends_is_not_mailed(
        self, alert: AlertState, account: ZohoAccount, otto: User, now: datetime
    ) -> None:
        actions.snooze(own(Incident).get(), alert, now + 60 * MINUTE, "", otto, now)
        dispatch_new(now + MINUTE)
        edge(alert, now + 2 * MINUTE, "resolved")
        follow(account, now + 2 * MINUTE)
        assert dispatch_new(now + 2 * MINUTE) == 2
        assert mails() == []
        assert list(own(Notice).values_list("kind", "why_silent")) == [("firing", "over"), ("resolved", "nobody")]

    def test_a_maintenance_window_keeps_quiet_what_begins_in_it_and_not_what_began_before(
        self, alert: AlertState, account: ZohoAccount, rule: AlertRule, otto: User, now: datetime
    ) -> None:
        window = {"starts_at": now + 10 * MINUTE, "ends_at": now + 60 * MINUTE}
        actions.silence(otto, now, account=account, why="The shop moves", **window)
        assert dispatch_new(now + MINUTE) == 1
        late = make_alert(rule, now)
        edge(late, now + 20 * MINUTE)
        follow(account, now + 20 * MINUTE)
        assert dispatch_new(now + 21 * MINUTE) == 0
        assert dispatch_new(now + 60 * MINUTE) == 1

    def test_what_a_silence_kept_back_is_mailed_when_a_person_ends_it(
        self, alert: AlertState, account: ZohoAccount, otto: User, now: datetime
    ) -> None:
        actions.silence(otto, now, starts_at=now, ends_at=now + 600 * MINUTE, why="x")
        dispatch_new(now + MINUTE)
        actions.end_silence(own(Silence).get(), otto, now + 2 * MINUTE)
        assert dispatch_new(now + 2 * MINUTE) == 1

    def test_while_the_whole_account_has_an_incident_the_others_wait_and_come_when_it_is_over(
        self, alert: AlertState, account: ZohoAccount, now: datetime
    ) -> None:
        whole = account_down(account, now)
        assert dispatch_new(now + MINUTE) == 0
        assert own(Notice).get(incident__cause="time").why_silent == "muted"
        Incident.objects.filter(pk=whole.pk).update(closed_at=now, closed_how="recovered")
        assert dispatch_new(now + 2 * MINUTE) == 1
