"""Shows the names of actions of rules, without the people they name. Pure."""

from __future__ import annotations

import re

from monitor.privacy import HIDDEN, mask_text

NAMING_PEOPLE = ("assign_owner",)  # types of actions
TO_PEOPLE = re.compile(r"(to\s+users?(?=\s)|[^:]{0,40}(?=:))[\s:]*\S", re.IGNORECASE)


def action_shown(kind: str, name: str) -> str:
    """Shows the name of an action, without the people it names.

    Args:
        kind: as Zoho spells it.
        name: as Zoho sent it, or masked already.
    """
    # "To users : ..." names people behind what says to whom; other actions are named by those who made them.
    whom = TO_PEOPLE.match(name) if kind in NAMING_PEOPLE else None
    return f"{whom[1].strip()}: {HIDDEN}" if whom else mask_text(name)
