"""Reads what is known of the actions that an account's rules share, masked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import OuterRef, Subquery
from django.db.models.functions import JSONArray

from monitor.models import AutomationFact
from monitor.privacy import HIDDEN, is_private_key, mask
from monitor.queries.together import AsJson
from monitor.queries.versions import plain
from monitor.rule_words.details import KnownActions
from monitor.zoho.shapes.rule_definition import RuleAction

Part = AutomationFact.Part
SHARED = (Part.FIELD_UPDATES, Part.WEBHOOKS, Part.TASKS, Part.MAILS)
# Pairs of a part and its facts.
SharedFacts = Sequence[Sequence[Any]]


def of_account() -> Subquery:
    """Makes the column `shared` of things that have an account: what is known of its shared actions, in one value."""
    rows = AutomationFact.objects.filter(account=OuterRef("account"), part__in=SHARED, facts__isnull=False)
    gathered = rows.order_by().values("account").annotate(shared=AsJson(JSONArray("part", "facts")))
    return Subquery(gathered.values("shared"))


def known(actions: Iterable[RuleAction], shared: SharedFacts | None) -> KnownActions:
    """Returns what is known of these actions, masked. Pure.

    Args:
        actions: of a rule.
        shared: of `of_account`; None where nothing was read.
    """
    # The parts are named as Zoho names the kinds. SQLite gives what is JSON in a row as text.
    facts = {str(part): json.loads(of) if isinstance(of, str) else of for part, of in shared or ()}
    found = {}
    for action in actions:
        fact = (facts.get(action.type) or {}).get(action.id) if action.id else None
        if fact:
            found[action.type, action.id] = _masked(fact)
    return found


def _masked(fact: Any) -> Any:
    """Hides people in what is known of an action; a host, which is a text, stays."""
    if not isinstance(fact, dict):
        return fact
    shown = mask(plain(fact), definition=True)
    if fact.get("value") is not None and is_private_key(str(fact.get("field") or "")):
        shown["value"] = HIDDEN
    return shown
