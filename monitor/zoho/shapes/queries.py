"""Reads answers to COQL queries and composites.

Source: docs/reference/zoho-crm.md, "Records and queries".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.zoho import clean
from monitor.zoho.shapes.base import Json, Rejected, find_list, paging, read_all


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Holds what a COQL query gave; rows of aggregates have no id."""

    rows: list[Json] = field(repr=False)
    count: int | None
    more_records: bool
    rejected: list[Rejected]


@dataclass(frozen=True, slots=True)
class SubAnswer:
    """Holds the answer to one request of a composite; `status` is None where Zoho did not send it on (see `code`).

    Zoho's replies do not repeat the id: it is then the request's place, from 1.
    """

    sub_request_id: str
    status: int | None
    code: str
    body: object | None = field(repr=False)
    raw: Json = field(repr=False)


def query_result(payload: object) -> QueryResult:
    """Reads the rows of a query.

    Args:
        payload: None (a 204) is an empty result.

    Raises:
        BadAnswer: the reply has another shape.
    """
    if payload is None:
        return QueryResult([], 0, more_records=False, rejected=[])
    rows, rejected = read_all(find_list(payload, "data"), clean.mapping)
    info = paging(payload, "info")
    return QueryResult(rows, clean.count(info.get("count")), clean.flag(info.get("more_records")) or False, rejected)


def sub_answers(payload: object) -> list[SubAnswer]:
    """Reads the answers of a composite, in Zoho's order.

    Raises:
        BadAnswer: the reply has another shape.
    """
    items = find_list(payload, "__composite_requests", "composite_response")
    return [_sub_answer(item, place) for place, item in enumerate(items, start=1) if isinstance(item, Mapping)]


def _sub_answer(item: Mapping[str, object], place: int) -> SubAnswer:
    """Reads one answer: Zoho nests it in `details.response`, the unofficial description has it flat."""
    raw = clean.mapping(item)
    details = item.get("details")
    inner: Mapping[str, object] = details if isinstance(details, Mapping) else item
    response = inner.get("response")
    found: Mapping[str, object] = response if isinstance(response, Mapping) else inner
    ids = (item.get("sub_request_id"), inner.get("sub_request_id"), found.get("sub_request_id"))
    return SubAnswer(
        sub_request_id=next((named for named in map(clean.identifier, ids) if named), str(place)),
        status=clean.count(found.get("status_code") or found.get("status")),
        code=clean.line(item.get("code"), clean.CODE_LIMIT),
        body=clean.json_value(found.get("body")),
        raw=raw,
    )
