"""Reads for what an alert rule is, and by what its subjects are found: tags, owner, module of CRM; says it in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from monitor.alerting.scope import RuleScope, ScopeBreadth, SubjectMarks
from monitor.models import AlertRule, Connection, WorkflowRule
from monitor.models.asking import Asking, answered, ask, in_step
from monitor.ownership import NO_LABELS, ask_labels
from monitor.privacy import mask_name


def scope_of(rule: AlertRule, kind: str = "") -> RuleScope[int]:
    """Returns for what a rule over flows is.

    Args:
        rule: which.
        kind: of which rules replace each other; the rule's own unless told otherwise.
    """
    return RuleScope(rule.pk, kind or rule.kind, rule.flow_id, rule.tag_id, rule.owner_id, rule.module)


def are_needed(scopes: Iterable[RuleScope[Any]]) -> bool:
    """Returns whether any of some rules is found by marks, so that they have to be read."""
    return any(scope.breadth not in (ScopeBreadth.ONE, ScopeBreadth.ACCOUNT) for scope in scopes)


def marks_of_flows(account_id: int | None) -> dict[int, SubjectMarks]:
    """Returns the tags and owners of flows by their keys; flows without any are left out. One statement.

    Args:
        account_id: whose; None for all.
    """
    return answered(ask_marks_of_flows(account_id))


def ask_marks_of_flows(account_id: int | None) -> Asking[dict[int, SubjectMarks]]:
    """Asks for what `marks_of_flows` returns."""
    known = yield from ask_labels("flow", account_id=account_id)
    return {key: SubjectMarks(one.tags, one.owner) for key, one in known.items()}


def marks_of_workflow_rules(account_id: int) -> dict[int, SubjectMarks]:
    """Returns the tags, owners and modules of an account's workflow rules by their keys. One statement."""
    return answered(ask_marks_of_workflow_rules(account_id))


def ask_marks_of_workflow_rules(account_id: int) -> Asking[dict[int, SubjectMarks]]:
    """Asks for what `marks_of_workflow_rules` returns."""
    rows = WorkflowRule.objects.filter(account=account_id, gone_at=None).order_by()
    known, modules = yield from in_step(
        ask_labels("rule", account_id=account_id), ask(rows.values_list("pk", "module"))
    )
    found = {}
    for key, module in modules:
        mine = known.get(key, NO_LABELS)
        found[key] = SubjectMarks(mine.tags, mine.owner, module=module)
    return found


def why_replaced(narrower: AlertRule, of_what: str) -> str:
    """Says that a narrower rule replaces another one, for an alert that ends by it.

    Args:
        narrower: with its tag and owner.
        of_what: such as "the flow's": whose own the narrower rule is where it is for one.
    """
    if narrower.tag is not None:
        return f"the rule “{narrower.name}” for the tag {narrower.tag} replaces this one"
    if narrower.owner is not None:
        return f"the rule “{narrower.name}” for what {narrower.owner.get_username()} owns replaces this one"
    if narrower.module:
        return f"the rule “{narrower.name}” for the module {mask_name(narrower.module)} replaces this one"
    return f"{of_what} own rule “{narrower.name}” replaces this one"


def why_left(rule: AlertRule, what: str) -> str:
    """Says why a rule is for something no longer, though both are there.

    Args:
        rule: with its tag and owner.
        what: such as "the flow".
    """
    if rule.tag is not None:
        return f"{what} does not have the tag {rule.tag} any more"
    if rule.owner is not None:
        return f"{rule.owner.get_username()} does not own {what} any more"
    if rule.module:
        return f"{what} does not belong to the module {mask_name(rule.module)} any more"
    return f"the rule does not cover {what} any more"


def scopes_in_words(rules: Sequence[AlertRule]) -> dict[int, str]:
    """Returns for what some rules are, by their keys; "" for all of the account. One statement at most.

    Args:
        rules: with their flows, tags and owners.
    """
    return answered(ask_scopes_in_words(rules))


def ask_scopes_in_words(rules: Sequence[AlertRule]) -> Asking[dict[int, str]]:
    """Asks for what `scopes_in_words` returns."""
    keys = {int(rule.subject_key) for rule in rules if rule.subject_key.isascii() and rule.subject_key.isdigit()}
    names: dict[str, Mapping[int, str]] = {"crm": {}, "connection": {}}
    if keys:
        workflows, connections = yield [
            WorkflowRule.objects.filter(pk__in=keys).defer("raw", "description"),
            Connection.objects.filter(pk__in=keys).values_list("pk", "connection_name"),
        ]
        names["crm"] = {row.pk: row.shown_name for row in workflows}
        names["connection"] = {pk: mask_name(name) or "(without a name)" for pk, name in connections}
    return {rule.pk: _in_words(rule, names.get(rule.kind, {})) for rule in rules}


def _in_words(rule: AlertRule, names: Mapping[int, str]) -> str:
    if rule.flow is not None:
        return rule.flow.shown_name
    if rule.tag is not None:
        return f"tag {rule.tag}"
    if rule.owner is not None:
        return f"owner {rule.owner.get_username()}"
    if rule.module:
        return f"module {mask_name(rule.module)}"
    return names.get(int(rule.subject_key), "one that is gone") if rule.subject_key else ""
