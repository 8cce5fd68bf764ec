"""Reads what CRM's replies share: pages, the outcome of writes, references to things and people.

Source: docs/reference/zoho-crm.md, "Answers, paging and empty lists" and "Errors of CRM".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from monitor.zoho import clean
from monitor.zoho.envelope import Envelope, read_envelope
from monitor.zoho.errors import BadAnswer, NotFound, Refused
from monitor.zoho.moments import moment
from monitor.zoho.protocol import redact
from monitor.zoho.shapes.base import Json, Rejected, find_list, paging, read_all

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Holds one page of anything. `next_page_token` only where Zoho pages by token (records beyond 2,000)."""

    items: list[T]
    more_records: bool
    page: int | None
    per_page: int | None
    next_page_token: str | None
    rejected: list[Rejected]


@dataclass(frozen=True, slots=True)
class WriteResult:
    """Holds the outcome for one of the things in a write; `id` is "" where Zoho gives none."""

    ok: bool
    id: str
    code: str
    message: str
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reference:
    """Holds another thing by id and name; both "" where there is none."""

    id: str
    name: str


def page_of(payload: object, parse: Callable[[Mapping[str, object]], T], *names: str) -> Page[T]:
    """Reads a page of the list called one of `names`; None (a 204) is an empty one.

    Raises:
        BadAnswer: the reply has another shape.
    """
    if payload is None:
        return Page([], more_records=False, page=None, per_page=None, next_page_token=None, rejected=[])
    items, rejected = read_all(find_list(payload, *names), parse)
    info = paging(payload, "info")
    return Page(
        items=items,
        more_records=clean.flag(info.get("more_records")) or False,
        page=clean.count(info.get("page")),
        per_page=clean.count(info.get("per_page")),
        next_page_token=clean.opaque(info.get("next_page_token")) or None,
        rejected=rejected,
    )


def write_results(payload: object, *names: str) -> list[WriteResult]:
    """Reads the outcome of each thing in a write, mixed ones (207) too.

    Raises:
        BadAnswer: the reply has another shape.
    """
    return [_write_result(item) if isinstance(item, Mapping) else _unreadable(item) for item in _items(payload, names)]


def _items(payload: object, names: tuple[str, ...]) -> list[object]:
    """Returns the results of a write: Zoho gives them as a list, a list of lists, or one as an object."""
    bare = payload.get(names[-1]) if isinstance(payload, Mapping) else None
    if isinstance(bare, Mapping) and ("code" in bare or "status" in bare):
        return [bare]
    found: list[object] = []
    for item in find_list(payload, *names):
        found += item if isinstance(item, list) else [item]
    return found


def write_result(payload: object, *names: str) -> WriteResult:
    """Reads the outcome of the one thing in a write.

    Raises:
        Refused: it was not done although the status was 2xx (207, 202).
        NotFound: it was not done although the status was 2xx (207, 202).
        BadAnswer: the reply has another shape.
    """
    results = write_results(payload, *names)
    if not results:
        raise BadAnswer(f"{names[0]}: the reply has no result")
    result = results[0]
    if not result.ok:
        said = read_envelope(result.raw) or Envelope(result.code, result.message)
        kind = NotFound if said.names_missing_thing else Refused
        code = redact(result.code)
        error = kind(f"{names[0]}: {code}: {said.message or result.message}", code=code)
        error.place, error.said = said.place, said.message or result.message
        raise error
    return result


def _write_result(item: Mapping[str, object]) -> WriteResult:
    details = item.get("details")
    found = details.get("id") if isinstance(details, Mapping) else None
    return WriteResult(
        ok=clean.word(item.get("status")) == "success" or clean.line(item.get("code")).upper() == "SUCCESS",
        id=clean.identifier(found if found is not None else item.get("id")),
        code=clean.line(item.get("code"), clean.CODE_LIMIT),
        message=redact(item.get("message")),
        raw=clean.mapping(item),
    )


def _unreadable(item: object) -> WriteResult:
    return WriteResult(
        ok=False, id="", code="", message=f"unreadable result {redact(clean.escaped(item))[:80]}", raw={}
    )


def reference(value: object) -> Reference:
    """Reads Zoho's `{"id", "name"}`, or `{"id", "api_name"}` of a module, or nothing."""
    if not isinstance(value, Mapping):
        return Reference("", clean.line(value, clean.NAME_LIMIT))
    name = value.get("name") or value.get("api_name") or value.get("full_name")
    return Reference(clean.identifier(value.get("id")), clean.line(name, clean.NAME_LIMIT))


def module_name(value: object) -> str:
    """Returns the API name of a module, given as an object or as text."""
    if isinstance(value, Mapping):
        value = value.get("api_name") or value.get("module") or value.get("name")
    return clean.line(value, clean.WORD_LIMIT)


def first_moment(record: Mapping[str, object], *names: str) -> datetime | None:
    """Returns the first of `names` that holds a time."""
    return next((found for found in (moment(record.get(name)) for name in names) if found), None)
