"""Reads the triggers and actions that Flow offers, and tests of them.

Source: docs/reference/zoho-flow.md, "Triggers and actions".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.zoho import clean
from monitor.zoho.shapes.base import (
    Json,
    Rejected,
    Unusable,
    find_list,
    find_object,
    need_id,
    read_all,
    read_one,
)


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """Holds a trigger or an action that Flow offers."""

    id: str
    name: str
    app: str
    type: str
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Holds what Flow offers, with the entries that could not be read."""

    entries: list[CatalogueEntry]
    rejected: list[Rejected]


@dataclass(frozen=True, slots=True)
class TestResult:
    """Holds a test of a trigger or an action. `sample_data` is often personal data and not in the repr."""

    __test__ = False  # not a test of ours, whatever its name

    passed: bool
    result: str
    execution_id: str | None
    sample_data: object | None = field(repr=False)
    raw: Json = field(repr=False)


def catalogue(payload: object, name: str) -> Catalogue:
    """Reads the list of what Flow offers.

    Args:
        name: triggers or actions.

    Raises:
        BadAnswer: the reply has another shape.
    """
    entries, rejected = read_all(find_list(payload, name), _entry)
    return Catalogue(entries, rejected)


def catalogue_entry(payload: object, name: str) -> CatalogueEntry:
    """Reads one thing that Flow offers.

    Args:
        name: trigger or action.

    Raises:
        BadAnswer: the reply has another shape.
    """
    return read_one(find_object(payload, name), _entry)


def _entry(record: Mapping[str, object]) -> CatalogueEntry:
    kind = record.get("type") or record.get("action") or record.get("event")
    return CatalogueEntry(
        id=need_id(record, "trigger_id", "action_id", "id"),
        name=clean.line(
            record.get("trigger_name") or record.get("action_name") or record.get("name"), clean.NAME_LIMIT
        ),
        app=clean.line(record.get("app"), clean.WORD_LIMIT),
        type=clean.word(kind),
        raw=clean.mapping(record),
    )


def test_result(payload: object) -> TestResult:
    """Reads the result of a test.

    Raises:
        BadAnswer: the reply does not say how the test went.
    """
    return read_one(find_object(payload, "test"), _test_result)


test_result.__test__ = False  # type: ignore[attr-defined]


def _test_result(record: Mapping[str, object]) -> TestResult:
    result = clean.word(record.get("test_result") or record.get("result"))
    if not result:
        raise Unusable("it does not say how the test went")
    raw = clean.mapping(record)
    return TestResult(
        passed=result in {"passed", "success", "ok"},
        result=result,
        execution_id=clean.identifier(record.get("execution_id")) or None,
        sample_data=raw.get("sample_data"),
        raw=raw,
    )
