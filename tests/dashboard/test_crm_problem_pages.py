"""Problems of Zoho CRM on their pages: nothing is retried there, and the page says what can be done."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from monitor.models import (
    AlertState,
    AutomationFact,
    CrmFailure,
    Problem,
    UsageSnapshot,
    User,
    WorkflowRule,
    ZohoAccount,
)
from monitor.triage.take_crm import take_crm
from tests import factories
from tests.bystander import own
from tests.commands.commandline import run

Signed = Callable[[User], Client]


@pytest.fixture
def rule(account: ZohoAccount) -> WorkflowRule:
    return factories.make_rule(account, name="Big deals")


@pytest.fixture
def problem(rule: WorkflowRule, at_noon: datetime) -> Problem:
    """Three failed calls of one webhook."""
    for number in range(3):
        factories.make_webhook_failure(rule.account, rule=rule, record_id=f"90{number}", failure_time=at_noon)
    take_crm(at_noon)
    return own(Problem).get()


def text_of(response: Any, status: int = 200) -> str:
    assert response.status_code == status
    return str(response.content.decode())


def test_its_page_says_what_failed_and_that_nothing_can_be_retried(
    problem: Problem, rule: WorkflowRule, signed_in: Signed, otto: User
) -> None:
    page = text_of(signed_in(otto).get(problem.get_absolute_url()))
    assert "Webhook Tell the shop: The address was not found (404)" in page
    assert "Nothing can be retried here" in page
    assert rule.get_absolute_url() in page
    assert "902" in page
    assert "Take it" in page
    for absent in ("Retry open failures", "Write off…", "page_notfound", "Jo Example"):
        assert absent not in page


def test_it_names_the_host_of_its_webhook_and_nothing_else_of_the_address(
    problem: Problem, signed_in: Signed, vera: User, at_noon: datetime
) -> None:
    client, failure = signed_in(vera), own(CrmFailure).first()
    assert failure is not None
    assert failure.webhook_failure is not None
    assert "Open the host of the address of Tell the shop" in text_of(client.get(problem.get_absolute_url()))
    webhook = failure.webhook_failure.webhook_id
    for account, host in ((problem.account, "shop.example.com"), (factories.make_account("Twin"), "twin.example.com")):
        AutomationFact.objects.create(
            account=account, part="webhooks", facts={webhook: host, "1": "another.example.com"}, read_at=at_noon
        )
    page = text_of(client.get(problem.get_absolute_url()))
    assert "the host that Tell the shop leads to" in page
    assert "shop.example.com" in page
    for other in ("twin.example.com", "another.example.com"):
        assert other not in page


def test_a_viewer_reads_it_and_is_offered_no_act(problem: Problem, signed_in: Signed, vera: User) -> None:
    page = text_of(signed_in(vera).get(problem.get_absolute_url()))
    assert "Nothing can be retried here" in page
    assert "Accept" not in page.replace("Accepted", "").replace("is accepted", "")
    assert reverse("problem_accept", args=[problem.pk]) not in page


def test_failed_actions_are_named_with_their_number(
    rule: WorkflowRule, signed_in: Signed, vera: User, at_noon: Any
) -> None:
    UsageSnapshot.objects.create(
        rule=rule, day=at_noon.date(), taken_at=at_noon, failed=4, actions=[{"id": "1", "name": "Mail", "failure": 4}]
    )
    take_crm(at_noon)
    page = text_of(signed_in(vera).get(own(Problem).get().get_absolute_url()))
    assert "Zoho does not say which" in page
    assert "Zoho only counts failed actions" in page


def test_it_is_accepted_with_a_reason_and_taken_back(problem: Problem, signed_in: Signed, otto: User) -> None:
    client = signed_in(otto)
    accept = reverse("problem_accept", args=[problem.pk])
    assert "Fix what the form says" in text_of(client.post(accept, {"reason": " "}), 400)
    page = text_of(client.post(accept, {"reason": "The shop is closed"}, follow=True))
    assert "The shop is closed" in page
    assert "Accepted 3 failures" in page
    assert set(own(CrmFailure).values_list("fate", flat=True)) == {"written_off"}
    assert client.post(accept, {"reason": "again"}).status_code == 409
    page = text_of(client.post(reverse("problem_accept_take_back", args=[problem.pk]), follow=True))
    assert set(own(CrmFailure).values_list("fate", flat=True)) == {"open"}
    assert "Took back that 3 failures were accepted" in page


def test_people_act_on_it_as_on_every_problem(problem: Problem, signed_in: Signed, otto: User) -> None:
    client = signed_in(otto)
    client.post(reverse("problem_take", args=[problem.pk]))
    client.post(reverse("problem_note", args=[problem.pk]), {"text": "The shop moved"})
    page = text_of(client.post(reverse("problem_resolve", args=[problem.pk]), {"text": "new address"}, follow=True))
    assert "The shop moved" in page
    problem.refresh_from_db()
    assert (problem.owner, problem.state) == (otto, "resolved")
    assert client.post(reverse("problem_note", args=[problem.pk]), {"text": ""}).status_code == 400


def test_the_list_counts_it_without_a_link_to_runs(problem: Problem, signed_in: Signed, vera: User) -> None:
    response = signed_in(vera).get(reverse("problems"))
    page = text_of(response)
    (row,) = response.context["rows"]
    assert (row.ledger.open, row.ledger.failed, row.flows) == (3, 3, 1)
    assert f"problem={problem.pk}" not in page
    assert "1 rule</td>" in page


def test_the_list_is_narrowed_to_a_rule(problem: Problem, rule: WorkflowRule, signed_in: Signed, vera: User) -> None:
    client = signed_in(vera)
    for asked, count in ((rule.pk, 1), (rule.pk + 1, 0)):
        assert len(client.get(reverse("problems"), {"rule": asked}).context["rows"]) == count


def test_it_is_none_of_a_connections_app_and_no_policy_retries_it(
    problem: Problem, signed_in: Signed, ada: User
) -> None:
    client = signed_in(ada)
    assert client.get(reverse("problems"), {"app": "Zoho CRM"}).context["rows"] == []
    assert client.get(reverse("retry_policy_of_problem", args=[problem.pk])).status_code == 404
    client.post(reverse("batch_preview"), {"problem": problem.pk})
    assert set(own(CrmFailure).values_list("fate", flat=True)) == {"open"}


def test_an_incident_of_a_rule_leads_to_its_problems(
    problem: Problem, rule: WorkflowRule, signed_in: Signed, vera: User, at_noon: Any
) -> None:
    subject = {"subject_kind": "crm_rule", "subject_key": str(rule.pk), "subject_name": "Big deals"}
    seen = {"since": at_noon, "evaluated_at": at_noon, "state": "firing"}
    alert = AlertState.objects.create(rule=factories.make_alert_rule(rule.account), **subject, **seen)
    incident = factories.make_incident(alert)
    assert f"rule={rule.pk}" in text_of(signed_in(vera).get(incident.get_absolute_url()))


def test_the_export_counts_what_failed_in_crm(problem: Problem) -> None:
    rows = list(csv.DictReader(StringIO(run("export", "problems", "--format=csv").out)))
    (row,) = (row for row in rows if row["number"] == str(problem.pk))
    assert (row["failed"], row["open"], row["written_off"], row["source"]) == ("3", "3", "0", "crm")


def test_its_page_costs_no_more_with_more_failures(
    problem: Problem, rule: WorkflowRule, signed_in: Signed, otto: User, at_noon: Any
) -> None:
    client, counted = signed_in(otto), []
    for _ in range(2):
        with CaptureQueriesContext(database) as captured:
            client.get(problem.get_absolute_url())
        counted.append(len(captured))
        for _ in range(70):
            factories.make_webhook_failure(rule.account, rule=rule, failure_time=at_noon)
        take_crm(at_noon)
    assert counted[0] == counted[1] <= 8
    page = text_of(client.get(problem.get_absolute_url()))
    assert "The newest 50 of 143" in page
