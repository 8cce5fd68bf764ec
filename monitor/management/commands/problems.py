"""Lists problems, and does with them what people do on their pages (`manage.py problems`)."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Sequence
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
from monitor.triage.accept_crm import accept
from monitor.triage.acts import ActRefused
from monitor.triage.many import with_each
from monitor.triage.write_off import write_off

ACTS = ("list", "resolve", "archive", "reopen", "assign", "note", "merge", "write-off")
STATES = ("unresolved", "all", *Problem.State.values)
SHORTEST, LONGEST = 1, 1_000_000
BIGGEST_NUMBER = 2**63 - 1  # of a row: a larger one is none's, and no database takes it


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
        found = _found(numbers)
        now = utc_now()
        try:
            if options["act"] == "merge":
                lines = _merge([found[number] for number in numbers], now)
            else:
                lines = _with_all(numbers, options, now)
        except ActRefused as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write("\n".join(lines))

    def _list(self, options: dict[str, Any]) -> None:
        account = options["account"]
        known = ZohoAccount.objects.filter(name=account).values_list("pk", flat=True).first() if account else None
        if account and known is None:
            raise CommandError(f"there is no account named {account!r}")
        state = "" if options["state"] == "all" else options["state"]
        matching = queries.matching(ProblemFilter(account_id=known, state=state))
        if options["numbers"]:
            matching = matching.filter(pk__in=_found(options["numbers"]))
        rows = queries.with_counts(list(matching))
        if options["json"]:
            self.stdout.write(json.dumps([_as_json(row) for row in rows], indent=2, ensure_ascii=False))
            return
        if not rows:
            self.stdout.write("No problems." if state == "" else f"No problems that are {state}.")
        for row in rows:
            self.stdout.write(_line(row))


def _found(numbers: Sequence[int]) -> dict[int, Problem]:
    """Reads the problems of these numbers.

    Raises:
        CommandError: there is none of one of them.
    """
    found = queries.problems().in_bulk([number for number in numbers if 0 < number <= BIGGEST_NUMBER])
    for number in numbers:
        if number not in found:
            raise CommandError(f"there is no problem {number}")
    return found


def _with_all(numbers: Sequence[int], options: dict[str, Any], now: datetime) -> list[str]:
    """Does it with all of the problems, or with none; returns what became of each, in the order in which they stand."""
    act = _act(options, now)
    told = with_each(numbers, act) if act is not None else _given_up(numbers, options["reason"], now)
    return [f"{number}: {told[number]}" for number in numbers]


def _given_up(numbers: Sequence[int], reason: str, now: datetime) -> dict[int, str]:
    """Writes all open failures of the problems off at once: failures are locked before problems.

    Raises:
        ActRefused: nothing of a problem of CRM is open; nothing was written.
    """
    of_crm = Problem.objects.filter(pk__in=numbers, source=Problem.Source.CRM).select_related("account").order_by("pk")
    with transaction.atomic():
        accepted = {problem.pk: accept(problem, system_user(), reason, now) for problem in of_crm}
        told = {number: f"{count} failure{'s' * (count != 1)} accepted" for number, count in accepted.items()}
        return _runs_given_up([number for number in numbers if number not in accepted], reason, now) | told


def _runs_given_up(numbers: Sequence[int], reason: str, now: datetime) -> dict[int, str]:
    if not numbers:
        return {}
    still = Failure.objects.filter(group__problem__in=numbers, fate=Failure.Fate.OPEN)
    of = dict(still.values_list("pk", "group__problem"))
    counts = Counter(of[key] for key in write_off(list(of), system_user(), reason, now))
    return {number: f"{counts[number]} runs written off" for number in numbers}


def _merge(chosen: list[Problem], now: datetime) -> list[str]:
    *others, into = chosen
    if not others:
        raise CommandError("merge needs two problems at least")
    acts.merge(others, into, system_user(), now)
    return [f"{into.pk}: took in {', '.join(str(one.pk) for one in others)}"]


def _act(options: dict[str, Any], now: datetime) -> Callable[[Problem], str] | None:
    """Returns what is done with each problem: it says what became of it. None for writing off, done with all at once.

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
    }.get(options["act"])


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
