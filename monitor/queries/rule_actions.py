"""Says what a usage report tells of a rule's actions, without the people they name. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitor.privacy import HIDDEN, mask_text
from monitor.rule_words.vocabulary import action_name

NAMING_PEOPLE = ("assign_owner",)  # types of actions
TO_PEOPLE = re.compile(r"(to\s+users?(?=\s)|[^:]{0,40}(?=:))[\s:]*\S", re.IGNORECASE)


@dataclass(frozen=True)
class ActionLine:
    """Shows what one action of a rule did since the counters' first day; `name` is hidden where it is a person's."""

    type: str
    name: str
    success: int
    failure: int

    @property
    def kind(self) -> str:
        """Returns what kind of action it is, in words."""
        return action_name(self.type)


def action_shown(kind: str, name: str) -> str:
    """Shows the name of an action, without the people it names.

    Args:
        kind: as Zoho spells it.
        name: as Zoho sent it, or masked already.
    """
    # "To users : ..." names people behind what says to whom; other actions are named by those who made them.
    whom = TO_PEOPLE.match(name) if kind in NAMING_PEOPLE else None
    return f"{whom[1].strip()}: {HIDDEN}" if whom else mask_text(name)


def action_line(item: Mapping[str, Any]) -> ActionLine:
    """Returns what a usage report says of one action, without the people it names.

    Args:
        item: as a snapshot keeps it.
    """
    kind, name = str(item.get("type", "")), str(item.get("name", ""))
    return ActionLine(kind, action_shown(kind, name), item.get("success", 0), item.get("failure", 0))
