"""Brings what Zoho and its documents spell in several ways into one spelling, so that rules can be compared. Pure.

Nothing that means another thing becomes the same. Source: docs/reference/zoho-crm.md, "Criteria of rules" and "Words of
workflow rules"; docs/reference/edits.md, "A lost answer to an edit".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from monitor.zoho.shapes.base import Json
from monitor.zoho.shapes.known_parts import whole_number

EMPTY, FILLED = "${EMPTY}", "${NOTEMPTY}"
# What other spellings of a comparator stand for.
COMPARATOR_ALIASES = {"equals": "equal", "is": "equal", "not_equals": "not_equal", "isn't": "not_equal",
                      "is_empty": "empty", "is_not_empty": "not_empty"}  # fmt: skip
_OF_EMPTINESS = {"empty": EMPTY, "not_empty": FILLED}
# Keys that hold an API name: as a plain text, or in an object.
_NAMED = ("module", "trigger_module", "field")
_COUNTS = ("unit", "sequence_number")
_TAGGING = ("add_tags", "remove_tags")
_FLAG = re.compile(r"true|false", re.IGNORECASE)


def plain_comparison(comparator: str, value: Any) -> tuple[str, Any]:
    """Returns a comparison in the spelling that rules have: `is_empty` is `equal` with `${EMPTY}`.

    Args:
        comparator: in any spelling; one that is not known stays.
        value: what is compared with; None for nothing.
    """
    plain = COMPARATOR_ALIASES.get(comparator, comparator)
    if plain in _OF_EMPTINESS:
        return ("equal", _OF_EMPTINESS[plain]) if value in (None, "") else (comparator, value)
    return plain, value


def replaces_tags(details: Mapping[str, Any]) -> bool:
    """Says whether an action that tags takes all other tags away; two spellings are documented."""
    return any(_flag(details.get(key)) is True for key in ("over_write", "overwrite"))


def one_spelling(value: Any) -> Any:
    """Returns a rule's JSON, or a part of it, in the one spelling.

    Args:
        value: as Zoho sent it, or as a person wrote it.
    """
    if isinstance(value, list):
        return [one_spelling(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    found = {key: one_spelling(item) for key, item in value.items()}
    _spell_names_and_counts(found)
    comparator = found.get("comparator")
    if isinstance(comparator, str):
        _spell_comparison(found, comparator)
    if "tags" in found:
        _spell_tags(found)
    if found.get("type") in _TAGGING:
        _spell_module_of_tags(found)
    return found


def _spell_names_and_counts(found: Json) -> None:
    for key in ("comparator", "group_operator"):
        if found.get(key) == "":
            del found[key]  # none
    operator = found.get("group_operator")
    if isinstance(operator, str):
        found["group_operator"] = operator.upper()
    for key in _NAMED:
        if isinstance(found.get(key), str) and found[key]:
            found[key] = {"api_name": found[key]}
    for key in _COUNTS:
        if (number := whole_number(found.get(key))) is not None:
            found[key] = number


def _spell_comparison(found: Json, comparator: str) -> None:
    found["comparator"], value = plain_comparison(comparator, found.get("value"))
    if value is not None:
        found["value"] = value
    if found.get("type") == "value":
        del found["type"]
    elif found.get("type") == "field" and isinstance(value, str) and value:
        found["value"] = {"api_name": value}


def _spell_tags(found: Json) -> None:
    for key in ("over_write", "overwrite"):
        if (flag := _flag(found.get(key))) is not None:
            found[key] = flag
    if "overwrite" in found and found.get("over_write") in (None, found["overwrite"]):
        found["over_write"] = found.pop("overwrite")


def _spell_module_of_tags(found: Json) -> None:
    """Puts the module that stands beside the details of an action into them, where it says no other."""
    beside, details = found.get("module"), found.get("details")
    if not isinstance(beside, Mapping) or not isinstance(details, Mapping):
        return
    within = details.get("module")
    if within is None:
        found["details"] = {**details, "module": found.pop("module")}
    elif (
        isinstance(within, Mapping) and within.get("api_name") == beside.get("api_name") and _may_be_one(within, beside)
    ):
        found["details"] = {**details, "module": {**beside, **within}}
        del found["module"]


def _may_be_one(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one[key] == other[key] for key in one if key in other)


def _flag(value: Any) -> bool | None:
    """Reads yes or no, also as a text; None for anything else."""
    if isinstance(value, bool):
        return value
    return value.lower() == "true" if isinstance(value, str) and _FLAG.fullmatch(value) else None
