"""What the pages of one account's things show is the same with another account beside it that has the same ids."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from monitor import models as tables
from monitor.models import User
from tests.bystander import Bystander
from tests.bystander_rows import make_bystander
from tests.dashboard.world import World, make_world

HOUR = timedelta(hours=1)
MADE_ANEW = [
    r'name="csrfmiddlewaretoken" value="[^"]+"',
    r'nonce="[^"]*"',
    r">All \d+</a>",  # how many alerts are open in all, beside those of the flow
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
]

# The pages of single things, and lists narrowed to the account.
PAGES: dict[str, Callable[[World], str]] = {
    "flow": lambda w: reverse("flow", args=[w.flow.pk]),
    "flow of 30 days": lambda w: reverse("flow", args=[w.flow.pk]) + "?days=30",
    "flow version": lambda w: reverse("flow_version", args=[w.flow.pk, 1]),
    "execution": lambda w: reverse("execution", args=[w.execution.pk]),
    "retry": lambda w: reverse("execution_retry_state", args=[w.execution.pk]),
    "rule": lambda w: reverse("rule", args=[w.rule.pk]),
    "rule version": lambda w: reverse("rule_version", args=[w.rule.pk, 1]),
    "connected workflow": lambda w: reverse("connected_workflow", args=[w.connected.pk]),
    "connected version": lambda w: reverse("connected_version", args=[w.connected.pk, 1]),
    "alert": lambda w: reverse("alert", args=[w.alert.pk]),
    "alert rule": lambda w: reverse("alert_rule_delete", args=[w.alert_rule.pk]).replace("delete", "edit"),
    "account": lambda w: reverse("account", args=[w.account.pk]),
    "person": lambda w: reverse("person", args=[w.person.pk]),
    "mail": lambda w: reverse("mail", args=[w.mail.pk]),
    "mail's HTML": lambda w: reverse("mail_html", args=[w.mail.pk]),
    "callbacks": lambda w: reverse("push", args=[w.account.pk]),
    "hook": lambda w: reverse("hook", args=[w.hook.pk]),
}
LISTS = ["executions", "flows", "rules", "connected_workflows", "webhook_failures", "alerts"]


def make_namesake(world: World, now: datetime) -> Bystander:
    """An account with a row in every table: with the ids of the world's things at Zoho, of the same hours."""
    found = make_bystander()
    theirs = {"account": found.account_id}
    tables.Flow.objects.filter(**theirs).update(flow_id=world.flow.flow_id, seen_at=now)
    tables.FlowProgress.objects.filter(flow__account=found.account_id).update(hole_reason="theirs")
    runs = tables.Execution.objects.filter(**theirs)
    runs.update(execution_id=world.execution.execution_id, started_time=world.execution.started_time, changed_at=now)
    tables.RetryAttempt.objects.filter(**theirs).update(new_execution_id=world.execution.execution_id, requested_at=now)
    tables.WorkflowRule.objects.filter(**theirs).update(rule_id=world.rule.rule_id, module=world.rule.module)
    tables.ConnectedWorkflow.objects.filter(**theirs).update(workflow_id=world.connected.workflow_id)
    failures = tables.WebhookFailure.objects.filter(**theirs)
    failures.update(failure_time=now, rule_zoho_id=world.rule.rule_id, first_seen_at=now)
    hours = tables.HourBucket.objects.filter(flow__account=found.account_id)
    hours.update(hour=now - HOUR, failed=7, duration_count=1, durations=[0, 1])
    tables.DayBucket.objects.filter(flow__account=found.account_id).update(day=now.date())
    tables.UsageSnapshot.objects.filter(rule__account=found.account_id).update(day=now.date(), failure_count=9)
    tables.Transition.objects.filter(alert__flow__account=found.account_id).update(at=now, episode=1)
    tables.StageRun.objects.filter(**theirs).update(started_at=now, finished_at=now, outcome="failed", error="Theirs")
    tables.ApiCall.objects.filter(**theirs).update(started_at=now - HOUR / 2, status=500)
    tables.PushEvent.objects.filter(**theirs).update(received_at=now - HOUR)
    tables.HookTraffic.objects.filter(endpoint__account=found.account_id).update(minute=now, in_minute=99)
    # Its mirror is as fresh as the world's: the banner on each page is rightly about all accounts.
    tables.SyncState.objects.filter(**theirs).update(state="ok", reason="", last_complete_at=now, last_finished_at=now)
    tables.StreamState.objects.filter(**theirs).update(state="ok", reason="", last_read_at=now, last_tried_at=now)
    return found


def shown(client: Client, address: str, inside: str = "main") -> str:
    """What an address shows in its main part, or in another element, without what is made anew each time."""
    response = client.get(address)
    assert response.status_code == 200, address
    text = response.content.decode()
    for pattern in MADE_ANEW:
        text = re.sub(pattern, "", text)
    found = re.findall(rf"<{inside}\b.*?</{inside}>", text, re.DOTALL)
    # What stands above the content is rightly about all accounts: the banner, and the age of what is shown.
    return "\n".join(found).rpartition("</header>")[2] or text


@pytest.fixture
def at_noon(now: datetime) -> Any:
    with time_machine.travel(now, tick=False):
        yield now


@pytest.mark.one_database
@pytest.mark.parametrize("thing", PAGES)
def test_a_page_of_one_thing_shows_nothing_of_its_namesake(
    thing: str, at_noon: datetime, ada: User, signed_in: Any
) -> None:
    world = make_world(at_noon)
    client, address = signed_in(ada), PAGES[thing](world)
    alone = shown(client, address)
    make_namesake(world, at_noon)
    assert shown(client, address) == alone


@pytest.mark.one_database
@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_one_account_shows_nothing_of_another(
    name: str, at_noon: datetime, ada: User, signed_in: Any
) -> None:
    world = make_world(at_noon)
    client, address = signed_in(ada), f"{reverse(name)}?account={world.account.pk}"
    alone = shown(client, address, "tbody")
    make_namesake(world, at_noon)
    assert shown(client, address, "tbody") == alone
    assert shown(client, reverse(name), "tbody") != alone
