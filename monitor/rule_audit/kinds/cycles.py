"""Finds rules that may trigger each other: each writes a field whose change starts the next one.

Whether Zoho stops such a chain is not documented. A rule that would start itself alone is not counted: rules of edits
that update a field are common, and Zoho does not run them twice for one edit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime

from monitor.rule_audit.facts import AccountFacts, AuditedRule, AuditFacts, FieldWrite
from monitor.rule_audit.finding import RuleFinding, found
from monitor.rule_criteria.evaluate import evaluate
from monitor.rule_criteria.field_kinds import FieldKind, Kinds
from monitor.rule_criteria.values import is_empty, number_in
from monitor.zoho.shapes.rule_definition import Criteria, RuleDefinition, comparisons

EDITS = ("edit", "create_or_edit")
MOST_NAMED = 10
Edges = dict[int, dict[int, str]]


def look(facts: AuditFacts, now: datetime, quiet_days: int) -> Iterator[RuleFinding]:
    """Finds circles of two rules and more within a module."""
    groups: dict[tuple[int, str], list[AuditedRule]] = defaultdict(list)
    for rule in facts.active():
        if rule.definition is not None:
            groups[rule.account_id, rule.module].append(rule)
    for (account_id, _), rules in groups.items():
        account = facts.accounts[account_id]
        edges = _edges(rules, account)
        for circle in circles(edges):
            yield _finding(account, [rules[place] for place in circle], _fields(circle, edges))


def _finding(account: AccountFacts, rules: list[AuditedRule], fields: list[str]) -> RuleFinding:
    shown = [rule.name for rule in rules[:MOST_NAMED]]
    more = [f"{len(rules) - MOST_NAMED} more"] if len(rules) > MOST_NAMED else []
    names = " → ".join([*shown, *more, rules[0].name])
    return found(
        "cycle",
        account,
        rules,
        f"{names}, by updates of {', '.join(fields)}.",
        "Narrow the criteria of one of them, so that what the others write does not start it again.",
        [sorted(rule.rule_id for rule in rules), fields],
    )


def _edges(rules: list[AuditedRule], account: AccountFacts) -> Edges:
    """Finds which rule may start which other one, and by which field."""
    edges: Edges = defaultdict(dict)
    starters = [place for place, rule in enumerate(rules) if rule.trigger in (*EDITS, "field_update")]
    started: dict[tuple[str, str], list[int]] = {}
    for place, rule in enumerate(rules):
        for write in writes_of(rule.definition, account.writes):
            key = (write.field, repr(write.value))
            if key not in started:
                started[key] = [other for other in starters if starts(write, rules[other])]
            for other in started[key]:
                if other != place:
                    edges[place].setdefault(other, write.field)
    return edges


def writes_of(definition: RuleDefinition | None, writes: Mapping[str, FieldWrite] | None) -> list[FieldWrite]:
    """Returns what a rule's actions write into its own record, as far as is known."""
    actions = definition.actions if definition is not None else ()
    known = [(writes or {}).get(action.id) for action in actions if action.type == "field_updates"]
    found_writes = [write for write in known if write is not None and write.field]
    if any(action.type == "assign_owner" for action in actions):
        found_writes.append(FieldWrite("Owner"))
    return found_writes


def starts(write: FieldWrite, rule: AuditedRule) -> bool:
    """Says whether a field update may start a rule: it may where nothing that is known speaks against it."""
    definition = rule.definition
    if definition is None:
        return False
    trigger = definition.trigger
    if rule.trigger == "field_update" and write.field not in _watched(definition):
        return False
    if is_empty(write.value):
        return True
    if not _may_pass(trigger.criteria, write) and not _any_value(definition, write.field):
        return False
    conditions = definition.conditions
    return not conditions or any(_may_pass(part.criteria, write) for part in conditions)


def _may_pass(criteria: Criteria | None, write: FieldWrite) -> bool:
    """Says whether a record may pass criteria once a field is written; on which day that is, is not known."""
    # Of which kind the field is, is not known either: what reads as a number may be one.
    kinds: list[Kinds] = [{}]
    if number_in(write.value) is not None:
        kinds += [{write.field: FieldKind.NUMBER}, {write.field: FieldKind.TEXT}]
    return any(evaluate(criteria, {write.field: write.value}, kind, None).passes is not False for kind in kinds)


def _watched(definition: RuleDefinition) -> set[str]:
    """Returns the fields whose update starts a rule."""
    named = {one.field for one in comparisons(definition.trigger.criteria)}
    field = definition.trigger.details.get("field")
    name = field.get("api_name") if isinstance(field, Mapping) else field
    return named | ({name} if isinstance(name, str) else set())


def _any_value(definition: RuleDefinition, field: str) -> bool:
    """Says whether a trigger asks for no certain value."""
    return any(
        one.field == field and isinstance(one.value, str) and one.value.startswith("${")
        for one in comparisons(definition.trigger.criteria)
    )


def circles(edges: Edges) -> list[list[int]]:
    """Finds groups in which each can be reached from each other, of two and more: Tarjan's algorithm."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    found_groups = []
    for root in list(edges):
        if root in order:
            continue
        work = [(root, iter(edges.get(root, {})))]
        order[root] = low[root] = len(order)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, following = work[-1]
            follower = next(following, None)
            if follower is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    found_groups.append(_taken(stack, on_stack, node))
            elif follower not in order:
                order[follower] = low[follower] = len(order)
                stack.append(follower)
                on_stack.add(follower)
                work.append((follower, iter(edges.get(follower, {}))))
            elif follower in on_stack:
                low[node] = min(low[node], order[follower])
    return [_as_walked(sorted(group), edges) for group in found_groups if len(group) > 1]


def _taken(stack: list[int], on_stack: set[int], node: int) -> list[int]:
    group = []
    while True:
        top = stack.pop()
        on_stack.discard(top)
        group.append(top)
        if top == node:
            return group


def _as_walked(group: list[int], edges: Edges) -> list[int]:
    """Puts a group in the order in which one starts the other, as far as one walk goes."""
    walk, left = [group[0]], set(group[1:])
    while left:
        following = next((one for one in edges.get(walk[-1], {}) if one in left), None)
        walk.append(min(left) if following is None else following)
        left.discard(walk[-1])
    return walk


def _fields(circle: list[int], edges: Edges) -> list[str]:
    """Returns the fields by which the rules of a circle start each other."""
    members = set(circle)
    return sorted({field for one in circle for other, field in edges.get(one, {}).items() if other in members})
