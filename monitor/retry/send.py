"""Sends one requested retry: look first, commit the intent, POST once, write down what it proves.

Source: docs/reference/retries.md, "What an answer proves" and "Invariants of a retry" (R1, R2, R4, R10). No transaction
is open while Zoho is asked. A process that dies at any line leaves a row that says the truth: `requested` when nothing
can have left, `sending` when something may have (the sweep makes `unknown` of that).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from monitor.access import may
from monitor.connection import organisation
from monitor.connection.lost_answer import Proof, proof_of
from monitor.models import Execution, RetryAttempt, RetryBatch, RetryItem
from monitor.retry import effects, timing
from monitor.retry.client import Clients, FlowCalls, OpenAccount
from monitor.retry.facts import facts_for
from monitor.retry.policies import why_not_for_policy
from monitor.retry.requests import objection_to
from monitor.retry.safety import FailedRun, RetryFacts, judge
from monitor.retry.since_preview import why_not
from monitor.retry.transition import STATES, amend, load, move, move_late
from monitor.sent_once import sending
from monitor.sent_once.sending import CalledOffError
from monitor.sent_once.timing import MAX_SENDS, back_off
from monitor.vault import VaultError
from monitor.zoho.errors import (
    ClientRefused,
    GrantRevoked,
    NotAvailable,
    NotFound,
    Refused,
    ScopeMissing,
    ZohoError,
)
from monitor.zoho.shapes.executions import ExecutionRow, RetryReply

log = logging.getLogger(__name__)
State = RetryAttempt.State
Clock = Callable[[], datetime]
RUNS_LOOKED_AT = 3  # of the runs that earlier retries caused: the newest ones


def send(attempt_id: int, *, open_account: OpenAccount, now_fn: Clock) -> RetryAttempt:
    """Sends a requested retry if it is due and still right; anything else is left alone.

    Must not be called inside a transaction: the intent has to be committed before the POST.

    Args:
        attempt_id: primary key; running it twice, or in two processes, sends once.
        open_account: see `access.OpenAccount`.
        now_fn: returns the present, aware.

    Returns:
        The attempt as this process left it.
    """
    attempt = load(attempt_id)
    now = now_fn()
    if not sending.is_due(attempt, STATES, now):
        return attempt
    try:
        _check(attempt, now)
        if _must_wait_for_its_batch(attempt):
            return attempt
        with open_account(attempt.account, priority="people") as clients:
            _send_through(attempt, clients, now_fn, now)
    except CalledOffError as reason:
        call_off(attempt, str(reason), now_fn(), code=reason.code)
    except (GrantRevoked, ClientRefused, ScopeMissing) as error:
        call_off(attempt, f"Nothing was sent: {error.message}", now_fn(), code="not_connected")
    except (ZohoError, VaultError) as error:
        sending.postpone(STATES, attempt, error, f"Waiting: {error}", now_fn())
    return attempt


def _must_wait_for_its_batch(attempt: RetryAttempt) -> bool:
    """Returns whether its batch does not go on at this moment: the batch's next turn calls it back."""
    return RetryItem.objects.filter(attempt=attempt).exclude(batch__state=RetryBatch.State.RUNNING).exists()


def call_off(attempt: RetryAttempt, reason: str, now: datetime, *, code: str = "") -> bool:
    """Ends a wish of which nothing was sent; False where it is no longer `requested`."""
    return sending.call_off(STATES, attempt, answer=reason, note=reason, code=code, now=now)


def _check(attempt: RetryAttempt, now: datetime) -> None:
    """Checks everything that could have changed since the click, from our own tables."""
    user = attempt.requested_by
    if sending.is_expired(attempt, now):
        raise CalledOffError(sending.why_expired(attempt), "expired")
    if organisation.is_foreign(attempt.account):
        text = "Nothing was sent: Zoho answers for another organisation than this account's."
        raise CalledOffError(text, "not_connected")
    if not may(user, "retry", attempt.account):
        raise CalledOffError("The person who asked for it may no longer retry.", "not_permitted")
    _object(attempt, facts_for(attempt.execution, now, besides=attempt), now)
    item = RetryItem.objects.select_related("batch__requested_by", "batch__account").filter(attempt=attempt).first()
    reason = why_not(item, now, attempt=attempt) if item is not None else None
    if reason is not None:
        raise CalledOffError(reason[1], reason[0])
    if off := why_not_for_policy(attempt):
        raise CalledOffError(off[1], off[0])


def _object(attempt: RetryAttempt, facts: RetryFacts, now: datetime) -> None:
    """Judges it by some facts.

    Raises:
        CalledOffError: it is impossible, or a risk that was not accepted.
    """
    objection = objection_to(
        judge(facts, now),
        attempt.requested_by,
        accept_risk=attempt.accept_risk,
        accepted=attempt.accepted,
        by_policy=attempt.is_of_policy,
    )
    if objection is not None:
        raise CalledOffError(objection.message, objection.code)


def _send_through(attempt: RetryAttempt, clients: Clients, now_fn: Clock, began: datetime) -> None:
    flow = clients.flow
    if flow is None:
        raise CalledOffError("The account has no address for Zoho Flow.", "no_flow_api")
    original = _look_first(attempt, flow, began)
    ahead = timing.clock_ahead(flow.last_server_date, now_fn())
    _judge_by_zohos_clock(attempt, ahead, now_fn())
    for _ in range(2):
        # Before the intent: that a token cannot be had is then known to be harmless.
        token = clients.tokens.current()
        if now_fn() - began > timing.LOOK_WITHIN:
            # A task that is killed for its length in mid-POST would leave an unknown outcome.
            amend(attempt, not_before=now_fn() + back_off(1), answer="Waiting: Zoho answers slowly.")
            return
        if not _is_still_right(attempt, now_fn()) or not _claim(attempt, original, ahead, now_fn()):
            return
        if not _post(attempt, flow, now_fn):
            return
        clients.tokens.renew(token)


def _is_still_right(attempt: RetryAttempt, now: datetime) -> bool:
    """Checks once more right before a POST, also before it goes again: people act while Zoho is asked.

    Returns:
        False where it waits for its batch, or is no longer there.

    Raises:
        CalledOffError: it must not be sent any more.
    """
    try:
        fresh = load(attempt.pk)
    except RetryAttempt.DoesNotExist:
        return False
    _check(fresh, now)
    return not _must_wait_for_its_batch(fresh)


def _look_first(attempt: RetryAttempt, flow: FlowCalls, now: datetime) -> ExecutionRow | None:
    """Returns the execution as Zoho shows it now; the mirror may be minutes old, and Zoho re-runs failures itself.

    Raises:
        CalledOffError: it, or a run that an earlier retry of it caused, is no longer failed.
    """
    execution = attempt.execution
    flow_id = execution.flow.flow_id
    row: ExecutionRow | None = None
    try:
        row = flow.get_execution(flow_id, execution.execution_id)
    except NotFound:
        raise CalledOffError("Zoho no longer has this execution.") from None
    except (NotAvailable, Refused):
        log.info("retry %s: Zoho gives no single execution, the mirror must do", attempt.pk)
    if row is not None and _has_failed_again(row, attempt):
        _judge_the_newer_failure(row, attempt, now)
    shown = [row]
    caused = RetryAttempt.objects.filter(execution=execution).exclude(new_execution_id="")
    for run_id in caused.order_by("-pk").values_list("new_execution_id", flat=True)[:RUNS_LOOKED_AT]:
        try:
            shown.append(flow.get_execution(flow_id, run_id))
        except (NotAvailable, Refused):
            continue
    for run in shown:
        if run is not None and run.status not in (Execution.Status.FAILED, ""):
            raise CalledOffError(f"Zoho now shows execution {run.execution_id} as “{run.status[:32]}”.")
    return row


def _has_failed_again(row: ExecutionRow, attempt: RetryAttempt) -> bool:
    """Returns whether Zoho shows a newer failure than the mirror, which the verdict was about."""
    known, shown = attempt.execution.completed_time, row.completed_time
    return row.status == Execution.Status.FAILED and known is not None and shown is not None and shown > known


def _judge_the_newer_failure(row: ExecutionRow, attempt: RetryAttempt, now: datetime) -> None:
    """Judges a person's own retry by the failure that Zoho shows; nobody has confirmed a batch's or a policy's for it.

    Raises:
        CalledOffError: it is a risk that was not accepted, or not asked for by a click.
    """
    if attempt.is_of_policy or RetryItem.objects.filter(attempt=attempt).exists():
        raise CalledOffError("Zoho has run it again since it was judged, and it failed again.")
    facts = facts_for(attempt.execution, now, besides=attempt)
    newer = FailedRun((row.error_code, row.error_message, row.error_details), row.completed_time)
    _object(attempt, replace(facts, runs=(newer, *facts.runs[1:]), failed_action=""), now)


def _judge_by_zohos_clock(attempt: RetryAttempt, ahead: timedelta | None, now: datetime) -> None:
    """The verdict once more, now that Zoho's clock is known: a failure that looked old may be fresh.

    Raises:
        CalledOffError: it is a risk that was not accepted. What was learnt of the clock is kept, so that whoever
            asks again is asked for the confirmation.
    """
    if not ahead:
        return
    try:
        _object(attempt, replace(facts_for(attempt.execution, now, besides=attempt), zoho_ahead=ahead), now)
    except CalledOffError:
        amend(attempt, zoho_ahead=ahead)
        raise


def _claim(attempt: RetryAttempt, original: ExecutionRow | None, ahead: timedelta | None, now: datetime) -> bool:
    """Commits the intent. From here on the POST may have left, whatever becomes of this process."""
    completed = original.completed_time if original is not None else attempt.execution.completed_time
    return sending.claim(
        STATES, attempt, attempt.requested_by, now, original_completed_time=completed, zoho_ahead=ahead
    )


def _post(attempt: RetryAttempt, flow: FlowCalls, now_fn: Clock) -> bool:
    """Sends the POST and records its end. Returns whether it may go again at once with a new token."""
    execution = attempt.execution
    if sending.is_too_late(attempt, now_fn()):
        _not_sent(attempt, "this process was too slow to send it", now_fn(), counts=True)
        return False
    try:
        reply = flow.retry_execution(execution.flow.flow_id, execution.execution_id)
    except Exception as error:  # noqa: BLE001 - whatever it is: without proof the outcome is unknown
        return _record_error(attempt, error, now_fn())
    record_reply(attempt, reply, now_fn())
    return False


def record_reply(attempt: RetryAttempt, reply: RetryReply, now: datetime) -> None:
    """Zoho took it. An id that is the old one says that the same row runs again; it is not kept.

    Neither is the flow's: some replies name it where others name the run.
    """
    execution = attempt.execution
    known = reply.new_execution_id or ""
    known = "" if known == execution.flow.flow_id else known
    new_id = "" if known == execution.execution_id else known
    sent_at = attempt.sent_at or now
    changes: dict[str, Any] = {
        "answered_at": now,
        "answer": "Zoho took it.",
        "lease_until": None,
        "runs_in_place": bool(known) and not new_id,
        "next_check_at": timing.next_check(State.ACCEPTED, sent_at, now),
    }
    try:
        with transaction.atomic():
            moved = move_late(attempt, State.ACCEPTED, now, note="taken", new_execution_id=new_id, **changes)
            if moved and new_id:
                effects.mark_hours(attempt)
    except IntegrityError:
        note = f"taken; the id it named, {new_id}, belongs to another retry"
        move_late(attempt, State.ACCEPTED, now, note=note, **changes)


def _record_error(attempt: RetryAttempt, error: Exception, now: datetime) -> bool:
    told = error.message if isinstance(error, ZohoError) else type(error).__name__
    proof = proof_of(error)
    pause = sending.pause_of(error)
    if proof is Proof.HELD_BACK and pause is not None:
        _not_sent(attempt, told, now, counts=False, until=now + pause)
    elif proof is Proof.NOT_SENT:
        _not_sent(attempt, told, now, counts=True)
    elif proof is Proof.REFUSED_FOR_NOW and attempt.answered_at is None and attempt.sends < MAX_SENDS:
        # Once only: `answered_at` is set from here on.
        values: dict[str, Any] = {"answered_at": now, "not_before": now + (pause or timedelta(0)), "answer": told[:500]}
        moved = move(attempt, State.REQUESTED, now=now, actor=None, note=told, lease_until=None, **values)
        return moved and pause is None
    elif proof in (Proof.REFUSED_FOR_NOW, Proof.REJECTED):
        move_late(attempt, State.REJECTED, now, note=told, answered_at=now, answer=told[:500])
    else:
        if not isinstance(error, ZohoError):
            log.error("retry %s: the POST ended in an error of ours", attempt.pk, exc_info=error)
        check = timing.next_check(State.UNKNOWN, attempt.sent_at or now, now)
        answer = f"{sending.why_unknown(error, 'it ran')}: {told}"
        sending.to_unknown(STATES, attempt, answer=answer, note=told, now=now, check=check)
    return False


def _not_sent(attempt: RetryAttempt, told: str, now: datetime, *, counts: bool, until: datetime | None = None) -> None:
    answer = f"Nothing was sent: {told}"[:500]
    sending.put_back(STATES, attempt, answer=answer, note=answer, now=now, counts=counts, until=until)
