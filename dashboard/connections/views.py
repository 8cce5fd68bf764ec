"""Shows the connections that flows use: the list, its file, and the page of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard import lists
from dashboard.access import get_or_404, requires
from dashboard.connections.forms import ConnectionFilterForm
from dashboard.context import age_of
from dashboard.csv_files import export_list
from monitor.access import may
from monitor.connection import open_account
from monitor.edits.requests import EditRefused
from monitor.edits.try_connection import ask_for_test
from monitor.languages import gettext as _
from monitor.models import Connection, Stream
from monitor.privacy import mask_name
from monitor.queries import connections as queries
from monitor.queries.connection_runs import FoundRun

COLUMNS = (
    *("account", "connection_id", "connection_name", "app", "status", "status_since", "flows"),
    *("last_good_run_at", "first_failed_run_at", "open_incident", "deleted_at"),
)


@require_safe
def connections(request: HttpRequest) -> HttpResponse:
    """Lists connections by the filters in the address."""
    return _list(request, *_asked(request))


@require_POST
@requires("export")
def connections_csv(request: HttpRequest) -> HttpResponseBase:
    """Sends the connections that the list would show, on all of its pages, as CSV. 400 for filters that are none."""
    rows, form = _asked(request)
    if not form.is_valid():
        return _list(request, rows, form)
    found = list(queries.rows(queries.narrowed(rows, form.wanted())))
    return export_list(request, Connection, "connections", COLUMNS, map(_cells, found), total=len(found))


def _asked(request: HttpRequest) -> tuple[list[Connection], ConnectionFilterForm]:
    rows = queries.everything()
    return rows, ConnectionFilterForm(request.GET, rows)


def _list(request: HttpRequest, rows: list[Connection], form: ConnectionFilterForm) -> HttpResponse:
    def find(wanted: queries.ConnectionFilter) -> dict[str, Any]:
        found = lists.numbered(queries.narrowed(rows, wanted), form)
        return found | {"rows": queries.rows(found["rows"])}

    more = {"may_export": may(request.user, "export"), "broken": sum(row.is_broken for row in rows)}
    return lists.show(
        request, "connections/list.html", form, find, stream=Stream.CONNECTIONS, nouns=_("connections"), **more
    )


def _cells(row: queries.ConnectionLine) -> Iterator[object]:
    one, runs = row.connection, row.runs
    yield from (one.account.name, one.connection_id, one.shown_name, mask_name(one.app), mask_name(one.status))
    yield from (one.status_since, row.flows)
    yield from (_at(runs.last_good) if runs else None, _at(runs.first_bad) if runs else None)
    yield from (row.incident, one.gone_at)


def _at(run: FoundRun | None) -> object:
    return run.at if run is not None else None


@require_safe
def connection(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one connection: its state and history, the flows that use its app, and how to reconnect it."""
    row = get_or_404(request.user, queries.connections(), pk)
    age = age_of(row.account_id, Stream.CONNECTIONS)
    detail = queries.detail(row, age["mirror"].presents, age["now"])
    return render(request, "connections/connection.html", age | {"connection": row, "detail": detail})


@require_POST
def connection_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Has Zoho test a connection, and says what came of it."""
    row = get_or_404(request.user, queries.connections(), pk, action="connections.test")
    try:
        passed, words = ask_for_test(row, request.user, timezone.now(), open_account=open_account)  # type: ignore[arg-type]
    except EditRefused as refusal:
        messages.error(request, refusal.message)
    else:
        (messages.success if passed else messages.warning)(request, words)
    return redirect(row)
