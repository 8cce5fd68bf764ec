"""Sends the runs that a list shows, all that match its filters, as CSV or NDJSON, masked as on the page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.views.decorators.http import require_POST

from dashboard.access import requires
from dashboard.columns import NAME as COLUMNS
from dashboard.csv_files import FORMATS, export_list
from dashboard.executions.forms import ExecutionFilterForm
from monitor.models import Execution
from monitor.queries import executions as queries
from monitor.queries.export import exports

NAME = "executions"


@require_POST
@requires("export")
def executions_file(request: HttpRequest) -> HttpResponseBase:
    """Sends the runs that match the posted filters, the newest first; by POST, for it stands in the audit trail."""
    kind = request.POST.get("format", "")
    form = ExecutionFilterForm(QueryDict(request.POST.get("query", "")))
    if kind not in FORMATS or not form.is_valid():
        return HttpResponse("The filters or the kind of file cannot be read.\n", status=400, content_type="text/plain")
    export = exports()[NAME]
    wanted, columns, chosen = form.wanted(), export.columns, form.cleaned_data[COLUMNS]
    field = form.fields[COLUMNS]
    if chosen != field.usual:  # of the usual ones a file holds more than fits a page, under names that programs know
        columns = {name: columns[name] for name in columns if name in field.fields_of(chosen)}
    rows = queries.in_pieces(wanted, export.rows, export.chunk)
    cells = ([get(row) for get in columns.values()] for row in rows)
    filters = form.own(form.data, *form.places)
    total = queries.matching(wanted).order_by().count()
    return export_list(request, Execution, NAME, list(columns), cells, kind=kind, filters=filters, total=total)
