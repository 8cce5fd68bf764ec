"""Names the kinds of fields that criteria tell apart, and finds the kind of a field of CRM. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from monitor.rule_criteria.values import day_in, moment_in


class FieldKind(StrEnum):
    """Says how a field is compared."""

    TEXT = "text"
    LONG_TEXT = "long text"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "date and time"
    BOOLEAN = "boolean"
    LOOKUP = "lookup"
    SEVERAL = "several values"


Kinds = Mapping[str, FieldKind]  # by a field's API name; what is not in it is not known

# Zoho's data types: docs/reference/zoho-crm.md, "Criteria of rules".
_OF_ZOHO: dict[str, FieldKind] = {
    **dict.fromkeys(("text", "picklist", "email", "phone", "website", "autonumber", "bigint"), FieldKind.TEXT),
    **dict.fromkeys(("textarea", "richtextarea"), FieldKind.LONG_TEXT),
    **dict.fromkeys(("integer", "double", "currency", "percent", "decimal"), FieldKind.NUMBER),
    "date": FieldKind.DATE,
    "datetime": FieldKind.DATETIME,
    "boolean": FieldKind.BOOLEAN,
    **dict.fromkeys(("lookup", "ownerlookup", "userlookup"), FieldKind.LOOKUP),
    **dict.fromkeys(("multiselectpicklist", "multiselectlookup", "multiuserlookup"), FieldKind.SEVERAL),
}


def kinds_of(fields: Iterable[tuple[str, str]]) -> dict[str, FieldKind]:
    """Finds the kinds of fields.

    Args:
        fields: API name and Zoho's data type of each; a type that is not known is left out.
    """
    return {name: _OF_ZOHO[kind] for name, kind in fields if kind in _OF_ZOHO}


def kind_of_value(value: Any) -> FieldKind | None:
    """Guesses a field's kind by what a record holds there; None where it is empty or in no known form."""
    if isinstance(value, bool):
        return FieldKind.BOOLEAN
    if isinstance(value, int | float):
        return FieldKind.NUMBER
    if isinstance(value, Mapping):
        return FieldKind.LOOKUP if value.get("id") else None
    if isinstance(value, list):
        return FieldKind.SEVERAL
    if not isinstance(value, str) or not value:
        return None
    if moment_in(value) is not None:
        return FieldKind.DATETIME
    return FieldKind.DATE if day_in(value) is not None else FieldKind.TEXT
