"""Reads what a workflow rule is made of, and writes it back as the same JSON.

Every known key has an attribute. What is not known, and what is known but of a strange type (null, a text where an
object belongs), stays in the `rest` of the object it stood in, so that `rule_definition_json(read_rule_definition(x))`
is `x` for any cleaned JSON object. An attribute that is set wins over the `rest`: a definition is changed with
`dataclasses.replace`.
Source: docs/reference/zoho-crm.md, "Workflow rules".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as part
from typing import Any, TypeVar

from monitor.zoho import clean
from monitor.zoho.shapes.base import Json

T = TypeVar("T")


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
        return read_criteria(raw) if isinstance(raw, Mapping) else None

    @property
    def module(self) -> str:
        """Returns the API name of the module whose records start the rule, "" where that is unknown."""
        return _api_name(self.details.get("trigger_module"))


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


def read_rule_definition(raw: Mapping[str, object]) -> RuleDefinition:
    """Reads a workflow rule, or the part of one that a request to Zoho holds. Never fails.

    Args:
        raw: as Zoho sent it, as a mirrored version holds it, or as a person wrote it.
    """
    rest = clean.mapping(raw)
    return RuleDefinition(
        id=_text(rest, "id"),
        name=_text(rest, "name"),
        description=_text(rest, "description"),
        module=_named(rest, "module"),
        trigger=_within(rest, "execute_when", _trigger) or RuleTrigger(""),
        active=_inner(rest, "status", "active", bool),
        conditions=_list(rest, "conditions", _condition),
        rest=rest,
    )


def rule_definition_json(definition: RuleDefinition) -> Json:
    """Writes a rule as Zoho spells it: what was read comes back as it was.

    Args:
        definition: one that was read, or put together.
    """
    found = dict(definition.rest)
    _put(found, id=definition.id, name=definition.name, description=definition.description)
    _put_named(found, "module", definition.module)
    trigger = _trigger_json(definition.trigger)
    if trigger:
        found["execute_when"] = trigger
    if definition.active is not None:
        found["status"] = _object(found, "status") | {"active": definition.active}
    _put(found, conditions=[_condition_json(condition) for condition in definition.conditions])
    return found


def read_criteria(raw: Mapping[str, object]) -> Criteria:
    """Reads criteria; what is neither a comparison nor a group becomes a criterion without a field. Never fails.

    Args:
        raw: `{"comparator", "field", "type", "value"}` or `{"group_operator", "group": […]}`.
    """
    rest = dict(raw)
    if isinstance(rest.get("group"), list) and "comparator" not in rest:
        parts = _list(rest, "group", read_criteria)
        if parts or rest["group"] == []:
            return CriteriaGroup(operator=_text(rest, "group_operator"), parts=parts, rest=rest)
    name = _named(rest, "field")
    comparator = _text(rest, "comparator")
    value = rest.pop("value") if rest.get("value") is not None else None
    return Criterion(field=name, comparator=comparator, value=value, kind=_text(rest, "type"), rest=rest)


def criteria_json(criteria: Criteria) -> Json:
    """Writes criteria as Zoho spells them.

    Args:
        criteria: that were read, or put together.
    """
    found = dict(criteria.rest)
    if isinstance(criteria, CriteriaGroup):
        _put(found, group_operator=criteria.operator, group=[criteria_json(part) for part in criteria.parts])
        return found
    _put_named(found, "field", criteria.field)
    _put(found, comparator=criteria.comparator, type=criteria.kind)
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
    criteria = relational = None
    if details is not None:
        criteria = _within(details, "criteria", read_criteria)
        relational = _within(details, "relational_criteria", _relational)
        rest["criteria_details"] = details
        if not details and (criteria or relational):
            del rest["criteria_details"]
    return RuleCondition(
        id=_text(rest, "id"),
        sequence=_number(rest, "sequence_number"),
        criteria=criteria,
        relational=relational,
        instant=_actions_within(rest, "instant_actions"),
        scheduled=_list(rest, "scheduled_actions", _scheduled),
        rest=rest,
    )


def _condition_json(condition: RuleCondition) -> Json:
    found = dict(condition.rest)
    _put(found, id=condition.id, sequence_number=condition.sequence)
    details = dict(_object(found, "criteria_details"))
    if condition.criteria is not None:
        details["criteria"] = criteria_json(condition.criteria)
    if condition.relational is not None:
        details["relational_criteria"] = _relational_json(condition.relational)
    if details:
        found["criteria_details"] = details
    if condition.instant:
        found["instant_actions"] = _object(found, "instant_actions") | {
            "actions": [_action_json(action) for action in condition.instant]
        }
    _put(found, scheduled_actions=[_scheduled_json(group) for group in condition.scheduled])
    return found


def _relational(rest: Json) -> RelationalCriteria:
    criteria = _within(rest, "criteria", read_criteria)
    return RelationalCriteria(_named(rest, "module"), _text(rest, "module_selection"), criteria, rest)


def _relational_json(relational: RelationalCriteria) -> Json:
    found = dict(relational.rest)
    _put_named(found, "module", relational.module)
    _put(found, module_selection=relational.selection)
    if relational.criteria is not None:
        found["criteria"] = criteria_json(relational.criteria)
    return found


def _scheduled(rest: Json) -> ScheduledGroup:
    delay = _within(rest, "execute_after", _delay)
    return ScheduledGroup(_text(rest, "id"), delay, _list(rest, "actions", _action), rest)


def _scheduled_json(group: ScheduledGroup) -> Json:
    found = dict(group.rest)
    _put(found, id=group.id, actions=[_action_json(action) for action in group.actions])
    if group.delay is not None:
        delay = dict(group.delay.rest)
        _put(delay, period=group.delay.period, unit=group.delay.unit)
        found["execute_after"] = delay
    return found


def _delay(rest: Json) -> Delay:
    return Delay(_text(rest, "period"), _number(rest, "unit"), rest)


def _trigger(rest: Json) -> RuleTrigger:
    details = rest.get("details")
    if isinstance(details, Mapping) and details:
        del rest["details"]
    return RuleTrigger(_text(rest, "type"), dict(details) if isinstance(details, Mapping) else {}, rest)


def _trigger_json(trigger: RuleTrigger) -> Json:
    found = dict(trigger.rest)
    _put(found, type=trigger.type, details=dict(trigger.details))
    return found


def _action(rest: Json) -> RuleAction:
    details = rest.get("details")
    if isinstance(details, Mapping) and details:
        del rest["details"]
    return RuleAction(
        type=_text(rest, "type"),
        name=_text(rest, "name"),
        id=_text(rest, "id"),
        details=dict(details) if isinstance(details, Mapping) else {},
        rest=rest,
    )


def _action_json(action: RuleAction) -> Json:
    found = dict(action.rest)
    _put(found, type=action.type, name=action.name, id=action.id, details=dict(action.details))
    return found


def _actions_within(rest: Json, key: str) -> tuple[RuleAction, ...]:
    """Takes the actions out of the object that holds them; the object stays where it has or lacks something else."""
    value = rest.get(key)
    if not isinstance(value, Mapping):
        return ()
    holder = dict(value)
    actions = _list(holder, "actions", _action)
    if actions and not holder:
        del rest[key]
    else:
        rest[key] = holder
    return actions


def _text(rest: Json, key: str) -> str:
    """Takes a text out; an empty one stays, so that it is not taken for one that is missing."""
    value = rest.get(key)
    if not isinstance(value, str) or not value:
        return ""
    del rest[key]
    return value


def _number(rest: Json, key: str) -> int | None:
    value = rest.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    del rest[key]
    return value


def _named(rest: Json, key: str) -> str:
    """Takes an API name out of `{"api_name": …}`; what else the object holds stays. A plain text stays to be known."""
    value = rest.get(key)
    name = _api_name(value)
    if name and isinstance(value, Mapping):
        left = {inner: item for inner, item in value.items() if inner != "api_name"}
        if left:
            rest[key] = left
        else:
            del rest[key]
    return name


def _api_name(value: object) -> str:
    name = value.get("api_name") if isinstance(value, Mapping) else value
    return name if isinstance(name, str) else ""


def _put_named(found: Json, key: str, name: str) -> None:
    if not name:
        return
    found[key] = name if isinstance(found.get(key), str) else _object(found, key) | {"api_name": name}


def _put(found: Json, **values: Any) -> None:
    """Puts in what is there; 0 is."""
    found |= {key: value for key, value in values.items() if value not in ("", None, [], {})}


def _object(found: Json, key: str) -> Json:
    value = found.get(key)
    return dict(value) if isinstance(value, Mapping) else {}


def _inner(rest: Json, key: str, inner: str, wanted: type) -> Any:
    """Takes one value out of an object; what else the object holds stays."""
    holder = rest.get(key)
    if not isinstance(holder, Mapping) or type(holder.get(inner)) is not wanted:
        return None
    left = dict(holder)
    value = left.pop(inner)
    if left:
        rest[key] = left
    else:
        del rest[key]
    return value


def _within(rest: Json, key: str, read: Callable[[Json], T]) -> T | None:
    """Takes an object out and reads it; an empty one stays."""
    value = rest.get(key)
    if not isinstance(value, Mapping) or not value:
        return None
    del rest[key]
    return read(dict(value))


def _list(rest: Json, key: str, read: Callable[[Json], T]) -> tuple[T, ...]:
    """Takes a list of objects out and reads each; one that is empty or holds anything else stays whole."""
    value = rest.get(key)
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return ()
    if not all(isinstance(item, Mapping) for item in value):
        return ()
    del rest[key]
    return tuple(read(dict(item)) for item in value)
