"""Writes a problem's activity log and changes its state: the one place where either happens."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from monitor import audit
from monitor.models import Occasion, Problem, ProblemAct, User, notify_of_act
from monitor.named_people import newest_failed, people_named


def log(
    problem: Problem,
    kind: str,
    *,
    now: datetime,
    actor: User | None,
    text: str = "",
    detail: dict[str, Any] | None = None,
    runs: Collection[int] = (),
    mentioned: Collection[User] = (),
) -> ProblemAct:
    """Appends a line to the log of a problem, and to the audit trail where a person is behind it.

    A person's own words stand in the log alone: they may name people.

    Args:
        problem: whose log.
        kind: such as ``"assigned"``.
        now: the present.
        actor: the person behind it; None for the program.
        text: the person's words.
        detail: what changed.
        runs: primary keys of runs that the words are about, beside the newest of the problem.
        mentioned: people of ours whom the words mention.
    """
    about = [*runs, *newest_failed(group__problem=problem)] if text else []
    act = ProblemAct.objects.create(
        problem=problem,
        at=now,
        actor=actor,
        kind=kind,
        text=text,
        said_names="\n".join(people_named(text, about, but=mentioned)),
        detail=detail or {},
    )
    if actor is not None:
        audit.record(actor, f"problem.{kind}", problem, now=now, account=problem.account_id, detail=detail)
    return act


def change_state(
    problem: Problem,
    to: str,
    *,
    now: datetime,
    actor: User | None,
    reason: str = "",
    text: str = "",
    by: User | None = None,
    **changes: Any,
) -> bool:
    """Takes a problem to another state, if nobody else has changed it since it was read.

    The owner of one that the program resolves is told.

    Args:
        problem: as it was read; on success it is brought up to date.
        to: the state.
        now: the present.
        actor: the person behind it; None for the program.
        reason: why, in the program's words.
        text: why, in the person's words.
        by: whose act made the program do it; None where nobody's did.
        changes: further columns to set with it; what belongs to the former state is taken away.

    Returns:
        False where somebody came first; then nothing was written.
    """
    belongings = {"resolved_before": None, "archived_until": None, "archived_after": None}
    columns = belongings | {"state": to, "state_since": now} | changes
    before = problem.state
    with transaction.atomic():
        same = Problem.objects.filter(pk=problem.pk, version=problem.version)
        if not same.update(**columns, version=F("version") + 1):
            return False
        detail = {"from": before, "to": to} | ({"reason": reason} if reason else {})
        act = log(problem, to, now=now, actor=actor, text=text, detail=detail)
        if actor is None and to == Problem.State.RESOLVED:
            # As it is now: who has read the problem need not know its newest owner.
            owner = User.objects.filter(problems_owned=problem).first()
            notify_of_act(Occasion.Kind.RESOLVED, [owner], act, by=by)
    for name, value in columns.items():
        setattr(problem, name, value)
    problem.version += 1
    return True
