"""Reads flows: rows of the list, one flow whole.

Source: docs/reference/zoho-flow.md, "Flows".
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


@dataclass(frozen=True, slots=True)
class FlowSummary:
    """Holds a flow as the list shows it. Counts are for its whole life; None where Zoho does not say."""

    flow_id: str
    flow_name: str
    description: str
    status: str  # lower case: active, inactive, …; "" where Zoho does not say
    trigger_app: str
    created_time: datetime | None
    modified_time: datetime | None
    execution_count: int | None
    success_count: int | None
    failure_count: int | None
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class FlowPage:
    """Holds one page of flows, in Zoho's order, with the records that could not be read."""

    flows: list[FlowSummary]
    page: int | None
    per_page: int | None
    total_count: int | None
    rejected: list[Rejected]


@dataclass(frozen=True, slots=True)
class FlowDetail:
    """Holds one flow whole. `trigger` and `actions` are cleaned JSON; `shapes.definitions` reads them typed."""

    flow_id: str
    flow_name: str
    description: str
    status: str
    trigger_app: str
    created_by: str
    created_time: datetime | None
    modified_time: datetime | None
    execution_count: int | None
    success_count: int | None
    failure_count: int | None
    trigger: Json
    actions: list[Json]
    raw: Json = field(repr=False)


def flow_summary(record: Mapping[str, object]) -> FlowSummary:
    """Reads one flow of the list.

    Raises:
        Unusable: the record has no id.
    """
    trigger = record.get("trigger")
    trigger_app = record.get("trigger_app") or (trigger.get("app") if isinstance(trigger, Mapping) else "")
    return FlowSummary(
        flow_id=need_id(record, "flow_id", "id"),
        flow_name=clean.line(record.get("flow_name") or record.get("name"), clean.NAME_LIMIT),
        description=clean.text(record.get("description"), clean.MESSAGE_LIMIT),
        status=switched(record.get("status")),
        trigger_app=clean.line(trigger_app, clean.WORD_LIMIT),
        created_time=moment(record.get("created_time")),
        modified_time=moment(record.get("modified_time")),
        execution_count=clean.count(record.get("execution_count")),
        success_count=clean.count(record.get("success_count")),
        failure_count=clean.count(record.get("failure_count")),
        raw=clean.mapping(record),
    )


def flow_page(payload: object) -> FlowPage:
    """Reads a page of the list of flows.

    Raises:
        BadAnswer: there is no list of flows.
    """
    flows, rejected = read_all(find_list(payload, "flows"), flow_summary, ("flow_id", "id"))
    where = paging(payload)
    return FlowPage(
        flows=flows,
        page=clean.count(where.get("page")),
        per_page=clean.count(where.get("per_page")),
        total_count=clean.count(where.get("total_count")),
        rejected=rejected,
    )


def flow_detail(payload: object) -> FlowDetail:
    """Reads one flow that was asked for.

    Raises:
        BadAnswer: the reply is no flow.
    """
    return read_one(find_object(payload, "flow"), _flow_detail)


def _flow_detail(record: Mapping[str, object]) -> FlowDetail:
    seen = flow_summary(record)
    actions = seen.raw.get("actions")
    return FlowDetail(
        flow_id=seen.flow_id,
        flow_name=seen.flow_name,
        description=seen.description,
        status=seen.status,
        trigger_app=seen.trigger_app,
        created_by=clean.line(record.get("created_by"), clean.NAME_LIMIT),
        created_time=seen.created_time,
        modified_time=seen.modified_time,
        execution_count=seen.execution_count,
        success_count=seen.success_count,
        failure_count=seen.failure_count,
        trigger=clean.mapping(seen.raw.get("trigger")),
        actions=[item for item in actions if isinstance(item, dict)] if isinstance(actions, list) else [],
        raw=seen.raw,
    )
