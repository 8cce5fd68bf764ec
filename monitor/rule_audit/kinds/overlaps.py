"""Finds rules that do the same, and rules that write the same field of the same records.

Compared are active rules of one module and one trigger, and of these only pairs that have something in common: a field
that both write, or an action that both use.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

from monitor.figures import number
from monitor.languages import gettext as _
from monitor.languages import ngettext
from monitor.rule_audit.facts import AuditedRule, AuditFacts, FieldWrite
from monitor.rule_audit.finding import NotChecked, RuleFinding, found
from monitor.rule_criteria.implies import NOT, PreparedCriteria, excludes, follows, prepare
from monitor.rule_words.vocabulary import trigger_name
from monitor.zoho.shapes.rule_definition import (
    CriteriaGroup,
    Delay,
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
SPELLED = {"overwrite": "over_write"}  # Zoho's documents have both


@dataclass(frozen=True, slots=True)
class BothWrite:
    """Says which fields two rules both write, and for which records.

    Attributes:
        fields: of the records' module.
        of: the rule that says for which: what passes it passes the other one too; None: each passes the other.
        is_whole: whether that is whatever passes the rule, and not one of its conditions.
    """

    fields: tuple[str, ...]
    of: AuditedRule | None
    is_whole: bool

    @property
    def whose(self) -> str:
        """Names the records."""
        if self.of is None:
            return _("the same records")
        if self.is_whole:
            return _("every record that passes the criteria of %(rule)s") % {"rule": self.of.name}
        return _("every record that passes a condition of %(rule)s and none before it") % {"rule": self.of.name}


@dataclass(frozen=True, slots=True)
class RulePair:
    """Holds two rules of which conditions imply conditions of the other.

    Attributes:
        one: the narrower rule.
        other: the wider one.
        is_duplicate: whether the two do the same for the same records.
        writes: what both write.
    """

    one: AuditedRule
    other: AuditedRule
    is_duplicate: bool
    writes: tuple[BothWrite, ...]


def look(facts: AuditFacts, now: datetime, quiet_days: int) -> Iterator[RuleFinding]:
    """Finds pairs that do the same for the same records, and pairs that write the same field of them."""
    for pair in pairs(facts):
        account, when = facts.accounts[pair.one.account_id], trigger_name(pair.one.trigger)
        if pair.is_duplicate:
            yield found(
                "duplicate",
                account,
                [pair.one, pair.other],
                _("Both run on “%(when)s” of %(module)s, for the same records, and do the same.")
                % {"when": when, "module": pair.one.module},
                _("Switch one of them off: whatever they do is done twice."),
                _stands(pair),
            )
        elif pair.writes:
            first, *rest = pair.writes
            more = "".join(
                _("; %(fields)s for %(whose)s") % {"fields": ", ".join(one.fields), "whose": one.whose} for one in rest
            )
            said = {"fields": ", ".join(first.fields), "when": when, "module": pair.one.module, "whose": first.whose}
            yield found(
                "overlap",
                account,
                [pair.one, pair.other],
                _("Both write %(fields)s, on “%(when)s” of %(module)s, for %(whose)s%(more)s.")
                % (said | {"more": more}),
                _("Decide which of them is to write the field, and narrow the other one's criteria."),
                _stands(pair),
            )


@dataclass(frozen=True, slots=True)
class _AskedOfRecord:
    """Holds what a condition asks of a record, ready to be compared."""

    criteria: PreparedCriteria
    relational: RelationalCriteria | None

    @property
    def is_all(self) -> bool:
        """Says whether every record passes."""
        return self.criteria.criteria is None and self.relational is None


@dataclass(frozen=True, slots=True)
class _Part:
    """Holds a condition ready to be compared.

    Attributes:
        asks: what it asks of a record itself.
        before: what a record that comes to it has not passed: the conditions before it.
        perhaps_before: likewise, and those of which it is not known whether they stand before it.
        comes: what of a record is known that it is for: it passes this one and none before, as far as that can be said.
        is_never: whether no record comes to it.
        fields: that it writes.
        does: all that it does.
    """

    asks: _AskedOfRecord
    before: tuple[_AskedOfRecord, ...]
    perhaps_before: tuple[_AskedOfRecord, ...]
    comes: PreparedCriteria
    is_never: bool
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

    @property
    def does_something(self) -> bool:
        """Says whether it has any action: two rules that do nothing do nothing twice."""
        return self.rule.definition is not None and bool(self.rule.definition.actions)


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
    details = plain(definition.trigger.details)
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
        tuple(_parts(definition, writes, rule.rule_id)),
        _signature(definition, rule.rule_id),
    )


def plain(value: Any) -> Any:
    """Returns what Zoho sent in one spelling: what is off or null is left out, and what has an API name is that name.

    Args:
        value: of a trigger's or an action's details.
    """
    if isinstance(value, Mapping):
        named = value.get("api_name")
        if isinstance(named, str) and named:
            return named
        inner = {SPELLED.get(name, name): plain(one) for name, one in value.items()}
        return {name: one for name, one in inner.items() if one is not None and one is not False}
    if isinstance(value, list):
        return [plain(one) for one in value]
    # Flags come as texts, too.
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def _parts(definition: RuleDefinition, writes: Mapping[str, FieldWrite] | None, rule_id: str) -> Iterator[_Part]:
    """Prepares conditions: Zoho tries them in order, and for a record the first one that it passes is carried out.

    Source: docs/reference/zoho-crm.md, "Criteria of rules".
    """
    conditions, is_ordered = _in_order(definition.conditions)
    asked = [_AskedOfRecord(prepare(part.criteria), part.relational) for part in conditions]
    for place, (part, asks) in enumerate(zip(conditions, asked, strict=True)):
        before = tuple(asked[:place]) if is_ordered else ()
        comes = _comes(asks, before)
        yield _Part(
            asks,
            before,
            before if is_ordered else tuple(asked[:place] + asked[place + 1 :]),
            comes,
            any(one.is_all for one in before) or excludes(comes, comes),
            frozenset(fields_written(part, writes)),
            _of_condition(part, rule_id),
        )


def _in_order(conditions: Sequence[RuleCondition]) -> tuple[list[RuleCondition], bool]:
    """Puts conditions in the order in which they are tried, and says whether it is known."""
    numbers = [part.sequence for part in conditions if part.sequence is not None]
    if not numbers:
        return list(conditions), True
    is_known = len(set(numbers)) == len(conditions)
    return sorted(conditions, key=lambda part: part.sequence or 0), is_known


def _comes(asks: _AskedOfRecord, before: Sequence[_AskedOfRecord]) -> PreparedCriteria:
    """Adds to what a condition asks that the record passed none before it; what is too much to be said is left out."""
    own = asks.criteria.criteria
    turned = [
        CriteriaGroup(NOT, (one.criteria.criteria,))
        for one in before
        if one.criteria.criteria is not None and one.relational is None
    ]
    if not turned:
        return asks.criteria
    found = prepare(CriteriaGroup("AND", tuple([own, *turned] if own is not None else turned)))
    return asks.criteria if found.cases is None or found.clauses is None else found


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


@dataclass(frozen=True, slots=True)
class _Implied:
    """Holds what follows from one rule for another.

    Attributes:
        is_whole: whether whatever comes to a condition of the one comes to a condition of the other.
        fields: that both write for what comes to some condition of the one.
        of_whole: of these, those that both write for whatever comes to any.
    """

    is_whole: bool = False
    fields: frozenset[str] = _NONE
    of_whole: frozenset[str] = _NONE


def _compared(one: _Ready, other: _Ready) -> RulePair | None:
    """Compares two rules of one module and trigger; None where neither's criteria imply the other's."""
    if one.rest != other.rest or one.watched != other.watched:
        return None
    forth, back = _implied(one, other), _implied(other, one)
    if not (forth.is_whole or back.is_whole or forth.fields or back.fields):
        return None
    is_first = forth.is_whole or bool(forth.fields and not back.is_whole)
    is_alike = forth.is_whole and back.is_whole and one.repeat == other.repeat
    is_duplicate = is_alike and one.does_something and _do_the_same(one, other)
    if is_first:
        return RulePair(one.rule, other.rule, is_duplicate, _both_write(one.rule, forth, other.rule, back))
    return RulePair(other.rule, one.rule, is_duplicate, _both_write(other.rule, back, one.rule, forth))


def _both_write(one: AuditedRule, forth: _Implied, other: AuditedRule, back: _Implied) -> tuple[BothWrite, ...]:
    """Says of each field for which records both write it: for as many as that is known of."""
    found: dict[tuple[int, bool], list[str]] = defaultdict(list)
    for field in sorted(forth.fields | back.fields):
        is_forth, is_back = field in forth.of_whole, field in back.of_whole
        if is_forth and is_back:
            found[0, True].append(field)
        elif is_forth or is_back:
            found[1 if is_forth else 2, True].append(field)
        else:
            found[1 if field in forth.fields else 2, False].append(field)
    of = (None, one, other)
    return tuple(BothWrite(tuple(fields), of[whose], whole) for (whose, whole), fields in sorted(found.items()))


def _implied(one: _Ready, other: _Ready) -> _Implied:
    """Finds what follows from one rule for another: what comes to its conditions, and which fields both write."""
    if not follows(one.trigger, other.trigger):
        return _Implied()
    is_whole, common = True, []
    for part in one.parts:
        if part.is_never:
            continue
        wider = [two for two in other.parts if _is_within(part, two)]
        is_whole = is_whole and bool(wider)
        # Where the order is not known, another condition may take what passes this one.
        comes = all(excludes(part.comes, asks.criteria) for asks in part.perhaps_before[len(part.before) :])
        common.append(frozenset(field for two in wider for field in part.fields & two.fields) if comes else _NONE)
    if not common:
        return _Implied()
    return _Implied(is_whole, frozenset().union(*common), frozenset.intersection(*common))


def _is_within(part: _Part, other: _Part) -> bool:
    """Says whether whatever comes to a condition comes to another one: it passes it, and none before it."""
    asks = other.asks
    # Of related records nothing is known but that they are asked for in the same words.
    if part.asks.relational != asks.relational or not follows(part.comes, asks.criteria):
        return False
    return all(_is_apart(part, one) for one in other.perhaps_before)


def _is_apart(part: _Part, asks: _AskedOfRecord) -> bool:
    """Says whether nothing that comes to a condition passes another one: it would have passed one before."""
    if excludes(part.comes, asks.criteria):
        return True
    return any(one.relational == asks.relational and follows(asks.criteria, one.criteria) for one in part.before)


def _do_the_same(one: _Ready, other: _Ready) -> bool:
    """Says whether each condition of one is a condition of the other that does the same for the same records."""
    if len(one.parts) != len(other.parts):
        return False
    taken: set[int] = set()
    for part in one.parts:
        same = (
            place
            for place, two in enumerate(other.parts)
            if place not in taken and part.does == two.does and _is_within(part, two) and _is_within(two, part)
        )
        place = next(same, None)
        if place is None:
            return False
        taken.add(place)
    return True


def fields_written(condition: RuleCondition, writes: Mapping[str, FieldWrite] | None) -> set[str]:
    """Returns the fields that a condition's actions write, as far as is known."""
    found_fields = set()
    for action in condition.actions:
        if action.type == "assign_owner":
            found_fields.add("Owner")
        elif action.type == "field_updates" and action.id in (writes or {}):
            found_fields.add((writes or {})[action.id].field)
    return found_fields - {""}


def _signature(definition: RuleDefinition, rule_id: str) -> str:
    """Writes down all that a rule does, without the ids of the rule's own parts."""
    return json.dumps(sorted(_of_condition(condition, rule_id) for condition in definition.conditions))


def _of_condition(condition: RuleCondition, rule_id: str) -> str:
    """Writes down all that a condition does, at once and later."""
    later = [
        [_of_delay(group.delay), sorted(_of_action(one, rule_id) for one in group.actions)]
        for group in condition.scheduled
    ]
    now = sorted(_of_action(one, rule_id) for one in condition.instant)
    return json.dumps([now, sorted(later, key=str)], sort_keys=True, default=str)


def _of_delay(delay: Delay | None) -> list[Any]:
    """Writes down a delay; a number that is written as a text is that number."""
    if delay is None:
        return []
    rest = plain(delay.rest)
    return [delay.period, delay.unit, {name: rest[name] for name in rest if delay.unit is None or name != "unit"}]


ASSOCIATED = frozenset({"field_updates", "email_notifications", "tasks", "webhooks", "functions"})


def _of_action(action: RuleAction, rule_id: str) -> str:
    if action.type in ASSOCIATED and action.id:
        return json.dumps([action.type, action.id])
    # Where it is not said what it does, no action of another rule is known to do the same.
    does = plain(action.details) if action.type and action.type not in ASSOCIATED else None
    unsaid = [action.name, action.id] if action.id else [rule_id]
    return json.dumps([action.type, does or unsaid], sort_keys=True, default=str)


def _stands(pair: RulePair) -> list[Any]:
    """Returns what the evidence is made of, with rules by their ids: another name is no other finding."""
    rules = sorted((pair.one, pair.other), key=lambda one: one.rule_id)
    said = [[one.fields, one.of and one.of.rule_id, one.is_whole] for one in pair.writes]
    return [[_whole(rule) for rule in rules], pair.one.rule_id, said]


def _whole(rule: AuditedRule) -> list[Any]:
    definition = rule.definition
    if definition is None:
        return []
    trigger = [rule.trigger, definition.trigger.details]
    return [rule.module, trigger, _signature(definition, rule.rule_id), *map(_asked_of, definition.conditions)]


def _asked_of(condition: RuleCondition) -> list[Any]:
    criteria, relational = condition.criteria, condition.relational
    return [condition.sequence, criteria and criteria_json(criteria), relational and asdict(relational)]


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
            what = ngettext(
                "overlaps and cycles by %(n)s field update", "overlaps and cycles by %(n)s field updates", len(missing)
            ) % {"n": number(len(missing))}
            why = _(account.unread.get("field_updates", "")) or _("which field they write was not read yet")
            yield NotChecked(account_id, account.name, what, why)
        unnamed = sum(one in ids and not write.field for one, write in (account.writes or {}).items())
        if unnamed:
            what = ngettext(
                "overlaps and cycles by %(n)s other field update",
                "overlaps and cycles by %(n)s other field updates",
                unnamed,
            ) % {"n": number(unnamed)}
            why = _("they write a related record, or which field was not said")
            yield NotChecked(account_id, account.name, what, why)
