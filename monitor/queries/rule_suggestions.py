"""Reads what a form for a workflow rule can suggest: fields that rules of the module compare, and shared actions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from monitor.models import AutomationFact, RuleVersion
from monitor.privacy import mask_text
from monitor.queries.rule_actions import action_shown
from monitor.queries.shared_actions import SHARED, known
from monitor.rule_words.details import detail_words
from monitor.rule_words.say import fields_of
from monitor.rule_words.vocabulary import action_name
from monitor.zoho.shapes.rule_definition import RuleAction, RuleDefinition, read_rule_definition

MOST_RULES = 125  # of a module, as many as Zoho takes (docs/reference/zoho-crm.md, "Workflow rules")
MOST_SUGGESTED = 300
LONGEST_WORDS = 160
KINDS = frozenset({*map(str, SHARED), "functions"})


@dataclass(frozen=True, slots=True)
class RuleSuggestions:
    """Holds API names of fields, and shared actions by their ids with what they are in words, masked."""

    fields: tuple[str, ...] = ()
    actions: tuple[tuple[str, str], ...] = ()


def rule_suggestions(account_id: int, module: str) -> RuleSuggestions:
    """Reads suggestions from what is mirrored; Zoho is not asked.

    Args:
        account_id: whose rules they are.
        module: its API name; "" where none is known yet, so that only shared actions are found.
    """
    newer = RuleVersion.objects.filter(rule=OuterRef("rule"), number__gt=OuterRef("number"))
    rows = RuleVersion.objects.filter(~Exists(newer), rule__account=account_id, rule__module=module, rule__gone_at=None)
    newest = rows.order_by("-first_seen_at", "-pk").values_list("content", flat=True)[:MOST_RULES] if module else []
    facts = AutomationFact.objects.filter(account=account_id, part__in=SHARED, facts__isnull=False)
    shared = list(facts.order_by("part").values_list("part", "facts"))
    return suggested([read_rule_definition(content) for content in newest], shared)


def suggested(rules: Iterable[RuleDefinition], shared: list[tuple[str, object]]) -> RuleSuggestions:
    """Puts suggestions together. Pure.

    Args:
        rules: of the module.
        shared: pairs of a kind of action and what is known of each, by its id.
    """
    fields: set[str] = set()
    actions: dict[tuple[str, str], RuleAction] = {}
    for rule in rules:
        fields |= fields_of(rule)
        for action in (one for condition in rule.conditions for one in condition.actions):
            if action.type in KINDS and action.id:
                actions.setdefault((action.type, action.id), action)
    for kind, found in shared:
        known_ids = json.loads(found) if isinstance(found, str) else found
        for key in known_ids if isinstance(known_ids, dict) else ():
            actions.setdefault((str(kind), key), RuleAction(str(kind), id=key))
    of_shared = known(actions.values(), shared)
    words = ((one.id, _words(one, detail_words(one, of_shared))) for one in actions.values())
    in_order = sorted(words, key=lambda pair: (pair[1].casefold(), pair[0]))
    shown = sorted(mask_text(name) for name in fields)
    return RuleSuggestions(tuple(shown[:MOST_SUGGESTED]), tuple(in_order[:MOST_SUGGESTED]))


def _words(action: RuleAction, details: str) -> str:
    name = action_shown(action.type, action.name) if action.name else ""
    said = ", ".join(part for part in (name, details) if part)
    return f"{action_name(action.type)}: {said}"[:LONGEST_WORDS] if said else action_name(action.type)
