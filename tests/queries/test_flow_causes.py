"""Why a flow fails, as its page says it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from monitor.models import FailureGroup, Flow, Problem, User
from monitor.models.definitions import packed_apps
from monitor.periods import Window, last_days
from monitor.queries.flow_causes import SHOWN, causes
from monitor.triage.write_off import write_off
from tests import factories
from tests.bystander import own
from tests.triage.conftest import Fail, Triage, fail, flow, operator, triage

__all__ = ["fail", "flow", "operator", "triage"]
pytestmark = pytest.mark.django_db


def test_the_most_frequent_cause_comes_first_with_what_of_it_is_open(
    fail: Fail, triage: Triage, flow: Flow, operator: User, now: datetime
) -> None:
    tax = [fail("Tax", minutes_ago=n) for n in (50, 40, 30)]
    triage(*tax, fail("Token", minutes_ago=20), fail("Token", flow=factories.make_flow(flow.account), minutes_ago=10))
    write_off([tax[0].pk], operator, "lost", now)
    found = causes(flow, last_days(now, 1))
    assert [(one.runs, one.open, one.is_unresolved) for one in found.rows] == [(3, 2, True), (1, 1, True)]
    assert [one.problem_id for one in found.rows] == [
        FailureGroup.objects.get(failures__execution=run).problem_id
        for run in (tax[0], own(Flow).get(pk=flow.pk).failed_runs.latest("failed_at").execution)
    ]
    assert (found.causes, found.more) == (2, 0)
    assert found.rows[0].last_failed_at == tax[2].failure.failed_at


def test_what_failed_outside_of_the_time_is_no_cause(fail: Fail, triage: Triage, flow: Flow, now: datetime) -> None:
    runs = [fail(f"Cause {letter}", minutes_ago=60 * hours) for letter, hours in (("A", 1), ("B", 3), ("C", 5))]
    triage(*runs)
    at = [run.failure.failed_at for run in runs]
    assert causes(flow, Window(at[1], at[0])).causes == 1
    assert causes(flow, Window(at[2], at[0] + timedelta(seconds=1))).causes == 3
    assert causes(flow, Window(at[0] + timedelta(seconds=1), now + timedelta(hours=1))).rows == []


def test_few_causes_are_shown_and_the_rest_is_counted(fail: Fail, triage: Triage, flow: Flow, now: datetime) -> None:
    words = ("Tax", "Token", "Stock", "Colour", "Region", "Currency", "Branch")
    triage(*(fail(word, minutes_ago=n + 1) for n, word in enumerate(words)))
    found = causes(flow, last_days(now, 1))
    assert (len(found.rows), found.more) == (SHOWN, own(Problem).count() - SHOWN)


def test_a_broken_connection_to_one_of_its_apps_is_said_where_runs_fail(
    fail: Fail, triage: Triage, flow: Flow, now: datetime
) -> None:
    flow.apps = packed_apps(["Zoho Books"])
    broken = factories.make_connection(flow.account, app="zoho_books", status="expired")
    for fields in ({"app": "Slack", "status": "expired"}, {"app": "Zoho Books", "status": "active"}):
        factories.make_connection(flow.account, **fields)
    factories.make_connection(app="Zoho Books", status="expired")
    assert causes(flow, last_days(now, 1)).broken == []
    triage(fail("Tax", minutes_ago=20))
    assert causes(flow, last_days(now, 1)).broken == [broken]
