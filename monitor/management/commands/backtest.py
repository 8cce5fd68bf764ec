"""Runs a condition over exported runs and prints when it would have fired and recovered (`manage.py backtest`)."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import IO, Any, get_args, get_type_hints

from django.core.management.base import BaseCommand, CommandError

from monitor.alerting.backtest import UnreadableRunError, edges_of, read_runs
from monitor.alerting.kinds import run_kinds
from monitor.alerting.kinds.interface import Condition
from monitor.alerting.steps import AlertPatience
from monitor.left_out import MarkedTimes
from monitor.periods import Window, whole_hours
from monitor.zoho.moments import moment

_TYPES = {int: "a whole number", float: "a number", str: "text"}
LONGEST_WAIT = 7 * 24 * 60  # minutes


class Command(BaseCommand):
    """`manage.py backtest --kind success-rate FILE.ndjson`."""

    help = "Prints when a condition would have fired and recovered over rows of `export executions`; needs no database."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Takes every kind's options; one of another kind is refused later."""
        parser.epilog = (
            "FILE: one JSON object a line with flow_id, status, started_time and completed_time, in any order and of"
            " any number of flows; - is standard input. Standard output: one JSON object for each edge."
        )
        parser.add_argument("file", metavar="FILE", help="rows as `export executions --format ndjson` prints them")
        kinds = sorted(_typed(kind) for kind in run_kinds())
        parser.add_argument("--kind", required=True, choices=kinds)
        by_name: dict[str, dict[str, type]] = {}
        for kind, condition in run_kinds().items():
            for name, of in _options(condition).items():
                by_name.setdefault(name, {})[_typed(kind)] = of
        for name, kinds_of in sorted(by_name.items()):
            of = next(iter(kinds_of.values()))
            said = f"{_TYPES[of]}; an option of {', '.join(sorted(kinds_of))}"
            parser.add_argument(f"--{_typed(name)}", type=of, metavar="X", help=said)
        parser.add_argument("--until", metavar="TIME", help="up to when; the end of the newest run where unsaid")
        parser.add_argument(
            "--leave-out",
            action="append",
            default=[],
            metavar="FROM/UNTIL",
            help="runs that began in the hours of UTC from one time to another are in no rate; may be given often",
        )
        parser.add_argument("--for", type=float, default=0, metavar="MINUTES", help="it must last so long to fire")
        parser.add_argument("--keep-firing", type=float, default=0, metavar="MINUTES", help="and be over so long")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints nothing before every line is read: a half-read history has other edges."""
        condition = _condition(options)
        patience = AlertPatience(_minutes("--for", options["for"]), _minutes("--keep-firing", options["keep_firing"]))
        until = _until(options["until"])
        left_out = MarkedTimes.of(_marked(text) for text in options["leave_out"])
        try:
            runs = _read(options["file"])
            for edge in edges_of(condition, runs, until=until, patience=patience, left_out=left_out):
                self.stdout.write(json.dumps(edge))
            self.stdout.flush()
        except BrokenPipeError:
            # The reader (head, less) has seen enough; nothing more may be written, not even at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except UnreadableRunError as error:
            raise CommandError(str(error), returncode=2) from None
        except KeyboardInterrupt:
            raise CommandError("interrupted", returncode=130) from None


def _typed(name: str) -> str:
    return name.replace("_", "-")


def _options(condition: type[Condition]) -> dict[str, type]:
    """Returns the options of a kind, which are the fields of its condition, and how they are typed."""
    hints = get_type_hints(condition)
    return {
        option.name: next(of for of in (get_args(hints[option.name]) or (hints[option.name],)) if of in _TYPES)
        for option in fields(condition)  # type: ignore[arg-type]
    }


def _condition(options: dict[str, Any]) -> Condition:
    kinds = run_kinds()
    kind = kinds[options["kind"].replace("-", "_")]
    own = _options(kind)
    known = {name for condition in kinds.values() for name in _options(condition)}
    given = {name: options[name] for name in sorted(known) if options.get(name) is not None}
    if foreign := [name for name in given if name not in own]:
        raise CommandError(f"--{_typed(foreign[0])} is no option of {options['kind']}", returncode=2)
    try:
        return kind(**given)
    except ValueError as error:
        raise CommandError(f"--{_typed(str(error))}", returncode=2) from None


def _minutes(name: str, value: float) -> timedelta:
    if not 0 <= value <= LONGEST_WAIT:
        raise CommandError(f"{name} must be a number of minutes from 0 to {LONGEST_WAIT:,}", returncode=2)
    return timedelta(minutes=value)


def _until(text: str | None) -> datetime | None:
    if text is None:
        return None
    found = moment(text, UTC)
    if found is None:
        raise CommandError(f"--until {text!r} is no time such as 2026-11-22T10:00:00Z", returncode=2)
    return found


def _marked(text: str) -> Window:
    start, _, end = text.partition("/")
    found = [moment(part, UTC) for part in (start, end)]
    if found[0] is None or found[1] is None or found[0] >= found[1]:
        raise CommandError(
            f"--leave-out {text!r} is no period such as 2026-11-22T10:00:00Z/2026-11-22T12:00:00Z", returncode=2
        )
    return whole_hours(found[0], found[1])


def _read(name: str) -> Any:
    if name == "-":
        return read_runs(sys.stdin.buffer)
    try:
        source: IO[bytes] = open(name, "rb")  # noqa: SIM115 (closed below; what opening raises is the file's fault)
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}", returncode=2) from None
    with source:
        return read_runs(source)
