"""Creates, changes, deletes and reorders workflow rules (docs/reference/zoho-crm.md, "Workflow rules")."""

import copy
from datetime import datetime
from typing import Any

from standin.crm.rules import ORG_ZONE, Rule, RuleBook, crm_id, module_stub, written
from standin.journaled import Journaled
from standin.timeline import Timeline


class RuleEdits:
    """Carries out these changes; what is wrong with a body is found before (`rules_write_api`)."""

    def __init__(self, home: Journaled, book: RuleBook) -> None:
        self._home = home
        self._book = book
        self._made = 0
        for name in ("rule_create", "rule_update", "rule_delete", "rule_reorder"):
            home.register(name, getattr(self, name))

    def _identity(self) -> str:
        self._made += 1
        return crm_id(self._home.prefix, 700_000_000 + self._made)

    def _with_ids(self, conditions: list[dict[str, Any]], stamp: str) -> list[dict[str, Any]]:
        for place, condition in enumerate(conditions, start=1):
            condition.setdefault("id", self._identity())
            condition.setdefault("sequence_number", place)
            groups = [condition.get("instant_actions") or {}, *(condition.get("scheduled_actions") or [])]
            for group in groups[1:]:
                group.setdefault("id", self._identity())
            for group in groups:
                for action in group.get("actions") or []:
                    action.setdefault("id", self._identity())
                    action.setdefault("name", action.get("type", ""))
                    action.setdefault("associated_time", stamp)
        return conditions

    def rule_create(self, at: datetime, *, body: dict[str, Any]) -> str:
        """Creates a rule; it is active unless the body says otherwise, and never runs by itself."""
        stamp, user = written(at, ORG_ZONE), {"name": "Marta Ops", "id": crm_id(self._home.prefix, 90_001)}
        wish, identity = copy.deepcopy(body), self._identity()
        active = (wish.pop("status", None) or {}).get("active", True)
        wish["conditions"] = self._with_ids(list(wish.get("conditions") or []), stamp)
        row = {
            "description": None,
            **wish,
            "id": identity,
            "module": module_stub(self._home.prefix, wish["module"]["api_name"]),
            "created_time": stamp,
            "modified_time": stamp,
            "created_by": user,
            "modified_by": user,
            "source": "crm",
            "editable": True,
            "deletable": True,
            "lock": {"locked_by": None, "message": None, "status": False},
        }
        index = 10_000 + self._made
        self._book.rules[identity] = Rule(
            index, self._home.settings.seed, identity, row, 0, 0, Timeline(initial=bool(active)),
            at.astimezone(ORG_ZONE).date(), ORG_ZONE,
        )  # fmt: skip
        return identity

    def rule_update(self, at: datetime, *, rule_id: str, body: dict[str, Any]) -> None:
        """Changes the given parts; see `_merged`. An empty description takes it away."""
        rule, wish = self._book.rules[rule_id], copy.deepcopy(body)
        rule.advance(at)
        status = wish.pop("status", None)
        if isinstance(status, dict) and "active" in status:
            rule.on.change(at, value=bool(status["active"]))
        for name in ("name", "description", "execute_when"):
            if wish.get(name) is not None:
                rule.body[name] = wish[name]
        stamp = written(at, ORG_ZONE)
        if wish.get("conditions") is not None:
            rule.body["conditions"] = self._with_ids(_merged(rule.body.get("conditions"), wish["conditions"]), stamp)
        rule.body["modified_time"] = stamp

    def rule_delete(self, at: datetime, *, rule_id: str) -> None:
        """Deletes a rule."""
        del self._book.rules[rule_id]

    def rule_reorder(self, at: datetime, *, order: dict[str, int]) -> None:
        """Sets the sequence of rules inside their module."""
        for rule_id, place in order.items():
            self._book.rules[rule_id].body["module_specific_sequence"] = place


def _merged(kept: list[dict[str, Any]] | None, parts: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Merges parts into what is there: one with an id changes that one, one without is added, `_delete` takes it out.

    Source: docs/reference/zoho-crm.md, "Workflow rules"; Zoho's post Kaizen 215, "Edit vs Add".
    """
    found = {part.get("id"): part for part in kept or []}
    added = []
    for part in parts or []:
        identity = part.get("id")
        if "_delete" in part:
            found.pop(identity, None)
        elif identity in found:
            found[identity] = _changed(found[identity], part)
        else:
            added.append(part)
    return [*found.values(), *added]


def _changed(before: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Changes what is told of a condition, group or action; its actions and groups are merged likewise."""
    after = {**before, **part}
    if isinstance(part.get("instant_actions"), dict):
        actions = (before.get("instant_actions") or {}).get("actions")
        after["instant_actions"] = {"actions": _merged(actions, part["instant_actions"].get("actions"))}
    for name in ("scheduled_actions", "actions"):
        if isinstance(part.get(name), list):
            after[name] = _merged(before.get(name), part[name])
    return after
