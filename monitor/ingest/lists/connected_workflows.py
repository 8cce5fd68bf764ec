"""Reads the connected workflows of CRM: what there is and whether it is active, not their definitions.

Source: `docs/reference/zoho-crm.md`, Connected workflows: one call without page parameters, which Zoho refuses here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from monitor.ingest.base.context import Context
from monitor.ingest.base.deleted_in_zoho import mark_gone
from monitor.ingest.base.quarantine import clipped, let_go_unlisted, put_aside, write_or_put_aside
from monitor.models import ConnectedWorkflow, Stream, StreamState, ZohoAccount
from monitor.privacy import SecretMask
from monitor.zoho.crm import CrmClient
from monitor.zoho.shapes.connected_workflows import ConnectedWorkflow as ConnectedRow


def read_connected(context: Context, client: CrmClient) -> None:
    """Reads and stores all connected workflows; one that is no longer listed is marked gone.

    Raises:
        ZohoError: the list could not be read; nothing counts as gone.
    """
    started = context.clock()
    answer = context.call(client.list_connected_workflows)
    unique = list({row.id: row for row in answer.items}.values())
    write = partial(_write, context.account, context.mask, started=started)
    with context.writing():
        rejected = write_or_put_aside(context.account, Stream.CONNECTED, unique, write, started)
        rejected += put_aside(context.account, Stream.CONNECTED, answer.rejected, started)
        if Stream.CONNECTED in context.lists_aside:
            let_go_unlisted(context.account, Stream.CONNECTED, started, context.clock())
        if not rejected:
            rows = ConnectedWorkflow.objects.filter(account=context.account)
            mark_gone(context, rows, {row.id for row in unique}, "workflow_id", started)
    context.note(Stream.CONNECTED, StreamState.State.OK, items=len(unique))


def columns_of(row: ConnectedRow, mask: SecretMask) -> dict[str, Any]:
    """Returns what the mirror keeps of one, by the names of its columns."""
    return {
        "name": row.name,
        "description": mask.text(row.description),
        "status": row.status,
        "primary_module": row.primary_module.name,
        "involved_modules": sorted(row.involved_modules),
        "created_time": row.created_time,
        "modified_time": row.modified_time,
        "modified_by": row.modified_by_name,
    }


def _write(account: ZohoAccount, mask: SecretMask, rows: Sequence[ConnectedRow], *, started: datetime) -> None:
    for row in rows:
        values = clipped(ConnectedWorkflow, columns_of(row, mask))
        values |= {"seen_at": started, "gone_at": None}
        known = ConnectedWorkflow.objects.filter(account=account, workflow_id=row.id)
        if not known.update(**values):
            ConnectedWorkflow.objects.create(account=account, workflow_id=row.id, first_seen_at=started, **values)
