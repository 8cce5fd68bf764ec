"""The timeline of an incident has what ran and what was changed, each with a link that opens it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from monitor.models import AlertState, Connection, Execution, Flow, Incident, RetryPolicy, User
from monitor.queries import incidents
from monitor.queries.incident_story import FLOWS_TOLD, IncidentLine, story_of
from tests import factories
from tests.dashboard.world import make_attempt, make_batch, make_state

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def flow(account: Any) -> Flow:
    return factories.make_flow(account, flow_name="Lead sync")


@pytest.fixture
def incident(flow: Flow, now: datetime) -> Incident:
    alert = make_state(factories.make_alert_rule(flow.account), flow, now)
    return factories.make_incident(alert, began_at=now - 3 * HOUR, opened_at=now - 2 * HOUR)


Fail = Callable[..., Execution]


@pytest.fixture
def fail(flow: Flow) -> Fail:
    def make(at: datetime, of: Flow | None = None) -> Execution:
        run = factories.make_execution(of or flow, "failed", started_time=at - MINUTE, completed_time=at)
        factories.make_failure(run, failed_at=at)
        return run

    return make


def told(incident: Incident, now: datetime) -> dict[str, IncidentLine]:
    alerts = [member.alert for member in incident.members.select_related("alert__flow")]
    return {f"{line.who}: {line.words}": line for line in story_of(incident, alerts, now).lines}


def also(incident: Incident, now: datetime, name: str) -> Flow:
    """Adds an alert about another flow."""
    rule = incident.members.earliest("pk").alert.rule
    flow = factories.make_flow(incident.account, flow_name=name)
    alert = AlertState.objects.create(rule=rule, flow=flow, since=now, evaluated_at=now, episode=1)
    incident.members.create(alert=alert, episode=1, began_at=now, joined_at=now)
    return flow


def test_each_flow_has_the_runs_that_failed_while_it_was_open_and_the_first_good_one_after(
    incident: Incident, flow: Flow, fail: Fail, signed_in: Any, vera: User
) -> None:
    now = incident.opened_at + 2 * HOUR
    fail(now - 4 * HOUR)  # before it began
    fail(now - 2 * HOUR, factories.make_flow(flow.account))  # of no flow of the incident
    first, _, newest = (fail(now - hours * HOUR) for hours in (3, 2, 1))
    factories.make_execution(flow, "success", started_time=now - 90 * MINUTE)
    good = factories.make_execution(flow, "success", started_time=now - 30 * MINUTE)
    factories.make_execution(flow, "success", started_time=now - 20 * MINUTE)
    found = told(incident, now)
    failed = found["Lead sync: 3 runs failed"]
    assert (failed.at, failed.more_url) == (first.completed_time, first.get_absolute_url())
    assert found["Lead sync: newest failed run"].url == newest.get_absolute_url()
    assert found["Lead sync: first good run after its newest failure"].url == good.get_absolute_url()
    assert len(found) == 3
    listed = signed_in(vera).get(failed.url)
    assert len(listed.context["rows"]) == 3


def test_what_failed_after_the_end_is_no_part_of_it(incident: Incident, fail: Fail, now: datetime) -> None:
    incident.closed_at = now - HOUR
    fail(now - HOUR)  # the last that ended it, in its very second
    fail(now - 30 * MINUTE)
    assert "Lead sync: 1 run failed" in told(incident, now)


def test_of_many_flows_the_worst_are_told_and_the_others_counted(incident: Incident, fail: Fail, now: datetime) -> None:
    for number in range(FLOWS_TOLD + 4):
        flow = also(incident, now, f"Flow {number}")
        for _ in range(2 + (number < FLOWS_TOLD)):
            fail(now - HOUR, flow)
    fail(now - HOUR)
    found = told(incident, now)
    assert "Flow 0: 3 runs failed" in found
    assert found["5 more flows: 9 runs failed in all"].url == ""
    assert len(found) == FLOWS_TOLD + 3 + 1


def test_retries_are_told_by_who_asked_for_them(
    incident: Incident, flow: Flow, fail: Fail, otto: User, ada: User, now: datetime
) -> None:
    runs = [fail(now - 2 * HOUR) for _ in range(5)]
    batch = make_batch([*runs[:2], fail(now - 2 * HOUR, factories.make_flow(flow.account))], otto, now - HOUR)
    for item in batch.items.all():
        make_attempt(item.execution, otto, now - HOUR, client_token=f"batch-{batch.pk}-{item.pk}")
    make_attempt(runs[2], ada, now - HOUR, state="succeeded")
    make_attempt(runs[3], ada, now - 9 * HOUR, state="failed_again")
    policy = RetryPolicy.objects.create(account=flow.account, name="Nights", flow=flow, set_by=ada, set_at=now)
    make_attempt(runs[4], ada, now - HOUR, client_token="policy-1", policy=policy)
    make_attempt(fail(now - HOUR, factories.make_flow(flow.account)), otto, now - HOUR)
    found = told(incident, now)
    asked = found["otto: asked for retries of 3 runs"]
    assert asked.url == batch.get_absolute_url()
    one = found["ada: retried a run of Lead sync"]
    assert (one.url, one.more) == (runs[2].get_absolute_url(), "succeeded")
    by_policy = found["Retry policy: retried 1 run"]
    assert (by_policy.more, by_policy.more_url) == ("Nights", policy.get_absolute_url())
    retried = {key for key in found if "retr" in key}
    assert len(retried) == 3


def test_changes_of_definitions_and_connections_near_its_beginning_are_told(
    incident: Incident, flow: Flow, now: datetime
) -> None:
    began = incident.began_at
    factories.make_version(flow, number=1, first_seen_at=began - 2 * HOUR)
    changed_at = began - HOUR
    factories.make_version(flow, number=2, first_seen_at=changed_at, modified_time=changed_at)
    factories.make_version(flow, number=3, first_seen_at=began - 2 * DAY)
    factories.make_version(factories.make_flow(flow.account), number=2, first_seen_at=changed_at)
    Connection.objects.create(
        account=flow.account,
        connection_id="c1",
        connection_name="CRM of jo@example.com",
        status="expired",
        status_since=began - MINUTE,
        first_seen_at=began - 9 * DAY,
        seen_at=now,
    )
    found = told(incident, now)
    page = reverse("flow_version", args=[flow.pk, 2])
    assert found["Lead sync: was changed (version 2)"] == IncidentLine(
        changed_at, "was changed (version 2)", "Lead sync", url=page
    )
    (link,) = [line for key, line in found.items() if key.startswith("Connection")]
    sign_in = Connection.objects.get(connection_id="c1")
    assert (link.words, link.url) == ("became expired", sign_in.get_absolute_url())
    assert "jo@example.com" not in link.who
    assert len(found) == 2


def test_of_an_alert_about_a_workflow_rule_its_definition_is_told(flow: Flow, now: datetime) -> None:
    rule = factories.make_rule(flow.account, name="Deals")
    factories.make_version(rule, number=4, first_seen_at=now - HOUR, modified_time=now - HOUR)
    alert = AlertState.objects.create(
        rule=factories.make_alert_rule(flow.account, kind="crm"),
        subject_kind="crm_rule",
        subject_key=str(rule.pk),
        since=now,
        evaluated_at=now,
        episode=1,
    )
    found = told(factories.make_incident(alert, began_at=now - HOUR), now)
    assert found["Deals: was changed (version 4)"].url == reverse("rule_version", args=[rule.pk, 4])


def test_it_stands_in_the_timeline_and_costs_two_statements(
    incident: Incident, flow: Flow, fail: Fail, otto: User, now: datetime, django_assert_num_queries: Any
) -> None:
    for number in range(FLOWS_TOLD + 4):
        make_batch([fail(now - HOUR, also(incident, now, f"Flow {number}"))], otto, now - HOUR)
    alerts = [member.alert for member in incident.members.select_related("alert__flow")]
    with django_assert_num_queries(2):
        assert story_of(incident, alerts, now)
    lines = incidents.detail(incident, now).lines
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert (lines[0].who, lines[0].at) == ("By Zoho's clock", incident.began_at)
    assert "asked for retries of 1 run" in {line.words for line in lines}
