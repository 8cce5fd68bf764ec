"""The sign-ins that flows use: a broken one breaks every flow on it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from monitor.ingest.context import Context
from monitor.ingest.quarantine import put_aside
from monitor.models import Connection, Stream, StreamState
from monitor.zoho.flow import FlowClient
from monitor.zoho.shapes import ConnectionRow

COLUMNS = ("connection_name", "app", "auth_type", "created_time", "raw")


def read_connections(context: Context, client: FlowClient) -> None:
    """Reads and stores all connections; one that is no longer listed is marked gone.

    Raises:
        ZohoError: the list could not be read; nothing changed.
    """
    started = context.clock()
    answer = context.call(client.list_connections)
    seen = [row.connection_id for row in answer.connections]
    with transaction.atomic():
        context.lease.check()
        for row in answer.connections:
            _store(context, row, started)
        put_aside(context.account, Stream.CONNECTIONS, answer.rejected, started)
        if not answer.rejected:
            gone = Connection.objects.filter(account=context.account, gone_at=None).exclude(connection_id__in=seen)
            gone.update(gone_at=started)
    context.note(Stream.CONNECTIONS, StreamState.State.OK, items=len(seen))


def _store(context: Context, row: ConnectionRow, started: datetime) -> None:
    values = {name: getattr(row, name) for name in COLUMNS}
    have = Connection.objects.filter(account=context.account, connection_id=row.connection_id).first()
    if have is None:
        Connection.objects.create(
            account=context.account,
            connection_id=row.connection_id,
            status=row.status,
            status_since=started,
            first_seen_at=started,
            seen_at=started,
            **values,
        )
        return
    if have.status != row.status:
        values |= {"status": row.status, "status_since": started}
    Connection.objects.filter(pk=have.pk).update(seen_at=started, gone_at=None, **values)
