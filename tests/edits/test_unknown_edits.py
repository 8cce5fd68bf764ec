"""A lost answer makes an edit unknown: settled by reading, by hand where that shows nothing, and never repeated."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from monitor.edits import drafts
from monitor.edits.ask_zoho import look
from monitor.edits.requests import EditRefused, cancel_edit, settle_by_hand
from monitor.edits.send import proof_of_change
from monitor.edits.settle import due_edits, sweep_edits
from monitor.edits.transition import EDGES, move, move_late
from monitor.models import AuditEntry, Edit, ZohoAccount
from monitor.zoho.crm.rule_changes import CrmRuleChanges
from monitor.zoho.errors import (
    AnswerLost,
    BadAnswer,
    GrantRevoked,
    NotAvailable,
    NotSent,
    Refused,
    ScopeMissing,
    TokenRefused,
    Wait,
)
from monitor.zoho.shapes.crm_common import WriteResult
from tests.edits.conftest import RULES_PATH
from tests.factories import NOON

COPY = {"name": "A new one", "module": {"api_name": "Deals"}, "execute_when": {"type": "create"}}
COPY["conditions"] = [{"instant_actions": {"actions": [{"type": "add_tags", "details": {"tags": [{"name": "New"}]}}]}}]


def ask(desk, act: str) -> Edit:
    if act == "create":
        return desk.ask(drafts.new_rule_draft(desk.account, COPY))
    wish = {"name": "Another name", "description": ""} if act == "describe" else {}
    return desk.ask_of_rule(act, **wish)


@pytest.mark.parametrize("act", ["deactivate", "describe", "delete", "create"])
@pytest.mark.parametrize(("where", "state"), [("after", "settled_done"), ("before", "settled_not_done")])
def test_a_lost_answer_is_settled_by_reading_and_sent_no_second_time(edit_desk, act, where, state) -> None:
    edit_desk.lose = lambda: where
    edit = edit_desk.done(ask(edit_desk, act))
    assert edit.state == "unknown"
    assert "lost" in edit.answer

    edit_desk.later(minutes=4)
    edit.refresh_from_db()
    assert edit.state == state
    assert len(edit_desk.writes) == 1
    if state == "settled_done" and act == "create":
        assert edit_desk.rule("A new one").rule_id == edit.subject_id


def test_what_is_unknown_is_not_called_not_done_while_the_request_may_still_arrive(edit_desk) -> None:
    edit_desk.lose = lambda: "before"
    edit = edit_desk.done(ask(edit_desk, "deactivate"))
    edit_desk.later(seconds=115)
    edit.refresh_from_db()
    assert edit.state == "unknown"


def test_what_somebody_changed_further_stays_unknown_until_a_person_says_what_they_saw(edit_desk) -> None:
    edit_desk.lose = lambda: "after"
    edit = edit_desk.done(ask(edit_desk, "describe"))
    edit_desk.world.do("rule_update", rule_id=edit.subject_id, body={"name": "A third name"})
    edit_desk.later(minutes=5)
    edit.refresh_from_db()
    assert edit.state == "unknown"
    with pytest.raises(EditRefused) as refusal:
        settle_by_hand(edit, edit_desk.person, "seen in its history", edit_desk.clock(), was_done=True)
    assert refusal.value.code == "too_early"
    edit_desk.clock.advance(timedelta(minutes=11).total_seconds())
    settled = settle_by_hand(edit, edit_desk.person, "seen in its history", edit_desk.clock(), was_done=True)
    assert settled.state == "settled_done"
    with pytest.raises(EditRefused, match="unknown"):
        settle_by_hand(edit, edit_desk.person, "seen", edit_desk.clock(), was_done=False)


def test_two_of_the_name_that_was_to_be_created_prove_nothing(edit_desk) -> None:
    edit_desk.lose = lambda: "after"
    edit = edit_desk.done(ask(edit_desk, "create"))
    edit_desk.world.do("rule_create", body=COPY)
    edit_desk.later(minutes=5)
    edit.refresh_from_db()
    assert edit.state == "unknown"


def test_a_sender_that_died_is_given_up_and_its_outcome_read(edit_desk) -> None:
    edit = edit_desk.ask_of_rule("deactivate")
    now = edit_desk.clock()
    edit.refresh_from_db()
    move(edit, "sending", now=now, actor=edit_desk.person, sent_at=now, lease_until=now + timedelta(seconds=60))
    edit_desk.later(minutes=5)
    edit.refresh_from_db()
    assert (edit.state, edit_desk.writes) == ("settled_not_done", [])


def test_a_paused_account_is_not_asked_about_an_open_outcome(edit_desk) -> None:
    edit_desk.lose = lambda: "after"
    edit = edit_desk.done(ask(edit_desk, "deactivate"))
    edit_desk.account.is_active = False
    edit_desk.account.save()
    asked = edit_desk.wire.count
    edit_desk.clock.advance(60)
    sweep_edits(edit_desk.clock, open_account=edit_desk.open)
    assert edit_desk.wire.count == asked
    edit.refresh_from_db()
    assert edit.state == "unknown"


@pytest.mark.parametrize(
    ("error", "proof"),
    [
        (NotSent("no connection"), "NOT_SENT"),
        (TokenRefused("x", status=401, code="INVALID_TOKEN"), "REFUSED_FOR_NOW"),
        (Wait("x", status=429, code="TOO_MANY_REQUESTS"), "REFUSED_FOR_NOW"),
        (Wait("x", status=429), "NOTHING"),
        (Refused("x", status=400, code="INVALID_DATA"), "REJECTED"),
        (Refused("one result", code="LIMIT_EXCEEDED"), "REJECTED"),
        (Refused("one result", code="INTERNAL_ERROR"), "NOTHING"),
        (Refused("one result"), "NOTHING"),
        (ScopeMissing("x", status=401, code="OAUTH_SCOPE_MISMATCH"), "REJECTED"),
        (NotAvailable("a page", status=403), "NOTHING"),
        (AnswerLost("x", status=500, code="INTERNAL_ERROR"), "NOTHING"),
        (BadAnswer("HTML", status=200), "NOTHING"),
        (GrantRevoked("x"), "NOTHING"),
        (RuntimeError("ours"), "NOTHING"),
    ],
)
def test_what_an_error_of_a_change_proves(error, proof) -> None:
    assert proof_of_change(error).name == proof


def test_a_refusal_is_told_with_its_message_and_changes_nothing(edit_desk) -> None:
    edit = edit_desk.ask_of_rule("deactivate")
    path = f"{RULES_PATH}/{edit.subject_id}"
    edit_desk.fault(
        "status", path, times=1, method="PUT", status=403, code="NO_PERMISSION", message="permission denied"
    )
    edit = edit_desk.done(edit)
    # The fault struck the look before: nothing was sent, and it is tried again.
    assert edit.state in ("wished", "refused")
    edit_desk.later(seconds=60)
    edit.refresh_from_db()
    assert edit.state == "done"


def test_states_that_are_final_lead_nowhere() -> None:
    assert {state for state, ways in EDGES.items() if not ways} == set(Edit.FINAL_STATES)
    assert not EDGES["unknown"] & {"wished", "sending"}


@pytest.mark.parametrize("there", ["a new one", "A  new one", "A new one "])
@pytest.mark.parametrize("subject", ["rule", "connected_workflow"])
def test_one_that_zoho_writes_a_little_otherwise_is_the_one_that_was_created(edit_desk, there, subject) -> None:
    row = SimpleNamespace(id="77", name=there, raw={"id": "77", "name": there})
    crm = SimpleNamespace(
        list_connected_workflows=lambda: SimpleNamespace(items=[row]),
        list_workflow_rules=lambda *_, **__: SimpleNamespace(rules=[row], more_records=False),
    )
    edit = Edit(account=edit_desk.account, subject=subject, act="create", name="A new one", module="Deals")
    seen = look(edit, SimpleNamespace(crm=crm, flow=None))
    assert (seen.candidates, seen.id) == (1, "77")


@pytest.mark.parametrize("answer", ["", "99"])
@pytest.mark.parametrize("subject", ["rule", "connected_workflow", "flow"])
def test_an_answer_about_another_thing_does_not_prove_that_it_is_gone(edit_desk, subject, answer) -> None:
    found = SimpleNamespace(id=answer, flow_id=answer, raw={}, status="", active=None)
    crm = SimpleNamespace(get_workflow_rule=lambda _: found, get_connected_workflow=lambda _: found)
    flow = SimpleNamespace(get_flow=lambda _: found)
    edit = Edit(account=edit_desk.account, subject=subject, act="delete", subject_id="77")
    with pytest.raises(BadAnswer):
        look(edit, SimpleNamespace(crm=crm, flow=flow))


def result(ok: bool) -> WriteResult:
    return WriteResult(ok=ok, id="1" if ok else "", code="SUCCESS" if ok else "NOT_ALLOWED", message="", raw={})


@pytest.mark.parametrize(
    ("results", "state"),
    [
        ([True, True], "done"),
        ([False, False], "refused"),
        ([True, False], "unknown"),
        ([True], "unknown"),
        ([], "unknown"),
    ],
)
def test_a_reordering_is_done_only_if_zoho_says_so_of_each_rule(edit_desk, monkeypatch, results, state) -> None:
    rules = [edit_desk.rule(), edit_desk.rule("Deal won hand-over")]
    places = {rule.rule_id: place for place, rule in enumerate(rules, start=1)}
    answers = [result(ok) for ok in results]
    monkeypatch.setattr(CrmRuleChanges, "reorder_workflow_rules", lambda *_: answers)
    edit = edit_desk.done(edit_desk.ask(drafts.order_draft(edit_desk.account, "Deals", places)))
    assert edit.state == state


def test_after_a_token_was_refused_the_wish_waits_and_is_sent_by_the_next_sweep(edit_desk) -> None:
    fates = iter(["dead_token"])
    edit_desk.lose = lambda: next(fates, "")
    edit = edit_desk.done(edit_desk.ask_of_rule("deactivate"))
    assert (edit.state, len(edit_desk.writes)) == ("wished", 1)
    assert edit_desk.is_on(edit.subject_id)
    edit_desk.later(seconds=20)
    edit.refresh_from_db()
    assert (edit.state, len(edit_desk.writes)) == ("done", 2)


@pytest.mark.parametrize(("settled", "says"), [("settled_not_done", "done"), ("settled_done", "refused")])
def test_zohos_word_against_a_settled_edit_is_written_down(edit_desk, caplog, settled, says) -> None:
    edit = edit_desk.ask_of_rule("deactivate")
    Edit.objects.filter(pk=edit.pk).update(state="sending", sent_at=edit_desk.clock(), fence=1)
    edit.refresh_from_db()
    Edit.objects.filter(pk=edit.pk).update(state=settled)
    assert not move_late(edit, says, edit_desk.clock())
    edit.refresh_from_db()
    assert edit.state == settled
    assert "late answer" in caplog.text
    assert AuditEntry.objects.filter(action="edit.contradicted", object_id=str(edit.pk)).count() == 1


@pytest.mark.parametrize("fate", ["", "refused", "after", "before"])
def test_a_secret_that_was_typed_is_not_kept_once_the_edit_is_over(edit_desk, fate) -> None:
    edit_desk.lose = lambda: fate
    wanted = drafts.newest_of(edit_desk.rule())[0] | {"description": "Calls https://a.example/x?token=hunter2secret"}
    edit = edit_desk.ask_of_rule("change", definition=wanted)
    edit = edit_desk.done(edit)
    assert "hunter2secret" in str(edit_desk.writes[0][2])
    edit_desk.later(minutes=4)
    edit.refresh_from_db()
    assert edit.state == {"": "done", "refused": "refused", "after": "settled_done", "before": "settled_not_done"}[fate]
    row = Edit.objects.filter(pk=edit.pk).values("body", "wanted", "base", "result", "answer").get()
    assert "hunter2secret" not in str(row)
    assert "[secret:" in str(row["wanted"])
    assert "otherwise" not in edit.answer


def test_a_secret_that_was_typed_is_not_kept_of_an_edit_that_is_called_off(edit_desk) -> None:
    wanted = drafts.newest_of(edit_desk.rule())[0] | {"description": "Calls https://a.example/x?token=hunter2secret"}
    edit = edit_desk.ask_of_rule("change", definition=wanted)
    cancel_edit(edit, edit_desk.person, edit_desk.clock())
    assert "hunter2secret" not in str(Edit.objects.values("body", "wanted").get(pk=edit.pk))


def test_of_outcomes_those_that_are_unknown_and_due_of_accounts_that_are_mirrored_are_looked_at(edit_desk) -> None:
    edit_desk.lose = lambda: "before"
    edit = edit_desk.done(ask(edit_desk, "describe"))
    Edit.objects.filter(pk=edit.pk).update(next_check_at=NOON)
    minute = timedelta(minutes=1)
    assert (due_edits(NOON - minute, 5), due_edits(NOON, 5)) == ([], [edit.pk])
    ZohoAccount.objects.filter(pk=edit.account_id).update(is_active=False)
    assert due_edits(NOON, 5) == []
    ZohoAccount.objects.filter(pk=edit.account_id).update(is_active=True)
    Edit.objects.filter(pk=edit.pk).update(state="settled_done")
    assert due_edits(NOON, 5) == []
