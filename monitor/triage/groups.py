"""Finds the group of each failed run by its cause, and makes those that are new, each with a problem."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.models import Execution, Failure, FailureGroup, Problem
from monitor.privacy import mask_text
from monitor.privacy_people import names_in
from monitor.triage.activity import log
from monitor.triage.failed_action import FailedAction, actions_of
from monitor.triage.fingerprint import LENGTH, VERSION, FailureCause, cause_of
from monitor.triage.keyed import is_of_another_key, marked
from monitor.triage.remedy import UNKNOWN
from monitor.triage.seen import hold_problems_of

TITLE_LENGTH = 300
MOST_COMPARED = 100  # runs of a new group whose names are looked for in its template
UNREAD = FailureCause("0" * LENGTH, "What this run says could not be read", UNKNOWN)
UNREAD_VERSION = 0  # of the rules that could not read it
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Caused:
    """Holds the cause of a run's failure, and the action that failed."""

    cause: FailureCause
    action: FailedAction
    code: str

    @property
    def is_read(self) -> bool:
        return self.cause is not UNREAD


NOT_READ = Caused(UNREAD, FailedAction(), "")


def error_digest(run: Execution) -> str:
    """Returns a keyed digest of what a run itself says of its cause: its error, and the data with its parameters."""
    said = [run.error_code, run.error_message, run.error_details, run.error_action_id, run.trigger_data]
    return marked("error", json.dumps(said, sort_keys=True))


def failed_at(run: Execution) -> datetime:
    """Returns when a run failed, by Zoho's clock as far as it says so."""
    return run.first_failed_at or run.completed_time or run.started_time or run.first_seen_at


def groups_of(
    runs: Sequence[Execution], digests: Mapping[int, str], entered: Mapping[int, Failure], now: datetime
) -> dict[int, FailureGroup]:
    """Finds the group of each run, and makes those that are new.

    Once a failure is entered it stays where it is while its run says the same: people's decisions hang on its problem,
    and neither another definition of the flow nor other rules of ours may take it away. Under another key than it was
    entered with nobody can tell whether its run says the same: then it stays, too. It moves once where only now the
    failed action is known; its new group then belongs to the same problem.

    Args:
        runs: whose errors can be read.
        digests: of what they say, by their primary keys: see `error_digest`.
        entered: their entries in the ledger, by the same keys.
        now: the present.
    """
    same = {
        run.pk: entered[run.pk].group
        for run in runs
        if run.pk in entered and _says_the_same(entered[run.pk].error_digest, digests[run.pk])
    }
    asked = [run for run in runs if not _is_known(same.get(run.pk))]
    actions = actions_of({(run.flow_id, run.error_action_id) for run in asked})
    moving = [
        run
        for run in asked
        if run.pk not in same or same[run.pk].version == UNREAD_VERSION or _action(actions, run) != FailedAction()
    ]
    caused = {run.pk: _cause(run, _action(actions, run)) for run in moving}
    return same | _groups(moving, caused, same, now)


def unread_groups(runs: Sequence[Execution], now: datetime) -> dict[int, FailureGroup]:
    """Returns the group of runs that could not be read: they are in the ledger, and people see that they are."""
    return _groups(runs, {run.pk: NOT_READ for run in runs}, {}, now)


def _says_the_same(before: str, digest: str) -> bool:
    return before == digest or is_of_another_key(before)


def _is_known(group: FailureGroup | None) -> bool:
    return group is not None and bool(group.app or group.action) and group.version != UNREAD_VERSION


def _action(actions: Mapping[tuple[int, str], FailedAction], run: Execution) -> FailedAction:
    return actions[run.flow_id, run.error_action_id]


def _cause(run: Execution, action: FailedAction) -> Caused:
    """Tells the cause of a run's failure. One that no rule can read keeps no other back."""
    try:
        cause = cause_of(
            app=action.app,
            action=action.kind,
            code=run.error_code,
            message=run.error_message,
            details=run.error_details,
            trigger_data=run.trigger_data,
        )
    except Exception as fault:  # noqa: BLE001 - whatever an app says: a problem of its own and the log tell of it
        logger.error("the error of run %s could not be read: %s", run.pk, type(fault).__name__)
        return NOT_READ
    return Caused(cause, action, run.error_code)


def _groups(
    runs: Sequence[Execution], caused: Mapping[int, Caused], left: Mapping[int, FailureGroup], now: datetime
) -> dict[int, FailureGroup]:
    """Finds or makes the groups of some causes; `left` are the groups that runs leave though they say the same."""
    wanted: dict[tuple[int, str], list[Execution]] = defaultdict(list)
    for run in runs:
        wanted[run.account_id, caused[run.pk].cause.fingerprint].append(run)
    known = FailureGroup.objects.filter(
        account__in={account for account, _ in wanted}, fingerprint__in={print_ for _, print_ in wanted}
    )
    groups = {(group.account_id, group.fingerprint): group for group in known}
    for place, members in wanted.items():
        if place not in groups:
            leaving = [left[run.pk] for run in members if run.pk in left]
            before = min((group.pk for group in leaving if group.version != UNREAD_VERSION), default=None)
            groups[place] = _new_group(members, caused[members[0].pk], before, now)
    return {run.pk: groups[place] for place, members in wanted.items() for run in members}


def _new_group(members: Sequence[Execution], caused: Caused, before: int | None, now: datetime) -> FailureGroup:
    """Makes a group: in the problem of the group that its failures were in before, else in one of its own."""
    times, cause = [failed_at(run) for run in members], caused.cause
    about: dict[str, Any] = {
        "account_id": members[0].account_id,
        "app": caused.action.app,
        "remedy": cause.remedy,
        "first_seen_at": min(times),
    }
    people = _people_of_all(members, [cause.template, caused.code]) if caused.is_read else []
    template = mask_text(cause.template, people=people)
    if before is not None:
        (problem,) = hold_problems_of([before])
    else:
        seen = {"last_seen_at": max(times), "state_since": now}
        made = Problem.objects.create(**about, **seen, title=template[:TITLE_LENGTH])
        log(made, "seen", now=now, actor=None, detail={"to": Problem.State.NEW})
        problem = made.pk
    return FailureGroup.objects.create(
        **about,
        problem_id=problem,
        fingerprint=cause.fingerprint,
        version=VERSION if caused.is_read else UNREAD_VERSION,
        action=caused.action.kind,
        error_code=mask_text(caused.code, people=people),
        template=template,
    )


def _people_of_all(members: Sequence[Execution], texts: Sequence[str]) -> list[str]:
    """Returns the names that stand in what is told of a cause and are hidden on the page of each of its runs.

    What one of these pages shows may stand here too: "website" is a word, though somebody's deal is called so.
    """
    said, names = [mask_text(text) for text in texts], list[str]()
    for number, run in enumerate(members[:MOST_COMPARED]):
        found = names_in(said, run.trigger_data, run.people)
        same = {name.casefold() for name in found}
        names = [name for name in names if name.casefold() in same] if number else found
        if not names:
            break
    return names
