"""Says what differs between two accounts, two times or two exported folders (`manage.py diff A B`)."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from monitor.connection import utc_now
from monitor.definition_compare import DIFFERS, KINDS, LEFT_ONLY, RIGHT_ONLY, SAME, DefinitionSet, Pair, compare, masked
from monitor.management.commands.export import parse_since
from monitor.management.data_command import COULD_NOT, AnsweringCommand
from monitor.management.definition_files import FolderError, read_folder
from monitor.models import ZohoAccount
from monitor.queries.definition_sets import of_account
from monitor.queries.versions import ChangeText, change_text

DIFFER = 1
LONGEST = 200  # characters of a value in a line; --json has the whole
_SIGNS = {RIGHT_ONLY: "+", LEFT_ONLY: "-", DIFFERS: "~"}
_WORDS = {RIGHT_ONLY: "added", LEFT_ONLY: "removed", DIFFERS: "changed"}


class Command(AnsweringCommand):
    help = (
        "Says what differs from A to B: flows, workflow rules and connected workflows that were added, removed or "
        "changed, field by field. Ids and times that differ between two accounts anyway are left out there. Ends with "
        "0 where both are the same, with 1 where they differ, with 2 where that cannot be said."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = "an account by name or number, one at a time (Acme@2026-11-01), or a folder of `export definitions`"
        parser.add_argument("a", metavar="A", help=what)
        parser.add_argument("b", metavar="B", help="likewise")
        parser.add_argument("--json", action="store_true", help="machine-readable")
        parser.add_argument(
            "--by", choices=["id", "name"], help="what makes a pair; else ids within one account, names between two"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        left, right = _read(options["a"]), _read(options["b"])
        by_id = options["by"] == "id" if options["by"] else left.account == right.account
        pairs = compare(left, right, by_id=by_id)
        unread = len(left.unread) + len(right.unread)
        if options["json"]:
            report = _report(options["a"], options["b"], pairs, by_id=by_id) | {"unread": unread}
            self.stdout.write(json.dumps(report, indent=2, ensure_ascii=False))
        else:
            for line in _lines(pairs):
                self.stdout.write(line)
            self.stdout.write(_summary(pairs, unread))
        if any(pair.state != SAME for pair in pairs):
            raise SystemExit(DIFFER)  # an answer, and no fault that would want a line of its own
        if unread:
            raise CommandError(
                f"what is known is the same, but the definitions of {unread} are not known", returncode=COULD_NOT
            )


def _read(text: str) -> DefinitionSet:
    """Reads what A or B names: first an account, then an account at a time, then a folder.

    Raises:
        CommandError: it is none of them.
    """
    account = _account(text)
    if account is not None:
        return of_account(account)
    name, sign, day = text.rpartition("@")
    account = _account(name) if sign else None
    if account is not None:
        at = parse_since(day, "at")
        if at > utc_now():
            raise CommandError(f"{day} has not come yet", returncode=COULD_NOT)
        found = of_account(account, at)
        if not found.things:
            raise CommandError(f"no definition of {name} is known from {day} or before", returncode=COULD_NOT)
        return found
    if os.sep not in text and not Path(text).is_dir():
        raise CommandError(f"{text!r} is no account, no account at a time and no folder", returncode=COULD_NOT)
    try:
        return read_folder(Path(text))
    except FolderError as error:
        raise CommandError(str(error), returncode=COULD_NOT) from None


def _account(text: str) -> ZohoAccount | None:
    found = ZohoAccount.objects.filter(name=text).first()
    if found is None and text.isascii() and text.isdigit() and len(text) < 19:
        found = ZohoAccount.objects.filter(pk=int(text)).first()
    return found


def _lines(pairs: Sequence[Pair]) -> list[str]:
    lines = []
    for pair in pairs:
        if pair.state == SAME:
            continue
        thing = masked(pair.either)
        lines.append(_printable(f"{_SIGNS[pair.state]} {KINDS[thing.kind].lower()} {thing.name!r} ({thing.zoho_id})"))
        lines += [f"    {_printable(_change(change_text(change)))}" for change in pair.changes]
    return lines


def _change(text: ChangeText) -> str:
    path = text.path or "the whole definition"
    if text.kind == "added":
        return f"{path}: added {_short(text.after)}"
    if text.kind == "removed":
        return f"{path}: removed {_short(text.before)}"
    if text.kind == "secret":
        return f"{path}: another secret"
    order = "another order, " if text.kind == "moved" else ""
    return f"{path}: {order}{_short(text.before)} → {_short(text.after)}"


def _short(text: str) -> str:
    line = " ".join(text.split()) or '""'
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def _printable(line: str) -> str:
    """Shows what a terminal would act on as U+FFFD."""
    return "".join(char if char.isprintable() else "\ufffd" for char in line)


def _report(a: str, b: str, pairs: Sequence[Pair], *, by_id: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"a": a, "b": b, "by": "id" if by_id else "name"}
    found |= {word: [_record(pair) for pair in pairs if pair.state == state] for state, word in _WORDS.items()}
    return found | {"same": sum(pair.state == SAME for pair in pairs)}


def _record(pair: Pair) -> dict[str, Any]:
    thing = masked(pair.either)
    record: dict[str, Any] = {"kind": thing.kind, "name": thing.name}
    record |= {side: one.zoho_id for side, one in (("id_a", pair.left), ("id_b", pair.right)) if one is not None}
    if pair.state == DIFFERS:
        texts = [change_text(change) for change in pair.changes]
        record["changes"] = [
            {"path": text.path, "kind": text.kind, "before": text.before, "after": text.after} for text in texts
        ]
    return record


def _summary(pairs: Sequence[Pair], unread: int) -> str:
    counts = [f"{sum(pair.state == state for pair in pairs)} {word}" for state, word in _WORDS.items()]
    counts.append(f"{sum(pair.state == SAME for pair in pairs)} the same")
    if unread:
        counts.append(f"{unread} not known")
    return ", ".join(counts)
