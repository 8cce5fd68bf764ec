"""Counts and possibilities of workflow rules. Source: notes/zoho-api.md, sections 1, 2.1 and 2.3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.zoho import clean
from monitor.zoho.shapes.base import Json, Rejected, Unusable, find_list, find_object, need_id, read_all, read_one
from monitor.zoho.shapes.crm_common import Reference, module_name, reference


@dataclass(frozen=True, slots=True)
class RuleLimits:
    """How many rules the organisation may have and has; None where Zoho does not say."""

    total_rules_limit: int | None
    active_rules_limit: int | None
    total_rules_limit_per_module: int | None
    active_rules_limit_per_module: int | None
    total_rules_configured: int | None
    active_rules_configured: int | None
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class ModuleRuleCount:
    """How many rules a module has."""

    module: Reference
    active_rules_configured: int | None
    total_rules_configured: int | None
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class ActionsCount:
    """How many actions a rule has, by kind; no reply is documented, so `raw` is what counts."""

    rule_id: str
    total: int | None
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class TriggerKind:
    """A trigger that rules of a module may have, with the kinds of actions it allows."""

    api_name: str
    name: str
    deprecated: bool
    scheduled_actions_supported: bool
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleConfiguration:
    """What rules of a module may be made of."""

    triggers: list[TriggerKind]
    rejected: list[Rejected]
    raw: Json = field(repr=False)


def rule_limits(payload: object) -> RuleLimits:
    """Errors: `BadAnswer` when there is no count at all."""
    return read_one(find_object(payload, "rules_count"), _rule_limits)


def _rule_limits(record: Mapping[str, object]) -> RuleLimits:
    found = {name: clean.count(record.get(name)) for name in RuleLimits.__slots__ if name != "raw"}
    if all(value is None for value in found.values()):
        raise Unusable("rules_count without counts")
    return RuleLimits(**found, raw=clean.mapping(record))


def module_rule_counts(payload: object) -> list[ModuleRuleCount]:
    """Errors: `BadAnswer` when there is no list. None (a 204) is an empty one."""
    items = [] if payload is None else find_list(payload, "module_specific_count")
    return [_module_rule_count(item) for item in items if isinstance(item, Mapping)]


def _module_rule_count(record: Mapping[str, object]) -> ModuleRuleCount:
    return ModuleRuleCount(
        module=reference({"api_name": module_name(record.get("module")), "id": _id_of(record.get("module"))}),
        active_rules_configured=clean.count(record.get("active_rules_configured")),
        total_rules_configured=clean.count(record.get("total_rules_configured")),
        raw=clean.mapping(record),
    )


def _id_of(value: object) -> object:
    return value.get("id") if isinstance(value, Mapping) else None


def actions_counts(payload: object) -> tuple[list[ActionsCount], list[Rejected]]:
    """Errors: `BadAnswer` when there is no list. None (a 204) is an empty one."""
    if payload is None:
        return [], []
    return read_all(find_list(payload, "actions_count", "workflow_rules"), _actions_count)


def _actions_count(record: Mapping[str, object]) -> ActionsCount:
    names = ("actions_count", "total_actions_count", "count", "total")
    counts = (clean.count(record.get(name)) for name in names)
    return ActionsCount(
        rule_id=need_id(record, "id", "rule_id"),
        total=next((found for found in counts if found is not None), None),
        raw=clean.mapping(record),
    )


def rule_configuration(payload: object) -> RuleConfiguration:
    """What `workflow_configurations` says of a module. Errors: `BadAnswer` when it names no trigger.

    Source: seed workflow-apis-part-3 shows the triggers, not what is around them, so any list of them counts.
    """
    raw = clean.mapping(payload) if isinstance(payload, Mapping) else {}
    triggers, rejected = read_all(_trigger_list(raw, 0), _trigger_kind)
    if not triggers:
        find_list(payload, "workflow_configurations")
    return RuleConfiguration(triggers, rejected, raw)


def _trigger_list(value: object, depth: int) -> list[object]:
    """The first list whose entries look like triggers, wherever it is."""
    if depth > 4:
        return []
    if isinstance(value, list):
        looks = [item for item in value if isinstance(item, dict) and "api_name" in item and "actions" in item]
        if looks:
            return list(value)
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return next((found for item in inside if (found := _trigger_list(item, depth + 1))), [])


def _trigger_kind(record: Mapping[str, object]) -> TriggerKind:
    actions = record.get("actions")
    names = [module_name(item) for item in actions] if isinstance(actions, list) else []
    api_name = clean.word(record.get("api_name"))
    if not api_name:
        raise Unusable("no usable api_name")
    return TriggerKind(
        api_name=api_name,
        name=clean.line(record.get("name"), clean.NAME_LIMIT),
        deprecated=clean.flag(record.get("deprecated")) or False,
        scheduled_actions_supported=clean.flag(record.get("scheduled_actions_supported")) or False,
        actions=tuple(name for name in names if name),
    )
