"""What Zoho answered is told in its own words, and a change that waits says until when and that nothing was changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from monitor.edits import drafts
from monitor.edits.ask_zoho import look
from monitor.edits.send import words_of
from monitor.models import Edit
from monitor.vault import VaultError
from monitor.zoho.crm import CrmClient
from monitor.zoho.crm.rule_changes import CrmRuleChanges
from monitor.zoho.errors import NotSent, Refused, ScopeMissing, Unreachable, Wait
from monitor.zoho.shapes.crm_common import write_result
from tests.dashboard.soup import Page, words
from tests.edits.test_unknown_edits import COPY


def text_of(client: Client, edit: Edit) -> str:
    return words(Page(client.get(edit.get_absolute_url()).content.decode()).root)


def test_a_refusal_is_told_in_zohos_own_words_and_not_with_our_request(edit_desk: Any) -> None:
    edit_desk.lose = lambda: "refused"
    edit = edit_desk.done(edit_desk.ask_of_rule("deactivate"))
    assert edit.state == "refused"
    assert edit.answer.endswith(" Zoho's words: permission denied")
    assert "answered 403" not in edit.answer


def test_a_refusal_within_a_good_answer_is_told_in_zohos_own_words(edit_desk: Any, monkeypatch: Any) -> None:
    said = {"code": "INVALID_DATA", "message": "no such place", "status": "error", "details": {"json_path": "$.x.name"}}

    def refused(*args: Any) -> Any:
        return write_result({"workflow_rules": [said]}, "workflow_rules")

    monkeypatch.setattr(CrmRuleChanges, "update_workflow_rule", refused)
    edit = edit_desk.done(edit_desk.ask_of_rule("deactivate"))
    assert (edit.state, edit.code) == ("refused", "INVALID_DATA")
    assert edit.answer.endswith(" Zoho's words: no such place ($.x.name)")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            Refused("PUT https://www.zohoapis.com/crm answered 400", code="X"),
            "PUT https://www.zohoapis.com/crm answered 400",
        ),
        (NotSent("the host is not known"), "the host is not known"),
        (VaultError("no key"), "no key"),
        (ValueError("a@example.com"), "ValueError"),
    ],
)
def test_where_zoho_says_nothing_it_is_told_what_happened(error: Exception, told: str) -> None:
    assert words_of(error) == told


def test_a_change_that_zoho_refuses_for_now_says_until_when_it_waits(edit_desk: Any, signed_in: Any) -> None:
    edit_desk.lose = lambda: "busy"
    edit = edit_desk.done(edit_desk.ask_of_rule("deactivate"))
    assert edit.state == "wished"
    with time_machine.travel(edit_desk.clock(), tick=False):
        text = text_of(signed_in(edit_desk.person), edit)
    assert "Zoho refused it for now and changed nothing. It waits until 18 Nov" in text
    assert "Zoho did not take it yet: permission denied (TOO_MANY_REQUESTS)" in text


def test_what_zoho_asks_to_wait_for_longer_than_an_hour_is_called_off_at_its_end(
    edit_desk: Any, monkeypatch: Any
) -> None:
    def busy(*args: Any) -> None:
        raise Wait("x", status=429, code="TOO_MANY_REQUESTS", retry_after=86_400)

    monkeypatch.setattr(CrmRuleChanges, "update_workflow_rule", busy)
    edit = edit_desk.done(edit_desk.ask_of_rule("deactivate"))
    assert (edit.state, edit.not_before) == ("wished", edit.requested_at + timedelta(hours=1))
    edit_desk.clock.advance(3600)
    edit = edit_desk.done(edit)
    assert (edit.state, edit.code) == ("cancelled", "expired")
    assert edit.answer == "Zoho did not take it for an hour: ask again if it is still wanted."


def test_where_zoho_cannot_be_asked_nothing_was_sent(edit_desk: Any, monkeypatch: Any) -> None:
    def unreachable(*args: Any) -> None:
        raise Unreachable("no answer")

    monkeypatch.setattr("monitor.edits.send.look", unreachable)
    edit = edit_desk.done(edit_desk.ask_of_rule("deactivate"))
    assert (edit.state, edit.answer, edit.sent_at) == ("wished", "Zoho could not be asked: no answer", None)
    monkeypatch.setattr("monitor.edits.send.look", look)
    edit_desk.clock.advance(60)
    assert edit_desk.done(edit).state == "done"


@pytest.mark.parametrize(("details", "is_found"), [({}, True), (None, True), ({"id": "a/b"}, False)])
def test_what_was_created_is_read_back_by_its_name_where_zoho_names_no_id(
    edit_desk: Any, monkeypatch: Any, details: Any, is_found: bool
) -> None:
    real = CrmRuleChanges.create_workflow_rule

    def made(crm: Any, body: Any) -> Any:
        real(crm, body)
        result = {"code": "SUCCESS", "status": "success", "details": details}
        return write_result({"workflow_rules": [result]}, "workflow_rules")

    monkeypatch.setattr(CrmRuleChanges, "create_workflow_rule", made)
    edit = edit_desk.ask(drafts.new_rule_draft(edit_desk.account, COPY))
    report = edit_desk.sweep()
    edit.refresh_from_db()
    assert (report.errors, edit.state) == (0, "done")
    assert (edit.result is not None) is is_found
    if is_found:
        assert edit_desk.rule("A new one").rule_id == edit.subject_id
        assert drafts.undo_draft(edit) is not None


LACKS = ScopeMissing("x", code="OAUTH_SCOPE_MISMATCH", status=401)
LACKS.said = "Unauthorized"


@pytest.mark.parametrize(
    ("reads", "state", "told"),
    [
        ("workflow_configurations", "done", "Zoho did it."),
        ("list_actions", "done", "Zoho did it."),
        (
            "get_workflow_rule",
            "cancelled",
            "Nothing was sent: Unauthorized (OAUTH_SCOPE_MISMATCH). Connect the account",
        ),
    ],
)
def test_only_a_scope_without_which_nothing_is_known_of_the_rule_keeps_a_change_back(
    edit_desk: Any, monkeypatch: Any, reads: str, state: str, told: str
) -> None:
    def lacking(*args: Any, **more: Any) -> None:
        raise LACKS

    base, _ = drafts.newest_of(edit_desk.rule())
    edit = edit_desk.ask_of_rule("change", definition={**base, "description": "Another"})
    monkeypatch.setattr(CrmClient, reads, lacking)
    edit = edit_desk.done(edit)
    assert (edit.state, edit.answer[: len(told)]) == (state, told)
    assert len(edit_desk.writes) == (state == "done")
