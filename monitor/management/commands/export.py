"""`manage.py export`: rows to standard output as CSV or newline-delimited JSON, streaming."""

from __future__ import annotations

import csv
import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import CommandError
from django.utils.dateparse import parse_date, parse_datetime

from monitor.management.base import DataCommand
from monitor.queries.export import exports

# What a spreadsheet runs as a formula when a cell begins with it (OWASP, "CSV Injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00")


class Command(DataCommand):
    help = "Writes rows to standard output with Zoho's own ids and field names. Trigger data is left out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["flows", "executions", "rules", "alerts", "retries"])
        parser.add_argument("--format", choices=["csv", "ndjson"], required=True)
        parser.add_argument("--since", help="a day (2026-11-22) or a time (2026-11-22T10:00:00Z); UTC where unsaid")

    def handle(self, *args: Any, **options: Any) -> None:
        since = parse_since(options["since"]) if options["since"] is not None else None
        export = exports()[options["what"]]
        records = export.records(since)
        if options["format"] == "csv":
            _write_csv(list(export.columns), records)
        else:
            for record in records:
                sys.stdout.write(json.dumps(record, default=_plain) + "\n")
        sys.stdout.flush()


def parse_since(text: str) -> datetime:
    """A day or a time as an aware time.

    Raises:
        CommandError: it is neither.
    """
    try:
        at = parse_datetime(text)
        day = parse_date(text) if at is None else None
    except ValueError:
        at = day = None
    if at is None and day is not None:
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if at is None:
        raise CommandError(f"--since {text!r} is neither a day (2026-11-22) nor a time (2026-11-22T10:00:00Z)")
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def defuse(value: object) -> object:
    """A cell that a spreadsheet shows instead of running: numbers stay numbers."""
    plain = _plain(value) if not isinstance(value, str | int | float | bool | type(None)) else value
    if isinstance(plain, str) and plain.lstrip(" \ufeff").startswith(FORMULA_STARTS):
        return f"'{plain}"
    return "" if plain is None else plain


def _write_csv(columns: list[str], records: Iterable[dict[str, Any]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for record in records:
        writer.writerow([defuse(record[name]) for name in columns])


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
