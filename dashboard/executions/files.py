"""Sends the runs that a list shows, all that match its filters, as CSV or NDJSON, masked as on the page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.utils import timezone
from django.views.decorators.http import require_POST

from dashboard.access import requires
from dashboard.csv_files import csv_file, ndjson_file
from dashboard.executions.forms import ExecutionFilterForm
from monitor import audit
from monitor.models import Execution
from monitor.queries import executions as queries
from monitor.queries.export import exports

FORMATS = ("csv", "ndjson")
NAME = "executions"


@require_POST
@requires("export")
def executions_file(request: HttpRequest) -> HttpResponseBase:
    """Sends the runs that match the posted filters, the newest first; by POST, for it stands in the audit trail."""
    kind = request.POST.get("format", "")
    form = ExecutionFilterForm(QueryDict(request.POST.get("query", "")))
    if kind not in FORMATS or not form.is_valid():
        return HttpResponse("The filters or the kind of file cannot be read.\n", status=400, content_type="text/plain")
    wanted, export = form.wanted(), exports()[NAME]
    rows = queries.in_pieces(wanted, export.rows, export.chunk)
    # What was searched for may be personal: that there was a search is enough.
    detail = {"what": NAME, "format": kind, "narrowed": form.is_narrowed}
    audit.record(request.user, "export", Execution, now=timezone.now(), detail=detail)
    if kind == "csv":
        return csv_file(NAME, list(export.columns), ([get(row) for get in export.columns.values()] for row in rows))
    return ndjson_file(NAME, ({name: get(row) for name, get in export.columns.items()} for row in rows))
