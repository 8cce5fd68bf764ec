"""Makes an edit that could be asked for out of what is mirrored and what a person wants; asks and writes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from monitor.edits import body as bodies
from monitor.edits.acts import undo_of
from monitor.edits.body import clean_name, name_key
from monitor.edits.body_form import body_objections
from monitor.edits.check import (
    NOTHING_KNOWN,
    KnownFacts,
    RuleObjection,
    connected_objections,
    module_of,
    order_objections,
    rule_objections,
)
from monitor.edits.unmask import holds_mark
from monitor.models import ConnectedWorkflow, Edit, Flow, WorkflowRule, ZohoAccount

Json = dict[str, Any]
Act, Subject = Edit.Act, Edit.Subject
NOTHING_NEW = RuleObjection("nothing_new", "Nothing of it is different from what it is.")
CHANGED_SINCE = "It was changed further since: {fields}. Putting it back would undo that, too: change it by hand."
MAY_RUN_AT_ONCE = (
    "The rule that it is made of is inactive, and no document says how to create one that is: "
    "this one may run at once. Deactivate it as soon as it is there."
)
NOT_READ = RuleObjection("not_read", "Its definition has not been read whole yet: sync the account, then look again.")


@dataclass(frozen=True)
class EditDraft:
    """Holds an edit as it could be asked for, with what speaks against it.

    Attributes:
        subject, subject_id, name, module, act: see `Edit`.
        base, base_sha256: the definition that it is judged on.
        wanted: the definition that is to be there afterwards.
        body: what is sent.
        objections: why it cannot be; empty where it can.
        undoes: the edit that it takes back.
        warnings: what the person should know before they confirm.
    """

    account: ZohoAccount
    subject: str
    subject_id: str
    name: str
    act: str
    module: str = ""
    base: Json = field(default_factory=dict)
    base_sha256: str = ""
    wanted: Json = field(default_factory=dict)
    body: Json = field(default_factory=dict)
    objections: tuple[RuleObjection, ...] = ()
    undoes: Edit | None = None
    warnings: tuple[str, ...] = ()

    @property
    def subject_key(self) -> str:
        """Returns what only one open edit may be about: the thing, or for a new one its name."""
        if self.subject_id:
            return f"{self.subject}:{self.subject_id}"[:80]
        return f"new:{hashlib.sha256(f'{self.subject}{name_key(self.name)}'.encode()).hexdigest()[:40]}"

    def against(self, *more: RuleObjection) -> EditDraft:
        """Returns the same with further objections."""
        return replace(self, objections=(*self.objections, *more))


def rule_draft(
    rule: WorkflowRule, act: str, wish: Mapping[str, Any], facts: KnownFacts = NOTHING_KNOWN, undoes: Edit | None = None
) -> EditDraft:
    """Makes the edit of a mirrored rule.

    Args:
        rule: with its account.
        act: activate, deactivate, describe, change or delete.
        wish: what is to be: `name` and `description`, the whole definition under `definition`, or the parts of a body
            under `body`.
        facts: what was read of its module.
        undoes: the edit that it takes back.
    """
    base, digest = newest_of(rule)
    draft = EditDraft(
        rule.account, Subject.RULE, rule.rule_id, rule.name, act, rule.module, base, digest, undoes=undoes
    )
    if rule.gone_at is not None:
        return draft.against(RuleObjection("gone", "It is no longer there in Zoho."))
    if not digest:
        return draft.against(NOT_READ)
    if act in (Act.ACTIVATE, Act.DEACTIVATE):
        return _rule_switch(draft, rule, active=act == Act.ACTIVATE)
    if act == Act.DELETE:
        return draft
    try:
        return _judged(draft, _rule_body(base, act, wish, rule.rule_id), facts)
    except bodies.UnusableBody as wrong:
        return draft.against(RuleObjection("unusable", str(wrong)))


def new_rule_draft(
    account: ZohoAccount, wanted: Mapping[str, Any], facts: KnownFacts = NOTHING_KNOWN, undoes: Edit | None = None
) -> EditDraft:
    """Makes the creation of a rule.

    Args:
        account: whose it will be.
        wanted: its definition: from a form, a copy of another one, or as somebody pasted it.
        facts: what was read of its module.
        undoes: the deletion that it takes back.
    """
    body = bodies.with_clean_name(bodies.new_rule_body(wanted))
    name = body.get("name")
    draft = EditDraft(
        account, Subject.RULE, "", name if isinstance(name, str) else "", Act.CREATE, module_of(body)[:200],
        wanted=body, body=body, undoes=undoes, warnings=(MAY_RUN_AT_ONCE,) if bodies.is_inactive(wanted) else (),
    )  # fmt: skip
    draft = draft.against(*rule_objections({}, body, facts), *_marks(body))
    namesakes = WorkflowRule.objects.filter(account=account, module=module_of(body), gone_at=None)
    if draft.name and namesakes.filter(name__iexact=draft.name).exists():
        draft = draft.against(RuleObjection("name_taken", "There is a rule of this name in its module already."))
    return draft


def order_draft(account: ZohoAccount, module: str, sequence: Mapping[str, int]) -> EditDraft:
    """Makes the reordering of a module's rules.

    Args:
        account: whose they are.
        module: its API name.
        sequence: from a rule's id to its place, from 1; those that are left out stay.
    """
    rules = WorkflowRule.objects.filter(account=account, module=module, gone_at=None)
    known = frozenset(rules.values_list("rule_id", flat=True))
    places = dict(sequence)
    body = {"reorder": {"workflow_rules": [{"id": key, "module_specific_sequence": at} for key, at in places.items()]}}
    draft = EditDraft(account, Subject.ORDER, module[:64], module, Act.REORDER, module[:200], wanted=places, body=body)
    return draft.against(*order_objections(places, known))


def connected_draft(
    workflow: ConnectedWorkflow, act: str, wish: Mapping[str, Any], undoes: Edit | None = None
) -> EditDraft:
    """Makes the edit of a mirrored connected workflow: activate, deactivate, describe or delete."""
    base, digest = newest_of(workflow)
    draft = EditDraft(
        workflow.account, Subject.CONNECTED, workflow.workflow_id, workflow.name, act,
        workflow.primary_module[:200], base, digest, undoes=undoes,
    )  # fmt: skip
    if workflow.gone_at is not None:
        return draft.against(RuleObjection("gone", "It is no longer there in Zoho."))
    if not digest:
        return draft.against(NOT_READ)
    if act in (Act.ACTIVATE, Act.DEACTIVATE):
        status = "active" if act == Act.ACTIVATE else "inactive"
        draft = replace(draft, wanted={**base, "status": status})
        is_so = base.get("status") == status
        if act == Act.DEACTIVATE and base.get("status") == "draft":
            return draft.against(RuleObjection("is_draft", "It is a draft: it has never been active."))
        return draft.against(RuleObjection("already", f"It is {status} already.")) if is_so else draft
    if act == Act.DELETE:
        return draft
    body = {name: wish[name] for name in ("name", "description") if wish.get(name, "") != base.get(name, "")}
    body = bodies.with_clean_name(body, base)
    draft = replace(draft, body=body, wanted=bodies.applied(base, body))
    if not body:
        return draft.against(NOTHING_NEW)
    taken = ConnectedWorkflow.objects.filter(account=workflow.account_id, name=body.get("name"), gone_at=None)
    taken_by_zoho = connected_objections(base, is_new=False)
    more = [one for one in connected_objections(draft.wanted, is_new=False) if one not in taken_by_zoho]
    draft = draft.against(*more, *_marks(body))
    if "name" in body and taken.exists():
        return draft.against(RuleObjection("name_taken", "There is a connected workflow of this name already."))
    return draft


def new_connected_draft(account: ZohoAccount, name: str, module: str, description: str = "") -> EditDraft:
    """Makes the creation of a connected workflow, as a draft; names are unique, and a module has one at most."""
    name = clean_name(name)
    body: Json = {"name": name, "primary_module": {"api_name": module}} if module else {"name": name}
    if description:
        body["description"] = description
    draft = EditDraft(account, Subject.CONNECTED, "", name, Act.CREATE, module[:200], wanted=body, body=body)
    draft = draft.against(*connected_objections(body, is_new=True))
    living = ConnectedWorkflow.objects.filter(account=account, gone_at=None)
    if name and living.filter(name__iexact=name).exists():
        draft = draft.against(RuleObjection("name_taken", "There is a connected workflow of this name already."))
    if module and living.filter(primary_module=module).exists():
        draft = draft.against(
            RuleObjection("module_taken", f"{module} has a connected workflow already: one a module.")
        )
    return draft


def flow_draft(flow: Flow, act: str, wish: Mapping[str, Any], undoes: Edit | None = None) -> EditDraft:
    """Makes the edit of a mirrored flow: enable, disable, test its trigger, or its actions with sample data."""
    base, digest = newest_of(flow)
    draft = EditDraft(
        flow.account, Subject.FLOW, flow.flow_id, flow.flow_name, act, base=base, base_sha256=digest, undoes=undoes
    )
    if flow.gone_at is not None:
        return draft.against(RuleObjection("gone", "It is no longer there in Zoho."))
    if not digest:
        return draft.against(NOT_READ)
    if act in (Act.ACTIVATE, Act.DEACTIVATE):
        active = act == Act.ACTIVATE
        draft = replace(draft, wanted={**base, "status": "active" if active else "inactive"})
        if flow.is_active == active:
            return draft.against(RuleObjection("already", f"It is {'enabled' if active else 'disabled'} already."))
        return draft
    sample = wish.get("sample_data") or {}
    if not isinstance(sample, dict):
        return draft.against(RuleObjection("sample_form", "The sample data is no JSON object."))
    return replace(draft, body={"sample_data": sample} if act == Act.TEST_ACTIONS else {}, wanted=base)


def as_copy(base: Mapping[str, Any]) -> Json:
    """Returns a definition as a new rule can be made of it, under another name; that it is inactive stays in it."""
    state = {"status": {"active": False}} if bodies.is_inactive(base) else {}
    return bodies.new_rule_body(base) | {"name": f"Copy of {base.get('name', '')}"[:100]} | state


def undo_draft(edit: Edit, facts: KnownFacts = NOTHING_KNOWN) -> EditDraft | None:
    """Makes the edit that puts back what another one changed; None where there is nothing that would.

    Args:
        edit: one that was done, with its account.
        facts: what was read of the module.
    """
    act = undo_of(edit.subject, edit.act)
    if act is None or not edit.is_done:
        return None
    if edit.act == Act.DELETE:
        return new_rule_draft(edit.account, edit.base, facts, undoes=edit)
    if edit.subject == Subject.FLOW:
        flow = Flow.objects.select_related("account").filter(account=edit.account_id, flow_id=edit.subject_id).first()
        return flow_draft(flow, act, {}, undoes=edit) if flow is not None else None
    if edit.subject == Subject.CONNECTED:
        rows = ConnectedWorkflow.objects.select_related("account")
        workflow = rows.filter(account=edit.account_id, workflow_id=edit.subject_id).first()
        if workflow is None:
            return None
        base, _ = newest_of(workflow)
        wish = {name: _former(edit, base, name) or "" for name in ("name", "description")}
        return _if_unchanged(edit, connected_draft(workflow, act, wish, undoes=edit))
    rule = (
        WorkflowRule.objects.select_related("account").filter(account=edit.account_id, rule_id=edit.subject_id).first()
    )
    if rule is None:
        return None
    base, _ = newest_of(rule)
    wish = {name: _former(edit, base, name) or "" for name in ("name", "description")}
    former = {name: edit.base.get(name) for name in edit.body if name in bodies.RULE_FIELDS}
    wish["definition"] = bodies.without_gone_ids(former, base)
    return _if_unchanged(edit, rule_draft(rule, act, wish, facts, undoes=edit))


def _former(edit: Edit, base: Json, name: str) -> Any:
    """Returns a field as it was before an edit changed it; one that it left alone is as it is now."""
    return (edit.base if name in edit.body else base).get(name)


def _if_unchanged(edit: Edit, undo: EditDraft) -> EditDraft:
    """Objects to an undo where what the edit made is not what is there any more."""
    if edit.act in (Act.ACTIVATE, Act.DEACTIVATE):
        return undo  # there are two states: it is in the one that the edit made, or back in the other already
    fields = [name for name in edit.body if name in (*bodies.RULE_FIELDS, "primary_module")]
    fields += [name for name in bodies.RULE_FIELDS if edit.act == Act.CREATE and edit.result and name not in fields]
    others = bodies.changed_since(edit.wanted, edit.result, undo.base, fields)
    if not undo.base_sha256 or not others:
        return undo
    words = ", ".join(name.replace("execute_when", "trigger") for name in others)
    return undo.against(RuleObjection("changed_since", CHANGED_SINCE.format(fields=words)))


def newest_of(thing: Any) -> tuple[Json, str]:
    """Returns the newest definition that is mirrored of a thing, and its digest; empty where there is none."""
    found = thing.versions.order_by("-number").values_list("content", "sha256").first()
    return (found[0], found[1]) if found is not None else ({}, "")


def _rule_switch(draft: EditDraft, rule: WorkflowRule, *, active: bool) -> EditDraft:
    body = {"status": {"active": active}}
    status = draft.base.get("status")
    wanted = {**draft.base, "status": {**(status if isinstance(status, dict) else {}), "active": active}}
    draft = replace(draft, body=body, wanted=wanted)
    is_so = status.get("active") if isinstance(status, dict) else rule.active
    return (
        draft.against(RuleObjection("already", f"It is {'active' if active else 'inactive'} already."))
        if is_so == active
        else draft
    )


def _rule_body(base: Json, act: str, wish: Mapping[str, Any], rule_id: str) -> Json:
    if act == Act.DESCRIBE:
        said = {"name": wish.get("name"), "description": wish.get("description") or None}
        return bodies.with_clean_name(bodies.change_body(base, said), base)
    given = wish.get("body") if isinstance(wish.get("body"), dict) else wish.get("definition")
    if isinstance(given, dict) and given.get("id") not in (None, "", rule_id):
        raise bodies.UnusableBody(f"It is of another rule: its id is {str(given['id'])[:64]}, this rule's {rule_id}.")
    return bodies.with_clean_name(_changed_body(base, wish), base)


def _changed_body(base: Json, wish: Mapping[str, Any]) -> Json:
    if isinstance(given := wish.get("body"), dict):
        return bodies.usable_parts(base, given)
    wanted = wish.get("definition")
    if not isinstance(wanted, dict):
        raise bodies.UnusableBody("It is no JSON object.")
    body = bodies.change_body(base, wanted)
    if bodies.names_other_module(wanted.get("module"), base.get("module")):
        body["module"] = wanted["module"]
    return body


def _judged(draft: EditDraft, body: Json, facts: KnownFacts) -> EditDraft:
    wanted = bodies.applied(draft.base, body)
    draft = replace(draft, body=body, wanted=wanted)
    if not body:
        return draft.against(NOTHING_NEW)
    if "name" in body and not body["name"]:
        wanted = {**wanted, "name": ""}
    return draft.against(*body_objections(body), *rule_objections(draft.base, wanted, facts), *_marks(body))


def _marks(body: Json) -> list[RuleObjection]:
    place = holds_mark(body)
    text = f"It holds a secret at {place}, which is not kept here: leave that part as it is, or change it in Zoho."
    return [RuleObjection("secret", text)] if place else []
