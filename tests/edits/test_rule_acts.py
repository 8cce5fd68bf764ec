"""Rules are activated, deactivated, renamed, described and deleted; the stand-in is Zoho."""

from __future__ import annotations

import pytest

from monitor.edits import drafts
from monitor.edits.requests import EditRefused, cancel_edit, request_edit
from monitor.models import AuditEntry, Edit, Role, WorkflowRule
from tests import factories
from tests.bystander import own


def test_a_rule_is_deactivated_with_one_request_and_the_mirror_says_so_at_once(edit_desk) -> None:
    rule = edit_desk.rule()
    edit = edit_desk.done(edit_desk.ask_of_rule("deactivate"))

    assert edit.state == "done"
    assert [write[2] for write in edit_desk.writes] == [{"workflow_rules": [{"status": {"active": False}}]}]
    assert not edit_desk.is_on(rule.rule_id)
    assert edit_desk.rule().active is False
    assert edit.result["status"] == {"active": False}
    assert drafts.newest_of(edit_desk.rule())[0]["status"] == {"active": False}


def test_what_is_undone_is_as_it_was_before(edit_desk) -> None:
    before, _ = drafts.newest_of(edit_desk.rule())
    edit = edit_desk.done(edit_desk.ask_of_rule("deactivate"))
    undo = edit_desk.done(edit_desk.ask(drafts.undo_draft(edit)))

    assert (undo.act, undo.undoes, undo.state) == ("activate", edit, "done")
    assert drafts.newest_of(edit_desk.rule())[0] == before
    assert list(edit.undone_by.all()) == [undo]


def test_a_rule_is_renamed_and_described_and_both_are_put_back(edit_desk) -> None:
    rule = edit_desk.rule()
    edit = edit_desk.done(edit_desk.ask_of_rule("describe", name="VP Alert", description="For big deals"))
    assert edit.state == "done"
    assert edit_desk.at_zoho(rule.rule_id).body["name"] == "VP Alert"
    assert edit_desk.rule("VP Alert").description == "For big deals"

    edit_desk.done(edit_desk.ask(drafts.undo_draft(edit)))
    assert edit_desk.rule("Big deal to management").description == ""


def test_only_what_is_new_of_name_and_description_is_sent(edit_desk) -> None:
    edit_desk.done(edit_desk.ask_of_rule("describe", name="Big deal to management", description="For big deals"))
    assert edit_desk.writes[-1][2] == {"workflow_rules": [{"description": "For big deals"}]}


def test_a_rule_is_deleted_only_with_its_name_typed_and_is_made_anew_by_undo(edit_desk) -> None:
    rule = edit_desk.rule()
    draft = drafts.rule_draft(rule, "delete", {})
    with pytest.raises(EditRefused, match="Type the name"):
        request_edit(draft, edit_desk.person, "old", "form", edit_desk.clock(), typed_name="Big deal")
    edit = edit_desk.done(edit_desk.ask_of_rule("delete"))
    assert edit.state == "done"
    assert rule.rule_id not in edit_desk.world.rules.rules
    assert WorkflowRule.objects.get(pk=rule.pk).gone_at is not None

    undo = edit_desk.done(edit_desk.ask(drafts.undo_draft(edit)))
    assert undo.state == "done"
    again = edit_desk.rule()
    assert again.rule_id == undo.subject_id != rule.rule_id
    made, _ = drafts.newest_of(again)
    assert [action["name"] for action in made["conditions"][0]["instant_actions"]["actions"]] == ["Big deal"]


def test_nothing_is_sent_where_zoho_changed_the_rule_meanwhile_and_the_mirror_sees_it(edit_desk) -> None:
    edit = edit_desk.ask_of_rule("deactivate")
    edit_desk.world.do("rule_update", rule_id=edit.subject_id, body={"description": "somebody else was here"})
    edit = edit_desk.done(edit)

    assert (edit.state, edit.code) == ("cancelled", "moved")
    assert edit_desk.writes == []
    assert edit_desk.is_on(edit.subject_id)
    assert edit_desk.rule().description == "somebody else was here"


def test_nothing_is_sent_where_zoho_no_longer_has_the_rule(edit_desk) -> None:
    rule = edit_desk.rule()
    edit = edit_desk.ask_of_rule("deactivate")
    edit_desk.world.do("rule_delete", rule_id=rule.rule_id)
    edit = edit_desk.done(edit)
    assert (edit.state, edit.code, edit_desk.writes) == ("cancelled", "gone", [])
    rule.refresh_from_db()
    assert rule.gone_at is not None


@pytest.mark.parametrize(
    ("act", "wish", "code"),
    [
        ("activate", {}, "already"),
        ("describe", {"name": "", "description": ""}, "name_missing"),
        ("describe", {"name": "n" * 101, "description": ""}, "name_long"),
        ("describe", {"name": "Big deal", "description": "d" * 1001}, "description_long"),
        ("describe", {"name": "Big deal to management", "description": ""}, "nothing_new"),
    ],
)
def test_what_zoho_would_refuse_is_refused_before_it_is_asked(edit_desk, act, wish, code) -> None:
    draft = drafts.rule_draft(edit_desk.rule(), act, wish)
    assert [objection.code for objection in draft.objections] == [code]
    with pytest.raises(EditRefused) as refusal:
        request_edit(draft, edit_desk.person, "as agreed", "form", edit_desk.clock())
    assert refusal.value.code == code
    assert not own(Edit).exists()


def test_a_rule_whose_definition_was_not_read_cannot_be_changed_yet(edit_desk) -> None:
    rule = edit_desk.rule()
    rule.versions.all().delete()
    assert [one.code for one in drafts.rule_draft(rule, "deactivate", {}).objections] == ["not_read"]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_only_admins_change_automation(edit_desk, role) -> None:
    person = factories.make_user("pat", role)
    draft = drafts.rule_draft(edit_desk.rule(), "deactivate", {})
    with pytest.raises(EditRefused, match="may not"):
        request_edit(draft, person, "as agreed", "form", edit_desk.clock())


def test_who_lost_the_right_meanwhile_changes_nothing(edit_desk) -> None:
    edit = edit_desk.ask_of_rule("deactivate")
    edit_desk.person.role = Role.VIEWER
    edit_desk.person.is_superuser = False
    edit_desk.person.save()
    edit = edit_desk.done(edit)
    assert (edit.state, edit.code, edit_desk.writes) == ("cancelled", "not_permitted", [])


def test_the_same_form_twice_is_one_change_and_another_form_waits(edit_desk) -> None:
    draft = drafts.rule_draft(edit_desk.rule(), "deactivate", {})
    first = edit_desk.ask(draft, token="form-a")
    assert edit_desk.ask(draft, token="form-a") == first
    with pytest.raises(EditRefused) as refusal:
        edit_desk.ask(draft, token="form-b")
    assert refusal.value.code == "open_edit"
    edit_desk.sweep()
    assert len(edit_desk.writes) == 1


def test_a_form_of_one_change_is_no_form_of_another(edit_desk) -> None:
    edit_desk.ask(drafts.rule_draft(edit_desk.rule(), "deactivate", {}), token="form-a")
    other = edit_desk.rule("Case escalation")
    with pytest.raises(EditRefused) as refusal:
        edit_desk.ask(drafts.rule_draft(other, "deactivate", {}), token="form-a")
    assert refusal.value.code == "token_used"


def test_a_change_is_called_off_before_it_is_sent_and_not_after(edit_desk) -> None:
    edit = edit_desk.ask_of_rule("deactivate")
    cancel_edit(edit, edit_desk.person, edit_desk.clock())
    edit = edit_desk.done(edit)
    assert (edit.state, edit.code, edit_desk.writes) == ("cancelled", "called_off", [])
    sent = edit_desk.done(edit_desk.ask_of_rule("deactivate"))
    with pytest.raises(EditRefused, match="too late"):
        cancel_edit(sent, edit_desk.person, edit_desk.clock())


def test_an_hour_old_wish_is_sent_no_more(edit_desk) -> None:
    edit = edit_desk.ask_of_rule("deactivate")
    edit_desk.clock.advance(3600)
    edit = edit_desk.done(edit)
    assert (edit.state, edit.code, edit_desk.writes) == ("cancelled", "expired", [])


def test_nothing_is_sent_for_an_account_that_is_paused(edit_desk) -> None:
    edit = edit_desk.ask_of_rule("deactivate")
    edit_desk.account.is_active = False
    edit_desk.account.save()
    edit = edit_desk.done(edit)
    assert (edit.state, edit.code, edit_desk.writes) == ("cancelled", "account_paused", [])


def test_every_change_of_state_stands_in_the_trail_with_the_person_who_wanted_it(edit_desk) -> None:
    edit = edit_desk.done(edit_desk.ask_of_rule("deactivate"))
    trail = list(own(AuditEntry).filter(object_type="edit", object_id=str(edit.pk)).order_by("pk"))
    assert [entry.action for entry in trail] == ["edit.wished", "edit.sending", "edit.done"]
    assert [entry.actor for entry in trail] == [edit_desk.person, edit_desk.person, None]
    assert trail[0].detail["id"] == edit.subject_id


def test_undo_puts_back_what_the_change_changed_and_nothing_else(edit_desk) -> None:
    edit = edit_desk.done(edit_desk.ask_of_rule("describe", name="VP Alert", description=""))
    edit_desk.world.do("rule_update", rule_id=edit.subject_id, body={"description": "somebody else was here"})
    edit_desk.mirror()
    undo = edit_desk.done(edit_desk.ask(drafts.undo_draft(edit)))
    assert undo.body == {"name": "Big deal to management"}
    assert edit_desk.rule().description == "somebody else was here"


def test_undo_of_a_change_leaves_a_rule_on_that_was_switched_on_since(edit_desk) -> None:
    edit_desk.done(edit_desk.ask_of_rule("deactivate"))
    wanted = drafts.newest_of(edit_desk.rule())[0] | {"description": "New", "execute_when": {"type": "create"}}
    edit = edit_desk.done(edit_desk.ask_of_rule("change", definition=wanted))
    assert edit.state == "done"
    edit_desk.done(edit_desk.ask_of_rule("activate"))
    undo = edit_desk.done(edit_desk.ask(drafts.undo_draft(edit)))
    assert set(undo.body) == {"description", "execute_when"}
    assert edit_desk.is_on(edit.subject_id)


@pytest.mark.parametrize("act", ["describe", "change", "create"])
def test_undo_is_refused_where_what_was_changed_was_changed_further(edit_desk, act) -> None:
    if act == "create":
        copy = drafts.as_copy(drafts.newest_of(edit_desk.rule())[0])
        edit = edit_desk.done(edit_desk.ask(drafts.new_rule_draft(edit_desk.account, copy)))
    elif act == "change":
        wanted = drafts.newest_of(edit_desk.rule())[0] | {"description": "New"}
        edit = edit_desk.done(edit_desk.ask_of_rule("change", definition=wanted))
    else:
        edit = edit_desk.done(edit_desk.ask_of_rule("describe", name="Big deal to management", description="New"))
    assert edit.state == "done"
    assert not drafts.undo_draft(edit).objections
    edit_desk.world.do("rule_update", rule_id=edit.subject_id, body={"description": "somebody else was here"})
    edit_desk.mirror()
    (objection,) = drafts.undo_draft(edit).objections
    assert objection.code == "changed_since"
    assert "description" in objection.message


@pytest.mark.parametrize("was_active", [True, False])
def test_undo_of_the_deletion_of_an_inactive_rule_says_that_it_may_run_at_once(edit_desk, was_active) -> None:
    if not was_active:
        edit_desk.done(edit_desk.ask_of_rule("deactivate"))
    edit = edit_desk.done(edit_desk.ask_of_rule("delete"))
    assert bool(drafts.undo_draft(edit).warnings) is not was_active
    assert "status" not in drafts.undo_draft(edit).body


@pytest.mark.parametrize("act", ["change", "body"])
def test_a_definition_of_another_rule_is_not_applied_to_this_one(edit_desk, act) -> None:
    other = drafts.newest_of(edit_desk.rule("Deal won hand-over"))[0]
    wish = {"definition": other} if act == "change" else {"body": {"id": other["id"], "name": "x"}}
    (objection,) = drafts.rule_draft(edit_desk.rule(), "change", wish).objections
    assert "It is of another rule" in objection.message
    own_id = {"body": {"id": edit_desk.rule().rule_id, "description": "x"}}
    assert not drafts.rule_draft(edit_desk.rule(), "change", own_id).objections


def test_a_name_is_taken_by_a_rule_of_its_module_only(edit_desk) -> None:
    rule = edit_desk.rule()
    copy = drafts.as_copy(drafts.newest_of(rule)[0]) | {"name": rule.name.upper()}
    elsewhere = copy | {"module": {"api_name": "Vendors"}}
    assert [one.code for one in drafts.new_rule_draft(edit_desk.account, copy).objections] == ["name_taken"]
    assert not drafts.new_rule_draft(edit_desk.account, elsewhere).objections


@pytest.mark.parametrize("name", ["Foo  Bar", " Foo Bar ", "Foo\tBar"])
def test_a_name_is_sent_as_zoho_gives_it_back(edit_desk, name) -> None:
    wanted = drafts.as_copy(drafts.newest_of(edit_desk.rule())[0]) | {"name": name}
    assert drafts.new_rule_draft(edit_desk.account, wanted).body["name"] == "Foo Bar"
    assert drafts.new_connected_draft(edit_desk.account, name, "Quotes").body["name"] == "Foo Bar"
    assert drafts.rule_draft(edit_desk.rule(), "describe", {"name": name}).body["name"] == "Foo Bar"
    assert not drafts.rule_draft(edit_desk.rule(), "describe", {"name": "Big  deal to management "}).body
