"""Judges before anything is sent whether Zoho may take a rule or connected workflow. Pure.

Source: docs/reference/edits.md, "Limits". What Zoho would refuse is refused here first, with the place in plain words;
what is not known here (a field's name, a person's right) is left to Zoho.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor.edits.body import ASSOCIATIVE, DELETE, actions_of, names_other_module
from monitor.rule_limits import CONDITIONS, INSTANT_ACTIONS, RULE_DESCRIPTION, RULE_NAME, SCHEDULED_GROUPS
from monitor.zoho.shapes.known_parts import api_name_of
from monitor.zoho.shapes.rule_limits import RuleConfiguration, TriggerKind

ORDERED_AT_ONCE = 10
CONNECTED_NAME, CONNECTED_DESCRIPTION = 50, 500
# Zoho's pattern: letters, digits, some signs, spaces, and whatever lies outside Basic Latin.
CONNECTED_PATTERN = re.compile(r"[0-9a-zA-Z_\-\\.|$?,'/!\s\u0080-\U0010ffff]+")
DELAYS = ("minutes", "hours", "days", "weeks", "months", "years", "business_days")

# A trigger may become another one of its category only.
CATEGORIES: dict[str, tuple[str, ...]] = {
    "record action": ("create", "edit", "create_or_edit", "delete", "field_update", "section_update"),
    "date or time": ("date_or_datetime",),
    "score": ("score_increase", "score_update", "score_decrease"),
    "roll-up summary": ("rollup_summary_update",),
    "recommendation": ("recommendation", "recommendation_rebuy"),
    "activity": ("reschedule", "cancel", "overdue", "reassign", "marked_as_complete", "anyaction"),
}
PREFIXES = (
    ("fb_", "Facebook"),
    ("tw_", "Twitter"),
    ("email_received", "e-mail"),
    ("mail_", "e-mail"),
    ("missed_call", "call"),
)
CALL_PREFIXES = ("incoming_call", "outgoing_call", "scheduled_call")


@dataclass(frozen=True, slots=True)
class RuleObjection:
    """Says what Zoho would refuse: one line for the person, and a code for programs."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class KnownFacts:
    """Holds what was read of what rules of a module may have; None and missing keys stand for "not read".

    Attributes:
        configuration: the module's triggers, and what each allows.
        shared: by type of action, the ids of those that rules may name.
        not_read: what could not be read, in words, for the page.
    """

    configuration: RuleConfiguration | None = None
    shared: Mapping[str, frozenset[str]] = field(default_factory=dict)
    not_read: tuple[str, ...] = ()


NOTHING_KNOWN = KnownFacts()


def category_of(trigger: str) -> str:
    """Returns the category of a trigger; one that is not known is its own."""
    for name, triggers in CATEGORIES.items():
        if trigger in triggers:
            return name
    for prefix, name in PREFIXES:
        if trigger.startswith(prefix):
            return name
    return "call" if trigger.startswith(CALL_PREFIXES) else trigger


def rule_objections(base: Mapping[str, Any], wanted: Mapping[str, Any], facts: KnownFacts) -> list[RuleObjection]:
    """Returns what Zoho would refuse of a rule; what it has taken of this very rule already is no objection.

    Args:
        base: as it is; {} for a new one.
        wanted: as it is to be, whole.
        facts: what was read of the module.
    """
    taken = set(_form(base)) if base else set()
    found = [one for one in [*_form(wanted), *_fixed(base, wanted)] if one not in taken]
    if not base:
        found += _needed(wanted)
    if not found:
        taken = set(_configured(base, facts)) if base else set()
        found = [one for one in [*_configured(wanted, facts), *_shared(base, wanted, facts)] if one not in taken]
    return found


def _form(rule: Mapping[str, Any]) -> Iterator[RuleObjection]:
    """What can be seen of a rule's own JSON."""
    yield from _names(rule, RULE_NAME, RULE_DESCRIPTION)
    when = rule.get("execute_when")
    if isinstance(when, Mapping) and not _is_name(when.get("type")):
        yield RuleObjection("trigger_form", "The type of execute_when is no text.")
    if rule.get("conditions") is not None:
        yield from _conditions(rule["conditions"])


def connected_objections(wanted: Mapping[str, Any], *, is_new: bool) -> list[RuleObjection]:
    """Returns what Zoho would refuse of a connected workflow's name, description and module."""
    found = list(_names(wanted, CONNECTED_NAME, CONNECTED_DESCRIPTION))
    name = wanted.get("name")
    if isinstance(name, str) and name and not CONNECTED_PATTERN.fullmatch(name):
        signs = "letters, digits, spaces and _ - \\ . | $ ? , ' / !"
        found.append(RuleObjection("name_pattern", f"Zoho takes {signs} in the name of a connected workflow."))
    module = wanted.get("primary_module")
    if is_new and not (isinstance(module, Mapping) and (module.get("api_name") or module.get("id"))):
        found.append(RuleObjection("module_missing", "Name the module that it starts from."))
    return found


def order_objections(sequence: Mapping[str, int], known: frozenset[str]) -> list[RuleObjection]:
    """Returns what Zoho would refuse of a new order of a module's rules.

    Args:
        sequence: from a rule's id to its place, from 1.
        known: the ids of the module's rules.
    """
    if not sequence:
        return [RuleObjection("order_empty", "Give at least one rule a place.")]
    if len(sequence) > ORDERED_AT_ONCE:
        return [RuleObjection("order_long", f"Zoho reorders at most {ORDERED_AT_ONCE} rules at once.")]
    if foreign := [rule_id for rule_id in sequence if rule_id not in known]:
        return [RuleObjection("order_foreign", f"{foreign[0]} is no rule of this module.")]
    if any(place < 1 for place in sequence.values()) or len(set(sequence.values())) != len(sequence):
        return [RuleObjection("order_places", "Each place is a whole number from 1 on, and is given once.")]
    return []


def _names(wanted: Mapping[str, Any], longest: int, longest_description: int) -> Iterator[RuleObjection]:
    name, description = wanted.get("name"), wanted.get("description")
    if not isinstance(name, str) or not name.strip():
        yield RuleObjection("name_missing", "It needs a name.")
    elif len(name) > longest:
        yield RuleObjection("name_long", f"The name has {len(name)} characters; Zoho takes {longest}.")
    if description is not None and not isinstance(description, str):
        yield RuleObjection("description_form", "The description is no text.")
    elif len(description or "") > longest_description:
        have = len(description or "")
        yield RuleObjection(
            "description_long", f"The description has {have} characters; Zoho takes {longest_description}."
        )


def _fixed(base: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[RuleObjection]:
    """What stays of a rule: its module, the category of its trigger, and that it has conditions."""
    if not base:
        return
    if base.get("conditions") and not wanted.get("conditions"):
        yield RuleObjection("conditions_missing", "It needs at least one condition with actions.")
    before, after = module_of(base), module_of(wanted)
    if names_other_module(wanted.get("module"), base.get("module")):
        yield RuleObjection("module_fixed", f"A rule stays in its module: {before} cannot become {after or 'another'}.")
    old, new = trigger_of(base), trigger_of(wanted)
    if old and not new:
        yield RuleObjection("trigger_missing", "It needs a trigger.")
    elif old and category_of(old) != category_of(new):
        words = f"{category_of(old)} ({old}) cannot become {category_of(new)} ({new})"
        yield RuleObjection("trigger_category", f"A trigger stays in its category: {words}.")


def _needed(wanted: Mapping[str, Any]) -> Iterator[RuleObjection]:
    if not module_of(wanted):
        yield RuleObjection("module_missing", "It needs a module.")
    if not trigger_of(wanted):
        yield RuleObjection("trigger_missing", "It needs a trigger.")
    if not wanted.get("conditions"):
        yield RuleObjection("conditions_missing", "It needs at least one condition with actions.")


def _conditions(conditions: Any) -> Iterator[RuleObjection]:
    if not isinstance(conditions, list) or not all(isinstance(one, Mapping) for one in conditions):
        yield RuleObjection("conditions_form", "The conditions are no list of JSON objects.")
        return
    if len(conditions) > CONDITIONS:
        yield RuleObjection(
            "conditions_many", f"A rule has at most {CONDITIONS} conditions; these are {len(conditions)}."
        )
    for number, condition in enumerate(conditions, start=1):
        yield from _condition(condition, number)


def _condition(condition: Mapping[str, Any], number: int) -> Iterator[RuleObjection]:
    where = f"Condition {number}"
    instant, scheduled = condition.get("instant_actions"), condition.get("scheduled_actions")
    actions = instant.get("actions") if isinstance(instant, Mapping) else None
    if instant is not None and not isinstance(actions, list):
        yield RuleObjection("instant_form", f"{where}: instant_actions holds no list of actions.")
    if isinstance(actions, list):
        if len(actions) > INSTANT_ACTIONS:
            yield RuleObjection(
                "instant_many", f"{where}: at most {INSTANT_ACTIONS} instant actions; these are {len(actions)}."
            )
        yield from _actions(actions, where)
    if scheduled is not None and not (
        isinstance(scheduled, list) and all(isinstance(one, Mapping) for one in scheduled)
    ):
        yield RuleObjection("scheduled_form", f"{where}: scheduled_actions is no list of groups.")
    elif scheduled:
        if len(scheduled) > SCHEDULED_GROUPS:
            have = len(scheduled)
            yield RuleObjection(
                "scheduled_many", f"{where}: at most {SCHEDULED_GROUPS} scheduled groups; these are {have}."
            )
        for group in scheduled:
            yield from _group(group, where)
    details = condition.get("criteria_details")
    if details is not None:
        yield from _criteria_details(details, where)


def _group(group: Mapping[str, Any], where: str) -> Iterator[RuleObjection]:
    after = group.get("execute_after")
    unit = after.get("unit") if isinstance(after, Mapping) else None
    is_number = isinstance(unit, int | str) and not isinstance(unit, bool) and str(unit).isdigit()
    if not isinstance(after, Mapping) or after.get("period") not in DELAYS or not is_number:
        yield RuleObjection("delay_form", f"{where}: a scheduled group needs a delay, a number of {', '.join(DELAYS)}.")
    actions = group.get("actions")
    if not isinstance(actions, list) or not actions:
        yield RuleObjection("scheduled_empty", f"{where}: a scheduled group needs actions.")
    else:
        yield from _actions(actions, where)


def _actions(actions: list[Any], where: str) -> Iterator[RuleObjection]:
    for action in actions:
        if not isinstance(action, Mapping) or not isinstance(action.get("type"), str) or not action["type"]:
            yield RuleObjection("action_form", f"{where}: an action has no type.")
        elif not _is_name(action.get("id")):
            yield RuleObjection("action_id", f"{where}: the id of an action ({action['type']}) is no text.")
        elif action["type"] in ASSOCIATIVE and not action.get("id"):
            yield RuleObjection(
                "action_id", f"{where}: a shared action ({action['type']}) is named by its id in its list."
            )
        elif action["type"] in ("add_tags", "remove_tags") and not action.get("id") and not _tags(action):
            yield RuleObjection("tags_missing", f"{where}: {action['type']} needs a tag.")


def _is_name(value: Any) -> bool:
    """Says whether a value can name something: a text, a number, or nothing yet."""
    return value is None or (isinstance(value, str | int) and not isinstance(value, bool))


def _tags(action: Mapping[str, Any]) -> list[Any]:
    details = action.get("details")
    tags = details.get("tags") if isinstance(details, Mapping) else None
    return tags if isinstance(tags, list) else []


def _criteria_details(details: Any, where: str) -> Iterator[RuleObjection]:
    if not isinstance(details, Mapping):
        yield RuleObjection("criteria_form", f"{where}: criteria_details is no JSON object.")
    elif details.get("criteria") is not None:
        yield from _criteria(details["criteria"], where)


def _criteria(criteria: Any, where: str, depth: int = 0) -> Iterator[RuleObjection]:
    if not isinstance(criteria, Mapping) or depth > 10:
        yield RuleObjection("criteria_form", f"{where}: a criterion is no JSON object.")
        return
    if "group" in criteria or "group_operator" in criteria:
        parts = criteria.get("group")
        if str(criteria.get("group_operator")).upper() not in ("AND", "OR") or not isinstance(parts, list) or not parts:
            yield RuleObjection(
                "criteria_group", f"{where}: a group of criteria needs AND or OR, and at least one criterion."
            )
            return
        for part in parts:
            yield from _criteria(part, where, depth + 1)
        return
    field_of = criteria.get("field")
    if not (isinstance(field_of, Mapping) and (field_of.get("api_name") or field_of.get("id"))):
        yield RuleObjection("criteria_field", f"{where}: a criterion names no field.")
    if not criteria.get("comparator"):
        yield RuleObjection("criteria_comparator", f"{where}: a criterion has no comparator.")


def _configured(wanted: Mapping[str, Any], facts: KnownFacts) -> Iterator[RuleObjection]:
    """What `workflow_configurations` says against the trigger and its actions."""
    configuration, trigger = facts.configuration, trigger_of(wanted)
    if configuration is None or not trigger:
        return
    module = api_name_of(_trigger_details(wanted).get("trigger_module"))
    below = module if module != module_of(wanted) else ""
    kind = configuration.trigger(trigger, below)
    if kind is None:
        if not configuration.why_not_whole(below):
            yield RuleObjection("trigger_unknown", f"Rules of {module_of(wanted)} cannot have the trigger {trigger}.")
        return
    for action in sorted({str(action.get("type")) for action in actions_of(wanted)}):
        if kind.actions and action not in kind.actions:
            yield RuleObjection("action_unsupported", f"The trigger {trigger} does not allow the action {action}.")
    yield from _scheduled(wanted, kind)


def _scheduled(wanted: Mapping[str, Any], kind: TriggerKind) -> Iterator[RuleObjection]:
    has_some = any(one.get("scheduled_actions") for one in wanted.get("conditions") or [] if isinstance(one, Mapping))
    if has_some and kind.scheduled_actions_supported is False:
        yield RuleObjection("scheduled_unsupported", f"The trigger {kind.api_name} does not allow scheduled actions.")


def _shared(base: Mapping[str, Any], wanted: Mapping[str, Any], facts: KnownFacts) -> Iterator[RuleObjection]:
    """Shared actions are named by ids of their lists; what the rule has already was taken by Zoho."""
    there = {(str(one.get("type")), str(one.get("id"))) for one in actions_of(base)}
    for action in actions_of(wanted):
        if (str(action.get("type")), str(action.get("id"))) in there:
            continue
        known = facts.shared.get(str(action.get("type")))
        if known is not None and str(action.get("id")) not in known:
            text = f"{action.get('type')}: there is none with the id {action.get('id')} in Zoho's list."
            yield RuleObjection("action_not_there", text)


def _trigger_details(wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    when = wanted.get("execute_when")
    details = when.get("details") if isinstance(when, Mapping) else None
    return details if isinstance(details, Mapping) else {}


def module_of(definition: Mapping[str, Any]) -> str:
    """Returns the API name of a rule's module, "" where it names none."""
    module = definition.get("module")
    return str((module.get("api_name") if isinstance(module, Mapping) else module) or "")


def trigger_of(definition: Mapping[str, Any]) -> str:
    """Returns the type of a rule's trigger, "" where it has none."""
    when = definition.get("execute_when")
    return str((when.get("type") if isinstance(when, Mapping) else when) or "")


def kinds_named(definition: Mapping[str, Any]) -> list[str]:
    """Returns the types of shared actions that a definition names, so that their lists are worth reading."""
    return sorted({str(one.get("type")) for one in actions_of(definition)} & set(ASSOCIATIVE) - {"functions"})


def named_of(definition: Mapping[str, Any], kind: str) -> frozenset[str]:
    """Returns the ids by which a definition names shared actions of a kind."""
    return frozenset(str(one.get("id")) for one in actions_of(definition) if one.get("type") == kind)


def is_taken_out(part: Mapping[str, Any]) -> bool:
    """Returns whether a part of a body takes something out."""
    return DELETE in part
