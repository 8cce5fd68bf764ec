"""The whole stage against the stand-in as a ledger of what was really done, in random order and with random faults.

Invariants E1 to E9: docs/reference/edits.md, "Invariants of an edit". `make fuzz-edits` tries 1,000 schedules.
"""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import ExitStack
from typing import Any

import hypothesis
import pytest
from django.db import transaction
from hypothesis import HealthCheck, note
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from monitor.edits import drafts
from monitor.edits.requests import EditRefused, cancel_edit, request_edit, settle_by_hand
from monitor.edits.send import send
from monitor.edits.transition import EDGES
from monitor.models import AuditEntry, Edit, Role, User, WorkflowRule, ZohoAccount
from tests import factories
from tests.bystander import own
from tests.depth import tried
from tests.edits.conftest import opened_desk
from tests.fake_zoho.retrying import Crash

SCHEDULES = tried(5, 200, stateful_step_count=25)
if asked := os.environ.get("EDIT_SCHEDULES"):
    SCHEDULES = hypothesis.settings(
        SCHEDULES, max_examples=int(asked), suppress_health_check=list(HealthCheck), derandomize=False
    )
FATES = ["", "", "before", "after", "refused", "busy", "ran_500", "lost_500", "ran_page", "dies_before", "dies_after"]
PROVEN = {"refused", "busy"}  # answers that prove that nothing was done
ACTS = ["activate", "deactivate", "describe", "delete", "create"]
pick = st.integers(0, 6)


class Edits(RuleBasedStateMachine):
    """Admins click, the worker sends, processes die, others change the same rules in Zoho."""

    @initialize()
    def open_up(self) -> None:
        self.savepoint = transaction.savepoint()
        self.stack = ExitStack()
        person = factories.make_user("ada", Role.ADMIN)
        self.desk = self.stack.enter_context(opened_desk(person))
        self.fates: list[str] = []
        self.told: list[str] = []  # what became of each write, in their order
        self.about: list[int] = []  # the edit that each write belongs to
        self.tokens: list[tuple[str, int]] = []
        self.finals: dict[int, str] = {}
        self.meanwhile: Any = None
        self.names = iter(range(1000))
        self.desk.lose = self._fate

    def teardown(self) -> None:
        if hasattr(self, "savepoint"):
            self.stack.close()
            transaction.savepoint_rollback(self.savepoint)

    def _fate(self) -> str:
        """Is asked when a write arrives: it must be of a committed intent, of what Zoho still has."""
        method, path, body = self.desk.writes[-1]
        sending = list(own(Edit).filter(state="sending").select_related("requested_by", "account"))
        mine = [edit for edit in sending if self._is_of(edit, method, path, body)]
        assert len(mine) == 1, f"E2: a request without a committed intent: {method} {path}"
        (edit,) = mine
        assert edit.requested_by.is_active, "a person who may not"
        assert edit.account.is_active, "the account is paused"
        if edit.subject_id:
            there = self.desk.at_zoho(edit.subject_id)
            assert there.body["name"] == edit.base["name"], "E3: it was changed in Zoho meanwhile"
            assert there.body["description"] == edit.base.get("description"), "E3"
            assert there.on.at(self.desk.clock()) == edit.base["status"]["active"], "E3"
        fate = self.fates.pop(0) if self.fates else ""
        self.told.append(fate)
        self.about.append(edit.pk)
        hook, self.meanwhile = self.meanwhile, None
        if hook is not None:
            hook()
        return fate

    def _is_of(self, edit: Edit, method: str, path: str, body: dict[str, Any]) -> bool:
        if edit.subject_id:
            return path.endswith(f"/{edit.subject_id}") and method == ("DELETE" if edit.act == "delete" else "PUT")
        return method == "POST" and body["workflow_rules"][0]["name"] == edit.name

    # -- people -------------------------------------------------------------------------------------------

    @rule(which=pick, act=st.sampled_from(ACTS), fate=st.sampled_from(FATES), sends=st.booleans())
    def click(self, which: int, act: str, fate: str, sends: bool) -> None:
        draft = self._draft(which, act)
        token = f"form-{len(self.tokens)}"
        row = self._post(draft, token)
        if row is not None:
            self.tokens.append((token, row.pk))
            self.fates.append(fate)
            if sends:
                self._crashable(lambda: send(row.pk, open_account=self.desk.open, now_fn=self.desk.clock))

    def _draft(self, which: int, act: str) -> drafts.EditDraft:
        rules = list(own(WorkflowRule).select_related("account").filter(gone_at=None).order_by("pk"))
        row = rules[which % len(rules)] if rules else None
        if act == "create" or row is None:
            base = drafts.newest_of(row)[0] if row is not None else {}
            return drafts.new_rule_draft(self.desk.account, {**base, "name": f"New {next(self.names)}"})
        wish = {"name": f"Name {next(self.names)}", "description": ""} if act == "describe" else {}
        return drafts.rule_draft(row, act, wish)

    def _post(self, draft: drafts.EditDraft, token: str) -> Edit | None:
        try:
            return request_edit(
                draft, User.objects.get(pk=self.desk.person.pk), "why", token, self.desk.clock(), typed_name=draft.name
            )
        except EditRefused as refusal:
            note(f"refused: {refusal.code}")
            return None

    @precondition(lambda self: getattr(self, "tokens", None))
    @rule(which=pick)
    def post_a_form_again(self, which: int) -> None:
        token, key = self.tokens[-1 - which % len(self.tokens)]
        edit = Edit.objects.select_related("account").get(pk=key)
        draft = drafts.EditDraft(edit.account, edit.subject, edit.subject_id, edit.name, edit.act)
        if draft.subject_key == edit.subject_key:
            again = self._post(draft, token)
            assert again is None or again.pk == key, "E8: one form, one row"

    @rule(which=pick)
    def undo(self, which: int) -> None:
        edit = self._some(which)
        draft = drafts.undo_draft(edit) if edit is not None else None
        if draft is not None:
            self._post(draft, f"undo-{next(self.names)}")

    @rule(which=pick)
    def call_off_or_settle_by_hand(self, which: int) -> None:
        """Who settles one has looked closely at Zoho, and only says what is true."""
        edit = self._some(which)
        if edit is None:
            return
        try:
            if edit.state == "wished":
                cancel_edit(edit, self.desk.person, self.desk.clock())
            elif edit.state == "unknown":
                was_done = self._ran(edit.pk) > 0
                settle_by_hand(edit, self.desk.person, "I looked", self.desk.clock(), was_done=was_done)
        except EditRefused as refusal:
            note(f"refused: {refusal.code}")

    @rule(active=st.sampled_from([True, True, False]), person=st.booleans())
    def switch_the_person_or_the_account(self, active: bool, person: bool) -> None:
        if person:
            User.objects.filter(pk=self.desk.person.pk).update(is_active=active)
        else:
            ZohoAccount.objects.filter(pk=self.desk.account.pk).update(is_active=active)

    # -- processes ----------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0, 5, 15, 61, 130, 900]))
    def sweep(self, seconds: int) -> None:
        self.desk.clock.advance(seconds)
        self._sweep()

    @rule(sleep=st.sampled_from([0, 5, 61, 90]), which=pick)
    def another_process_comes_between(self, sleep: int, which: int) -> None:
        edit = self._some(which)

        def hook() -> None:
            self.desk.clock.advance(sleep)
            if edit is not None:
                send(edit.pk, open_account=self.desk.open, now_fn=self.desk.clock)
            self._sweep()

        self.meanwhile = hook

    # -- the world ----------------------------------------------------------------------------------------

    @rule(which=pick)
    def somebody_changes_a_rule_in_zoho(self, which: int) -> None:
        keys = sorted(self.desk.world.rules.rules)
        if keys:
            body = {"description": f"By another {next(self.names)}"}
            self.desk.world.do("rule_update", rule_id=keys[which % len(keys)], body=body)

    @rule()
    def mirror(self) -> None:
        """What ingest does, of what is there still."""
        if own(ZohoAccount).filter(pk=self.desk.account.pk, is_active=True).exists():
            self.desk.mirror()

    # -- what must hold -----------------------------------------------------------------------------------

    @invariant()
    def the_ledger_and_the_rows_agree(self) -> None:
        if not hasattr(self, "desk"):
            return
        trails = defaultdict(list)
        for entry in own(AuditEntry).filter(object_type="edit").order_by("pk"):
            trails[entry.object_id].append(entry)
        open_keys: set[str] = set()
        for edit in own(Edit):
            ran = self._ran(edit.pk)
            assert ran <= 1, f"E1: edit {edit.pk} was done {ran} times"
            unproven = [
                self.told[n] for n, key in enumerate(self.about) if key == edit.pk and self.told[n] not in PROVEN
            ]
            assert len(unproven) <= 1, f"E1: sent after no proof: {unproven}"
            assert self.finals.get(edit.pk, edit.state) == edit.state, "E5: a final state changed"
            if edit.is_open:
                assert edit.subject_key not in open_keys, "E4: two open edits of one thing"
                open_keys.add(edit.subject_key)
            else:
                self.finals[edit.pk] = edit.state
            assert not (ran and edit.state in ("refused", "settled_not_done", "cancelled")), (
                f"E7: done, but {edit.state}"
            )
            assert ran or edit.state != "done", "it says done, and nothing was"
            self._every_edge_has_its_entry(edit, trails[str(edit.pk)])

    def _every_edge_has_its_entry(self, edit: Edit, trail: list[AuditEntry]) -> None:
        state = ""
        for entry in trail:
            assert entry.detail["from"] == state, "E9: an edge without an entry"
            assert state == "" or entry.detail["to"] in EDGES[state]
            assert not (state == "unknown" and entry.detail["to"] in ("wished", "sending")), "E6"
            state = entry.detail["to"]
            assert state != "sending" or entry.actor_id == edit.requested_by_id, "E2: a request without a name"
        assert state == edit.state, "E9: the row is not where its trail ends"

    # -- helpers ------------------------------------------------------------------------------------------

    def _ran(self, key: int) -> int:
        return sum(1 for number in self.desk.ran if self.about[number] == key)

    def _sweep(self) -> None:
        def act() -> None:
            report = self.desk.sweep()
            assert not report.errors, "a fault of ours"

        self._crashable(act)

    def _some(self, which: int) -> Edit | None:
        rows = list(own(Edit).select_related("account").order_by("-pk"))
        return rows[which % len(rows)] if rows else None

    def _crashable(self, act: Any) -> None:
        try:
            act()
        except Crash as crash:
            note(f"crashed: {crash}")


@pytest.mark.property
@pytest.mark.django_db
def test_whatever_happens_one_click_changes_zoho_once_at_most_and_never_what_it_did_not_see() -> None:
    run_state_machine_as_test(Edits, settings=SCHEDULES)
