"""Reads executions of a flow.

Source: docs/reference/zoho-flow.md, "Executions", "Statistics" and "Retry of an execution".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from monitor.zoho import clean
from monitor.zoho.errors import BadAnswer
from monitor.zoho.moments import moment
from monitor.zoho.shapes.base import (
    Json,
    Rejected,
    as_object,
    find_list,
    find_object,
    need_id,
    paging,
    read_all,
    read_one,
    reject,
)

_STATUSES = ("success", "failed", "running")
_NO_ERROR = ("", "", "", "")
_IDS = ("execution_id", "id")


@dataclass(frozen=True, slots=True)
class ExecutionRow:
    """Holds one run of a flow. Text is "" and numbers are None where Zoho does not say.

    `duration_ms` is in milliseconds and kept as it came, even when negative; `trigger_data` is whatever
    JSON started the run, often personal data. `raw` is the whole record as it came, *not* cleaned: it is not kept,
    but escaped where a database refuses the row, and cleaning it would cost more than reading all the rest.
    """

    execution_id: str
    flow_id: str
    status: str  # lower case: success, failed, running, or a word we do not know yet
    started_time: datetime | None
    completed_time: datetime | None
    duration_ms: int | None
    trigger_data: object | None = field(repr=False)
    error_code: str
    error_message: str
    error_action_id: str
    error_details: str
    actions_executed: int | None
    actions_successful: int | None
    actions_failed: int | None
    raw: Mapping[str, object] = field(repr=False)

    @property
    def why_no_start(self) -> str:
        """Says in one line for people why it is not known when the run began; empty where it is."""
        if self.started_time is not None:
            return ""
        has_any = self.raw.get("started_time") not in (None, "")
        return "its start cannot be read (started_time)" if has_any else "it does not say when it began (started_time)"

    def put_aside(self, reason: str) -> Rejected:
        """Returns the whole record, to be kept though it cannot be mirrored."""
        return reject(self.raw, reason, _IDS)


@dataclass(frozen=True, slots=True)
class ExecutionStats:
    """Holds counters of a flow's runs; `success_rate` in percent."""

    total: int | None
    successful: int | None
    failed: int | None
    success_rate: float | None
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class ExecutionPage:
    """Holds one page of runs in Zoho's order (not documented); `stats` None where the server gives none."""

    rows: list[ExecutionRow]
    stats: ExecutionStats | None
    page: int | None
    per_page: int | None
    total_count: int | None
    rejected: list[Rejected]


@dataclass(frozen=True, slots=True)
class RetryReply:
    """Says that Zoho took the retry. `new_execution_id` is the id in the reply, if any; it may be the old one."""

    accepted: bool
    new_execution_id: str | None
    raw: Json = field(repr=False)


def execution_row(record: Mapping[str, object], flow_id: str = "", zone: tzinfo = UTC) -> ExecutionRow:
    """Reads one run.

    Args:
        flow_id: is used where the record does not name its flow.
        zone: of the organisation, for times that name no offset.

    Raises:
        Unusable: the record cannot be kept.
    """
    get = record.get
    error, status = get("error"), get("status")
    # Most rows have no error, and one of three words: they are read in half the time.
    code, message, action, details = _error(error) if error is not None else _NO_ERROR
    return ExecutionRow(
        execution_id=need_id(record, *_IDS),
        flow_id=clean.identifier(get("flow_id")) or flow_id,
        status=str(status) if status in _STATUSES else clean.word(status),
        started_time=moment(get("started_time"), zone),
        completed_time=moment(get("completed_time"), zone),
        duration_ms=clean.whole(get("duration_ms")),
        trigger_data=clean.json_value(get("trigger_data"), 1),
        error_code=code,
        error_message=message,
        error_action_id=action,
        error_details=details,
        actions_executed=clean.count(get("actions_executed")),
        actions_successful=clean.count(get("actions_successful")),
        actions_failed=clean.count(get("actions_failed")),
        raw=record,
    )


def _error(value: object) -> tuple[str, str, str, str]:
    problem: Mapping[str, object] = value if isinstance(value, Mapping) else {"message": value}
    return (
        clean.line(problem.get("code"), clean.CODE_LIMIT),
        clean.words(problem.get("message")),
        clean.identifier(problem.get("action_id")),
        clean.words(problem.get("details")),
    )


def execution_page(payload: object, flow_id: str = "", zone: tzinfo = UTC) -> ExecutionPage:
    """Reads a page of runs.

    Raises:
        BadAnswer: there is no list of executions.
    """
    items = find_list(payload, "executions", "history")
    rows, rejected = read_all(items, lambda record: execution_row(record, flow_id, zone), _IDS)
    where = paging(payload)
    stats = where.get("stats")
    return ExecutionPage(
        rows=rows,
        stats=_stats(stats) if isinstance(stats, Mapping) else None,
        page=clean.count(where.get("page")),
        per_page=clean.count(where.get("per_page")),
        total_count=clean.count(where.get("total_count")),
        rejected=rejected,
    )


def execution_detail(payload: object, flow_id: str = "", zone: tzinfo = UTC) -> ExecutionRow:
    """Reads one run that was asked for.

    Raises:
        BadAnswer: the reply is no execution.
    """
    return read_one(find_object(payload, "execution"), lambda record: execution_row(record, flow_id, zone))


def execution_stats(payload: object) -> ExecutionStats:
    """Reads the counters of a flow's runs.

    Raises:
        BadAnswer: the reply holds no counter at all.
    """
    found = _stats(find_object(payload, "stats"))
    if found.total is None and found.successful is None and found.failed is None:
        raise BadAnswer("execution statistics: the reply has no counters")
    return found


def retry_reply(payload: object) -> RetryReply:
    """Reads the reply to a retry; none is documented, so every likely place is looked at.

    Zoho's "success" is believed whatever `data` is: without an id in it, the outcome is found by other means. A bare
    "id" is the last to be believed: beside an "execution_id" it may be that of a job, and beside "data" that of the
    request.
    """
    outer = as_object(payload, "retry")
    data = _first_object(outer.get("data"))
    places = [place for holder in (data, outer) if holder is not None for place in _runs_in(holder)]
    names = ("new_execution_id", "retry_execution_id", "retried_execution_id", "retry_id", "execution_id")
    found = [clean.identifier(place.get(name)) for name in names for place in places]
    with_own_id = [place for place in places if place is not outer or "data" not in outer]
    found += [clean.identifier(place.get("id")) for place in with_own_id]
    return RetryReply(
        accepted=True,
        new_execution_id=next((item for item in found if item), None),
        raw=clean.mapping(outer),
    )


def _runs_in(holder: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Returns the objects that may describe the run of a retry, the innermost first."""
    inner = [_first_object(holder.get(name)) for name in ("retry", "execution", "executions")]
    return [*(place for place in inner if place is not None), holder]


def _first_object(value: object) -> Mapping[str, object] | None:
    """Returns `value`, or the first object in it where it is a list."""
    items = value if isinstance(value, list) else [value]
    return next((item for item in items if isinstance(item, Mapping)), None)


def _stats(record: Mapping[str, object]) -> ExecutionStats:
    def first(*names: str) -> int | None:
        return next((clean.count(record[name]) for name in names if record.get(name) is not None), None)

    return ExecutionStats(
        total=first("total_executions", "total"),
        successful=first("successful", "success"),
        failed=first("failed", "failure"),
        success_rate=clean.number(record.get("success_rate")),
        raw=clean.mapping(record),
    )
