"""Reads what a workflow rule is made of, and writes it back as the same JSON.

Every known key has an attribute. What is not known, and what is known but of a strange type (null, a text where an
object belongs), stays in the `rest` of the object it stood in, so that `rule_definition_json(read_rule_definition(x))`
is `x` for any cleaned JSON object. An attribute that is set wins over the `rest`: a definition is changed with
`dataclasses.replace`.
Source: docs/reference/zoho-crm.md, "Workflow rules".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as part
from typing import Any

from monitor.zoho import clean
from monitor.zoho.shapes.base import Json
from monitor.zoho.shapes.known_parts import (
    api_name_of,
    object_of,
    put,
    put_named,
    put_number,
    take_inner,
    take_list,
    take_named,
    take_number,
    take_text,
    take_within,
)


@dataclass(frozen=True, slots=True)
class Criterion:
    """Compares one field with a value.

    Attributes:
        field: its API name.
        comparator: in Zoho's spelling (`equal`, `greater_than`).
        value: as Zoho sent it: a text, a number, a flag, a list, an object; None where there is none.
        kind: what the value is: "value", "field"; Zoho's `type`.
        rest: what else stands there.
    """

    field: str
    comparator: str
    value: Any = None
    kind: str = ""
    rest: Json = part(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CriteriaGroup:
    """Joins criteria; `operator` as Zoho spells it: AND, OR."""

    operator: str
    parts: tuple[Criteria, ...]
    rest: Json = part(default_factory=dict)


Criteria = Criterion | CriteriaGroup
UNREADABLE = "?"  # no key of Zoho's: below it stand criteria in a form that is not known


@dataclass(frozen=True, slots=True)
class RelationalCriteria:
    """Compares fields of related records; `selection` says of which, as Zoho spells it."""

    module: str
    selection: str
    criteria: Criteria | None
    rest: Json = part(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleTrigger:
    """Says when a rule runs: a `type` of `execute_when`, and its details as Zoho sent them."""

    type: str
    details: Json = part(default_factory=dict)
    rest: Json = part(default_factory=dict)

    @property
    def criteria(self) -> Criteria | None:
        """Returns what the change must fulfil that starts the rule, where the trigger has such criteria."""
        raw = self.details.get("criteria")
        return (read_criteria(raw) if isinstance(raw, Mapping) else _unreadable(raw)) if raw else None

    @property
    def module(self) -> str:
        """Returns the API name of the module whose records start the rule, "" where that is unknown."""
        return api_name_of(self.details.get("trigger_module"))


@dataclass(frozen=True, slots=True)
class RuleAction:
    """Does one thing; `type` as Zoho spells it. `details` says what, where the action stands in this rule alone."""

    type: str
    name: str = ""
    id: str = ""
    details: Json = part(default_factory=dict)
    rest: Json = part(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delay:
    """Waits: `unit` is how many, `period` of what, both as Zoho names them (`{"period": "days", "unit": 3}`)."""

    period: str
    unit: int | None
    rest: Json = part(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScheduledGroup:
    """Does some actions after a delay."""

    id: str
    delay: Delay | None
    actions: tuple[RuleAction, ...]
    rest: Json = part(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleCondition:
    """Says of which records something is done, and what: at once, and later. `sequence` is its place, from 1."""

    id: str
    sequence: int | None
    criteria: Criteria | None
    relational: RelationalCriteria | None
    instant: tuple[RuleAction, ...]
    scheduled: tuple[ScheduledGroup, ...]
    rest: Json = part(default_factory=dict)

    @property
    def actions(self) -> tuple[RuleAction, ...]:
        """Returns all it does, the instant actions first."""
        return (*self.instant, *(action for group in self.scheduled for action in group.actions))


@dataclass(frozen=True, slots=True)
class RuleDefinition:
    """Holds a whole workflow rule; `module` is the API name, `active` None where Zoho does not say."""

    id: str
    name: str
    description: str
    module: str
    trigger: RuleTrigger
    active: bool | None
    conditions: tuple[RuleCondition, ...]
    rest: Json = part(default_factory=dict)

    @property
    def actions(self) -> tuple[RuleAction, ...]:
        """Returns all it does, condition by condition."""
        return tuple(action for condition in self.conditions for action in condition.actions)

    @property
    def in_order(self) -> tuple[RuleCondition, ...]:
        """Returns the conditions in the order in which Zoho looks at them; as they stand where one has no place."""
        places = [condition.sequence for condition in self.conditions]
        if None in places:
            return self.conditions
        return tuple(sorted(self.conditions, key=lambda condition: condition.sequence or 0))


def read_rule_definition(raw: Mapping[str, object]) -> RuleDefinition:
    """Reads a workflow rule, or the part of one that a request to Zoho holds. Never fails.

    Args:
        raw: as Zoho sent it, as a mirrored version holds it, or as a person wrote it.
    """
    rest = clean.mapping(raw)
    return RuleDefinition(
        id=take_text(rest, "id"),
        name=take_text(rest, "name"),
        description=take_text(rest, "description"),
        module=take_named(rest, "module"),
        trigger=take_within(rest, "execute_when", _trigger) or RuleTrigger(""),
        active=take_inner(rest, "status", "active", bool),
        conditions=take_list(rest, "conditions", _condition),
        rest=rest,
    )


def rule_definition_json(definition: RuleDefinition) -> Json:
    """Writes a rule as Zoho spells it: what was read comes back as it was.

    Args:
        definition: one that was read, or put together.
    """
    found = dict(definition.rest)
    put(found, id=definition.id, name=definition.name, description=definition.description)
    put_named(found, "module", definition.module)
    trigger = _trigger_json(definition.trigger)
    if trigger:
        found["execute_when"] = trigger
    if definition.active is not None:
        found["status"] = object_of(found, "status") | {"active": definition.active}
    put(found, conditions=[_condition_json(condition) for condition in definition.conditions])
    return found


def read_criteria(raw: Mapping[str, object]) -> Criteria:
    """Reads criteria; what is neither a comparison nor a group becomes a criterion without a field. Never fails.

    Args:
        raw: `{"comparator", "field", "type", "value"}` or `{"group_operator", "group": […]}`.
    """
    rest = dict(raw)
    if isinstance(rest.get("group"), list) and "comparator" not in rest:
        parts = take_list(rest, "group", read_criteria)
        if parts or rest["group"] == []:
            return CriteriaGroup(operator=take_text(rest, "group_operator"), parts=parts, rest=rest)
    name = take_named(rest, "field")
    comparator = take_text(rest, "comparator")
    value = rest.pop("value") if rest.get("value") is not None else None
    return Criterion(field=name, comparator=comparator, value=value, kind=take_text(rest, "type"), rest=rest)


def is_unreadable(criteria: Criteria | None) -> bool:
    """Returns whether criteria stand there in a form that is not known: they ask for something, nobody knows what."""
    return isinstance(criteria, Criterion) and UNREADABLE in criteria.rest


def _unreadable(raw: object) -> Criterion:
    return Criterion("", "", rest={UNREADABLE: raw})


def criteria_json(criteria: Criteria) -> Any:
    """Writes criteria as Zoho spells them; what could not be read as it was.

    Args:
        criteria: that were read, or put together.
    """
    if is_unreadable(criteria):
        return criteria.rest[UNREADABLE]
    found = dict(criteria.rest)
    if isinstance(criteria, CriteriaGroup):
        put(found, group_operator=criteria.operator, group=[criteria_json(part) for part in criteria.parts])
        return found
    put_named(found, "field", criteria.field)
    put(found, comparator=criteria.comparator, type=criteria.kind)
    if criteria.value is not None:
        found["value"] = criteria.value
    return found


def comparisons(criteria: Criteria | None) -> Iterator[Criterion]:
    """Walks every single comparison of criteria, in the order in which they are written."""
    if isinstance(criteria, CriteriaGroup):
        for part in criteria.parts:
            yield from comparisons(part)
    elif criteria is not None:
        yield criteria


def _condition(rest: Json) -> RuleCondition:
    inner = rest.get("criteria_details")
    details = dict(inner) if isinstance(inner, Mapping) else None
    criteria: Criteria | None = None
    relational = None
    if inner and details is None:
        criteria = _unreadable(inner)  # which stays where it is
    if details is not None:
        criteria = take_within(details, "criteria", read_criteria)
        if criteria is None and details.get("criteria"):
            criteria = _unreadable(details.pop("criteria"))
        relational = take_within(details, "relational_criteria", _relational)
        rest["criteria_details"] = details
        if not details and (criteria or relational):
            del rest["criteria_details"]
    return RuleCondition(
        id=take_text(rest, "id"),
        sequence=take_number(rest, "sequence_number"),
        criteria=criteria,
        relational=relational,
        instant=_actions_within(rest, "instant_actions"),
        scheduled=take_list(rest, "scheduled_actions", _scheduled),
        rest=rest,
    )


def _condition_json(condition: RuleCondition) -> Json:
    found = dict(condition.rest)
    put(found, id=condition.id)
    put_number(found, "sequence_number", condition.sequence)
    details = dict(object_of(found, "criteria_details"))
    inner = found.get("criteria_details")
    is_in_place = bool(inner) and not isinstance(inner, Mapping) and is_unreadable(condition.criteria)
    if condition.criteria is not None and not is_in_place:
        details["criteria"] = criteria_json(condition.criteria)
    if condition.relational is not None:
        details["relational_criteria"] = _relational_json(condition.relational)
    if details:
        found["criteria_details"] = details
    if condition.instant:
        found["instant_actions"] = object_of(found, "instant_actions") | {
            "actions": [_action_json(action) for action in condition.instant]
        }
    put(found, scheduled_actions=[_scheduled_json(group) for group in condition.scheduled])
    return found


def _relational(rest: Json) -> RelationalCriteria:
    criteria = take_within(rest, "criteria", read_criteria)
    return RelationalCriteria(take_named(rest, "module"), take_text(rest, "module_selection"), criteria, rest)


def _relational_json(relational: RelationalCriteria) -> Json:
    found = dict(relational.rest)
    put_named(found, "module", relational.module)
    put(found, module_selection=relational.selection)
    if relational.criteria is not None:
        found["criteria"] = criteria_json(relational.criteria)
    return found


def _scheduled(rest: Json) -> ScheduledGroup:
    delay = take_within(rest, "execute_after", _delay)
    return ScheduledGroup(take_text(rest, "id"), delay, take_list(rest, "actions", _action), rest)


def _scheduled_json(group: ScheduledGroup) -> Json:
    found = dict(group.rest)
    put(found, id=group.id, actions=[_action_json(action) for action in group.actions])
    if group.delay is not None:
        delay = dict(group.delay.rest)
        put(delay, period=group.delay.period)
        put_number(delay, "unit", group.delay.unit)
        found["execute_after"] = delay
    return found


def _delay(rest: Json) -> Delay:
    return Delay(take_text(rest, "period"), take_number(rest, "unit"), rest)


def _trigger(rest: Json) -> RuleTrigger:
    details = rest.get("details")
    if isinstance(details, Mapping) and details:
        del rest["details"]
    return RuleTrigger(take_text(rest, "type"), dict(details) if isinstance(details, Mapping) else {}, rest)


def _trigger_json(trigger: RuleTrigger) -> Json:
    found = dict(trigger.rest)
    put(found, type=trigger.type, details=dict(trigger.details))
    return found


def _action(rest: Json) -> RuleAction:
    details = rest.get("details")
    if isinstance(details, Mapping) and details:
        del rest["details"]
    return RuleAction(
        type=take_text(rest, "type"),
        name=take_text(rest, "name"),
        id=take_text(rest, "id"),
        details=dict(details) if isinstance(details, Mapping) else {},
        rest=rest,
    )


def _action_json(action: RuleAction) -> Json:
    found = dict(action.rest)
    put(found, type=action.type, name=action.name, id=action.id, details=dict(action.details))
    return found


def _actions_within(rest: Json, key: str) -> tuple[RuleAction, ...]:
    """Takes the actions out of the object that holds them; the object stays where it has or lacks something else."""
    value = rest.get(key)
    if not isinstance(value, Mapping):
        return ()
    holder = dict(value)
    actions = take_list(holder, "actions", _action)
    if actions and not holder:
        del rest[key]
    else:
        rest[key] = holder
    return actions
