"""Finds rules that do the same, and rules that write the same field of the same records.

Compared are active rules of one module and one trigger, and of these only pairs that have something in common: a field
that both write, or an action that both use.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

from monitor.rule_audit.facts import AuditedRule, AuditFacts, FieldWrite
from monitor.rule_audit.finding import NotChecked, RuleFinding, found
from monitor.rule_criteria.implies import PreparedCriteria, follows, prepare
from monitor.rule_words.vocabulary import trigger_name
from monitor.zoho.shapes.rule_definition import (
    Criteria,
    RelationalCriteria,
    RuleAction,
    RuleCondition,
    RuleDefinition,
    criteria_json,
)

# Of a trigger, what says how often a rule may run and not when.
NOT_COMPARED = frozenset({"criteria", "trigger_module", "repeat", "match_all"})


@dataclass(frozen=True, slots=True)
class RulePair:
    """Holds two rules whose criteria imply each other, or one the other's; `fields` are those that both write."""

    one: AuditedRule
    other: AuditedRule
    both_ways: bool
    same_actions: bool
    fields: tuple[str, ...]

    @property
    def is_duplicate(self) -> bool:
        """Says whether the two do the same for the same records."""
        return self.both_ways and self.same_actions


def look(facts: AuditFacts, now: datetime, quiet_days: int) -> Iterator[RuleFinding]:
    """Finds pairs that do the same for the same records, and pairs that write the same field of them."""
    for pair in pairs(facts):
        account, when = facts.accounts[pair.one.account_id], trigger_name(pair.one.trigger)
        if pair.is_duplicate:
            yield found(
                "duplicate",
                account,
                [pair.one, pair.other],
                f"Both run on “{when}” of {pair.one.module}, for the same records, and do the same.",
                "Switch one of them off: whatever they do is done twice.",
                _stands(pair),
            )
        elif pair.fields:
            whose = (
                "the same records" if pair.both_ways else f"every record that passes the criteria of {pair.one.name}"
            )
            yield found(
                "overlap",
                account,
                [pair.one, pair.other],
                f"Both write {', '.join(pair.fields)}, on “{when}” of {pair.one.module}, for {whose}.",
                "Decide which of them is to write the field, and narrow the other one's criteria.",
                _stands(pair),
            )


@dataclass(frozen=True, slots=True)
class _Part:
    """Holds a condition ready to be compared."""

    criteria: PreparedCriteria
    relational: RelationalCriteria | None
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Ready:
    """Holds a rule ready to be compared with many others."""

    rule: AuditedRule
    rest: dict[str, Any]
    trigger: PreparedCriteria
    parts: tuple[_Part, ...]
    does: str


def pairs(facts: AuditFacts) -> Iterator[RulePair]:
    """Finds the pairs, each once; the narrower rule comes first."""
    groups: dict[tuple[int, str, str], list[_Ready]] = defaultdict(list)
    for rule in facts.active():
        if rule.definition is not None and rule.definition.conditions:
            writes = facts.accounts[rule.account_id].writes
            groups[rule.account_id, rule.module, rule.trigger].append(_ready(rule, rule.definition, writes))
    for rules in groups.values():
        if len(rules) > 1:
            yield from _in_group(rules)


def _ready(rule: AuditedRule, definition: RuleDefinition, writes: Mapping[str, FieldWrite] | None) -> _Ready:
    details = definition.trigger.details
    return _Ready(
        rule,
        {name: value for name, value in details.items() if name not in NOT_COMPARED},
        prepare(definition.trigger.criteria),
        tuple(
            _Part(prepare(part.criteria), part.relational, frozenset(fields_written(part, writes)))
            for part in definition.conditions
        ),
        _signature(definition),
    )


def _in_group(rules: list[_Ready]) -> Iterator[RulePair]:
    """Compares rules that have something in common: a field they write, or all that they do."""
    common: dict[str, list[int]] = defaultdict(list)
    for place, rule in enumerate(rules):
        for name in {rule.does, *(field for part in rule.parts for field in part.fields)}:
            common[name].append(place)
    met: set[tuple[int, int]] = set()
    for places in common.values():
        for two in combinations(places, 2):
            if two not in met:
                met.add(two)
                pair = _compared(rules[two[0]], rules[two[1]])
                if pair is not None:
                    yield pair


def _compared(one: _Ready, other: _Ready) -> RulePair | None:
    """Compares two rules of one module and trigger; None where neither's criteria imply the other's."""
    if one.rest != other.rest:
        return None
    forth, fields = _implied(one, other)
    back, fields_back = _implied(other, one)
    if not (forth or back or fields or fields_back):
        return None
    first, second = (one, other) if forth or (fields and not back) else (other, one)
    return RulePair(
        first.rule,
        second.rule,
        both_ways=forth and back,
        same_actions=one.does == other.does,
        fields=tuple(sorted(fields | fields_back)),
    )


def _implied(one: _Ready, other: _Ready) -> tuple[bool, set[str]]:
    """Says whether every condition of one is implied by some condition of the other, and which fields both write."""
    if not follows(one.trigger, other.trigger):
        return False, set()
    fields: set[str] = set()
    is_whole = True
    for part in one.parts:
        # Of related records nothing is known but that they are asked for in the same words.
        wider = [
            two for two in other.parts if part.relational == two.relational and follows(part.criteria, two.criteria)
        ]
        is_whole = is_whole and bool(wider)
        for two in wider:
            fields |= part.fields & two.fields
    return is_whole, fields


def fields_written(condition: RuleCondition, writes: Mapping[str, FieldWrite] | None) -> set[str]:
    """Returns the fields that a condition's actions write, as far as is known."""
    found_fields = set()
    for action in condition.actions:
        if action.type == "assign_owner":
            found_fields.add("Owner")
        elif action.type == "field_updates" and action.id in (writes or {}):
            found_fields.add((writes or {})[action.id].field)
    return found_fields - {""}


def _signature(definition: RuleDefinition) -> str:
    """Writes down all that a rule does, condition by condition, without the ids of the rule's own parts."""
    parts = [
        [
            sorted(_of_action(action) for action in condition.instant),
            sorted(
                [str(group.delay and (group.delay.period, group.delay.unit)), *sorted(map(_of_action, group.actions))]
                for group in condition.scheduled
            ),
        ]
        for condition in definition.conditions
    ]
    return json.dumps(sorted(parts, key=str), sort_keys=True)


ASSOCIATED = frozenset({"field_updates", "email_notifications", "tasks", "webhooks", "functions"})


def _of_action(action: RuleAction) -> str:
    if action.type in ASSOCIATED:
        return json.dumps([action.type, action.id])
    return json.dumps([action.type, action.details or action.name], sort_keys=True, default=str)


def _stands(pair: RulePair) -> list[Any]:
    return [_whole(rule.definition) for rule in sorted((pair.one, pair.other), key=lambda one: one.rule_id)]


def _whole(definition: RuleDefinition | None) -> list[Any]:
    if definition is None:
        return []
    return [_signature(definition), *[_of_criteria(part.criteria) for part in definition.conditions]]


def _of_criteria(criteria: Criteria | None) -> Any:
    return criteria_json(criteria) if criteria is not None else None


def gaps(facts: AuditFacts) -> Iterator[NotChecked]:
    """Says where it is not known which fields field updates write."""
    for account_id, account in facts.accounts.items():
        ids = {
            action.id
            for rule in facts.active()
            if rule.account_id == account_id and rule.definition is not None
            for action in rule.definition.actions
            if action.type == "field_updates"
        }
        missing = ids - {*(account.writes or {})}
        if missing:
            what = f"overlaps and cycles by {len(missing):,} field update{'s' * (len(missing) != 1)}"
            why = account.unread.get("field_updates", "which field they write was not read yet")
            yield NotChecked(account_id, account.name, what, why)
