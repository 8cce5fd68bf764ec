"""Reads records of CRM and their timelines.

Source: docs/reference/zoho-crm.md, "Records and queries" and "Timeline of a record".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.zoho import clean
from monitor.zoho.moments import moment
from monitor.zoho.shapes.base import Json, need_id, person
from monitor.zoho.shapes.crm_common import Reference, first_moment, module_name, reference


@dataclass(frozen=True, slots=True)
class CrmRecord:
    """Holds one record of any module; its values are personal data and in `fields` only."""

    id: str
    created_time: datetime | None
    modified_time: datetime | None
    fields: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Holds one event of a record's life; `rule` is the workflow rule behind it, if one was."""

    id: str
    audited_time: datetime | None
    action: str
    source: str
    done_by_name: str
    automation_type: str
    rule: Reference
    module_api_name: str
    raw: Json = field(repr=False)


def crm_record(record: Mapping[str, object]) -> CrmRecord:
    """Reads one record.

    Raises:
        Unusable: the record has no id.
    """
    return CrmRecord(
        id=need_id(record, "id"),
        created_time=first_moment(record, "Created_Time", "created_time"),
        modified_time=first_moment(record, "Modified_Time", "modified_time"),
        fields=clean.mapping(record),
    )


def timeline_entry(record: Mapping[str, object]) -> TimelineEntry:
    """Reads one event.

    Raises:
        Unusable: the record has no id.
    """
    automation = record.get("automation_details")
    about: Mapping[str, object] = automation if isinstance(automation, Mapping) else {}
    inside = record.get("record")
    return TimelineEntry(
        id=need_id(record, "id"),
        audited_time=moment(record.get("audited_time")),
        action=clean.word(record.get("action")),
        source=clean.word(record.get("source")),
        done_by_name=person(record.get("done_by")),
        automation_type=clean.word(about.get("type")),
        rule=reference(about.get("rule")),
        module_api_name=module_name(inside.get("module") if isinstance(inside, Mapping) else None),
        raw=clean.mapping(record),
    )
