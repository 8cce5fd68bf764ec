"""Keeps the journal of changes: one JSON object a line, appended, repeated at the next start."""

import json
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any


class JournalError(Exception):
    """Says that the state file cannot be used; the message is one line for a person."""


class Journal:
    """Appends changes to a file, or forgets them when there is no file."""

    def __init__(self, path: Path | None) -> None:
        """Opens `path` for reading what was and appending what comes; JournalError if it is not a journal."""
        self._path = path
        self._file: TextIOWrapper | None = None
        self.records: list[dict[str, Any]] = []
        if path is None:
            return
        try:
            if path.exists():
                self.records = _read(path)
            self._file = path.open("a", encoding="utf-8")
        except OSError as problem:
            raise JournalError(f"cannot open the state file {path}: {problem.strerror}") from problem

    def write(self, op: str, at: datetime, args: dict[str, Any]) -> None:
        """Appends one change and hand it to the operating system, so that a kill does not lose it."""
        if self._file is not None:
            self._file.write(json.dumps({"at": at.isoformat(), "op": op, "args": args}) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Closes the file; writing afterwards is forgotten."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _read(path: Path) -> list[dict[str, Any]]:
    """Returns the records; a last line cut off by a kill is removed from the file."""
    raw = path.read_bytes()
    whole, newline, rest = raw.rpartition(b"\n")
    if rest:
        path.write_bytes(whole + newline)
    records = []
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            record = json.loads(line)
            datetime.fromisoformat(record["at"])
            records.append({"at": record["at"], "op": record["op"], "args": record["args"]})
        except (ValueError, KeyError, TypeError) as problem:
            raise JournalError(f"{path} is not a state file of the stand-in (line {number})") from problem
    return records
