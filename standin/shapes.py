"""Checks that a body has the right types.

A shape is a type, `[shape]` for a list, or a dict of the fields looked at.
"""

from typing import Any

from standin.errors import RefusalError

Shape = Any
TEXT = str
ANY_OBJECT: dict[str, Shape] = {}


def wrong_place(value: Any, shape: Shape, path: str = "$") -> str | None:
    """Returns the JSON path of the first value of a wrong type, or None.

    A field that is missing or null is not wrong here: whether it may be missing is for the handler to say.
    """
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return path
        found = (
            wrong_place(value[name], inner, f"{path}.{name}")
            for name, inner in shape.items()
            if value.get(name) is not None
        )
        return next((place for place in found if place), None)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return path
        inside = (wrong_place(one, shape[0], f"{path}[{place}]") for place, one in enumerate(value))
        return next((place for place in inside if place), None)
    if not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
        return path
    return path if isinstance(value, str) and any("\ud800" <= sign <= "\udfff" for sign in value) else None


def check_flow(value: Any, shape: Shape) -> dict[str, Any]:
    """Returns the body when it has the shape; RefusalError INVALID_REQUEST names the place."""
    place = wrong_place(value, shape)
    if place is not None:
        raise RefusalError("INVALID_REQUEST", "Invalid request parameters", f"wrong type at {place}")
    checked: dict[str, Any] = value
    return checked


def check_crm(value: Any, shape: Shape, *, under: str = "") -> dict[str, Any]:
    """Returns the body when it has the shape; RefusalError INVALID_DATA with `json_path`.

    Source: docs/reference/zoho-crm.md, "Errors of CRM".
    """
    place = wrong_place(value, shape)
    if place is not None:
        api_name = place.rpartition(".")[2].partition("[")[0]
        raise RefusalError("INVALID_DATA", "invalid data", {"api_name": api_name, "json_path": place}, under=under)
    checked: dict[str, Any] = value
    return checked
