"""Checks a body against docs/reference/edits-schema.json: as much of JSON Schema as that file uses."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "boolean": (bool,), "null": (type(None),),
}  # fmt: skip
KNOWN = {
    "$comment", "$ref", "additionalProperties", "anyOf", "enum", "items", "maxItems", "maxLength", "minItems",
    "minLength", "minProperties", "minimum", "properties", "required", "type",
}  # fmt: skip


@cache
def whole() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(settings.BASE_DIR, "docs/reference/edits-schema.json").read_text())
    return found


def errors_of(body: Any, name: str) -> list[str]:
    """What is wrong with a body, by the schema of this name; empty where it is valid."""
    return list(_errors(body, whole()["bodies"][name], "$"))


def _errors(value: Any, schema: dict[str, Any], place: str) -> list[str]:
    assert set(schema) <= KNOWN, f"a word of the schema that is not understood here: {set(schema) - KNOWN}"
    if "$ref" in schema:
        return _errors(value, whole()["$defs"][schema["$ref"].rpartition("/")[2]], place)
    found = []
    if "type" in schema and not _has_type(value, schema["type"]):
        return [f"{place}: no {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{place}: none of {schema['enum']}")
    if "anyOf" in schema and not any(not _errors(value, one, place) for one in schema["anyOf"]):
        found.append(f"{place}: fits none of {len(schema['anyOf'])} forms")
    if isinstance(value, dict):
        found += _object(value, schema, place)
    elif isinstance(value, list):
        found += _size(len(value), schema, "Items", place)
        for number, item in enumerate(value):
            found += _errors(item, schema.get("items", {}), f"{place}[{number}]")
    elif isinstance(value, str):
        found += _size(len(value), schema, "Length", place)
    elif isinstance(value, int) and not isinstance(value, bool) and value < schema.get("minimum", value):
        found.append(f"{place}: too small")
    return found


def _object(value: dict[str, Any], schema: dict[str, Any], place: str) -> list[str]:
    found = [f"{place}: {name} is missing" for name in schema.get("required", []) if name not in value]
    found += _size(len(value), schema, "Properties", place)
    properties = schema.get("properties", {})
    for name, item in value.items():
        if name in properties:
            found += _errors(item, properties[name], f"{place}.{name}")
        elif schema.get("additionalProperties", True) is False:
            found.append(f"{place}: {name} is not known")
    return found


def _size(size: int, schema: dict[str, Any], what: str, place: str) -> list[str]:
    is_wrong = size < schema.get(f"min{what}", size) or size > schema.get(f"max{what}", size)
    return [f"{place}: {size} {what.lower()}"] if is_wrong else []


def _has_type(value: Any, names: str | list[str]) -> bool:
    for name in [names] if isinstance(names, str) else names:
        if isinstance(value, TYPES[name]) and not (isinstance(value, bool) and name != "boolean"):
            return True
    return False
