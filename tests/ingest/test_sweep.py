"""What one sweep does when a part of it goes wrong: the rest goes on, and nothing is called empty or complete."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.ingest.base.mode import Mode, Patience
from monitor.models import (
    ApiBudget,
    Connection,
    Execution,
    Flow,
    StreamState,
    SyncState,
    WorkflowRule,
    ZohoAccount,
)
from monitor.zoho.errors import (
    AnswerLost,
    BadAnswer,
    GrantRevoked,
    NotAvailable,
    Refused,
    ScopeMissing,
    TokenRefused,
    Wait,
    ZohoError,
)
from tests.bystander import own
from tests.fake_zoho import FakeFlow, FakeFlowClient, Run, Zoho, a_task, hasty, sync
from tests.ingest.mirror import mirrored, stream, upstream


def fail(zoho: Zoho, what: str, error: Exception) -> None:
    def raise_it(number: int, asked: str) -> None:
        if asked.startswith(what):
            raise error

    zoho.before_call = raise_it


def heal(zoho: Zoho) -> None:
    zoho.before_call = lambda number, what: None


def state(account: ZohoAccount) -> SyncState:
    return SyncState.objects.get(account=account)


@pytest.mark.parametrize("error", [BadAnswer("HTML"), Refused("no"), AnswerLost("502")], ids=lambda e: type(e).__name__)
def test_one_flow_that_cannot_be_read_does_not_keep_the_others_from_being_read(
    account: ZohoAccount, busy: Zoho, error: ZohoError
) -> None:
    sick = busy.flows[-1]  # the largest, and so the first to be read
    fail(busy, f"executions {sick.flow_id}", error)

    result = sync(account, busy, patience=hasty(busy))

    assert not result.complete
    assert stream(account, "executions").state == "failing"
    assert {row["flow"] for row in mirrored(account).values()} == {flow.flow_id for flow in busy.flows[:-1]}
    heal(busy)
    assert sync(account, busy).complete
    assert mirrored(account) == upstream(busy)


def test_an_endpoint_that_fails_for_all_is_given_up_after_three(account: ZohoAccount, busy: Zoho) -> None:
    fail(busy, "executions", BadAnswer("HTML"))

    sync(account, busy, patience=hasty(busy))

    assert busy.asked("executions") == 3
    assert state(account).state == "schema"


def test_one_usage_report_that_zoho_refuses_does_not_hide_the_others(account: ZohoAccount, busy: Zoho) -> None:
    fail(busy, f"usage {busy.rules[0]['id']}", Refused("not for this trigger"))

    result = sync(account, busy)

    assert not result.complete
    assert own(WorkflowRule).exclude(usage_read_at=None).count() == 4
    assert stream(account, "usage").state == "failing"


@pytest.mark.parametrize("what", ["connections", "rules", "usage", "executions", "flows"])
def test_an_endpoint_that_the_account_may_not_use_is_not_available_and_not_missing(
    account: ZohoAccount, busy: Zoho, what: str
) -> None:
    fail(busy, what, NotAvailable("403", status=403))

    result = sync(account, busy)

    assert result.complete
    assert stream(account, what).state == "not_available"
    assert state(account).state == "ok"


def test_one_flow_that_may_not_be_read_does_not_make_executions_unavailable(account: ZohoAccount, busy: Zoho) -> None:
    fail(busy, f"executions {busy.flows[2].flow_id}", NotAvailable("403", status=403))

    assert not sync(account, busy).complete

    assert stream(account, "executions").state == "incomplete"
    assert len({row["flow"] for row in mirrored(account).values()}) == 4


def test_single_runs_that_cannot_be_had_do_not_make_executions_unavailable(account: ZohoAccount, busy: Zoho) -> None:
    busy.flows[0].runs.append(Run(busy.clock() - timedelta(seconds=30), "running"))
    sync(account, busy)
    busy.clock.pause(70)
    fail(busy, "execution 99", NotAvailable("403", status=403))

    assert sync(account, busy).complete

    assert stream(account, "executions").state == "ok"


def test_a_missing_scope_on_one_product_leaves_the_other_going(account: ZohoAccount, busy: Zoho) -> None:
    fail(busy, "rules", ScopeMissing("OAUTH_SCOPE_MISMATCH"))

    result = sync(account, busy)

    assert not result.complete
    assert stream(account, "rules").state == "failing"
    assert stream(account, "executions").state == "ok"
    assert mirrored(account) == upstream(busy)


def test_a_product_that_refuses_our_token_is_not_asked_again_in_the_sweep(account: ZohoAccount, busy: Zoho) -> None:
    """Each further call would cost a new token, of which there are ten in ten minutes."""
    fail(busy, "flows", TokenRefused("INVALID_TOKEN"))

    sync(account, busy)

    assert busy.asked("flows") == 1
    assert busy.asked("connections") == 0
    assert stream(account, "rules").state == "ok"
    assert state(account).state == "revoked"


def test_a_product_that_is_silent_does_not_hold_up_the_other(account: ZohoAccount, busy: Zoho) -> None:
    fail(busy, "rules", AnswerLost("timed out"))

    sync(account, busy, patience=hasty(busy))

    assert mirrored(account) == upstream(busy)
    assert ApiBudget.objects.get(account=account, product="flow").blocked_until is None
    assert ApiBudget.objects.get(account=account, product="crm").blocked_until is not None


def test_an_account_that_is_silent_altogether_is_left_alone_for_a_minute(account: ZohoAccount, busy: Zoho) -> None:
    fail(busy, "", AnswerLost("timed out"))

    result = sync(account, busy, patience=hasty(busy))

    assert not result.complete
    assert busy.calls == ["flows page 1", "rules page 1"]
    blocks = ApiBudget.objects.filter(account=account).values_list("blocked_until", flat=True)
    assert list(blocks) == [busy.clock() + timedelta(seconds=60)] * 2
    assert state(account).next_due_at == busy.clock() + timedelta(seconds=60)
    assert state(account).state == "unreachable"


def test_a_persons_sync_waits_a_silent_zoho_out_for_three_minutes(account: ZohoAccount, busy: Zoho) -> None:
    began = busy.clock()

    def silent(number: int, what: str) -> None:
        if busy.clock() - began < timedelta(minutes=3):
            raise AnswerLost("timed out")

    busy.before_call = silent

    assert sync(account, busy).complete


def test_a_persons_sync_waits_as_long_as_zoho_asks(account: ZohoAccount, busy: Zoho) -> None:
    began = busy.clock()

    def throttled(number: int, what: str) -> None:
        if busy.clock() - began < timedelta(minutes=10):
            raise Wait("429", retry_after=300)

    busy.before_call = throttled

    assert sync(account, busy).complete
    assert busy.clock() - began == timedelta(minutes=10)


def test_without_waiting_a_throttled_sync_ends_at_once_and_goes_on_when_it_may(
    account: ZohoAccount, busy: Zoho
) -> None:
    began = busy.clock()
    fail(busy, "executions", Wait("429", retry_after=300))

    result = sync(account, busy, patience=hasty(busy))

    assert busy.clock() == began
    assert not result.complete
    assert state(account).state == "throttled"
    assert state(account).next_due_at == min(began + timedelta(seconds=300), stream(account, "rules").next_due_at)
    assert busy.asked("executions") == 1
    assert busy.asked("usage") == 5, "CRM counts by itself"


def test_a_clock_that_is_set_back_does_not_prolong_a_wait(account: ZohoAccount, busy: Zoho) -> None:
    slept = []

    def pause(seconds: float) -> None:
        slept.append(seconds)
        busy.clock.pause(seconds)
        if len(slept) == 1:
            busy.clock.at -= timedelta(hours=1)

    fail(busy, "flows", Wait("429", retry_after=30))
    busy.before_call = lambda number, what, inner=busy.before_call: inner(number, what) if number == 1 else None  # type: ignore[misc]
    assert sync(account, busy, patience=Patience(Mode.SYNC, pause=pause)).complete
    assert sum(slept) == 30


def test_a_refused_credential_ends_the_sweep_and_is_for_a_person_to_mend(account: ZohoAccount, busy: Zoho) -> None:
    fail(busy, "flows", GrantRevoked("invalid_code", code="invalid_code"))

    sync(account, busy)

    assert busy.calls == ["flows page 1"]
    assert state(account).state == "revoked"
    assert state(account).next_due_at == busy.clock() + timedelta(hours=6)


def test_a_stream_that_failed_is_not_forgotten_by_a_sweep_that_did_not_ask_for_it(
    account: ZohoAccount, busy: Zoho
) -> None:
    """Rules are read every minute, flows every few seconds: in between, the account is not healthy."""
    fail(busy, "rules", BadAnswer("HTML"))
    sync(account, busy, patience=a_task(busy))
    assert state(account).state == "schema"
    complete = state(account).last_complete_at
    busy.clock.pause(45)
    busy.calls.clear()

    result = sync(account, busy, patience=a_task(busy))

    assert busy.asked("flows") == 1
    assert busy.asked("rules") == 0
    assert not result.complete
    assert state(account).state == "schema"
    assert state(account).last_complete_at == complete


def test_what_was_read_before_a_refused_credential_ended_the_sweep_is_not_due_again_and_the_rest_stays_due(
    account: ZohoAccount, busy: Zoho
) -> None:
    StreamState.objects.create(account=account, stream="webhook_failures")
    fail(busy, "webhook failures", GrantRevoked("invalid_code", code="invalid_code"))

    sync(account, busy)

    due = dict(StreamState.objects.filter(account=account).values_list("stream", "next_due_at"))
    assert due["rules"] is not None
    assert due["connected"] is not None
    assert due["connected"] > busy.clock()
    assert due["webhook_failures"] is None


def test_a_product_taken_from_the_account_is_neither_missing_nor_due(account: ZohoAccount, busy: Zoho) -> None:
    fail(busy, "rules", BadAnswer("HTML"))
    sync(account, busy)
    heal(busy)
    busy.has_crm = False
    busy.clock.pause(3600)

    assert sync(account, busy).complete

    assert not StreamState.objects.filter(account=account, stream__in=["rules", "usage"]).exists()
    due = state(account).next_due_at
    assert due is not None
    assert due > busy.clock()


def test_an_empty_list_is_not_a_mass_delete(account: ZohoAccount, busy: Zoho) -> None:
    sync(account, busy)
    kept = busy.flows, busy.rules, busy.connections
    busy.flows, busy.rules, busy.connections = [], [], []
    busy.clock.pause(60)

    result = sync(account, busy)

    assert not result.complete
    for model in (Flow, WorkflowRule, Connection):
        assert own(model).filter(gone_at=None).count() == 5
    assert len([line for line in result.missing if "flows vanished" in line]) == 1
    busy.flows, busy.rules, busy.connections = kept
    busy.clock.pause(60)
    assert sync(account, busy).complete


def test_a_mass_delete_is_believed_after_an_hour_and_a_404_for_each_flow(account: ZohoAccount, busy: Zoho) -> None:
    sync(account, busy)
    del busy.flows[2:], busy.rules[2:], busy.connections[2:]
    busy.clock.pause(600)
    sync(account, busy)
    busy.clock.pause(3700)

    result = sync(account, busy)

    assert own(Flow).filter(gone_at=None).count() == 2
    assert own(WorkflowRule).filter(gone_at=None).count() == 2
    assert own(Connection).filter(gone_at=None).count() == 2
    assert own(Execution).count() == 3 + 4 + 5 + 6 + 7, "history outlives the flow"
    busy.clock.pause(60)
    assert sync(account, busy).complete
    assert result.stopped is None


def test_one_deleted_flow_is_gone_after_two_lists_and_a_404(account: ZohoAccount, busy: Zoho) -> None:
    busy.flows += [FakeFlow(name="Another")]
    sync(account, busy)
    gone = busy.flows.pop(0)
    busy.clock.pause(60)
    sync(account, busy)
    assert Flow.objects.get(flow_id=gone.flow_id).gone_at is None
    busy.clock.pause(60)

    assert sync(account, busy).complete

    assert Flow.objects.get(flow_id=gone.flow_id).gone_at is not None
    assert Execution.objects.filter(flow__flow_id=gone.flow_id).exists()


@pytest.mark.parametrize("error", [AnswerLost("500"), BadAnswer("HTML"), NotAvailable("403", status=403)])
def test_a_flow_that_cannot_be_looked_at_does_not_spoil_the_list(
    account: ZohoAccount, busy: Zoho, error: ZohoError
) -> None:
    busy.flows += [FakeFlow(name="Another")]
    sync(account, busy)
    gone = busy.flows.pop(0)
    fail(busy, f"flow {gone.flow_id}", error)
    for _ in range(3):
        busy.clock.pause(60)
        sync(account, busy, patience=hasty(busy))

    assert stream(account, "flows").state == "ok"
    assert Flow.objects.get(flow_id=gone.flow_id).gone_at is None


def test_a_flow_that_is_not_listed_and_lives_is_asked_for_ever_more_seldom(
    account: ZohoAccount, busy: Zoho, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy.flows += [FakeFlow(name="Another")]
    sync(account, busy)
    hidden = busy.flows[0]
    Flow.objects.filter(flow_id=hidden.flow_id).update(missed_sweeps=16_383)
    summary = busy.flows.pop(0).summary()
    find = FakeFlowClient._flow
    monkeypatch.setattr(FakeFlowClient, "_flow", lambda *a: hidden if a[1] == hidden.flow_id else find(*a))
    busy.calls.clear()

    for _ in range(4):
        busy.clock.pause(60)
        sync(account, busy)

    stored = Flow.objects.get(flow_id=summary["flow_id"])
    assert stored.gone_at is None
    assert stored.missed_sweeps <= 32_767, "PostgreSQL's smallint ends there"
    assert busy.asked(f"flow {hidden.flow_id}") == 0


def test_the_time_since_is_that_of_the_last_change_of_state(account: ZohoAccount, busy: Zoho) -> None:
    def seen() -> list[tuple[str, bool]]:
        rows = [state(account), stream(account, "rules"), stream(account, "flows")]
        changed = [
            row.since == (row.last_finished_at if isinstance(row, SyncState) else row.last_tried_at) for row in rows
        ]
        return [(row.state, is_new) for row, is_new in zip(rows, changed, strict=True)]

    def later() -> list[tuple[str, bool]]:
        busy.clock.pause(3600)
        sync(account, busy, patience=hasty(busy))
        return seen()

    sync(account, busy)
    assert seen() == [("ok", True), ("ok", True), ("ok", True)]
    assert later() == [("ok", False), ("ok", False), ("ok", False)]
    fail(busy, "rules", BadAnswer("HTML"))
    assert later() == [("schema", True), ("failing", True), ("ok", False)]
    assert later() == [("schema", False), ("failing", False), ("ok", False)]
    heal(busy)
    assert later() == [("ok", True), ("ok", True), ("ok", False)]


def test_a_connection_stands_since_its_status_changed(account: ZohoAccount, busy: Zoho) -> None:
    sync(account, busy)
    first = {row.connection_id: (row.status, row.status_since) for row in Connection.objects.filter(account=account)}
    assert len(first) >= 2
    broken = busy.connections[0]
    broken["status"] = "broken"
    busy.clock.pause(3600)
    sync(account, busy)
    second = {row.connection_id: (row.status, row.status_since) for row in Connection.objects.filter(account=account)}
    changed = {key for key in first if first[key] != second[key]}
    assert len(changed) == 1
    (status, since) = second[changed.pop()]
    assert status == "broken"
    assert since == stream(account, "connections").last_read_at
