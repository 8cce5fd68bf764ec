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
from monitor.rule_criteria.implies import PreparedCriteria, excludes, follows, prepare
from monitor.rule_words.vocabulary import trigger_name
from monitor.zoho.shapes.rule_definition import (
    Criteria,
    RelationalCriteria,
    RuleAction,
    RuleCondition,
    RuleDefinition,
    comparisons,
    criteria_json,
)

# Of a trigger, what is compared in a way of its own: criteria by what they imply, the module by its name, and
# "repeat", which says how often a rule may run and not when, of duplicates alone.
NOT_COMPARED = frozenset({"criteria", "trigger_module", "repeat"})
WATCHING = ("field_update", "section_update")  # ends of triggers whose criteria name the fields whose change counts
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RulePair:
    """Holds two rules of which conditions imply conditions of the other.

    Attributes:
        one: the narrower rule.
        other: the wider one.
        both_ways: whether every condition of each implies one of the other.
        is_whole: whether every condition of `one` implies one of the other.
        is_duplicate: whether the two do the same for the same records.
        fields: that both write for the same records.
    """

    one: AuditedRule
    other: AuditedRule
    both_ways: bool
    is_whole: bool
    is_duplicate: bool
    fields: tuple[str, ...]


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
            yield found(
                "overlap",
                account,
                [pair.one, pair.other],
                f"Both write {', '.join(pair.fields)}, on “{when}” of {pair.one.module}, for {_whose(pair)}.",
                "Decide which of them is to write the field, and narrow the other one's criteria.",
                _stands(pair),
            )


def _whose(pair: RulePair) -> str:
    if pair.both_ways:
        return "the same records"
    passed = "the criteria" if pair.is_whole else "a condition"
    return f"every record that passes {passed} of {pair.one.name}"


@dataclass(frozen=True, slots=True)
class _Part:
    """Holds a condition ready to be compared; `does` writes down all that it does."""

    criteria: PreparedCriteria
    relational: RelationalCriteria | None
    fields: frozenset[str]
    does: str


@dataclass(frozen=True, slots=True)
class _Ready:
    """Holds a rule ready to be compared with many others."""

    rule: AuditedRule
    rest: dict[str, Any]
    watched: frozenset[str]
    repeat: Any
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
    rest = {name: value for name, value in details.items() if name not in NOT_COMPARED}
    return _Ready(
        rule,
        # Records of a related module may start a rule, too.
        {**rest, "trigger_module": definition.trigger.module or rule.module},
        # A change of any of these may start the rule, whatever else its criteria imply.
        frozenset(one.field for one in comparisons(definition.trigger.criteria))
        if rule.trigger.endswith(WATCHING)
        else _NONE,
        details.get("repeat"),
        prepare(definition.trigger.criteria),
        tuple(
            _Part(prepare(part.criteria), part.relational, frozenset(fields_written(part, writes)), _of_condition(part))
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
    if one.rest != other.rest or one.watched != other.watched:
        return None
    forth, fields = _implied(one, other)
    back, fields_back = _implied(other, one)
    if not (forth or back or fields or fields_back):
        return None
    is_first = forth or bool(fields and not back)
    first, second = (one, other) if is_first else (other, one)
    return RulePair(
        first.rule,
        second.rule,
        both_ways=forth and back,
        is_whole=forth if is_first else back,
        is_duplicate=forth and back and one.repeat == other.repeat and _do_the_same(one, other),
        fields=tuple(sorted(fields | fields_back)),
    )


def _implied(one: _Ready, other: _Ready) -> tuple[bool, set[str]]:
    """Says whether every condition of one is implied by some condition of the other, and which fields both write."""
    if not follows(one.trigger, other.trigger):
        return False, set()
    fields: set[str] = set()
    is_whole = True
    for part in one.parts:
        wider = [two for two in other.parts if _is_within(part, two)]
        is_whole = is_whole and bool(wider)
        for two in wider:
            fields |= part.fields & two.fields
    return is_whole, fields


def _is_within(part: _Part, other: _Part) -> bool:
    # Of related records nothing is known but that they are asked for in the same words.
    return part.relational == other.relational and follows(part.criteria, other.criteria)


def _do_the_same(one: _Ready, other: _Ready) -> bool:
    """Says whether each condition of one is a condition of the other that does the same.

    Two conditions that a record may pass both have to stand in the same order: whether Zoho goes on after the first one
    that is passed is not documented.
    """
    if len(one.parts) != len(other.parts):
        return False
    order: list[int] = []
    for part in one.parts:
        same = (
            place
            for place, two in enumerate(other.parts)
            if place not in order and part.does == two.does and _is_within(part, two) and _is_within(two, part)
        )
        place = next(same, None)
        if place is None:
            return False
        order.append(place)
    turned = ((i, j) for i, j in combinations(range(len(order)), 2) if order[i] > order[j])
    return all(excludes(one.parts[i].criteria, one.parts[j].criteria) for i, j in turned)


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
    """Writes down all that a rule does, without the ids of the rule's own parts."""
    return json.dumps(sorted(_of_condition(condition) for condition in definition.conditions))


def _of_condition(condition: RuleCondition) -> str:
    """Writes down all that a condition does, at once and later."""
    later = [
        [
            group.delay and [group.delay.period, group.delay.unit, group.delay.rest],
            sorted(map(_of_action, group.actions)),
        ]
        for group in condition.scheduled
    ]
    now = sorted(map(_of_action, condition.instant))
    return json.dumps([now, sorted(later, key=str)], sort_keys=True, default=str)


ASSOCIATED = frozenset({"field_updates", "email_notifications", "tasks", "webhooks", "functions"})


def _of_action(action: RuleAction) -> str:
    if action.type in ASSOCIATED:
        return json.dumps([action.type, action.id])
    # Where it is not said what it does, no other action is known to do the same.
    return json.dumps([action.type, action.details or [action.name, action.id]], sort_keys=True, default=str)


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
