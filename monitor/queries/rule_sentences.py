"""Puts mirrored definitions of workflow rules into sentences, without the people in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from monitor.privacy import HIDDEN, is_private_key, mask
from monitor.queries.execution import as_text
from monitor.queries.rule_actions import action_shown
from monitor.queries.shared_actions import SharedFacts, known
from monitor.queries.versions import plain
from monitor.rule_words.say import RuleBranch, criteria_words, say
from monitor.rule_words.unsaid import unsaid
from monitor.zoho.shapes.known_parts import api_name_of
from monitor.zoho.shapes.rule_definition import (
    Criteria,
    CriteriaGroup,
    RuleAction,
    RuleCondition,
    RuleDefinition,
    criteria_json,
    is_unreadable,
    read_criteria,
    read_rule_definition,
)

DEEPEST = 12  # objects within objects that are looked through for rules
MOST_RULES = 50
MOST_UNSAID = 6
# Ends of paths that say nothing of what a rule does.
OF_NO_WORTH = (".id", ".associated_time")


@dataclass(frozen=True, slots=True)
class RuleInWords:
    """Holds what a rule does, for people.

    Attributes:
        name: masked; "" where the definition has none.
        lead: when it runs.
        branches: what it does of which records; empty where the definition does not say.
        left_out: what the sentence does not hold, each thing once, without ids.
        more_left_out: how many things beyond these.
        json: the definition, masked.
        is_cut: whether that is longer than a page shows.
    """

    name: str
    lead: str
    branches: tuple[RuleBranch, ...]
    left_out: tuple[str, ...]
    more_left_out: int
    json: str
    is_cut: bool

    @property
    def is_one_line(self) -> bool:
        """Says whether the whole stands in one sentence."""
        return len(self.branches) == 1 and not self.branches[0].records

    @property
    def text(self) -> str:
        """Returns the sentence as text."""
        if not self.branches:
            return self.lead
        whole = [branch.text for branch in self.branches]
        return f"{self.lead}: {whole[0]}" if self.is_one_line else "\n".join([f"{self.lead}:", *whole])


def in_words(content: Mapping[str, Any], shared: SharedFacts | None = None) -> RuleInWords:
    """Says what a rule does. Pure.

    Args:
        content: its definition as it is mirrored: the rule as Zoho sent it, or a kept version of it.
        shared: what is known of its account's shared actions, for what stands below the sentence's actions.
    """
    masked = mask(plain(content), definition=True)
    definition = _without_people(read_rule_definition(masked))
    sentence = say(definition, known(definition.actions, shared))
    left = list(dict.fromkeys(_place(item.path) for item in unsaid(definition) if not item.path.endswith(OF_NO_WORTH)))
    text, is_cut = as_text(masked)
    return RuleInWords(
        name=definition.name,
        lead=sentence.lead,
        branches=sentence.branches,
        left_out=tuple(left[:MOST_UNSAID]),
        more_left_out=max(len(left) - MOST_UNSAID, 0),
        json=text,
        is_cut=is_cut,
    )


def in_words_of_criteria(criteria: Criteria) -> str:
    """Says criteria, or one comparison of them, without the people in them. Pure."""
    if is_unreadable(criteria):
        return criteria_words(criteria)
    return criteria_words(_hidden_values(read_criteria(mask(plain(criteria_json(criteria)), definition=True))))


def rules_within(content: Any) -> list[RuleInWords]:
    """Says the rules that the definition of a connected workflow holds, in their order. Pure.

    Args:
        content: as it is mirrored.
    """
    found: list[RuleInWords] = []
    for rule in _rules_in(content, 0):
        if len(found) == MOST_RULES:
            break
        found.append(in_words(rule))
    return found


def _rules_in(content: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if depth > DEEPEST:
        return
    if isinstance(content, Mapping):
        if isinstance(content.get("execute_when"), Mapping):
            yield content
            return
        content = list(content.values())
    if isinstance(content, list):
        for item in content:
            yield from _rules_in(item, depth + 1)


def _place(path: str) -> str:
    """Names the place of something that is not said: "tag colours" says more to people than a path."""
    words = [part.partition("[")[0] for part in path.split(".")[1:]]
    return " › ".join(word.replace("_", " ").strip() for word in words[-2:] if word)


def _without_people(definition: RuleDefinition) -> RuleDefinition:
    """Hides whom actions name, and the records and people that fields are compared with."""
    details = dict(definition.trigger.details)
    if definition.trigger.criteria is not None:
        details["criteria"] = criteria_json(_hidden_values(definition.trigger.criteria))
    return replace(
        definition,
        trigger=replace(definition.trigger, details=details),
        conditions=tuple(_condition_without_people(condition) for condition in definition.conditions),
    )


def _condition_without_people(condition: RuleCondition) -> RuleCondition:
    relational = condition.relational
    if relational is not None and relational.criteria is not None:
        relational = replace(relational, criteria=_hidden_values(relational.criteria))
    return replace(
        condition,
        criteria=condition.criteria and _hidden_values(condition.criteria),
        relational=relational,
        instant=tuple(map(_shown, condition.instant)),
        scheduled=tuple(replace(group, actions=tuple(map(_shown, group.actions))) for group in condition.scheduled),
    )


def _shown(action: RuleAction) -> RuleAction:
    return replace(action, name=action_shown(action.type, action.name), details=_hidden_fields(action.details))


def _hidden_fields(value: Any) -> Any:
    """Hides what an action writes into a field that holds people."""
    if isinstance(value, list):
        return [_hidden_fields(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    field = api_name_of(value.get("field"))
    hides = ("value", "display_value") if field and is_private_key(field) else ()
    return {key: HIDDEN if key in hides and item else _hidden_fields(item) for key, item in value.items()}


def _hidden_values(criteria: Criteria) -> Criteria:
    if isinstance(criteria, CriteriaGroup):
        return replace(criteria, parts=tuple(map(_hidden_values, criteria.parts)))
    return replace(criteria, value=_hidden_value(criteria.value, criteria.kind))


def _hidden_value(value: Any, kind: str) -> Any:
    """Hides the name of a record or person that stands beside its id; a field's name is none."""
    if isinstance(value, list):
        return [_hidden_value(item, kind) for item in value]
    if isinstance(value, Mapping) and kind != "field" and "name" in value:
        return {**value, "name": HIDDEN}
    return value
