"""Gives all areas of CRM its address and their common reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, TypeVar

from monitor.zoho.api import ApiClient
from monitor.zoho.errors import NotFound
from monitor.zoho.shapes.base import find_list, read_all, read_one

T = TypeVar("T")
AUTOMATION = ("settings", "automation")  # where the addresses of rules and their actions begin


class CrmApi(ApiClient):
    """Knows CRM's address, `{origin}/crm/v8` (docs/reference/zoho-crm.md)."""

    product: ClassVar[str] = "crm"
    base: ClassVar[tuple[str, ...]] = ("crm", "v8")


def first_of(payload: object, name: str, parse: Callable[[Mapping[str, object]], T]) -> T:
    """Returns the one record of a reply that holds it in a list, as CRM's do for a single thing too.

    Raises:
        NotFound: a 204 or an empty list, CRM's way to say that an id does not exist.
    """
    items = find_list(payload, name) if payload is not None else []
    if not items:
        raise NotFound(f"{name}: there is none with this id", status=204)
    good, _ = read_all(items[:1], parse)
    return good[0] if good else read_one(items[0] if isinstance(items[0], Mapping) else {}, parse)


def comma_list(ids: Sequence[str], most: int) -> str:
    """Writes `ids` as Zoho wants them.

    Raises:
        ValueError: none, too many, or one with a comma inside.
    """
    if not 1 <= len(ids) <= most or any("," in item or not item.strip() for item in ids):
        raise ValueError(f"between 1 and {most} ids are needed")
    return ",".join(ids)
