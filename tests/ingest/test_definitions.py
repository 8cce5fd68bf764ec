"""Definitions as versions, read when a list says that they may have changed."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.test import override_settings

from monitor.connection import BudgetSpent
from monitor.ingest.lists import definitions
from monitor.models import (
    ConnectedVersion,
    ConnectedWorkflow,
    DigestKey,
    Flow,
    FlowVersion,
    RuleVersion,
    WorkflowRule,
    ZohoAccount,
)
from monitor.models.crm import kinds_in
from monitor.zoho.errors import NotAvailable, NotFound, Refused
from tests.bystander import own
from tests.fake_zoho import FakeFlow, Zoho, a_connected, a_rule, a_task, sync
from tests.ingest.mirror import stream

ACTIONS = [{"action_id": "1", "app": "crm", "config": {"to": "x"}}, {"action_id": "2", "config": {"to": "y"}}]


@pytest.fixture
def flow(zoho: Zoho) -> FakeFlow:
    """A flow that was changed last on 20 November."""
    made = FakeFlow(over={"modified_time": "2026-11-20T10:00:00Z"})
    zoho.flows.append(made)
    zoho.details[made.flow_id] = {"actions": ACTIONS, "trigger": {"app": "crm"}}
    return made


def edit(zoho: Zoho, flow: FakeFlow, **detail: Any) -> None:
    """Somebody changes the flow at Zoho."""
    zoho.details[flow.flow_id] = zoho.details[flow.flow_id] | detail
    flow.over["modified_time"] = zoho.clock().strftime("%Y-%m-%dT%H:%M:%SZ")


def later(account: ZohoAccount, zoho: Zoho, **passed: float) -> None:
    zoho.clock.pause(timedelta(**passed).total_seconds())
    sync(account, zoho)


def test_the_first_sync_keeps_a_first_version_of_each(account: ZohoAccount, zoho: Zoho, flow: FakeFlow) -> None:
    zoho.rules, zoho.connected = [a_rule(modified_by={"name": "Pat Example"})], [a_connected()]
    zoho.details[zoho.rules[0]["id"]] = {"conditions": [{"id": "7", "instant_actions": {"actions": []}}]}
    zoho.details[zoho.connected[0]["id"]] = {"nodes": [{"id": "8"}]}

    assert sync(account, zoho).complete

    version = own(FlowVersion).get()
    assert (version.number, version.changes, version.seen_before) == (1, [], None)
    assert version.content["actions"] == ACTIONS
    assert own(RuleVersion).get().content["conditions"][0]["id"] == "7"
    assert own(RuleVersion).get().modified_by == "Pat Example"
    assert own(ConnectedVersion).get().content["nodes"] == [{"id": "8"}]
    assert stream(account, "definitions").state == "ok"


def test_a_sync_of_what_stood_still_asks_for_no_definition(account: ZohoAccount, zoho: Zoho, flow: FakeFlow) -> None:
    zoho.rules, zoho.connected = [a_rule()], [a_connected()]
    sync(account, zoho)
    zoho.calls.clear()
    later(account, zoho, hours=1)
    assert [call for call in zoho.calls if call.startswith(("flow ", "rule ", "one "))] == []


def test_a_change_is_a_version_between_the_last_sync_that_had_the_former_and_the_first_with_the_new_one(
    account: ZohoAccount, zoho: Zoho, flow: FakeFlow
) -> None:
    sync(account, zoho)
    later(account, zoho, minutes=10)
    had_it = zoho.clock()
    edit(zoho, flow, actions=[ACTIONS[0] | {"config": {"to": "z"}}, ACTIONS[1]])
    later(account, zoho, minutes=5)

    new = own(FlowVersion).get(number=2)
    assert [change["path"] for change in new.changes] == [["actions", "[1]", "config", "to"]]
    assert (new.changes[0]["before"], new.changes[0]["after"]) == ("x", "z")
    assert new.change_count == 1
    assert new.seen_before == had_it
    assert new.first_seen_at == had_it + timedelta(minutes=5)
    assert new.modified_time == had_it.replace(microsecond=0)


def test_switching_a_flow_off_and_on_makes_two_versions_and_the_last_is_as_the_first(
    account: ZohoAccount, zoho: Zoho, flow: FakeFlow
) -> None:
    sync(account, zoho)
    flow.over["status"] = "inactive"
    later(account, zoho, minutes=5)
    del flow.over["status"]
    later(account, zoho, minutes=5)

    first, second, third = own(FlowVersion).order_by("number")
    assert [change["after"] for change in second.changes] == ["inactive"]
    assert first.sha256 == third.sha256 != second.sha256


def test_a_step_that_waits_is_known_of_the_flow_for_as_long_as_it_is_there(
    account: ZohoAccount, zoho: Zoho, flow: FakeFlow
) -> None:
    sync(account, zoho)
    assert not own(Flow).get().may_wait
    edit(zoho, flow, actions=[*ACTIONS, {"action_id": "3", "app": "custom", "action": "delay", "config": {"days": 2}}])
    later(account, zoho, minutes=5)
    assert own(Flow).get().may_wait
    edit(zoho, flow, actions=ACTIONS)
    later(account, zoho, minutes=5)
    assert not own(Flow).get().may_wait


def test_a_rule_that_is_switched_off_is_a_new_version(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.rules = [a_rule()]
    sync(account, zoho)
    zoho.rules[0]["status"] = {"active": False}
    later(account, zoho, minutes=10)
    assert [c["path"] for c in own(RuleVersion).get(number=2).changes] == [["status", "active"]]


def test_what_a_rule_does_is_kept_with_it_as_its_newest_definition_says(account: ZohoAccount, zoho: Zoho) -> None:
    actions = [{"type": "tasks"}, {"type": "add_tags"}, {"type": "tasks"}]
    zoho.rules = [a_rule() | {"conditions": [{"instant_actions": {"actions": actions}}]}]
    sync(account, zoho)
    assert kinds_in(own(WorkflowRule).get().action_kinds) == ["add_tags", "tasks"]
    zoho.rules[0] |= {"conditions": [], "name": "Other"}
    later(account, zoho, minutes=10)
    assert own(WorkflowRule).get().action_kinds == ""


def test_a_time_of_change_that_moves_without_a_change_makes_no_version(
    account: ZohoAccount, zoho: Zoho, flow: FakeFlow
) -> None:
    sync(account, zoho)
    edit(zoho, flow)
    zoho.calls.clear()
    later(account, zoho, minutes=5)
    assert zoho.asked(f"flow {flow.flow_id}") == 1
    later(account, zoho, minutes=5)
    assert zoho.asked(f"flow {flow.flow_id}") == 1, "the new time is known by now"
    assert own(FlowVersion).count() == 1


def test_two_changes_within_a_second_are_both_found(account: ZohoAccount, zoho: Zoho, flow: FakeFlow) -> None:
    edit(zoho, flow, actions=ACTIONS[:1])
    sync(account, zoho)
    edit(zoho, flow, actions=[])
    later(account, zoho, minutes=2)
    assert own(FlowVersion).get(number=2).content["actions"] == []
    zoho.calls.clear()
    later(account, zoho, minutes=2)
    assert zoho.asked("flow ") == 0


def test_a_change_that_no_list_tells_of_is_found_within_a_week_and_its_span_begins_at_the_last_reading(
    account: ZohoAccount, zoho: Zoho, flow: FakeFlow
) -> None:
    sync(account, zoho)
    read = own(Flow).get().definition_read_at
    zoho.details[flow.flow_id] = {"actions": ACTIONS[:1]}
    later(account, zoho, days=6)
    assert own(FlowVersion).count() == 1
    later(account, zoho, days=1)
    assert own(FlowVersion).get(number=2).seen_before == read


def test_a_secret_is_not_kept_and_another_one_is_noticed(account: ZohoAccount, zoho: Zoho, flow: FakeFlow) -> None:
    address = "https://flow.zoho.com/60/flow/webhook/incoming?zapikey={}&isdebug=false"
    edit(zoho, flow, trigger={"webhook_url": address.format("oldoldold")})
    sync(account, zoho)
    zoho.clock.pause(600)
    edit(zoho, flow, trigger={"webhook_url": address.format("newnewnew")})
    later(account, zoho, minutes=5)

    kept = json.dumps(list(own(FlowVersion).values("content", "changes")))
    assert "oldoldold" not in kept
    assert "newnewnew" not in kept
    assert [(c["path"], c["kind"]) for c in own(FlowVersion).get(number=2).changes] == [
        (["trigger", "webhook_url"], "secret")
    ]


def test_a_new_encryption_key_makes_no_secret_look_changed(
    account: ZohoAccount, zoho: Zoho, flow: FakeFlow, settings: Any
) -> None:
    edit(zoho, flow, trigger={"password": "hunter2"})
    sync(account, zoho)
    with override_settings(ENCRYPTION_KEYS=[Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]):
        edit(zoho, flow)
        later(account, zoho, minutes=5)
    assert own(FlowVersion).count() == 1
    assert own(DigestKey).get().key not in json.dumps(own(FlowVersion).get().content)


def test_a_definition_that_cannot_be_read_is_told_of_and_asked_for_ever_more_seldom(
    account: ZohoAccount, zoho: Zoho, flow: FakeFlow
) -> None:
    zoho.flows.append(FakeFlow(name="Another"))

    def refuse(number: int, what: str) -> None:
        if what == f"flow {flow.flow_id}":
            raise Refused("no")

    zoho.before_call = refuse
    sync(account, zoho)
    assert stream(account, "definitions").state == "failing"
    assert own(FlowVersion).count() == 1, "the other one is there"
    zoho.calls.clear()
    later(account, zoho, minutes=1)
    assert zoho.asked(f"flow {flow.flow_id}") == 0
    assert stream(account, "definitions").state == "incomplete"
    later(account, zoho, minutes=10)
    assert zoho.asked(f"flow {flow.flow_id}") == 1


def test_a_flow_that_was_deleted_meanwhile_spoils_nothing(account: ZohoAccount, zoho: Zoho, flow: FakeFlow) -> None:
    def vanish(number: int, what: str) -> None:
        if what == f"flow {flow.flow_id}":
            raise NotFound("gone", status=404)

    zoho.before_call = vanish
    assert sync(account, zoho).complete
    assert own(FlowVersion).count() == 0


def test_the_definition_of_another_flow_is_not_taken_for_this_ones(
    account: ZohoAccount, zoho: Zoho, flow: FakeFlow
) -> None:
    zoho.details[flow.flow_id] |= {"flow_id": "999"}
    sync(account, zoho)
    assert own(FlowVersion).count() == 0
    assert "999" in stream(account, "definitions").reason


def test_a_background_sweep_reads_a_few_definitions_and_the_next_ones_go_on(
    account: ZohoAccount, zoho: Zoho, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(definitions, "MOST_A_SWEEP", 2)
    zoho.flows = [FakeFlow(name=f"Flow {n}") for n in range(5)]
    left = []
    for _ in range(4):
        sync(account, zoho, patience=a_task(zoho))
        left.append(5 - own(FlowVersion).count())
        zoho.clock.pause(60)
    assert left == [3, 1, 0, 0]
    assert stream(account, "definitions").state == "ok"


def test_definitions_that_wait_for_calls_do_not_make_the_mirror_incomplete(
    account: ZohoAccount, zoho: Zoho, flow: FakeFlow
) -> None:
    def spent(number: int, what: str) -> None:
        if what.startswith("flow "):
            now = zoho.clock()
            raise BudgetSpent("spent", now=now, until=now + timedelta(minutes=1))

    zoho.before_call = spent
    result = sync(account, zoho, patience=a_task(zoho))
    assert result.complete
    account.sync.refresh_from_db()
    assert account.sync.state == "ok"
    assert stream(account, "definitions").state == "incomplete"
    assert stream(account, "definitions").reason == "1 definition is still to be read"


def test_a_changed_definition_comes_before_those_that_were_never_read(
    account: ZohoAccount, zoho: Zoho, flow: FakeFlow
) -> None:
    sync(account, zoho)
    zoho.flows = [*(FakeFlow(name=f"New {n}") for n in range(3)), flow]
    edit(zoho, flow, actions=[])
    zoho.calls.clear()
    later(account, zoho, minutes=5)
    assert next(call for call in zoho.calls if call.startswith("flow ")) == f"flow {flow.flow_id}"


def test_versions_outlive_what_they_describe(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.rules = [a_rule("Goes"), *(a_rule() for _ in range(5))]
    sync(account, zoho)
    gone = zoho.rules.pop(0)
    later(account, zoho, minutes=10)
    assert own(WorkflowRule).get(rule_id=gone["id"]).gone_at is not None
    assert own(RuleVersion).filter(rule__rule_id=gone["id"]).count() == 1


def test_connected_workflows_come_and_go_with_the_list(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.connected = [a_connected(f"Journey {n}") for n in range(6)]
    sync(account, zoho)
    row = own(ConnectedWorkflow).get(name="Journey 0")
    assert (row.status, row.primary_module, row.involved_modules) == ("active", "Leads", ["Deals", "Leads"])
    gone = zoho.connected.pop(0)
    zoho.connected[0]["status"] = "inactive"
    later(account, zoho, hours=2)
    assert own(ConnectedWorkflow).get(workflow_id=gone["id"]).gone_at is not None
    assert own(ConnectedWorkflow).get(name="Journey 1").status == "inactive"
    assert own(ConnectedVersion).filter(workflow__name="Journey 1").count() == 2


def test_an_edition_without_connected_workflows_is_no_failure(account: ZohoAccount, busy: Zoho) -> None:
    def refuse(number: int, what: str) -> None:
        if what == "connected":
            raise NotAvailable("feature not available in this edition", status=403)

    busy.before_call = refuse
    assert sync(account, busy).complete
    assert stream(account, "connected").state == "not_available"


def test_connected_workflows_are_listed_once_an_hour(account: ZohoAccount, busy: Zoho, now: datetime) -> None:
    sync(account, busy)
    busy.calls.clear()
    for _ in range(11):
        busy.clock.pause(300)
        sync(account, busy, patience=a_task(busy))
    assert busy.asked("connected") == 0
    busy.clock.pause(600)
    sync(account, busy, patience=a_task(busy))
    assert busy.asked("connected") == 1
