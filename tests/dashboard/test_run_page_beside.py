"""One run's page: the failures before and after it, the action that failed, and what comes next."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import Execution, Flow, RetryPolicy, User, ZohoAccount
from monitor.queries.execution import executions
from monitor.queries.failures_beside import failures_beside
from tests import factories
from tests.dashboard.test_overview import text_of


@pytest.fixture
def flow(account: ZohoAccount) -> Flow:
    return factories.make_flow(account)


def failed(flow: Flow, at: datetime, fate: str = "open") -> Execution:
    run = factories.make_execution(flow, "failed", started_time=at)
    failure = factories.make_failure(run)
    type(failure).objects.filter(pk=failure.pk).update(fate=fate, failed_at=at)
    return run


def beside(run: Execution) -> tuple[int | None, int | None]:
    before, after = failures_beside(executions().get(pk=run.pk))
    return before and before.pk, after and after.pk


def test_beside_a_run_are_the_nearest_failures_of_its_flow_whatever_became_of_them(
    flow: Flow, account: ZohoAccount, at_noon: datetime
) -> None:
    minute = timedelta(minutes=1)
    fates = ["open", "recovered", "written_off", "retried", "superseded", "open"]
    runs = [failed(flow, at_noon - (10 - number) * minute, fate) for number, fate in enumerate(fates)]
    other = factories.make_flow(account)
    for number in range(20):
        failed(other, at_noon - timedelta(seconds=30 * number))
    keys = [None, *(run.pk for run in runs), None]
    assert [beside(run) for run in runs] == [(keys[n], keys[n + 2]) for n in range(len(runs))]
    good = factories.make_execution(flow, started_time=at_noon - 8 * minute + timedelta(seconds=5))
    assert beside(good) == (runs[2].pk, runs[3].pk)


def test_failures_of_one_moment_are_gone_through_one_by_one(flow: Flow, at_noon: datetime) -> None:
    runs = [failed(flow, at_noon, fate) for fate in ("open", "retried", "open")]
    assert [beside(run) for run in runs] == [(None, runs[1].pk), (runs[0].pk, runs[2].pk), (runs[1].pk, None)]


def test_a_run_without_a_time_has_none_beside_it(flow: Flow, at_noon: datetime) -> None:
    failed(flow, at_noon)
    running = factories.make_execution(flow, "running")
    Execution.objects.filter(pk=running.pk).update(started_time=None)
    assert beside(running) == (None, None)


def test_the_page_leads_to_its_neighbours_by_links_and_keys(
    flow: Flow, vera: User, signed_in: Any, at_noon: datetime
) -> None:
    runs = [failed(flow, at_noon - timedelta(minutes=number)) for number in range(3)]
    page = signed_in(vera).get(runs[1].get_absolute_url()).content.decode()
    assert f'rel="prev" href="{runs[2].get_absolute_url()}" data-single-key="k"' in page
    assert f'rel="next" href="{runs[0].get_absolute_url()}" data-single-key="j"' in page


def test_the_page_names_the_action_that_failed_and_its_place(
    flow: Flow, vera: User, signed_in: Any, at_noon: datetime
) -> None:
    run = failed(flow, at_noon)
    Execution.objects.filter(pk=run.pk).update(error_action_id="a2")
    said = "Failed in action a2"
    assert said in text_of(signed_in(vera).get(run.get_absolute_url()))
    actions = [{"action_id": f"a{number}", "app": "Zoho CRM", "action": f"step {number}"} for number in range(1, 4)]
    factories.make_version(flow, content={"actions": actions})
    said = "Failed in “Zoho CRM: step 2”, step 2 of 3 of the flow as it is now, action a2"
    assert said in text_of(signed_in(vera).get(run.get_absolute_url()))


def test_the_page_says_that_a_policy_takes_the_failure_up(
    flow: Flow, vera: User, ada: User, signed_in: Any, at_noon: datetime
) -> None:
    run = failed(flow, at_noon - timedelta(days=2))
    client = signed_in(vera)
    assert "It waits for a person to retry it" in text_of(client.get(run.get_absolute_url()))
    policy = RetryPolicy.objects.create(
        account=flow.account, name="Again", flow=flow, is_on=True, on_since=at_noon, set_by=ada, set_at=at_noon
    )
    assert "A retry policy" not in text_of(client.get(run.get_absolute_url()))
    RetryPolicy.objects.filter(pk=policy.pk).update(on_since=at_noon - timedelta(days=3))
    assert "A retry policy takes it up by itself, where that is safe. The policy" in text_of(
        client.get(run.get_absolute_url())
    )
