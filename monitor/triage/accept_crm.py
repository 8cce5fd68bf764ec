"""Accepts what failed in CRM, with a reason, and takes that back within ten minutes: Zoho runs none of it again."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db import transaction

from monitor.access import may
from monitor.languages import gettext as _
from monitor.models import CrmFailure, Problem, User
from monitor.models.hand_over import again_on_deadlock
from monitor.triage.activity import log
from monitor.triage.acts import ActRefused
from monitor.triage.judge import judge_these
from monitor.triage.seen import hold, touch
from monitor.triage.write_off import REASON_LIMIT, UNDO_FOR

Fate = CrmFailure.Fate


def accept(problem: Problem, actor: User, reason: str, now: datetime) -> int:
    """Accepts all that is open of a problem; returns how many failures.

    Raises:
        ActRefused: not permitted, merged away, no usable reason, or nothing is open.
    """
    reason = " ".join(reason.replace("\0", "").split())
    if not reason:
        raise ActRefused(_("Say why these failures are accepted."), "text_missing")
    if len(reason) > REASON_LIMIT:
        raise ActRefused(_("The reason is longer than %(n)s characters.") % {"n": REASON_LIMIT}, "text_long")
    return again_on_deadlock(partial(_move, problem, actor, now, Fate.OPEN, Fate.WRITTEN_OFF, "accepted", reason))


def take_back(problem: Problem, actor: User, now: datetime) -> int:
    """Opens again what was accepted within the last ten minutes; returns how many failures.

    Raises:
        ActRefused: not permitted, merged away, or there is nothing to take back.
    """
    return again_on_deadlock(partial(_move, problem, actor, now, Fate.WRITTEN_OFF, Fate.OPEN, "accepted_back", ""))


@transaction.atomic
def _move(problem: Problem, actor: User, now: datetime, before: str, after: str, kind: str, reason: str) -> int:
    if not may(actor, "write_off", problem.account):
        raise ActRefused(_("You may not accept failures."), "not_permitted")
    # Failures before problems, as everywhere.
    rows = CrmFailure.objects.select_for_update(no_key=True).filter(group__problem=problem, fate=before).order_by("pk")
    if before == Fate.WRITTEN_OFF:
        rows = rows.filter(fate_at__gt=now - UNDO_FOR)
    counts = dict(rows.values_list("pk", "count"))
    held = hold([problem.pk]).get(problem.pk)
    if held is None or held.merged_into_id is not None:
        raise ActRefused(_("It was merged into another problem."), "merged_away")
    if not counts:
        raise ActRefused(
            _("Nothing of it is open.") if before == Fate.OPEN else _("It is too late for that."), "already_so"
        )
    CrmFailure.objects.filter(pk__in=list(counts), fate=before).update(fate=after, fate_at=now)
    log(problem, kind, now=now, actor=actor, text=reason, detail={"failures": sum(counts.values())})
    touch([problem.pk])
    judge_these([problem.pk], now, by=actor)
    return sum(counts.values())
