"""Reads counts and possibilities of workflow rules.

Source: docs/reference/zoho-crm.md, "Workflow rules".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.zoho import clean
from monitor.zoho.shapes.base import Json, Rejected, Unusable, find_list, find_object, need_id, read_all, read_one
from monitor.zoho.shapes.crm_common import Reference, module_name, reference


@dataclass(frozen=True, slots=True)
class RuleLimits:
    """Holds how many rules the organisation may have and has; None where Zoho does not say."""

    total_rules_limit: int | None
    active_rules_limit: int | None
    total_rules_limit_per_module: int | None
    active_rules_limit_per_module: int | None
    total_rules_configured: int | None
    active_rules_configured: int | None
    total_actions_per_rule_limit: int | None
    scheduled_actions_per_rule_limit: int | None
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class ModuleRuleCount:
    """Holds how many rules a module has."""

    module: Reference
    active_rules_configured: int | None
    total_rules_configured: int | None
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class ActionsCount:
    """Holds how many actions a rule has, instant and scheduled, by kind and in all."""

    rule_id: str
    total: int
    by_type: dict[str, int]
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class TriggerKind:
    """Holds a trigger that rules may have, with the kinds of actions it allows.

    Attributes:
        scheduled_actions_supported: None where Zoho does not say.
        actions: None where Zoho does not say, or not all of it can be read.
    """

    api_name: str
    name: str
    deprecated: bool
    scheduled_actions_supported: bool | None
    actions: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class ActionKindLimit:
    """Holds a kind of action that rules may have; `limit` of them for each condition. None where Zoho does not say."""

    api_name: str
    limit: int | None
    supported_in_scheduled_action: bool | None


@dataclass(frozen=True, slots=True)
class RuleConfiguration:
    """Holds what rules of a module may be made of; `related` are triggers of modules below it, such as Notes.

    A module that is not in `related` is one of which Zoho says nothing.
    """

    triggers: list[TriggerKind]
    actions: list[ActionKindLimit]
    related: dict[str, list[TriggerKind]]
    rejected: list[Rejected]
    raw: Json = field(repr=False)

    def trigger(self, api_name: str, below: str = "") -> TriggerKind | None:
        """Finds a trigger; None where it is not in the list.

        Args:
            api_name: in Zoho's spelling.
            below: the module whose records start the rule, where that is not the rule's own.
        """
        listed = self.related.get(below, []) if below else self.triggers
        return next((one for one in listed if one.api_name == api_name), None)

    def why_not_whole(self, below: str = "") -> str:
        """Says why a trigger that is not in the list may be there all the same; "" where it is not.

        "unnamed": the list names no triggers of the related module; "unreadable": a trigger of it cannot be read.

        Args:
            below: as of `trigger`.
        """
        if below and below not in self.related:
            return "unnamed"
        return "unreadable" if self.rejected else ""


def rule_limits(payload: object) -> RuleLimits:
    """Reads the counts and limits of the organisation.

    Raises:
        BadAnswer: there is no count at all.
    """
    return read_one(find_object(payload, "rules_count"), _rule_limits)


def _rule_limits(record: Mapping[str, object]) -> RuleLimits:
    found = {name: clean.count(record.get(name)) for name in RuleLimits.__slots__ if name != "raw"}
    if all(value is None for value in found.values()):
        raise Unusable("rules_count without counts")
    return RuleLimits(**found, raw=clean.mapping(record))


def module_rule_counts(payload: object) -> list[ModuleRuleCount]:
    """Reads how many rules each module has; None (a 204) is none.

    Raises:
        BadAnswer: there is no list.
    """
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
    """Reads how many actions each rule has; None (a 204) is none.

    Source: zoho/crm-oas, examples of getWorkflowRulesActionsCount.

    Raises:
        BadAnswer: there is no list.
    """
    if payload is None:
        return [], []
    return read_all(find_list(payload, "workflow_rules"), _actions_count)


def _actions_count(record: Mapping[str, object]) -> ActionsCount:
    by_type: dict[str, int] = {}
    for condition in _objects(record.get("conditions")):
        scheduled = condition.get("scheduled_actions")
        groups = [condition.get("instant_actions"), *(scheduled if isinstance(scheduled, list) else [])]
        for group in groups:
            for entry in _objects(group.get("actions_count") if isinstance(group, Mapping) else None):
                kind = clean.word(entry.get("type"))
                by_type[kind] = min(by_type.get(kind, 0) + (clean.count(entry.get("value")) or 0), clean.INT_MAX)
    return ActionsCount(
        rule_id=need_id(record, "id"),
        total=min(sum(by_type.values()), clean.INT_MAX),
        by_type=by_type,
        raw=clean.mapping(record),
    )


def rule_configuration(payload: object) -> RuleConfiguration:
    """Reads what `workflow_configurations` says of a module.

    Source: zoho/crm-oas, examples of getWorkflowConfigurations.

    Raises:
        BadAnswer: it has no triggers.
    """
    about = find_object(payload, "workflow_configurations")
    triggers, rejected = read_all(find_list(about, "triggers"), _trigger_kind)
    related: dict[str, list[TriggerKind]] = {}
    for below in _objects(about.get("related_triggers_details")):
        listed = below.get("triggers")
        if isinstance(listed, list):
            related[module_name(below)], bad = read_all(list(listed), _trigger_kind)
            rejected += bad
    actions = [_action_kind_limit(item) for item in _objects(about.get("actions"))]
    return RuleConfiguration(triggers, actions, related, rejected, clean.mapping(about))


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
        scheduled_actions_supported=clean.flag(record.get("scheduled_actions_supported")),
        actions=tuple(names) if names and all(names) else None,
    )


def _action_kind_limit(record: Mapping[str, object]) -> ActionKindLimit:
    return ActionKindLimit(
        api_name=clean.word(record.get("api_name")),
        limit=clean.count(record.get("limit")),
        supported_in_scheduled_action=clean.flag(record.get("supported_in_scheduled_action")),
    )


def _objects(value: object) -> list[Mapping[str, object]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
