"""Reads webhooks of Flow and the calls they received.

Source: docs/reference/zoho-flow.md, "Webhooks of flows".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.zoho import clean
from monitor.zoho.moments import moment
from monitor.zoho.shapes.base import Json, Rejected, find_list, find_object, need_id, read_all, read_one


@dataclass(frozen=True, slots=True)
class FlowWebhook:
    """Holds a webhook of Flow. `webhook_url` starts a flow for anyone who knows it: a secret, not in the repr."""

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
    """Holds the webhooks, with the records that could not be read."""

    webhooks: list[FlowWebhook]
    rejected: list[Rejected]


@dataclass(frozen=True, slots=True)
class WebhookLog:
    """Holds one call of a webhook; no such reply is documented, so `raw` is what counts."""

    id: str
    status: str
    status_code: int | None
    received_time: datetime | None
    execution_id: str
    reason: str = field(repr=False)
    raw: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebhookLogPage:
    """Holds the calls of a webhook, with the records that could not be read."""

    logs: list[WebhookLog]
    rejected: list[Rejected]


def webhook_page(payload: object) -> WebhookPage:
    """Reads the list of webhooks.

    Raises:
        BadAnswer: there is no list of webhooks.
    """
    webhooks, rejected = read_all(find_list(payload, "webhooks"), _webhook)
    return WebhookPage(webhooks, rejected)


def webhook_detail(payload: object) -> FlowWebhook:
    """Reads one webhook that was asked for.

    Raises:
        BadAnswer: the reply is no webhook.
    """
    return read_one(find_object(payload, "webhook"), _webhook)


def _webhook(record: Mapping[str, object]) -> FlowWebhook:
    return FlowWebhook(
        webhook_id=need_id(record, "webhook_id", "id"),
        webhook_name=clean.line(record.get("webhook_name") or record.get("name"), clean.NAME_LIMIT),
        flow_id=clean.identifier(record.get("flow_id")),
        status=clean.word(record.get("status")),
        method=clean.line(record.get("method"), clean.WORD_LIMIT).upper(),
        created_time=moment(record.get("created_time")),
        webhook_url=clean.opaque(record.get("webhook_url")),
        raw=clean.mapping(record),
    )


def webhook_log_page(payload: object) -> WebhookLogPage:
    """Reads the list of calls.

    Raises:
        BadAnswer: there is no list of logs.
    """
    logs, rejected = read_all(find_list(payload, "logs", "webhook_logs"), _webhook_log)
    return WebhookLogPage(logs, rejected)


def _webhook_log(record: Mapping[str, object]) -> WebhookLog:
    times = (record.get(name) for name in ("received_time", "time", "timestamp", "created_time"))
    reasons = (clean.line(record.get(name)) for name in ("reason", "error_message", "error", "message"))
    return WebhookLog(
        id=clean.identifier(record.get("log_id") or record.get("id")),
        status=clean.word(record.get("status")),
        status_code=clean.count(record.get("status_code") or record.get("response_code")),
        received_time=next((found for found in map(moment, times) if found), None),
        execution_id=clean.identifier(record.get("execution_id")),
        reason=next((said for said in reasons if said), ""),
        raw=clean.mapping(record),
    )
