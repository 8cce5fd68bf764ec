"""Lists problems, and does with them what people do on their pages (`manage.py problems`)."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from monitor.connection import utc_now
from monitor.management.commands.export import parse_since
from monitor.management.data_command import DataCommand
from monitor.management.ranges import require_range
from monitor.models import Failure, Problem, User, ZohoAccount, system_user
from monitor.queries import problems as queries
from monitor.queries.problems import Ledger, ProblemFilter, ProblemRow
from monitor.triage import acts
from monitor.triage.acts import ActRefused
from monitor.triage.write_off import write_off

ACTS = ("list", "resolve", "archive", "reopen", "assign", "note", "merge", "write-off")
STATES = ("unresolved", "all", *Problem.State.values)
SHORTEST, LONGEST = 1, 1_000_000


class Command(DataCommand):
    help = (
        "What failed for one cause, how many runs are still open, who is on it; and acts on problems by their number."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", nargs="?", choices=ACTS, default="list")
        parser.add_argument(
            "numbers", nargs="*", type=int, metavar="N", help="of the problems; for merge the last stays"
        )
        parser.add_argument("--json", action="store_true", help="list: machine-readable")
        parser.add_argument("--state", choices=STATES, default="unresolved", help="list: which (unresolved)")
        parser.add_argument("--account", metavar="NAME", help="list: only of this account")
        parser.add_argument("--owner", metavar="NAME", help="assign: to whom; empty for nobody")
        parser.add_argument("--reason", default="", metavar="TEXT", help="why; note: the note. write-off needs it")
        parser.add_argument("--changed-at", metavar="TIME", help="resolve: when what solved it was changed")
        parser.add_argument("--until", metavar="TIME", help="archive: comes back then")
        parser.add_argument("--after", type=int, metavar="N", help="archive: comes back after so many more failures")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["act"] == "list":
            self._list(options)
            return
        numbers = list(dict.fromkeys(options["numbers"]))
        if not numbers:
            raise CommandError(f"say which problems: manage.py problems {options['act']} N ...")
        found = queries.problems().in_bulk(numbers)
        for number in numbers:
            if number not in found:
                raise CommandError(f"there is no problem {number}")
        chosen = [found[number] for number in numbers]
        now = utc_now()
        try:
            # All of them, or none.
            with transaction.atomic():
                if options["act"] == "merge":
                    lines = [_merge(chosen, now)]
                else:
                    do = _act(options, now)
                    lines = [f"{problem.pk}: {do(problem)}" for problem in chosen]
        except ActRefused as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write("\n".join(lines))

    def _list(self, options: dict[str, Any]) -> None:
        account = options["account"]
        known = ZohoAccount.objects.filter(name=account).values_list("pk", flat=True).first() if account else None
        if account and known is None:
            raise CommandError(f"there is no account named {account!r}")
        state = "" if options["state"] == "all" else options["state"]
        rows = queries.with_counts(list(queries.matching(ProblemFilter(account_id=known, state=state))))
        if options["json"]:
            self.stdout.write(json.dumps([_as_json(row) for row in rows], indent=2, ensure_ascii=False))
            return
        if not rows:
            self.stdout.write("No problems." if state == "" else f"No problems that are {state}.")
        for row in rows:
            self.stdout.write(_line(row))


def _merge(chosen: list[Problem], now: datetime) -> str:
    *others, into = chosen
    if not others:
        raise CommandError("merge needs two problems at least")
    acts.merge(others, into, system_user(), now)
    return f"{into.pk}: took in {', '.join(str(one.pk) for one in others)}"


def _act(options: dict[str, Any], now: datetime) -> Callable[[Problem], str]:
    """Returns what is done with each problem: it says what became of it.

    Raises:
        CommandError: an option cannot be read, or one is missing.
    """
    actor, reason = system_user(), options["reason"]
    until, after = _time("--until", options["until"]), options["after"]
    changed_at = _time("--changed-at", options["changed_at"])
    if after is not None:
        require_range("--after", after, SHORTEST, LONGEST)
    owner = _person(options["owner"])
    if options["act"] == "assign" and options["owner"] is None:
        raise CommandError("say to whom: --owner NAME, or --owner '' for nobody")

    def given_up(problem: Problem) -> str:
        still = Failure.objects.filter(group__problem=problem, fate=Failure.Fate.OPEN)
        return f"{len(write_off(list(still.values_list('pk', flat=True)), actor, reason, now))} runs written off"

    def assigned(problem: Problem) -> str:
        acts.assign(problem, owner, actor, now)
        return f"assigned to {owner.get_username()}" if owner is not None else "assigned to nobody"

    def done(what: Callable[..., None], words: str, **more: Any) -> Callable[[Problem], str]:
        def do(problem: Problem) -> str:
            what(problem, actor, now, text=reason, **more)
            return words

        return do

    def noted(problem: Problem) -> str:
        unknown = acts.add_note(problem, reason, actor, now)
        return f"noted. {acts.nobody_is_called(unknown)}" if unknown else "noted"

    return {
        "resolve": done(acts.resolve, "resolved", by_change_at=changed_at),
        "archive": done(acts.archive, "archived", until=until, after_more=after),
        "reopen": done(acts.reopen, "reopened"),
        "assign": assigned,
        "note": noted,
        "write-off": given_up,
    }[options["act"]]


def _time(option: str, text: str | None) -> datetime | None:
    try:
        return parse_since(text) if text is not None else None
    except CommandError as error:
        raise CommandError(str(error).replace("--since", option, 1)) from None


def _person(name: str | None) -> User | None:
    if not name:
        return None
    person = User.objects.filter(username=name).first()
    if person is None:
        raise CommandError(f"there is no person named {name!r}")
    return person


def _as_json(row: ProblemRow) -> dict[str, Any]:
    problem, counts = row.problem, row.ledger
    return {
        "number": problem.pk,
        "title": row.title,
        "account": problem.account.name,
        "state": problem.state,
        "state_since": _plain(problem.state_since),
        "owner": problem.owner.get_username() if problem.owner else None,
        "remedy": problem.remedy,
        "app": problem.app,
        "first_seen_at": _plain(problem.first_seen_at),
        "last_seen_at": _plain(problem.last_seen_at),
        "flows": row.flows,
        "failed": counts.failed,
        **{fate: getattr(counts, fate) for fate in Failure.Fate.values},
    }


def _plain(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _line(row: ProblemRow) -> str:
    problem = row.problem
    owner = f", {problem.owner.get_username()} is on it" if problem.owner else ", nobody is on it"
    where = "1 flow" if row.flows == 1 else f"{row.flows} flows"
    return (
        f"{problem.pk}: {row.title} [{problem.get_state_display().lower()}] {_counts(row.ledger)} in {where} of "
        f"{problem.account.name}, last {_plain(problem.last_seen_at)}{owner}"
    )


def _counts(counts: Ledger) -> str:
    return f"{counts.open} of {counts.failed} failed runs open"
