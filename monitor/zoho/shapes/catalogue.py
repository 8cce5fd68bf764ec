"""Flow's catalogues, tests and webhooks. Source: seed zoho-flow-api.md, sections 2, 3 and 7."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

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
    """A trigger or an action that Flow offers."""

    id: str
    name: str
    app: str
    type: str
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What Flow offers, with the entries that could not be read."""

    entries: list[CatalogueEntry]
    rejected: list[Rejected]


@dataclass(frozen=True, slots=True)
class TestResult:
    """A test of a trigger or an action. `sample_data` is often personal data and not in the repr."""

    __test__ = False  # not a test of ours, whatever its name

    passed: bool
    result: str
    execution_id: str | None
    sample_data: object | None = field(repr=False)
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class FlowWebhook:
    """A webhook of Flow. `webhook_url` starts a flow for anyone who knows it: a secret, not in the repr."""

    webhook_id: str
    webhook_name: str
    flow_id: str
    status: str
    method: str
    created_time: datetime | None
    webhook_url: str = field(repr=False)
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebhookPage:
    """The webhooks, with the records that could not be read."""

    webhooks: list[FlowWebhook]
    rejected: list[Rejected]


@dataclass(frozen=True, slots=True)
class WebhookLog:
    """One call of a webhook; the seed shows no such reply, so `raw` is what counts."""

    id: str
    status: str
    status_code: int | None
    received_time: datetime | None
    execution_id: str
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebhookLogPage:
    """The calls of a webhook, with the records that could not be read."""

    logs: list[WebhookLog]
    rejected: list[Rejected]


@dataclass(frozen=True, slots=True)
class Written:
    """What a change in Flow answered: `id` of the thing changed, "" where the reply has none."""

    id: str
    raw: Json = field(repr=False)


def catalogue(payload: object, name: str) -> Catalogue:
    """Parameters: `name` triggers or actions. Errors: `BadAnswer`."""
    entries, rejected = read_all(find_list(payload, name), _entry)
    return Catalogue(entries, rejected)


def catalogue_entry(payload: object, name: str) -> CatalogueEntry:
    """Parameters: `name` trigger or action. Errors: `BadAnswer`."""
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
    """Errors: `BadAnswer` when the reply does not say how the test went."""
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


def webhook_page(payload: object) -> WebhookPage:
    """Errors: `BadAnswer` when there is no list of webhooks."""
    webhooks, rejected = read_all(find_list(payload, "webhooks"), _webhook)
    return WebhookPage(webhooks, rejected)


def webhook_detail(payload: object) -> FlowWebhook:
    """Errors: `BadAnswer` when the reply is no webhook."""
    return read_one(find_object(payload, "webhook"), _webhook)


def _webhook(record: Mapping[str, object]) -> FlowWebhook:
    return FlowWebhook(
        webhook_id=need_id(record, "webhook_id", "id"),
        webhook_name=clean.line(record.get("webhook_name") or record.get("name"), clean.NAME_LIMIT),
        flow_id=clean.identifier(record.get("flow_id")),
        status=clean.word(record.get("status")),
        method=clean.line(record.get("method"), clean.WORD_LIMIT).upper(),
        created_time=clean.moment(record.get("created_time")),
        webhook_url=clean.line(record.get("webhook_url"), clean.MESSAGE_LIMIT),
        raw=clean.mapping(record),
    )


def webhook_log_page(payload: object) -> WebhookLogPage:
    """Errors: `BadAnswer` when there is no list of logs."""
    logs, rejected = read_all(find_list(payload, "logs", "webhook_logs"), _webhook_log)
    return WebhookLogPage(logs, rejected)


def _webhook_log(record: Mapping[str, object]) -> WebhookLog:
    times = (record.get(name) for name in ("received_time", "time", "timestamp", "created_time"))
    return WebhookLog(
        id=clean.identifier(record.get("log_id") or record.get("id")),
        status=clean.word(record.get("status")),
        status_code=clean.count(record.get("status_code") or record.get("response_code")),
        received_time=next((found for found in map(clean.moment, times) if found), None),
        execution_id=clean.identifier(record.get("execution_id")),
        raw=clean.mapping(record),
    )


def written(payload: object, *names: str) -> Written:
    """What a write answered; None (a 204) and a bare success are fine. Parameters: `names` of the id."""
    if payload is None:
        return Written("", {})
    # A flow that is given back whole holds a trigger too: what has the id itself comes before what is inside.
    whole = find_object(payload, "data")
    for data in (whole, find_object(payload, "flow", "trigger", "action", "connection", "webhook")):
        ids = (clean.identifier(data.get(name)) for name in (*names, "id"))
        found = next((one for one in ids if one), "")
        if found:
            return Written(found, clean.mapping(data))
    return Written("", clean.mapping(whole))
