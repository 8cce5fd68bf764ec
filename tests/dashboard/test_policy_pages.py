"""Admins make policies of retries on the pages of a flow and a problem; everybody sees what they do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from monitor.models import AuditEntry, Flow, Problem, RetryAttempt, RetryPolicy, User
from monitor.queries.policies import use_of, with_use
from tests import factories
from tests.bystander import own
from tests.dashboard.world import make_attempt

ASKED = {"name": "Missing tax", "tries": "3", "wait_minutes": "10", "per_day": "5"}


def definition_of(flow: Any) -> str:
    return f"{flow.get_absolute_url()}?tab=definition"


@pytest.fixture
def flow(account) -> Flow:
    return factories.make_flow(account, flow_name="Invoices to Books")


@pytest.fixture
def problem(flow: Flow) -> Problem:
    return factories.make_failure(factories.make_execution(flow, "failed")).group.problem


@pytest.fixture
def policy(flow: Flow, ada: User, now) -> RetryPolicy:
    return RetryPolicy.objects.create(account=flow.account, name="Missing tax", flow=flow, set_by=ada, set_at=now)


def text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_one_is_made_for_a_problem_switched_off_and_switched_on_by_a_second_click(problem, signed_in, ada) -> None:
    client = signed_in(ada)
    address = reverse("retry_policy_of_problem", args=[problem.pk])
    assert f'href="{address}"' in text(client.get(problem.get_absolute_url()))
    response = client.post(address, ASKED)
    made = own(RetryPolicy).get()
    assert response["Location"] == made.get_absolute_url()
    assert (made.problem, made.flow, made.account, made.set_by) == (problem, None, problem.account, ada)
    assert (made.name, made.tries, made.wait_minutes, made.per_day, made.is_on) == ("Missing tax", 3, 10, 5, False)
    client.post(reverse("retry_policy_on", args=[made.pk]))
    made.refresh_from_db()
    assert made.is_on
    page = text(client.get(made.get_absolute_url()))
    assert "0 of 5 used" in page
    assert "Switch it off" in page
    client.post(reverse("retry_policy_off", args=[made.pk]))
    made.refresh_from_db()
    assert not made.is_on


def test_a_flow_has_one_too_and_the_form_says_that_it_has(flow, policy, signed_in, ada) -> None:
    client = signed_in(ada)
    address = reverse("retry_policy_of_flow", args=[flow.pk])
    assert f'href="{address}"' in text(client.get(definition_of(flow)))
    assert "It has one already" in text(client.get(address))
    assert client.post(address, ASKED).status_code == 409
    assert client.post(address, ASKED | {"name": "Another"}).status_code == 302
    assert own(RetryPolicy).count() == 2


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"name": "x" * 81}, {"tries": "0"}, {"tries": "6"}, {"wait_minutes": "0"}, {"per_day": "1001"}],
)
def test_what_is_out_of_its_limits_is_said_and_nothing_is_written(problem, policy, signed_in, ada, wrong) -> None:
    client = signed_in(ada)
    assert client.post(reverse("retry_policy_of_problem", args=[problem.pk]), ASKED | wrong).status_code == 400
    assert client.post(reverse("retry_policy_change", args=[policy.pk]), ASKED | wrong).status_code == 400
    [kept] = own(RetryPolicy)
    assert (kept.name, kept.tries, kept.per_day) == ("Missing tax", 2, 20)


def test_it_is_changed_and_deleted_and_each_stands_in_the_trail(policy, signed_in, ada) -> None:
    client = signed_in(ada)
    client.post(reverse("retry_policy_change", args=[policy.pk]), ASKED | {"name": "Tax"})
    policy.refresh_from_db()
    assert (policy.name, policy.tries) == ("Tax", 3)
    client.post(reverse("retry_policy_delete", args=[policy.pk]))
    assert not own(RetryPolicy).exists()
    actions = AuditEntry.objects.filter(object_type="retry_policy").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["retry_policy.change", "retry_policy.delete"]


def test_everybody_sees_what_it_did_and_only_admins_are_offered_more(
    policy, flow, signed_in, vera, otto, now, at_noon
) -> None:
    run = factories.make_execution(flow, "failed")
    make_attempt(run, otto, now, policy=policy, state="failed_again")
    make_attempt(factories.make_execution(flow, "failed"), otto, now, policy=policy, state="succeeded")
    for person in (vera, otto):
        client = signed_in(person)
        listed = text(client.get(reverse("retry_policies")))
        assert "Missing tax" in listed
        assert ">2</a> of 20" in listed
        page = text(client.get(policy.get_absolute_url()))
        assert run.execution_id in page
        for which, runs in (("today", 2), ("succeeded", 1), ("failed", 1)):
            address = f"{policy.get_absolute_url()}retries/?which={which}"
            assert f'href="{address}">{runs}</a>' in page
            assert text(client.get(address)).count('href="/executions/') == runs + 1  # one is in the menu
        assert "Switch it" not in page
        assert "Retry such failures" not in text(client.get(definition_of(flow)))


def test_the_pages_of_its_flow_and_problem_say_to_everybody_that_one_is_on(
    flow, problem, policy, signed_in, vera, ada, now
) -> None:
    words = "A policy retries such failures by itself."
    assert words not in text(signed_in(vera).get(definition_of(flow)))
    RetryPolicy.objects.filter(pk=policy.pk).update(is_on=True, on_since=now)
    given = {"account": flow.account, "set_by": ada, "set_at": now, "is_on": True, "on_since": now}
    other = RetryPolicy.objects.create(name="Another", problem=problem, **given)
    for person in (vera, ada):
        client = signed_in(person)
        for address, one in ((definition_of(flow), policy), (problem.get_absolute_url(), other)):
            page = text(client.get(address))
            assert words in page
            assert f'href="{one.get_absolute_url()}"' in page


def test_why_it_switched_itself_off_is_said(policy, signed_in, vera) -> None:
    RetryPolicy.objects.filter(pk=policy.pk).update(off_reason="The person who set it may no longer do so.")
    assert "The person who set it may no longer do so." in text(signed_in(vera).get(policy.get_absolute_url()))


def test_pages_cost_the_same_however_many_there_are(
    policy, flow, signed_in, vera, ada, now, django_assert_max_num_queries
):
    client = signed_in(vera)
    for number in range(20):
        RetryPolicy.objects.create(account=flow.account, name=f"Policy {number}", flow=flow, set_by=ada, set_at=now)
        run = factories.make_execution(flow, "failed")
        make_attempt(run, ada, now, policy=policy, state="succeeded")
    with django_assert_max_num_queries(9):
        client.get(reverse("retry_policies"))
    with django_assert_max_num_queries(12):
        client.get(policy.get_absolute_url())


def test_how_its_retries_ended_is_counted_over_thirty_days_and_no_longer(policy, flow, ada, now) -> None:
    other = RetryPolicy.objects.create(account=flow.account, name="Other", flow=flow, set_by=ada, set_at=now)
    for of, days, state in (
        *((policy, days, "succeeded") for days in (0, 2, 29, 30, 400)),
        *((policy, days, "failed_again") for days in (0, 29, 31)),
        *((policy, days, "rejected") for days in (1, 35)),
        (policy, 0, "cancelled"),
        (other, 3, "succeeded"),
    ):
        RetryAttempt.objects.create(
            account=flow.account,
            execution=factories.make_execution(flow, "failed"),
            requested_by=ada,
            requested_at=now - timedelta(days=days),
            client_token=f"{of.pk}-{days}-{state}",
            state=state,
            policy=of,
        )
    found = {use.policy: (use.today, use.succeeded, use.failed) for use in with_use(now)}
    assert (found[policy], found[other]) == ((2, 3, 3), (0, 1, 0))
    assert use_of(other, now).succeeded == 1
