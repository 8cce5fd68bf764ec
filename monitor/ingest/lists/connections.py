"""Reads the connections (sign-ins) of flows and records what becomes of them: a broken one breaks every flow on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import QuerySet

from monitor.hide_secrets import without_secrets
from monitor.ingest.base.context import Context
from monitor.ingest.base.deleted_in_zoho import mark_gone
from monitor.ingest.base.quarantine import clipped, let_go_unlisted, put_aside, write_or_put_aside
from monitor.models import Connection, ConnectionChange, Stream, StreamState, ZohoAccount
from monitor.privacy import SecretMask
from monitor.zoho.flow import FlowClient
from monitor.zoho.shapes import ConnectionRow

MOST_PAGES = 100
COLUMNS = ("connection_name", "app", "auth_type", "created_time", "raw")


def read_connections(context: Context, client: FlowClient) -> None:
    """Reads and stores all connections; one that is no longer listed is marked gone.

    Raises:
        ZohoError: the list could not be read; nothing counts as gone.
    """
    started = context.clock()
    write = partial(_write, context.account, context.mask, started=started)
    seen: set[str] = set()
    rejected = 0
    for page in range(1, MOST_PAGES + 1):
        # No paging is documented here: a page is only asked for where the first reply says that there are more.
        answer = context.call(partial(client.list_connections, page=page if page > 1 else None))
        new = {row.connection_id for row in answer.connections} - seen
        with context.writing():
            unique = list({row.connection_id: row for row in answer.connections}.values())
            rejected += write_or_put_aside(context.account, Stream.CONNECTIONS, unique, write, started)
            rejected += put_aside(context.account, Stream.CONNECTIONS, answer.rejected, started)
        seen |= new
        if not new or len(seen) + rejected >= (answer.total_count or 0):
            break
    if Stream.CONNECTIONS in context.lists_aside:
        with context.writing():
            let_go_unlisted(context.account, Stream.CONNECTIONS, started, context.clock())
    if not rejected:
        mine = Connection.objects.filter(account=context.account)
        mark_gone(context, mine, seen, "connection_id", started, partial(_note_deleted, started=started))
    context.note(Stream.CONNECTIONS, StreamState.State.OK, items=len(seen))


def _write(account: ZohoAccount, mask: SecretMask, rows: Sequence[ConnectionRow], *, started: datetime) -> None:
    for row in rows:
        values = clipped(Connection, without_secrets(mask, {name: getattr(row, name) for name in COLUMNS}))
        status = clipped(Connection, {"status": row.status})["status"]
        values |= {"seen_at": started, "gone_at": None}
        have = Connection.objects.filter(account=account, connection_id=row.connection_id).first()
        kind = _kind_of_change(have, status)
        if have is None or have.status != status:
            after = have.seen_at if have is not None else None
            values |= {"status": status, "status_since": started, "status_after": after}
        if have is None:
            values |= {"connection_id": row.connection_id, "first_seen_at": started}
            key = Connection.objects.create(account=account, **values).pk
        else:
            key = have.pk
            Connection.objects.filter(pk=key).update(**values)
        if kind is not None:
            before, seen_before = (have.status, have.seen_at) if have is not None else ("", None)
            ConnectionChange.objects.create(
                connection_id=key, kind=kind, before=before, status=status, seen_before=seen_before, at=started
            )


def _kind_of_change(have: Connection | None, status: str) -> ConnectionChange.Kind | None:
    """Says what became of a connection that is listed; None where it is as it was. Pure."""
    if have is None:
        return ConnectionChange.Kind.CAME
    if have.gone_at is not None:
        return ConnectionChange.Kind.BACK
    return ConnectionChange.Kind.STATUS if have.status != status else None


def _note_deleted(absent: QuerySet[Any], *, started: datetime) -> None:
    ConnectionChange.objects.bulk_create(
        ConnectionChange(
            connection=one,
            kind=ConnectionChange.Kind.DELETED,
            before=one.status,
            seen_before=one.seen_at,
            at=started,
        )
        for one in absent.defer("raw")
    )
