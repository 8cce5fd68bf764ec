"""Gives up dead senders, sends what is due, and finds out what became of what was sent.

Source: docs/reference/retries.md, "A lost answer" and "Invariants of a retry" (R5, R6, R11). Safe to run at any time,
in any number of processes; a lost or doubled run of it does no harm.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Case, Q, Value, When

from monitor.models import RetryAttempt, notify_of_unknown
from monitor.retry import effects, timing
from monitor.retry.ask_zoho import look
from monitor.retry.client import OpenAccount
from monitor.retry.lost_answer import Finding
from monitor.retry.send import Clock, send
from monitor.retry.transition import STATES, amend, load, move
from monitor.sent_once.sending import is_due, to_unknown
from monitor.sent_once.sweep import (
    SweepCounts,
    advance_each,
    give_up_sender,
    is_dead,
    is_look_due,
    look_later,
    take_look,
    tell_owner,
)
from monitor.sent_once.timing import BY_HAND_AFTER
from monitor.vault import VaultError
from monitor.zoho.errors import Wait, ZohoError

log = logging.getLogger(__name__)
State = RetryAttempt.State


@dataclass
class SweepReport(SweepCounts):
    """Counts what one sweep of retries did.

    Attributes:
        told: unknown outcomes marked for their owner's attention.
        refs: (primary key of a flow, execution ids) that should be read into the mirror again.
    """

    told: int = 0
    refs: list[effects.Ref] = field(default_factory=list)

    def take_in(self, other: SweepCounts) -> None:
        super().take_in(other)
        if isinstance(other, SweepReport):
            self.refs = effects.merged([*self.refs, *other.refs])


def sweep(now_fn: Clock, *, open_account: OpenAccount, limit: int = 20) -> SweepReport:
    """Deals with the attempts that are due: what people wait to see sent comes first.

    Args:
        now_fn: returns the present, aware.
        open_account: see `access.OpenAccount`.
        limit: attempts to ask Zoho about in this run; bounds its time.

    Returns:
        What was done. A fault of ours with one attempt is logged and counted, and never keeps the others waiting.
    """
    now = now_fn()
    free = list(RetryAttempt.objects.filter(_free_of_zoho(now)).values_list("pk", flat=True))
    due = dict.fromkeys([*free, *_asking(now, limit)])
    return advance_each(
        due, lambda key: advance(key, now_fn=now_fn, open_account=open_account), SweepReport(), now_fn, "retry"
    )


def advance(attempt_id: int, *, now_fn: Clock, open_account: OpenAccount) -> SweepReport:
    """Takes one attempt as far as it can go now; nothing happens to one that is not due.

    Args:
        attempt_id: primary key.
        now_fn: returns the present, aware.
        open_account: see `access.OpenAccount`.

    Raises:
        RetryAttempt.DoesNotExist: there is none.
    """
    report = SweepReport()
    attempt = load(attempt_id)
    was_final = not attempt.is_open
    now = now_fn()
    if is_dead(attempt, now):
        check = timing.next_check(State.UNKNOWN, attempt.sent_at or now, now)
        report.expired += give_up_sender(STATES, attempt, check, now)
        # Its owner may have waited for longer than a quarter of an hour by now, for a worker that was gone.
        report.told += tell_owner(STATES, attempt, notify_of_unknown, now)
    elif is_due(attempt, STATES, now):
        attempt = send(attempt_id, open_account=open_account, now_fn=now_fn)
        report.sent += 1
        if attempt.state != State.REQUESTED:
            report.refs.append(effects.ref_of(attempt))
    elif attempt.state in (State.ACCEPTED, State.UNKNOWN):
        if is_look_due(attempt, now) and attempt.account.is_active:
            report.checked += _check(attempt, now, open_account, report)
        report.told += tell_owner(STATES, attempt, notify_of_unknown, now_fn())
    report.settled += int(not attempt.is_open and not was_final)
    return report


def _free_of_zoho(now: datetime) -> Q:
    dead_sender = Q(state=State.SENDING, lease_until__lt=now)
    untold = Q(state=State.UNKNOWN, owner_told_at=None, sent_at__lte=now - BY_HAND_AFTER)
    return dead_sender | untold


def _asking(now: datetime, limit: int) -> list[int]:
    wishes = RetryAttempt.objects.filter(Q(not_before=None) | Q(not_before__lte=now), state=State.REQUESTED)
    outcomes = RetryAttempt.objects.filter(
        state__in=[State.ACCEPTED, State.UNKNOWN], next_check_at__lte=now, account__is_active=True
    )
    # A person's own click before what batches and policies want, of which half of a run at most; outcomes have the
    # rest, and a quarter in any case.
    by_itself = Case(When(Q(item__isnull=False) | Q(policy__isnull=False), then=Value(1)), default=Value(0))
    ordered = wishes.annotate(by_itself=by_itself).order_by("by_itself", "requested_at", "pk")
    waiting = list(ordered.values_list("pk", "by_itself")[:limit])
    found = [pk for pk, is_by_itself in waiting if not is_by_itself]
    found += [pk for pk, is_by_itself in waiting if is_by_itself][: max(limit // 2 - len(found), 0)]
    rest = max(limit - len(found), limit // 4)
    return found + list(outcomes.order_by("next_check_at", "pk").values_list("pk", flat=True)[:rest])


def _check(attempt: RetryAttempt, now: datetime, open_account: OpenAccount, report: SweepReport) -> int:
    """Reads what Zoho shows, and draws the conclusion. Returns 1 if this process was the one to look."""
    sent_at = attempt.sent_at or now
    following = timing.next_check(attempt.state, sent_at, now)
    if not take_look(STATES, attempt, following):
        return 0
    finding = None
    try:
        with open_account(attempt.account, priority="people") as clients:
            finding = look(attempt, clients.flow, now) if clients.flow is not None else None
    except Wait as wait:
        look_later(STATES, attempt, wait, following, now)
    except (ZohoError, VaultError) as error:
        log.warning("retry %s: its outcome could not be read: %s", attempt.pk, error)
    if finding is not None and finding.outcome != "nothing":
        _draw(attempt, finding, now, report)
    _lose_trace(attempt, finding, following, now)
    return 1


def _draw(attempt: RetryAttempt, finding: Finding, now: datetime, report: SweepReport) -> None:
    """Writes the conclusion down, with the hours to count again, in one transaction."""
    recognised: dict[str, Any] = {}
    if finding.new_execution_id:
        # An answer that named the old row has then merely repeated what was asked.
        recognised = {"new_execution_id": finding.new_execution_id, "runs_in_place": False}
    if finding.outcome == "running" and finding.new_execution_id in ("", attempt.new_execution_id):
        return
    try:
        with transaction.atomic():
            if finding.outcome == "running":
                done = amend(attempt, told=(now, "recognised"), **recognised)
            else:
                answer = {"succeeded": "It ran and succeeded", "failed_again": "It ran and failed again"}
                text = f"{answer[finding.outcome]} ({finding.why})."
                done = move(attempt, finding.outcome, now=now, actor=None, note=finding.why, answer=text, **recognised)
            if done:
                effects.mark_hours(attempt)
                report.refs.append(effects.ref_of(attempt))
    except IntegrityError:
        # Another attempt claimed the same run in this moment: then it is proof for neither of the two.
        log.warning("retry %s: the run that looked like its own belongs to another retry", attempt.pk)


def _lose_trace(attempt: RetryAttempt, finding: Finding | None, following: datetime | None, now: datetime) -> None:
    """Zoho took it, but nothing of it can be seen: after a quarter of an hour that is unknown, too."""
    if attempt.state != State.ACCEPTED or attempt.sent_at is None:
        return
    is_traceless = finding is not None and finding.outcome == "nothing"
    if following is None or (is_traceless and now >= attempt.sent_at + BY_HAND_AFTER):
        check = timing.next_check(State.UNKNOWN, attempt.sent_at, now)
        answer = "Zoho took it, but shows no trace of it."
        to_unknown(STATES, attempt, answer=answer, note="no trace", now=now, check=check)
