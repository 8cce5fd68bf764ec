"""Sends rows as a CSV or NDJSON file, piece by piece; no cell of a CSV is run by a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from django.http import StreamingHttpResponse

from monitor.management.commands.export import defuse, ndjson_line


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


def ndjson_file(name: str, records: Iterable[dict[str, object]]) -> StreamingHttpResponse:
    """Answers with a file of one JSON object a line.

    Args:
        name: without its ending.
        records: they are asked for while the file is sent.
    """
    response = StreamingHttpResponse(map(ndjson_line, records), content_type="application/x-ndjson")
    response["Content-Disposition"] = f'attachment; filename="{name}.ndjson"'
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
