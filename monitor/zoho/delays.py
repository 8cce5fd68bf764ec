"""Tells whether a flow's definition has a step that waits: its runs may go on for days. Pure.

The description of the interface shows no such step; a condition is `app: "custom"`, `action: "condition"`
(docs/reference/zoho-flow.md, "Triggers and actions"), and Zoho's builder calls this one "Delay". So each name that an
action may bear is looked at for a word of waiting.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

DEEPEST = 40  # branches within branches, each a mapping in a list
_NAMES = ("action", "app", "type", "kind", "action_type", "action_name", "element", "step")
_WAITS = re.compile(r"(?<![a-z])(?:delay|wait|sleep|pause)(?:s|ed|ing)?(?![a-z])")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def may_wait(definition: Any) -> bool:
    """Returns whether a flow's actions, in branches too, have one that waits.

    Args:
        definition: of the flow, as Zoho sent it.
    """
    return isinstance(definition, Mapping) and _waits(definition.get("actions"), 0)


def _waits(content: Any, depth: int) -> bool:
    if depth > DEEPEST:
        return False
    if isinstance(content, list):
        return any(_waits(inner, depth + 1) for inner in content)
    if not isinstance(content, Mapping):
        return False
    if "action" in content or "action_id" in content:  # and not the values that it is given
        names = (content.get(name) for name in _NAMES)
        if any(isinstance(name, str) and _WAITS.search(_CAMEL.sub(" ", name[:200]).lower()) for name in names):
            return True
    return any(_waits(inner, depth + 1) for inner in content.values())
