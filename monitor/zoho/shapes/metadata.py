"""Reads names of things in CRM: modules, fields, layouts, views, related lists.

Source: docs/reference/zoho-crm.md, "Settings of the organisation".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.zoho import clean
from monitor.zoho.shapes.base import Json, need_id
from monitor.zoho.shapes.crm_common import module_name


@dataclass(frozen=True, slots=True)
class Module:
    """Holds a module such as Leads; `triggers_supported`: whether rules can watch it."""

    id: str
    api_name: str
    singular_label: str
    plural_label: str
    api_supported: bool | None
    triggers_supported: bool | None
    generated_type: str
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class Named:
    """Holds a field, layout, view or related list by its names; all else is in `raw`."""

    id: str
    api_name: str
    label: str
    kind: str  # data type of a field, category of a view, type of a related list
    module_api_name: str
    raw: Json = field(repr=False)


def module(record: Mapping[str, object]) -> Module:
    """Reads one module.

    Raises:
        Unusable: the record has no id.
    """
    return Module(
        id=need_id(record, "id", "api_name"),
        api_name=clean.line(record.get("api_name"), clean.WORD_LIMIT),
        singular_label=clean.line(record.get("singular_label"), clean.NAME_LIMIT),
        plural_label=clean.line(record.get("plural_label"), clean.NAME_LIMIT),
        api_supported=clean.flag(record.get("api_supported")),
        triggers_supported=clean.flag(record.get("triggers_supported")),
        generated_type=clean.word(record.get("generated_type")),
        raw=clean.mapping(record),
    )


def named(record: Mapping[str, object]) -> Named:
    """Reads a field, layout, view or related list.

    Raises:
        Unusable: the record has no id.
    """
    labels = ("field_label", "display_label", "display_value", "name")
    label = next((record[name] for name in labels if record.get(name)), "")
    kinds = ("data_type", "category", "type", "generated_type")
    kind = next((record[name] for name in kinds if record.get(name)), "")
    return Named(
        id=need_id(record, "id"),
        api_name=clean.line(record.get("api_name") or record.get("system_name"), clean.WORD_LIMIT),
        label=clean.line(label, clean.NAME_LIMIT),
        kind=clean.word(kind),
        module_api_name=module_name(record.get("module") or record.get("associated_module")),
        raw=clean.mapping(record),
    )
