"""Connected workflows are created, activated, renamed and deleted; flows are switched and tested; rules reordered."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.edits import drafts
from monitor.edits.acts import KINDS, kind_of, undo_of
from monitor.ingest.base.mode import Mode, Patience
from monitor.ingest.run import reread
from monitor.models import ConnectedWorkflow, Edit, Flow
from tests import factories
from tests.edits.schema import errors_of


def a_connected(desk: Any, status: str) -> ConnectedWorkflow:
    rows = [row for row in desk.world.store.collection("connected_workflows").values() if row["status"] == status]
    key = rows[0]["id"] if rows else ""
    if not rows:
        key, row = next(iter(desk.world.store.collection("connected_workflows").items()))
        desk.world.store.put("connected_workflows", {**row, "status": status})
        desk.mirror()
    return ConnectedWorkflow.objects.select_related("account").get(account=desk.account, workflow_id=key)


def ask(desk: Any, workflow: ConnectedWorkflow, act: str, **wish: Any) -> Edit:
    typed = workflow.name if act == "delete" else ""
    return desk.ask(drafts.connected_draft(workflow, act, wish), typed_name=typed)


@pytest.mark.parametrize(
    ("before", "act", "after"), [("inactive", "activate", "active"), ("active", "deactivate", "inactive")]
)
def test_a_connected_workflow_is_switched_and_switched_back(edit_desk, before, act, after) -> None:
    workflow = a_connected(edit_desk, before)
    edit = edit_desk.done(ask(edit_desk, workflow, act))
    assert edit.state == "done", edit.answer
    there = edit_desk.world.store.collection("connected_workflows")
    assert there[workflow.workflow_id]["status"] == after
    workflow.refresh_from_db()
    assert workflow.status == after
    edit_desk.done(edit_desk.ask(drafts.undo_draft(edit)))
    assert there[workflow.workflow_id]["status"] == before


def test_a_connected_workflow_is_renamed_and_deleted_for_good(edit_desk) -> None:
    workflow = a_connected(edit_desk, "active")
    edit = edit_desk.done(ask(edit_desk, workflow, "describe", name="Onboarding", description="New"))
    assert edit.state == "done", edit.answer
    assert errors_of(edit_desk.writes[-1][2], "connected_update") == []
    workflow.refresh_from_db()
    assert (workflow.name, workflow.description) == ("Onboarding", "New")

    gone = edit_desk.done(ask(edit_desk, workflow, "delete"))
    assert gone.state == "done"
    workflow.refresh_from_db()
    assert workflow.gone_at is not None
    assert drafts.undo_draft(gone) is None


@pytest.mark.parametrize("act", ["activate", "describe", "delete"])
@pytest.mark.parametrize(("where", "state"), [("after", "settled_done"), ("before", "settled_not_done")])
def test_a_lost_answer_about_a_connected_workflow_is_settled_by_reading(edit_desk, act, where, state) -> None:
    workflow = a_connected(edit_desk, "inactive")
    edit_desk.lose = lambda: where
    edit = edit_desk.done(ask(edit_desk, workflow, act, name="Another", description=""))
    assert edit.state == "unknown"
    edit_desk.later(minutes=4)
    edit.refresh_from_db()
    assert (edit.state, len(edit_desk.writes)) == (state, 1)


def test_a_new_connected_workflow_is_a_draft_one_for_a_module_and_of_a_name_of_its_own(edit_desk) -> None:
    draft = drafts.new_connected_draft(edit_desk.account, "Solutions first", "Solutions", "How they begin")
    edit = edit_desk.done(edit_desk.ask(draft))
    assert edit.state == "done", edit.answer
    assert edit_desk.connected("Solutions first").status == "draft"
    again = drafts.new_connected_draft(edit_desk.account, "Solutions first", "Solutions")
    assert [one.code for one in again.objections] == ["name_taken", "module_taken"]
    undo = edit_desk.ask(drafts.undo_draft(edit), typed_name="Solutions first")
    assert edit_desk.done(undo).state == "done"


def test_what_zoho_refuses_of_a_connected_workflow_is_told_with_its_message(edit_desk) -> None:
    workflow = a_connected(edit_desk, "inactive")
    edit = ask(edit_desk, workflow, "activate")
    edit_desk.lose = lambda: "refused"
    edit = edit_desk.done(edit)
    assert (edit.state, edit.code) == ("refused", "NO_PERMISSION")
    assert edit.answer.startswith("The person who connected this account may not manage connected workflows.")


@pytest.fixture
def flow(edit_desk) -> Flow:
    (key,) = edit_desk.world.flows
    row = factories.make_flow(edit_desk.account, flow_id=key, status="active")
    patience = Patience(Mode.REFRESH, pause=edit_desk.clock.advance)
    assert reread(edit_desk.account, [("flow", key)], clock=edit_desk.clock, patience=patience) == 1
    row.refresh_from_db()
    return row


def test_a_flow_is_switched_and_switched_back(edit_desk, flow) -> None:
    act, back = ("deactivate", "activate") if flow.is_active else ("activate", "deactivate")
    before = flow.is_active
    edit = edit_desk.done(edit_desk.ask(drafts.flow_draft(flow, act, {})))
    assert edit.state == "done", edit.answer
    flow.refresh_from_db()
    assert flow.is_active is not before
    assert [one.code for one in drafts.flow_draft(flow, act, {}).objections] == ["already"]
    undo = edit_desk.done(edit_desk.ask(drafts.undo_draft(edit)))
    flow.refresh_from_db()
    assert (undo.act, undo.state, flow.is_active) == (back, "done", before)


def test_a_test_of_a_flow_s_actions_that_was_lost_is_settled_by_nobody_but_a_person(edit_desk, flow) -> None:
    edit_desk.lose = lambda: "after"
    draft = drafts.flow_draft(flow, "test_actions", {"sample_data": {"Email": "lea@example.com"}})
    edit = edit_desk.done(edit_desk.ask(draft))
    assert edit.state == "unknown"
    edit_desk.later(minutes=6)
    edit.refresh_from_db()
    assert (edit.state, len(edit_desk.writes)) == ("unknown", 1)
    assert undo_of("flow", "test_actions") is None


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_lost_order_is_settled_by_the_places_that_zoho_shows(edit_desk, where) -> None:
    one, other = edit_desk.rule(), edit_desk.rule("Deal won hand-over")
    for place, rule in enumerate((one, other), start=7):
        edit_desk.world.do("rule_reorder", order={rule.rule_id: place})
    edit_desk.lose = lambda: where
    edit = edit_desk.done(
        edit_desk.ask(drafts.order_draft(edit_desk.account, "Deals", {one.rule_id: 2, other.rule_id: 1}))
    )
    edit_desk.later(minutes=4)
    edit.refresh_from_db()
    assert edit.state == ("settled_done" if where == "after" else "settled_not_done")
    assert len(edit_desk.writes) == 1


def test_every_act_has_words_and_what_cannot_be_undone_is_said() -> None:
    assert all(kind.label and "{name}" in kind.asks and kind.past for kind in KINDS.values())
    assert {key for key in KINDS if undo_of(*key) is None} == {
        ("rule_order", "reorder"), ("connected_workflow", "delete"), ("flow", "test_trigger"), ("flow", "test_actions"),
    }  # fmt: skip
    with pytest.raises(KeyError):
        kind_of("flow", "delete")


def test_a_name_that_zoho_has_taken_is_no_objection_to_another_description(account) -> None:
    workflow = factories.make_connected(account, name="Sales (EU) + more")
    factories.make_version(workflow, content={"name": "Sales (EU) + more", "status": "draft"})
    draft = drafts.connected_draft(workflow, "describe", {"name": "Sales (EU) + more", "description": "For all"})
    assert (draft.body, draft.objections) == ({"description": "For all"}, ())
    draft = drafts.connected_draft(workflow, "describe", {"name": "Sales (EU) + " + "m" * 50, "description": ""})
    assert [one.code for one in draft.objections] == ["name_long"]
