"""Reads connections of Flow to apps.

Source: docs/reference/zoho-flow.md, "Connections".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.zoho import clean
from monitor.zoho.moments import moment
from monitor.zoho.shapes.base import (
    Json,
    Rejected,
    find_list,
    find_object,
    need_id,
    paging,
    read_all,
    read_one,
    switched,
)

_GOOD_RESULTS = frozenset({"passed", "success", "successful", "ok", "valid", "active", "connected"})
_BAD_RESULTS = frozenset({"failed", "failure", "error", "invalid", "expired", "revoked", "broken", "inactive"})


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """Holds a connection of Flow to an app; `email` is a person's and masked by default on pages."""

    connection_id: str
    connection_name: str
    app: str
    auth_type: str
    status: str  # lower case: active, expired, …
    created_time: datetime | None
    scopes: tuple[str, ...]
    email: str
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConnectionPage:
    """Holds the connections; no paging is documented, so the numbers are None unless the server gives them."""

    connections: list[ConnectionRow]
    page: int | None
    per_page: int | None
    total_count: int | None
    rejected: list[Rejected]


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """Holds what a test of a connection said; `passed` is None when the reply's word is not known."""

    passed: bool | None
    result: str
    message: str
    raw: Json = field(repr=False)


def connection_row(record: Mapping[str, object]) -> ConnectionRow:
    """Reads one connection of a list.

    Raises:
        Unusable: the record has no id.
    """
    scopes = record.get("scopes")
    items = scopes.split(",") if isinstance(scopes, str) else scopes if isinstance(scopes, list) else []
    return ConnectionRow(
        connection_id=need_id(record, "connection_id", "id"),
        connection_name=clean.line(record.get("connection_name") or record.get("name"), clean.NAME_LIMIT),
        app=clean.line(record.get("app"), clean.WORD_LIMIT),
        auth_type=clean.word(record.get("auth_type")),
        status=switched(record.get("status")),
        created_time=moment(record.get("created_time")),
        scopes=tuple(name for item in items if (name := clean.line(item, clean.NAME_LIMIT))),
        email=clean.line(record.get("email"), clean.NAME_LIMIT),
        raw=clean.mapping(record),
    )


def connection_page(payload: object) -> ConnectionPage:
    """Reads the list of connections.

    Raises:
        BadAnswer: there is no list of connections.
    """
    connections, rejected = read_all(find_list(payload, "connections"), connection_row, ("connection_id", "id"))
    where = paging(payload)
    return ConnectionPage(
        connections=connections,
        page=clean.count(where.get("page")),
        per_page=clean.count(where.get("per_page")),
        total_count=clean.count(where.get("total_count")),
        rejected=rejected,
    )


def connection_detail(payload: object) -> ConnectionRow:
    """Reads one connection that was asked for.

    Raises:
        BadAnswer: the reply is no connection.
    """
    return read_one(find_object(payload, "connection"), connection_row)


def connection_test(payload: object) -> ConnectionTest:
    """Reads a test of a connection like that of a trigger: no reply is documented."""
    data = find_object(payload, "test")
    error = data.get("error")
    told = data.get("message") or (error.get("message") if isinstance(error, Mapping) else error)
    result = clean.word(data.get("test_result") or data.get("result") or data.get("status"))
    passed = True if result in _GOOD_RESULTS else False if result in _BAD_RESULTS else None
    return ConnectionTest(
        passed=passed,
        result=result,
        message=clean.text(told, clean.MESSAGE_LIMIT),
        raw=clean.mapping(data),
    )
