"""Gives up dead senders, sends what is due, and finds out what became of what was sent.

Source: docs/reference/retries.md, "A lost answer" and "Invariants of a retry" (R5, R6, R11). Safe to run at any time,
in any number of processes; a lost or doubled run of it does no harm.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Case, Q, Value, When

from monitor.models import RetryAttempt, notify_of_unknown
from monitor.retry import effects, timing
from monitor.retry.ask_zoho import look
from monitor.retry.client import OpenAccount
from monitor.retry.conclude import Finding
from monitor.retry.send import Clock, load, send
from monitor.retry.transition import amend, move
from monitor.vault import VaultError
from monitor.zoho.errors import Wait, ZohoError

log = logging.getLogger(__name__)
State = RetryAttempt.State


@dataclass
class SweepReport:
    """Holds what one sweep did.

    Attributes:
        expired: senders given up for dead.
        sent: wishes taken up (sent, put off or called off).
        checked: open outcomes looked at.
        settled: attempts that reached their end.
        told: unknown outcomes marked for their owner's attention.
        errors: attempts that could not be dealt with for a fault of ours; they are in the log.
        refs: (primary key of a flow, execution ids) that should be read into the mirror again.
    """

    expired: int = 0
    sent: int = 0
    checked: int = 0
    settled: int = 0
    told: int = 0
    errors: int = 0
    refs: list[effects.Ref] = field(default_factory=list)

    def add(self, other: SweepReport) -> None:
        """Takes another report's figures in."""
        for name, value in other.summary().items():
            setattr(self, name, getattr(self, name) + value)
        self.refs = effects.merged([*self.refs, *other.refs])

    def summary(self) -> dict[str, int]:
        """Returns the figures, for the row that a run of a stage leaves."""
        names = ("expired", "sent", "checked", "settled", "told", "errors")
        return {name: getattr(self, name) for name in names}


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
    report = SweepReport()
    free = list(RetryAttempt.objects.filter(_free_of_zoho(now)).values_list("pk", flat=True))
    for attempt_id in dict.fromkeys([*free, *_asking(now, limit)]):
        if now_fn() - now > timing.SWEEP_SPAN:
            break
        try:
            report.add(advance(attempt_id, now_fn=now_fn, open_account=open_account))
        except Exception:
            log.exception("retry %s could not be advanced", attempt_id)
            report.errors += 1
    return report


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
    if attempt.state == State.SENDING and attempt.lease_until is not None and attempt.lease_until < now:
        report.expired += _give_up_sender(attempt, now)
        # Its owner may have waited for longer than a quarter of an hour by now, for a worker that was gone.
        report.told += _tell_owner(attempt, now)
    elif attempt.state == State.REQUESTED and (attempt.not_before is None or attempt.not_before <= now):
        attempt = send(attempt_id, open_account=open_account, now_fn=now_fn)
        report.sent += 1
        if attempt.state != State.REQUESTED:
            report.refs.append(effects.ref_of(attempt))
    elif attempt.state in (State.ACCEPTED, State.UNKNOWN):
        if attempt.next_check_at is not None and attempt.next_check_at <= now and attempt.account.is_active:
            report.checked += _check(attempt, now, open_account, report)
        report.told += _tell_owner(attempt, now_fn())
    report.settled += int(not attempt.is_open and not was_final)
    return report


def _free_of_zoho(now: datetime) -> Q:
    dead_sender = Q(state=State.SENDING, lease_until__lt=now)
    untold = Q(state=State.UNKNOWN, owner_told_at=None, sent_at__lte=now - timing.OWNER_TOLD_AFTER)
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


def _give_up_sender(attempt: RetryAttempt, now: datetime) -> int:
    """Gives up a sender that died: whether it sent is not known, so it is never sent again."""
    check = timing.next_check(State.UNKNOWN, attempt.sent_at or now, now)
    note = "the process that was sending it is gone"
    answer = "The process that was sending it ended before it could note the answer."
    return move(
        attempt, State.UNKNOWN, now=now, actor=None, note=note, answer=answer, next_check_at=check, lease_until=None
    )


def _check(attempt: RetryAttempt, now: datetime, open_account: OpenAccount, report: SweepReport) -> int:
    """Reads what Zoho shows, and draws the conclusion. Returns 1 if this process was the one to look."""
    sent_at = attempt.sent_at or now
    following = timing.next_check(attempt.state, sent_at, now)
    # The claim is the next time itself: whoever moves it looks, and one that dies has only skipped a turn.
    if not amend(attempt, expect={"checks": attempt.checks}, checks=attempt.checks + 1, next_check_at=following):
        return 0
    finding = None
    try:
        with open_account(attempt.account, priority="people") as clients:
            finding = look(attempt, clients.flow, now) if clients.flow is not None else None
    except Wait as wait:
        later = now + timedelta(seconds=wait.retry_after)
        if following is not None and later > following:
            amend(attempt, next_check_at=later)
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
    if following is None or (is_traceless and now >= attempt.sent_at + timing.OWNER_TOLD_AFTER):
        check = timing.next_check(State.UNKNOWN, attempt.sent_at, now)
        answer = "Zoho took it, but shows no trace of it."
        move(attempt, State.UNKNOWN, now=now, actor=None, note="no trace", answer=answer, next_check_at=check)


def _tell_owner(attempt: RetryAttempt, now: datetime) -> int:
    """Asks a person to look; the outcome stays unknown."""
    if attempt.state != State.UNKNOWN or attempt.owner_told_at is not None or attempt.sent_at is None:
        return 0
    if now < attempt.sent_at + timing.OWNER_TOLD_AFTER:
        return 0
    with transaction.atomic():
        is_told = amend(attempt, expect={"owner_told_at": None}, told=(now, "owner_told"), owner_told_at=now)
        if is_told:
            notify_of_unknown(attempt, at=now)
    return is_told
