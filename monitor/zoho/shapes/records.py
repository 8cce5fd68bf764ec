"""Records of CRM, read only: rows, queries, composites, bulk jobs, timelines. Source: notes, section 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.zoho import clean
from monitor.zoho.shapes.base import Json, Rejected, find_list, need_id, paging, person, read_all
from monitor.zoho.shapes.crm_common import Reference, first_moment, module_name, reference


@dataclass(frozen=True, slots=True)
class CrmRecord:
    """One record of any module; its values are personal data and in `fields` only."""

    id: str
    created_time: datetime | None
    modified_time: datetime | None
    fields: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What a COQL query gave; rows of aggregates have no id."""

    rows: list[Json] = field(repr=False)
    count: int | None
    more_records: bool
    rejected: list[Rejected]


@dataclass(frozen=True, slots=True)
class SubAnswer:
    """The answer to one request of a composite; `status` None where Zoho did not send it on, `code` says why.

    Zoho's replies do not repeat the id: it is then the request's place, from 1.
    """

    sub_request_id: str
    status: int | None
    code: str
    body: object | None = field(repr=False)
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class BulkReadJob:
    """A bulk read. `state`: added, queued, in progress, completed or failure."""

    id: str
    state: str
    operation: str
    created_time: datetime | None
    download_url: str
    count: int | None
    more_records: bool
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One event of a record's life; `rule` is the workflow rule behind it, if one was."""

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
    """Errors: `Unusable` without an id."""
    return CrmRecord(
        id=need_id(record, "id"),
        created_time=first_moment(record, "Created_Time", "created_time"),
        modified_time=first_moment(record, "Modified_Time", "modified_time"),
        fields=clean.mapping(record),
    )


def query_result(payload: object) -> QueryResult:
    """Parameters: `payload` None (a 204) is an empty result. Errors: `BadAnswer`."""
    if payload is None:
        return QueryResult([], 0, more_records=False, rejected=[])
    rows, rejected = read_all(find_list(payload, "data"), clean.mapping)
    info = paging(payload, "info")
    return QueryResult(rows, clean.count(info.get("count")), clean.flag(info.get("more_records")) or False, rejected)


def sub_answers(payload: object) -> list[SubAnswer]:
    """The answers of a composite, in Zoho's order. Errors: `BadAnswer`."""
    items = find_list(payload, "__composite_requests", "composite_response")
    return [_sub_answer(item, place) for place, item in enumerate(items, start=1) if isinstance(item, Mapping)]


def _sub_answer(item: Mapping[str, object], place: int) -> SubAnswer:
    """Zoho nests the answer in `details.response`; the seed's dialect has it flat."""
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


def bulk_read_job(record: Mapping[str, object]) -> BulkReadJob:
    """A job as created (`details` inside) or as asked for. Errors: `Unusable` without an id."""
    details = record.get("details")
    about: Mapping[str, object] = details if isinstance(details, Mapping) and "id" in details else record
    result = about.get("result")
    found: Mapping[str, object] = result if isinstance(result, Mapping) else {}
    return BulkReadJob(
        id=need_id(about, "id"),
        # The seed's dialect says "status": "queued" where Zoho says "state".
        state=clean.word(about.get("state") or about.get("status")),
        operation=clean.word(about.get("operation")),
        created_time=clean.moment(about.get("created_time")),
        download_url=clean.line(found.get("download_url"), clean.NAME_LIMIT),
        count=clean.count(found.get("count")),
        more_records=clean.flag(found.get("more_records")) or False,
        raw=clean.mapping(record),
    )


def timeline_entry(record: Mapping[str, object]) -> TimelineEntry:
    """Errors: `Unusable` without an id."""
    automation = record.get("automation_details")
    about: Mapping[str, object] = automation if isinstance(automation, Mapping) else {}
    inside = record.get("record")
    return TimelineEntry(
        id=need_id(record, "id"),
        audited_time=clean.moment(record.get("audited_time")),
        action=clean.word(record.get("action")),
        source=clean.word(record.get("source")),
        done_by_name=person(record.get("done_by")),
        automation_type=clean.word(about.get("type")),
        rule=reference(about.get("rule")),
        module_api_name=module_name(inside.get("module") if isinstance(inside, Mapping) else None),
        raw=clean.mapping(record),
    )
