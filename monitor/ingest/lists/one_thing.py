"""Reads one rule, connected workflow or flow into the mirror again, after it was changed from here or found changed.

A list tells of it within minutes; whoever changed it looks now. What the single answer does not hold stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from monitor.hide_secrets import without_secrets
from monitor.ingest.base.context import Context
from monitor.ingest.base.quarantine import clipped
from monitor.ingest.lists.connected_workflows import columns_of
from monitor.ingest.lists.definitions import CONNECTED, FLOWS, RULES, DefinitionKind, store_version
from monitor.ingest.lists.rules import COLUMNS
from monitor.zoho.crm import CrmClient
from monitor.zoho.errors import BadAnswer, NotFound
from monitor.zoho.flow import FlowClient

# The key of Zoho's answer without which a column is not told.
KEYS = {
    "active": "status",
    "modified_by": "modified_by",
    "module": "module",
}
Read = tuple[str, dict[str, Any], Mapping[str, Any]]  # Zoho's id of what came, the columns it tells, and the whole


def reread_rule(context: Context, client: CrmClient, rule_id: str) -> bool:
    """Reads one workflow rule, which may be new. Returns whether Zoho has it.

    Raises:
        ZohoError: it could not be read.
    """

    def ask() -> Read:
        found = client.get_workflow_rule(rule_id)
        told = {column: getattr(found, name) for column, name in COLUMNS.items() if column != "raw"}
        return found.id, without_secrets(context.mask, _told(told, found.raw)), found.raw

    return _reread(context, RULES, rule_id, ask)


def reread_connected(context: Context, client: CrmClient, workflow_id: str) -> bool:
    """Reads one connected workflow, which may be new. Returns whether Zoho has it.

    Raises:
        ZohoError: it could not be read.
    """

    def ask() -> Read:
        found = client.get_connected_workflow(workflow_id)
        return found.id, _told(columns_of(found, context.mask), found.raw), found.raw

    return _reread(context, CONNECTED, workflow_id, ask)


def reread_flow(context: Context, client: FlowClient, flow_id: str) -> bool:
    """Reads one flow that is mirrored. Returns whether Zoho has it; a new one is left to the list, which counts it.

    Raises:
        ZohoError: it could not be read.
    """

    def ask() -> Read:
        found = client.get_flow(flow_id)
        return found.flow_id, {"status": found.status} if found.status else {}, found.raw

    return _reread(context, FLOWS, flow_id, ask)


def _told(columns: dict[str, Any], raw: Mapping[str, Any]) -> dict[str, Any]:
    return {column: value for column, value in columns.items() if KEYS.get(column, column) in raw}


def _reread(context: Context, kind: DefinitionKind, zoho_id: str, ask: Callable[[], Read]) -> bool:
    started = context.clock()
    rows = kind.model.objects.filter(account=context.account, **{kind.key: zoho_id})
    mask = context.mask
    try:
        found, columns, raw = context.call(partial(ask))
    except NotFound:
        with context.writing():
            rows.filter(gone_at=None).update(gone_at=started)
        return False
    if found != zoho_id:
        raise BadAnswer(f"the definition of {found} came for that of {zoho_id}")
    with context.writing():
        row = _stored(kind, rows, {kind.key: zoho_id, "account": context.account}, columns, started)
        if row is not None:
            store_version(kind, row, raw, mask, context.clock())
    return True


def _stored(
    kind: DefinitionKind, rows: Any, key: dict[str, Any], columns: dict[str, Any], started: datetime
) -> Any | None:
    """Writes the columns, and makes the row of what is new; returns the row."""
    values = clipped(kind.model, columns)
    if kind is not FLOWS:
        values |= {"seen_at": started, "gone_at": None}
    if values and not rows.update(**values) and kind is not FLOWS:
        kind.model.objects.create(**key, first_seen_at=started, **values)
    return rows.first()
