"""Definitions, usage and failures of webhooks against the stand-in over a socket."""

from __future__ import annotations

import json

import pytest

from monitor.models import (
    ConnectedVersion,
    ConnectedWorkflow,
    FlowVersion,
    RuleVersion,
    UsageSnapshot,
    WebhookFailure,
    WorkflowRule,
)
from standin.crm.rules import ORG_ZONE
from tests.bystander import own
from tests.ingest.test_standin import House, house, quick, small

pytestmark = pytest.mark.deep

__all__ = ["house", "quick", "small"]  # fixtures


def test_every_definition_has_a_version_and_every_failure_of_a_webhook_is_there(house: House) -> None:
    assert house.sync().complete
    world = house.app.world
    assert set(own(FlowVersion).values_list("flow__flow_id", flat=True)) == set(world.flows)
    assert set(own(RuleVersion).values_list("rule__rule_id", flat=True)) == set(world.rules.rules)
    connected = world.store.collection("connected_workflows")
    assert set(own(ConnectedWorkflow).values_list("workflow_id", flat=True)) == set(connected)
    assert own(ConnectedVersion).count() == len(connected)
    assert WebhookFailure.objects.filter(account=house.account).count() == failures_upstream(house)
    assert not WebhookFailure.objects.filter(rule=None).exists()


def failures_upstream(house: House) -> int:
    """Failed calls of webhooks on the 90 days up to today, by the organisation's calendar."""
    today = house.clock().astimezone(ORG_ZONE).date()
    return sum(
        len(event.failed & {place for place, action in enumerate(rule.actions()) if action.get("type") == "webhooks"})
        for rule in house.app.world.rules.rules.values()
        for event in rule.events()
        if (today - event.at.astimezone(ORG_ZONE).date()).days < 90
    )


def test_an_edited_flow_and_an_edited_rule_are_new_versions_without_their_secrets(small: House) -> None:
    small.sync()
    small.clock.advance(3600)
    world = small.app.world
    flow_id, rule_id = next(iter(world.flows)), next(iter(world.rules.rules))
    address = "https://api.example.com/x?api_key=hunter2hunter2"
    action = {"action_id": "77", "app": "http", "action": "request", "config": {"url": address}}
    world.do("add_action", flow_id=flow_id, action=action)
    world.do("rule_update", rule_id=rule_id, body={"name": "Another name", "status": {"active": False}})
    small.clock.advance(600)
    assert small.sync().complete

    flow = FlowVersion.objects.get(flow__flow_id=flow_id, number=2)
    assert [change["kind"] for change in flow.changes] == ["added"]
    assert "hunter2hunter2" not in json.dumps([flow.content, flow.changes])
    rule = own(RuleVersion).get(rule__rule_id=rule_id, number=2)
    assert {change["path"][0] for change in rule.changes} <= {"name", "status"}
    assert "name" in {change["path"][0] for change in rule.changes}


def test_days_of_usage_add_up_to_what_the_rules_did(small: House) -> None:
    begun = small.clock()
    small.sync()
    for _ in range(6):
        small.clock.advance(43_200)
        assert small.sync().complete
    for rule in own(WorkflowRule):
        upstream = small.app.world.rules.rules[rule.rule_id]
        events = [event for event in upstream.events() if event.at > begun]
        days = UsageSnapshot.objects.filter(rule=rule)
        assert sum(day.failed or 0 for day in days) == sum(len(event.failed) for event in events)
        assert sum(day.succeeded or 0 for day in days) == sum(
            len(upstream.actions()) - len(event.failed) for event in events
        )
        assert not any(day.is_reset for day in days)
