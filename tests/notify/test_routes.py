"""Notices go to the people and channels of the routes that fit; without a route, as before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.alerting.incidents import remind
from monitor.models import (
    AlertRule,
    AlertState,
    ChannelMessage,
    ChannelStanding,
    Delivery,
    IncidentAlert,
    Notice,
    Problem,
    Route,
    Snooze,
    Tag,
    User,
)
from monitor.notify.dispatch import dispatch_new
from monitor.ownership import set_ownership
from tests import factories
from tests.bystander import own
from tests.notify.conftest import make_transition

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def make_route(position: int = 1, *, people: Any = (), channels: Any = (), **fields: Any) -> Route:
    route = Route.objects.create(**({"name": f"Route {position}", "position": position} | fields))
    route.people.set(people)
    route.channels.set(channels)
    return route


def told() -> tuple[set[str], set[str]]:
    people = own(Delivery).values_list("recipient__username", flat=True)
    channels = own(ChannelMessage).values_list("channel__name", flat=True)
    return set(people), set(channels)


def beside(alert: AlertState, rule: AlertRule) -> AlertState:
    """An alert of another flow, which the first look finds as well: both are one incident."""
    known = {"state": "firing", "is_open": True, "episode": 1, "since": alert.since, "evaluated_at": alert.since}
    return AlertState.objects.create(rule=rule, flow=factories.make_flow(rule.account), **known)


def for_digests(alert: AlertState) -> AlertState:
    return beside(alert, factories.make_alert_rule(alert.rule.account, kind="in_a_row", severity="digest"))


def test_a_tagged_flow_goes_to_the_people_and_channel_of_its_route_and_another_to_all(
    alert: AlertState, otto: User, ada: User, now: datetime
) -> None:
    ops, every = factories.make_channel("Ops"), factories.make_channel("Every")
    set_ownership(alert.watched_flow, None, ["orders"], ada, now)
    make_route(tag=Tag.objects.get(name="orders"), people=[otto], channels=[ops])
    make_transition(alert, is_first=False)
    dispatch_new(now)
    assert told() == ({"otto"}, {"Ops"})
    set_ownership(alert.watched_flow, None, [], ada, now)
    factories.make_notice(own(Delivery).get().notice.incident, kind="update", seq=9)
    dispatch_new(now)
    assert told() == ({"otto", "ada"}, {"Ops", "Every"})
    assert every.is_active


@pytest.mark.parametrize(
    ("fields", "is_his"),
    [
        ({}, True),
        ({"severity": "notify"}, True),
        ({"severity": "page"}, False),
        ({"is_active": False}, False),
    ],
)
def test_a_route_fits_by_severity_and_only_while_it_is_on(
    alert: AlertState, otto: User, ada: User, now: datetime, fields: dict[str, Any], is_his: bool
) -> None:
    make_route(people=[otto], **fields)
    make_transition(alert)
    dispatch_new(now)
    assert told()[0] == ({"otto"} if is_his else {"otto", "ada"})


def test_a_route_of_another_account_is_not_followed(
    alert: AlertState, otto: User, ada: User, now: datetime, bystander: Any
) -> None:
    make_route(people=[otto], account_id=bystander.account_id)
    bystander.remember()
    make_transition(alert)
    dispatch_new(now)
    assert told()[0] == {"otto", "ada"}
    Route.objects.filter(account=bystander.account_id, is_active=True).delete()
    bystander.remember()


def test_the_rules_people_win_and_the_channel_of_the_route_hears_all_the_same(
    alert: AlertState, otto: User, ada: User, now: datetime
) -> None:
    alert.rule.recipients.set([ada])
    make_route(people=[otto], channels=[factories.make_channel("Ops")])
    make_transition(alert)
    dispatch_new(now)
    assert told() == ({"ada"}, {"Ops"})


@pytest.mark.parametrize("loss", [{"is_active": False}, {"role": "viewer"}, {"wants_mail": False}])
def test_an_owner_who_cannot_be_reached_leaves_the_alert_to_everybody(
    alert: AlertState, otto: User, ada: User, now: datetime, loss: dict[str, Any]
) -> None:
    set_ownership(alert.watched_flow, otto, [], ada, now)
    make_route(to_owner=True)
    User.objects.filter(pk=otto.pk).update(**loss)
    raj = factories.make_user("raj", "operator")
    make_transition(alert)
    dispatch_new(now)
    assert told()[0] == {"ada", raj.username}


def test_the_flows_owner_alone_hears_of_it_and_of_its_end(
    alert: AlertState, otto: User, ada: User, now: datetime
) -> None:
    set_ownership(alert.watched_flow, otto, [], ada, now)
    make_route(to_owner=True)
    make_transition(alert)
    dispatch_new(now)
    set_ownership(alert.watched_flow, ada, [], ada, now)
    make_transition(alert, "resolved")
    dispatch_new(now)
    assert sorted(own(Delivery).values_list("notice__kind", "recipient__username")) == [
        ("firing", "otto"),
        ("resolved", "otto"),
    ], "of the end hears who heard of the beginning"


def test_a_workflow_rules_owner_and_tags_count_as_well(otto: User, ada: User, now: datetime) -> None:
    row = factories.make_rule(factories.make_account("Acme"))
    rule: AlertRule = factories.make_alert_rule(row.account, kind="crm")
    set_ownership(row, otto, ["deals"], ada, now)
    alert = AlertState.objects.create(
        rule=rule, subject_kind="crm_rule", subject_key=str(row.pk), subject_name="Deals", state="firing",
        is_open=True, episode=1, since=now, evaluated_at=now,
    )  # fmt: skip
    make_route(tag=Tag.objects.get(name="deals"), to_owner=True)
    make_transition(alert)
    dispatch_new(now)
    assert told()[0] == {"otto"}


def test_a_problems_owner_and_the_tags_of_its_flows_count_as_well(otto: User, ada: User, now: datetime) -> None:
    flow = factories.make_flow(factories.make_account("Acme"))
    other = factories.make_flow(flow.account)
    problem, part = (
        factories.make_failure(factories.make_execution(one, "failed", error_message=why)).group.problem
        for one, why in ((flow, "No such field"), (other, "There is no such field"))
    )
    Problem.objects.filter(pk=part.pk).update(merged_into=problem)
    Problem.objects.filter(pk=problem.pk).update(owner=otto)
    set_ownership(other, None, ["orders"], ada, now)
    rule = factories.make_alert_rule(flow.account, kind="error_appears")
    alert = AlertState.objects.create(
        rule=rule, subject_kind="problem", subject_key=str(problem.pk), subject_name="No such field", state="firing",
        is_open=True, episode=1, since=now, evaluated_at=now,
    )  # fmt: skip
    make_route(tag=Tag.objects.get(name="orders"), to_owner=True)
    make_transition(alert)
    dispatch_new(now)
    assert told()[0] == {"otto"}


def test_an_alert_about_a_connection_fits_no_tag(alert: AlertState, otto: User, ada: User, now: datetime) -> None:
    set_ownership(alert.watched_flow, otto, ["orders"], ada, now)
    rule = factories.make_alert_rule(alert.rule.account, kind="connection")
    connection = AlertState.objects.create(
        rule=rule, subject_kind="connection", subject_key="1", subject_name="Zoho Books", state="firing",
        is_open=True, episode=1, since=now, evaluated_at=now,
    )  # fmt: skip
    make_route(tag=Tag.objects.get(name="orders"), people=[otto])
    make_transition(connection)
    dispatch_new(now)
    assert told()[0] == {"otto", "ada"}


def test_a_channel_of_another_account_never_hears_of_this_one(alert: AlertState, otto: User, now: datetime) -> None:
    theirs = factories.make_channel("Theirs", account=factories.make_account())
    make_route(people=[otto], channels=[theirs])
    make_transition(alert)
    dispatch_new(now)
    assert told() == ({"otto"}, set())


def test_a_route_of_a_channel_alone_mails_nobody(alert: AlertState, otto: User, now: datetime) -> None:
    make_route(channels=[factories.make_channel("Ops")])
    make_transition(alert)
    assert dispatch_new(now) == 1
    assert told() == (set(), {"Ops"})


def test_a_route_of_a_channel_whose_address_is_gone_leaves_the_alert_to_everybody(
    alert: AlertState, otto: User, now: datetime
) -> None:
    ops = factories.make_channel("Ops")
    ChannelStanding.objects.filter(channel=ops).update(state="refuses", code="410")
    make_route(channels=[ops])
    make_transition(alert)
    assert dispatch_new(now) == 1
    assert "otto" in told()[0]


def test_where_nobody_gets_mails_an_alert_without_an_owner_is_heard_in_the_channel(
    alert: AlertState, now: datetime
) -> None:
    """A team that reads a channel and no mails has nobody to be reached by a route to the owner."""
    factories.make_channel("Team")
    make_route(to_owner=True)
    make_transition(alert)
    assert dispatch_new(now) == 1
    assert told() == (set(), {"Team"})


def test_an_alert_that_joins_takes_the_hearers_of_another_not_away(
    alert: AlertState, otto: User, ada: User, now: datetime
) -> None:
    """The flow that fired first has no owner, and everybody heard of it; they hear also with the one that joins."""
    other = beside(alert, alert.rule)
    set_ownership(other.watched_flow, otto, [], ada, now)
    make_route(to_owner=True)
    make_transition(alert)
    make_transition(other)
    dispatch_new(now)
    assert own(Delivery).values("notice__incident").distinct().count() == 1
    assert told()[0] == {"otto", "ada"}


def test_an_alert_for_digests_adds_no_hearers_and_brings_no_mail(
    alert: AlertState, otto: User, ada: User, now: datetime
) -> None:
    """No route fits it, and by itself it would concern everybody."""
    make_route(people=[otto], severity="notify")
    quiet = for_digests(alert)
    make_transition(alert, is_first=True)
    make_transition(quiet, is_first=True)
    dispatch_new(now + HOUR)
    assert told()[0] == {"otto"}
    late = for_digests(alert)
    make_transition(late, is_first=True, now=now + HOUR)
    dispatch_new(now + 3 * HOUR)
    assert list(own(Notice).values_list("kind", flat=True)) == ["firing"]
    assert own(IncidentAlert).values("incident").distinct().count() == 1


def test_an_alert_for_digests_lets_no_mail_out_of_the_working_hours_and_ends_no_snooze(
    alert: AlertState, otto: User, now: datetime
) -> None:
    AlertRule.objects.filter(pk=alert.rule_id).update(working_hours={"zone": "UTC", "days": [0], "from": "09:00"})
    quiet = for_digests(alert)
    make_transition(alert, is_first=True)
    make_transition(quiet, is_first=True)
    dispatch_new(now + HOUR)  # a Sunday
    assert own(Notice).get().why_silent == "hours"
    Snooze.objects.create(account=alert.rule.account, alert=alert, flow=alert.flow, until=now + 50 * HOUR, at=now)
    dispatch_new(now + 24 * HOUR)
    assert own(Notice).get().why_silent == "snoozed"
    assert told()[0] == set()


def test_who_would_hear_of_what_was_over_before_the_first_mail_hears_of_it(
    alert: AlertState, otto: User, ada: User, now: datetime
) -> None:
    """Both were found together; the owner of the one that recovered meanwhile reads so in the first mail."""
    other = beside(alert, alert.rule)
    set_ownership(alert.watched_flow, otto, [], ada, now)
    set_ownership(other.watched_flow, ada, [], ada, now)
    make_route(to_owner=True)
    make_transition(alert, is_first=True)
    make_transition(other, is_first=True)
    make_transition(other, "resolved")
    dispatch_new(now + HOUR)
    assert told()[0] == {"otto", "ada"}
    remind(alert.rule.account, now + 9 * HOUR)
    dispatch_new(now + 9 * HOUR)
    again = own(Delivery).filter(notice__kind="repeat").values_list("recipient__username", flat=True)
    assert list(again) == ["otto"], "what goes on concerns whose alert fires"
