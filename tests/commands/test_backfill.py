"""`manage.py backfill`: status, pause, resume."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from monitor.models import AuditEntry, Flow, FlowProgress, SyncState, ZohoAccount
from tests import factories
from tests.bystander import Bystander, own
from tests.commands.commandline import run


@pytest.fixture
def half_read(db: None) -> Flow:
    """A flow of which one run is mirrored, of about twenty that Zoho may hold."""
    account = factories.make_account("Acme")
    factories.make_flow(account, executions_read_at=timezone.now())
    flow = factories.make_flow(
        account,
        flow_name="Lead to campaign",
        execution_count=12_000,
        history_order="newest",
        covered_from=timezone.now() - timedelta(days=9, minutes=1),
        history_calls=3,
    )
    for _ in range(2):
        factories.make_execution(flow)
    return flow


def test_status_says_how_far_it_has_come_and_when_it_ends(half_read: Flow) -> None:
    said = run("backfill", "Acme", "status").out
    assert "Acme: history is being read, 1 of 2 flows complete, 2 of about 20 runs of the others" in said
    assert "(Zoho counted 12,000 in all)" in said
    assert f"back to {half_read.progress.covered_from:%Y-%m-%d %H:%M} UTC" in said
    assert "3 calls so far; ends about 20" in said
    assert "Lead to campaign: history is being read, 2 of about 20 runs" in said


def test_json_says_the_same(half_read: Flow) -> None:
    (found,) = json.loads(run("backfill", "Acme", "status", "--json").out)["accounts"]
    assert (found["name"], found["open"], found["paused"], found["calls"]) == ("Acme", True, False, 3)
    assert found["flows"] == {"done": 1, "all": 2}
    assert found["runs"] == {"read": 2, "about": 20, "at_most": 12_000}
    assert found["open_flows"][0]["flow_id"] == half_read.flow_id
    assert found["back_to"] is not None
    assert found["ends_at"] is not None


def test_pause_and_resume_are_audited_once_and_resume_goes_on_at_once(half_read: Flow, bystander: Bystander) -> None:
    later = timezone.now() + timedelta(hours=1)
    own(SyncState).update(next_due_at=later)
    assert "is paused" in run("backfill", "Acme", "pause").err
    assert own(ZohoAccount).get().backfill_paused
    assert bystander.differences() == []
    assert own(SyncState).get().next_due_at == later
    assert "already" in run("backfill", "Acme", "pause").err
    paused = run("backfill", "Acme", "status").out
    assert "the reading of history is paused" in paused
    assert "no end is foreseen" in paused
    run("backfill", "Acme", "resume")
    assert not own(ZohoAccount).get().backfill_paused
    assert own(SyncState).get().next_due_at < later
    entries = own(AuditEntry).order_by("pk").values_list("action", "actor_name")
    assert list(entries) == [("backfill.pause", "system"), ("backfill.resume", "system")]


def test_where_all_is_read_it_says_so(half_read: Flow) -> None:
    own(FlowProgress).update(executions_read_at=timezone.now())
    assert "Acme: history is read of all 2 flows, with 3 calls" in run("backfill", "Acme", "status").out


def test_status_tells_a_half_read_history_from_missing_runs(half_read: Flow) -> None:
    (account,) = json.loads(run("status", "Acme", "--json").out)["accounts"]
    assert account["history"]["open"] is True
    shown: dict[str, Any] = next(f for f in account["completeness"]["flows"] if f["flow_id"] == half_read.flow_id)
    assert shown["complete"] is False
    assert shown["reason"].startswith("history is being read, 2 of about 20 runs")
    assert shown["total"]["missing"] is None
    assert "history:  being read, 1 of 2 flows" in run("status", "Acme").out


def test_an_unknown_account_is_one_line(half_read: Flow) -> None:
    assert "no account named" in run("backfill", "Nobody", "status").error
