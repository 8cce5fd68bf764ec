"""Groups failures that are given as lines of JSON: what has the same fingerprint has the same cause."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError

from monitor.exact_numbers import decoder
from monitor.triage.fingerprint import cause_of

LONGEST_LINE = 16 * 1024 * 1024  # bytes; longer ones are refused before they fill the memory
_AT_ONCE = 64 * 1024
_READER = decoder()
_FIELDS = ("app", "action", "error_code", "error_message", "error_details", "trigger_data")
_WORDS = {str: "text", int: "a number", float: "a number", bool: "true or false", list: "a list", dict: "an object"}


class UnreadableLineError(ValueError):
    """Says what is wrong with a line, for people."""


class Command(BaseCommand):
    """`manage.py fingerprint < failures.ndjson`."""

    help = "Prints fingerprint, template and remedy of each failure on standard input; no database is needed."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Tells in the help what a line holds."""
        parser.epilog = (
            "Standard input: one JSON object a line with app, action, error_code, error_message, error_details and"
            " perhaps trigger_data; what is missing or null counts as absent. Standard output: one JSON object for each"
            " line, in the same order; a line that cannot be read gets an object with error, and the exit code is 1."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Answers line by line, and flushes once all that has arrived is answered."""
        refused = 0
        try:
            for lines in _arriving(sys.stdin.buffer):
                for number, line in lines:
                    if line is not None and not line.strip():
                        continue
                    try:
                        answer = _answer(line)
                    except UnreadableLineError as error:
                        refused += 1
                        self.stderr.write(f"line {number}: {error}")
                        answer = json.dumps({"error": f"line {number}: {error}"})
                    self.stdout.write(answer)
                self.stdout.flush()
        except BrokenPipeError:
            # The reader (head, less) has seen enough; nothing more may be written, not even at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        except KeyboardInterrupt:
            raise CommandError("interrupted", returncode=130) from None
        if refused:
            raise CommandError(f"{refused} {'line' if refused == 1 else 'lines'} could not be read")


def _arriving(source: IO[bytes]) -> Iterator[list[tuple[int, bytes | None]]]:
    """Yields the numbered lines that have arrived so far, without waiting for more; None is one that is too long."""
    number, length = 0, 0
    pieces: list[bytes] = []
    read = getattr(source, "read1", source.read)
    while chunk := read(_AT_ONCE):
        ready: list[tuple[int, bytes | None]] = []
        *ended, rest = chunk.split(b"\n")
        for end in ended:
            number += 1
            length += len(end)
            ready.append((number, b"".join([*pieces, end]) if length <= LONGEST_LINE else None))
            pieces, length = [], 0
        length += len(rest)
        pieces = [*pieces, rest] if length <= LONGEST_LINE else []
        if ready:
            yield ready
    if length:
        yield [(number + 1, b"".join(pieces) if length <= LONGEST_LINE else None)]


def _answer(line: bytes | None) -> str:
    """Makes the answer to a line.

    Raises:
        UnreadableLineError: it holds no failure.
    """
    if line is None:
        raise UnreadableLineError(f"longer than {LONGEST_LINE // 1024 // 1024} MiB")
    try:
        failure = _READER.decode(line.decode("utf-8-sig").strip())
    except UnicodeDecodeError:
        raise UnreadableLineError("not UTF-8") from None
    except RecursionError:
        raise UnreadableLineError("nested too deeply") from None
    except ValueError:
        raise UnreadableLineError("not JSON") from None
    if not isinstance(failure, dict):
        raise UnreadableLineError(f"must be an object, not {_WORDS.get(type(failure), 'null')}")
    cause = cause_of(
        app=_text(failure, "app"),
        action=_text(failure, "action"),
        code=_text(failure, "error_code"),
        message=failure.get("error_message"),
        details=failure.get("error_details"),
        trigger_data=failure.get("trigger_data"),
    )
    return json.dumps({"fingerprint": cause.fingerprint, "template": cause.template, "remedy": cause.remedy})


def _text(failure: dict[str, Any], field: str) -> str:
    value = failure.get(field)
    if value is None:
        return ""
    if isinstance(value, bool | list | dict):
        raise UnreadableLineError(f"{field} must be text or a number, not {_WORDS[type(value)]}")
    return str(value)
