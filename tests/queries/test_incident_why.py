"""What speaks for the cause of an incident: errors that its failures share, and what was changed just before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import Execution, Failure, Flow, Incident
from monitor.queries import incident_why
from monitor.queries.incident_story import line_of_change, story_of
from monitor.queries.incident_why import IncidentWhy, is_suspect
from tests import factories
from tests.dashboard.world import make_state

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def flow(account: Any) -> Flow:
    return factories.make_flow(account, flow_name="Lead sync")


@pytest.fixture
def incident(flow: Flow, now: datetime) -> Incident:
    alert = make_state(factories.make_alert_rule(flow.account), flow, now)
    return factories.make_incident(alert, began_at=now - 3 * HOUR, opened_at=now - 2 * HOUR)


Fail = Callable[..., Failure]


@pytest.fixture
def fail(flow: Flow, now: datetime) -> Fail:
    def make(*, of: Flow | None = None, like: Failure | None = None, ago: timedelta = HOUR) -> Failure:
        run: Execution = factories.make_execution(
            of or flow, "failed", started_time=now - ago, completed_time=now - ago
        )
        failure = factories.make_failure(run, failed_at=now - ago)
        if like is not None:
            Failure.objects.filter(pk=failure.pk).update(group=like.group)
        return failure

    return make


def why(incident: Incident, now: datetime) -> IncidentWhy:
    alerts = [member.alert for member in incident.members.select_related("alert__flow")]
    return story_of(incident, alerts, now).why


def test_failures_of_one_problem_are_counted_together_the_commonest_first(
    incident: Incident, flow: Flow, fail: Fail, now: datetime
) -> None:
    fail()
    often = fail()
    fail(like=often)
    fail(of=factories.make_flow(flow.account))  # of no flow of the incident
    fail(ago=4 * HOUR)  # before it began
    found = why(incident, now)
    assert (found.errors[0].runs, found.errors[0].problem_id) == (2, often.group.problem_id)
    assert (found.failed, found.others, found.is_one) == (3, 0, False)


def test_what_is_not_shown_is_counted_as_others(incident: Incident, fail: Fail, now: datetime) -> None:
    for _ in range(5):
        fail()
    found = why(incident, now)
    assert (len(found.errors), found.others) == (3, 2)


def test_all_failures_count_however_many_problems_they_are_of(
    incident: Incident, fail: Fail, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incident_why, "MOST_READ", 3)
    for _ in range(5):
        fail()
    assert (why(incident, now).failed, why(incident, now).others) == (5, 2)


def test_a_connection_s_state_is_masked_as_everywhere(incident: Incident, now: datetime) -> None:
    at = incident.began_at - 20 * MINUTE
    factories.make_connection(
        incident.account, status="refused for jo@example.com", status_since=at, first_seen_at=at - 48 * HOUR
    )
    (line,) = [line_of_change(one) for one in why(incident, now).suspects]
    assert line.words.startswith("became refused for")
    assert "jo@example.com" not in line.words


def test_nine_of_ten_of_one_problem_are_one_cause(incident: Incident, fail: Fail, now: datetime) -> None:
    first = fail()
    for _ in range(8):
        fail(like=first)
    assert why(incident, now).is_one
    fail()
    assert why(incident, now).is_one
    fail()
    assert not why(incident, now).is_one


def test_the_count_opens_the_failures_that_it_counts(
    incident: Incident, fail: Fail, now: datetime, signed_in: Any, vera: Any
) -> None:
    first = fail()
    fail(like=first)
    fail()
    page = signed_in(vera).get(why(incident, now).errors[0].url)
    assert len(page.context["rows"]) == 2


def test_what_was_changed_before_is_suspected_and_what_was_changed_after_is_not(
    incident: Incident, flow: Flow, now: datetime
) -> None:
    before, after = incident.began_at - 20 * MINUTE, incident.began_at + HOUR
    factories.make_version(flow, number=2, first_seen_at=before, modified_time=before)
    factories.make_version(flow, number=3, first_seen_at=after, modified_time=after)
    assert [one.number for one in why(incident, now).suspects] == [2]


@pytest.mark.parametrize(
    ("before", "suspected"),
    [
        (24 * HOUR, True),
        (24 * HOUR + MINUTE, False),
        (timedelta(), True),
        (-2 * MINUTE, True),
        (-3 * MINUTE, False),
    ],
)
def test_a_day_before_and_two_minutes_after_are_the_bounds(now: datetime, before: timedelta, suspected: bool) -> None:
    assert is_suspect(now - before, now) is suspected
