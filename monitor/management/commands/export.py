"""Writes rows to standard output as CSV or NDJSON, streaming, or definitions into a folder (`manage.py export`)."""

from __future__ import annotations

import csv
import io
import sys
from argparse import ArgumentParser
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError
from django.utils.dateparse import parse_date, parse_datetime

from monitor import audit
from monitor.cells import defuse, ndjson_line, plain
from monitor.connection import utc_now
from monitor.management.data_command import DataCommand
from monitor.management.definition_files import FORMATS
from monitor.management.export_definitions import write_definitions
from monitor.models import system_user
from monitor.queries.export import exports
from monitor.queries.freshness import mirror
from monitor.queries.retention import removed

SHORTEST_REASON, LONGEST_REASON = 3, 500
DEFINITIONS = "definitions"
ROW_FORMATS = ("csv", "ndjson")


class Command(DataCommand):
    help = (
        "Writes rows to standard output with Zoho's own ids and field names, masked as on the pages. Trigger data is "
        "left out. `export definitions DIR` writes what flows, rules and connected workflows are made of, one file "
        "each; it ends with 0, or with 2 where some are not known. Each export stands in the audit trail."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=[*exports(), DEFINITIONS])
        parser.add_argument("folder", metavar="DIR", nargs="?", help="of definitions; one that is there is updated")
        parser.add_argument(
            "--format", choices=[*ROW_FORMATS, *FORMATS], help="csv or ndjson; of definitions json (the usual) or yaml"
        )
        parser.add_argument("--account", metavar="NAME", help="of definitions: only this account")
        parser.add_argument("--at", metavar="DATE", help="of definitions: as they were then; a day begins at 00:00 UTC")
        parser.add_argument("--since", help="a day (2026-11-22) or a time (2026-11-22T10:00:00Z); UTC where unsaid")
        parser.add_argument("--unmasked", action="store_true", help="texts and names as Zoho sent them; needs --reason")
        parser.add_argument("--reason", metavar="TEXT", help="why it is unmasked; kept in the audit trail")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == DEFINITIONS:
            write_definitions(self, options, parse_since(options["at"], "at") if options["at"] is not None else None)
            return
        if options["format"] not in ROW_FORMATS:
            raise CommandError(f"--format must be {' or '.join(ROW_FORMATS)}")
        for name in ("folder", "account", "at"):
            if options[name] is not None:
                raise CommandError(f"{'DIR' if name == 'folder' else f'--{name}'} is for definitions")
        since = parse_since(options["since"]) if options["since"] is not None else None
        now = utc_now()
        reason = reason_of(options["reason"], unmasked=options["unmasked"])
        export = exports(mirror(now), now, masked=not options["unmasked"])[options["what"]]
        detail = {"what": options["what"], "since": since and plain(since), "format": options["format"]}
        if options["unmasked"]:
            detail |= {"unmasked": True, "reason": reason}
        audit.record(system_user(), "export", None, now=now, detail=detail)
        if options["what"] == "executions":
            self._tell_removed(since)
        records = export.records(since)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # names are in any script, whatever the terminal's
        out = io.StringIO()
        if options["format"] == "csv":
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(export.columns)
            lines = (writer.writerow([defuse(record[name]) for name in export.columns]) for record in records)
        else:
            lines = (out.write(ndjson_line(record)) for record in records)
        self._pass_on(out)
        for _ in lines:
            self._pass_on(out)
        self.stdout.flush()

    def _tell_removed(self, since: datetime | None) -> None:
        """Says, beside the rows, that older runs are counted and no longer kept."""
        gone = removed()
        if gone is not None and (since is None or since < gone.before):
            self.stderr.write(
                f"note: {gone.runs} runs from before {plain(gone.before)} are not here: rows are kept {gone.days} days"
            )

    def _pass_on(self, out: io.StringIO) -> None:
        """Passes on what is written so far, so that no more than a row is ever held."""
        if text := out.getvalue():
            self.stdout.write(text, ending="")
            out.seek(0)
            out.truncate()


def reason_of(reason: str | None, *, unmasked: bool) -> str:
    """Reads why somebody wants what is hidden.

    Raises:
        CommandError: it is not said, too short or too long, or said where nothing is unmasked.
    """
    given = (reason or "").strip()
    if unmasked and not SHORTEST_REASON <= len(given) <= LONGEST_REASON:
        raise CommandError(f"--unmasked needs a --reason of {SHORTEST_REASON} to {LONGEST_REASON} characters")
    if given and not unmasked:
        raise CommandError("--reason is for --unmasked: without it the export is masked")
    return given


def parse_since(text: str, option: str = "since") -> datetime:
    """Reads a day or a time as an aware time.

    Args:
        text: as a person typed it.
        option: under which name.

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
    # The first or last day there is may have an offset that leads beyond it: that is no time either.
    with suppress(OverflowError):
        if at is not None:
            return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
    raise CommandError(f"--{option} {text!r} is neither a day (2026-11-22) nor a time (2026-11-22T10:00:00Z)")
