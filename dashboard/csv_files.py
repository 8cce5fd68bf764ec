"""Sends rows as a CSV or NDJSON file, piece by piece; no cell of a CSV is run by a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from django.db.models import Model
from django.http import HttpRequest, QueryDict, StreamingHttpResponse
from django.utils import timezone

from monitor import audit
from monitor.cells import defuse, ndjson_line


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Iterable[object]]) -> StreamingHttpResponse:
    """Answers with a file.

    Args:
        name: without its ending.
        columns: names in the first line.
        rows: cells in the order of the columns; they are asked for while the file is sent.
    """
    response = StreamingHttpResponse(_lines(columns, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def ndjson_file(name: str, columns: Sequence[str], rows: Iterable[Iterable[object]]) -> StreamingHttpResponse:
    """Answers with a file of one JSON object a line; the arguments are those of `csv_file`."""
    lines = (ndjson_line(dict(zip(columns, row, strict=True))) for row in rows)
    response = StreamingHttpResponse(lines, content_type="application/x-ndjson")
    response["Content-Disposition"] = f'attachment; filename="{name}.ndjson"'
    return response


TOTAL = "X-Total-Rows"
FORMATS = {"csv": csv_file, "ndjson": ndjson_file}


def export_list(
    request: HttpRequest,
    model: type[Model],
    what: str,
    columns: Sequence[str],
    rows: Iterable[Iterable[object]],
    *,
    kind: str = "csv",
    filters: QueryDict | None = None,
    total: int | None = None,
) -> StreamingHttpResponse:
    """Answers with what a list shows as a file. That somebody took it out, and by which filters, is written down.

    Args:
        request: a POST by somebody who may export.
        model: of what is listed.
        what: it is, which names the file.
        columns: as `csv_file` takes them.
        rows: likewise.
        kind: one of `FORMATS`.
        filters: those of the list; None: they stand in the request's address.
        total: how many rows there are, as counted before; the page that asked shows how many of them have come, and
            sees by it that a file broke off.
    """
    narrowed = sorted(name for name, value in (request.GET if filters is None else filters).items() if value)
    detail = {"what": what, "format": kind} | ({"filters": ", ".join(narrowed)} if narrowed else {})
    audit.record(request.user, "export", model, now=timezone.now(), detail=detail)  # type: ignore[arg-type]
    response = FORMATS[kind](what, columns, rows)
    if total is not None:
        response[TOTAL] = str(total)
    return response


def _lines(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([defuse(cell) for cell in row])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()
