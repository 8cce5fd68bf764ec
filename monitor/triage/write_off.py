"""Gives failed runs up, with a reason, and takes that back within ten minutes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

from monitor.access import may
from monitor.languages import gettext as _
from monitor.models import Execution, Failure, FailureGroup, Problem, User, WriteOff
from monitor.models.hand_over import again_on_deadlock
from monitor.named_people import people_named
from monitor.triage.activity import log
from monitor.triage.acts import ActRefused
from monitor.triage.judge import judge_these
from monitor.triage.outcomes import fates_of
from monitor.triage.seen import touch_problems_of
from monitor.triage.supersede import look_back

UNDO_FOR = timedelta(minutes=10)
REASON_LIMIT = 500  # characters


def write_off(failures: Collection[int], actor: User, reason: str, now: datetime) -> list[int]:
    """Gives open failures up; what is no longer open stays as it is.

    Args:
        failures: primary keys. None of them is nothing, never all.
        actor: who gives them up.
        reason: why, 1 to 500 characters.
        now: the present.

    Returns:
        Primary keys of those that were written off.

    Raises:
        ActRefused: not permitted for one of them, or no usable reason; nothing was written.
    """
    reason = " ".join(reason.replace("\0", "").split())
    if not reason:
        raise ActRefused(_("Say why these runs are given up."), "text_missing")
    if len(reason) > REASON_LIMIT:
        raise ActRefused(_("The reason is longer than %(n)s characters.") % {"n": REASON_LIMIT}, "text_long")
    return again_on_deadlock(partial(_write_off, failures, actor, reason, now))


@transaction.atomic
def _write_off(failures: Collection[int], actor: User, reason: str, now: datetime) -> list[int]:
    rows = _held(failures, Failure.Fate.OPEN)
    _check(rows, actor)
    keys = [row.pk for row in rows]
    columns = {"by": actor, "at": now, "reason": reason, "said_names": "\n".join(people_named(reason, keys))}
    WriteOff.objects.bulk_create(WriteOff(failure=row, **columns) for row in rows)
    Failure.objects.filter(pk__in=keys).update(fate=Failure.Fate.WRITTEN_OFF, fate_at=now)
    _log(rows, "written_off", actor, now, reason)
    return keys


def take_back(failures: Collection[int], actor: User, now: datetime) -> list[int]:
    """Opens failures again that were written off within the last ten minutes; returns their primary keys.

    Raises:
        ActRefused: not permitted for one of them; nothing was written.
    """
    return again_on_deadlock(partial(_take_back, failures, actor, now))


@transaction.atomic
def _take_back(failures: Collection[int], actor: User, now: datetime) -> list[int]:
    rows = [row for row in _held(failures, Failure.Fate.WRITTEN_OFF) if now < row.write_off.at + UNDO_FOR]
    _check(rows, actor)
    WriteOff.objects.filter(failure__in=[row.pk for row in rows]).delete()
    # What happened at Zoho meanwhile counts: a retry that went well, or a run of Zoho's own.
    for fate, keys in _by_fate(rows).items():
        Failure.objects.filter(pk__in=keys).update(fate=fate, fate_at=now)
    look_back([(row.flow_id, row.began_at) for row in rows if row.record])
    _log(rows, "taken_back", actor, now, "")
    return [row.pk for row in rows]


def _by_fate(rows: Collection[Failure]) -> dict[str, list[int]]:
    """Sorts failures by how they ended without a person's giving them up."""
    runs = list(Execution.objects.filter(pk__in=[row.pk for row in rows]).only("status"))
    found: dict[str, list[int]] = defaultdict(list)
    for key, fate in fates_of(runs, {}).items():
        found[fate].append(key)
    return found


def _held(failures: Collection[int], fate: str) -> list[Failure]:
    """Locks the rows of some failures that have this fate, in one order."""
    rows = Failure.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=failures, fate=fate)
    return list(rows.select_related("account", "write_off").defer("account__client_secret").order_by("pk"))


def _check(rows: Collection[Failure], actor: User) -> None:
    if not may(actor, "write_off") or not all(may(actor, "write_off", row.account) for row in rows):
        raise ActRefused(_("You may not write failures off."), "not_permitted")


def _log(rows: Collection[Failure], kind: str, actor: User, now: datetime, reason: str) -> None:
    """Writes a line for each problem, how many of its runs, not which; and judges the problem by what is left."""
    groups = Counter(row.group_id for row in rows)
    problems = touch_problems_of(groups)
    runs = [row.pk for row in rows]
    places = dict(FailureGroup.objects.filter(pk__in=groups).values_list("pk", "problem_id"))
    counts: Counter[int] = Counter()
    for group, count in groups.items():
        counts[places[group]] += count
    for problem in Problem.objects.filter(pk__in=problems).select_related("account").order_by("pk"):
        log(problem, kind, now=now, actor=actor, text=reason, detail={"runs": counts[problem.pk]}, runs=runs)
    judge_these(problems, now, by=actor)
