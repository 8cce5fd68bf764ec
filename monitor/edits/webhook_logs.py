"""Reads the logs of a flow's webhook from Zoho, for a person who asked. Nothing is changed there, and nothing is kept.

Source: docs/reference/zoho-flow.md, "Webhooks of flows".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor import audit
from monitor.access import may
from monitor.edits.client import OpenForEdits
from monitor.edits.requests import EditRefused
from monitor.languages import gettext as _
from monitor.models import Flow, FlowVersion, User
from monitor.privacy import mask_name, mask_text
from monitor.vault import VaultError
from monitor.zoho.errors import NotFound, ZohoError
from monitor.zoho.flow import FlowClient
from monitor.zoho.shapes.flow_webhooks import FlowWebhook, WebhookLog

RIGHT = "read"
TRIGGERS = ("webhook", "custom_webhook")
MOST_SHOWN = 100  # of the calls that Zoho lists
MOST_OFFERED = 50
GOOD = ("success", "accepted", "ok", "processed")


@dataclass(frozen=True, slots=True)
class OfferedWebhook:
    """Names a webhook of which Zoho's list does not say which flow it starts; the name is masked."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """Holds one call that a webhook received, masked: nothing of what was sent.

    Attributes:
        at: when it came; None where Zoho does not say.
        status: Zoho's word, as `dashboard.status_labels` knows it: success, failed or another one.
        code: what the caller was answered, with HTTP's number; None where that is not said.
        reason: Zoho's words.
        execution_id: of the run that it started; "" where that is not said.
    """

    at: datetime | None
    status: str
    code: int | None
    reason: str
    execution_id: str


@dataclass(frozen=True, slots=True)
class WebhookLogs:
    """Holds what Zoho shows of the webhook of a flow.

    Attributes:
        name: of the webhook, masked; "" while it is not known which one it is. `id` is Zoho's.
        calls: the newest first; `more` there are besides.
        offered: the webhooks to choose from, where Zoho's list names no flow.
    """

    name: str = ""
    id: str = ""
    calls: tuple[LoggedCall, ...] = ()
    more: int = 0
    offered: tuple[OfferedWebhook, ...] = ()


def has_webhook(flow: Flow) -> bool:
    """Returns whether a flow is started by a webhook, by its newest mirrored definition. One statement."""
    newest = FlowVersion.objects.filter(flow=flow).order_by("-number")
    return is_webhook(newest.values_list("content__trigger", flat=True).first())


def is_webhook(trigger: object) -> bool:
    """Returns whether a trigger, as it stands in a mirrored definition, is a webhook. Pure."""
    return isinstance(trigger, Mapping) and trigger.get("type") in TRIGGERS


def read_logs(
    flow: Flow, user: User, now: datetime, *, open_account: OpenForEdits, webhook_id: str = ""
) -> WebhookLogs:
    """Reads the calls of a flow's webhook, in two calls of Zoho's API at most, and writes down who asked.

    Args:
        flow: with its account.
        user: who asks.
        now: the present, aware.
        open_account: see `client.OpenForEdits`.
        webhook_id: the one that the person chose; "" finds the one that names this flow.

    Raises:
        EditRefused: not permitted, no such webhook, or Zoho could not be asked.
    """
    if not may(user, RIGHT, flow.account):
        raise EditRefused(_("You may not ask Zoho."), "not_permitted")
    try:
        with open_account(flow.account, priority="people") as clients:
            if clients.flow is None:
                raise EditRefused(_("The account has no address for Zoho Flow."), "not_connected")
            found = _read(clients.flow, flow.flow_id, webhook_id)
    except EditRefused as refusal:
        if refusal.code != "not_connected":
            _record(flow, user, now, {"webhook": webhook_id, "error": refusal.code})
        raise
    except (ZohoError, VaultError) as error:
        _record(flow, user, now, {"webhook": webhook_id, "error": getattr(error, "code", "") or type(error).__name__})
        if isinstance(error, NotFound):
            raise EditRefused(_("Zoho has no such webhook any more."), "gone") from None
        why = _("The logs could not be read: %(why)s") % {"why": mask_text(str(error))[:300]}
        raise EditRefused(why, "not_asked") from None
    _record(flow, user, now, {"webhook": found.id, "shown": len(found.calls), "offered": len(found.offered)})
    return found


def _record(flow: Flow, user: User, now: datetime, ended: dict[str, Any]) -> None:
    """Writes down who asked and how it ended, also where Zoho refused or its answer was lost: it was asked."""
    audit.record(user, "flow.webhook_logs", flow, now=now, account=flow.account_id, detail=ended)


def _read(client: FlowClient, flow_id: str, webhook_id: str) -> WebhookLogs:
    if webhook_id:
        chosen = client.get_webhook(webhook_id)
        if chosen.flow_id not in ("", flow_id):
            raise EditRefused(_("This webhook starts another flow."), "of_another")
        return _logs(client, chosen)
    webhooks = client.list_webhooks().webhooks
    mine = next((one for one in webhooks if one.flow_id == flow_id), None)
    if mine is not None:
        return _logs(client, mine)
    offered = [OfferedWebhook(one.webhook_id, mask_name(one.webhook_name)) for one in webhooks if not one.flow_id]
    if not offered:
        raise EditRefused(_("Zoho lists no webhook that starts this flow."), "none")
    return WebhookLogs(offered=tuple(offered[:MOST_OFFERED]))


def _logs(client: FlowClient, webhook: FlowWebhook) -> WebhookLogs:
    logs = client.webhook_logs(webhook.webhook_id).logs
    in_order = sorted(logs, key=_received, reverse=True)
    calls = tuple(_call(one) for one in in_order[:MOST_SHOWN])
    name = mask_name(webhook.webhook_name) or webhook.webhook_id
    return WebhookLogs(name, webhook.webhook_id, calls, len(logs) - len(calls))


def _received(log: WebhookLog) -> float:
    return log.received_time.timestamp() if log.received_time is not None else 0.0


def _call(log: WebhookLog) -> LoggedCall:
    status = "success" if log.status in GOOD else log.status
    return LoggedCall(log.received_time, status, log.status_code, mask_text(log.reason)[:200], log.execution_id)
