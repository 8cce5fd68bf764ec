"""Does what people ask for: asks for a retry, calls it off, settles one whose outcome stayed unknown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from monitor.access import may
from monitor.languages import gettext as _
from monitor.models import ITEM_TOKEN, POLICY_TOKEN, Execution, RetryAttempt, RetryPolicy, User
from monitor.retry import effects, transition
from monitor.retry.candidates import begins_from, has_run_again
from monitor.retry.facts import facts_for
from monitor.retry.safety import Verdict, judge
from monitor.sent_once.timing import BY_HAND_AFTER

State = RetryAttempt.State
REASON_LIMIT = 500  # characters
TOKEN_LIMIT = 64
MOST_SHOWN = 200  # characters of `RetryAttempt.accepted`; what is cut off counts as not accepted


class RetryRefused(Exception):  # noqa: N818 - it says what happened, like the tree of `zoho.errors`
    """Says that it cannot be done, and nothing was done.

    Attributes:
        message: one line for the person.
        code: for programs: not_permitted, risk_not_permitted, risk_not_accepted, reason_missing, reason_long,
            bad_token, token_used, too_late, too_early, not_unknown, no_such_run, run_too_old, run_claimed,
            not_run_again, bad_class, no_such_action, not_pinned, or a refusal's of `safety.judge`.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def request_retry(
    *,
    execution: Execution,
    user: User,
    reason: str,
    client_token: str,
    accept_risk: bool,
    now: datetime,
    is_item: bool = False,
    policy: RetryPolicy | None = None,
    accepted: str = "",
) -> RetryAttempt:
    """Writes down the wish to run a failed execution again; `send.send` carries it out.

    Args:
        execution: which; its row is read afresh.
        user: who asks.
        reason: why, 1 to 500 characters, kept for good.
        client_token: 1 to 64 characters, made with the form: posted twice, it gives the same row again.
        accept_risk: the person has confirmed a risky retry.
        now: the present, aware.
        is_item: a batch asks; nobody else's token may look like one of its own.
        policy: whose retry it is; its tokens are its own likewise.
        accepted: what the person was shown (`Verdict.shown`): another risk is accepted by nobody. Empty where they
            accept whatever there is.

    Raises:
        RetryRefused: not allowed, not wise, or not a usable form; nothing was written.
    """
    reason = usable_reason(reason)
    is_foreign = client_token.startswith(ITEM_TOKEN) != is_item
    is_foreign = is_foreign or client_token.startswith(POLICY_TOKEN) != (policy is not None)
    if not client_token or len(client_token) > TOKEN_LIMIT or is_foreign:
        raise RetryRefused(_("The form has no usable token; load the page again."), "bad_token")
    if not may(user, "retry", execution.account):
        raise RetryRefused(_("You may not retry executions."), "not_permitted")
    try:
        with transaction.atomic():
            return _insert(execution.pk, user, reason, client_token, accept_risk, now, policy, accepted[:MOST_SHOWN])
    except IntegrityError:
        # Somebody was faster: with this very form, or with another one.
        if earlier := _by_token(client_token, execution.pk, user):
            return earlier
        raise RetryRefused(_("A retry of this execution is already open."), "open_retry") from None


def _insert(
    execution_id: int,
    user: User,
    reason: str,
    client_token: str,
    accept_risk: bool,
    now: datetime,
    policy: RetryPolicy | None,
    accepted: str,
) -> RetryAttempt:
    # PostgreSQL makes the askers for one execution queue here, so that none judges by facts that another is
    # just making old; SQLite's IMMEDIATE transaction does so by itself.
    execution = (
        Execution.objects.select_for_update(no_key=True, of=("self",))
        .select_related("account", "flow")
        .get(pk=execution_id)
    )
    if earlier := _by_token(client_token, execution.pk, user):
        return earlier
    verdict = judge(facts_for(execution, now), now)
    if objection := objection_to(
        verdict, user, accept_risk=accept_risk, accepted=accepted, by_policy=policy is not None
    ):
        raise objection
    attempt = RetryAttempt.objects.create(
        account_id=execution.account_id,
        execution=execution,
        requested_by=user,
        requested_at=now,
        reason=reason,
        accept_risk=accept_risk,
        accepted=accepted,
        client_token=client_token,
        policy=policy,
    )
    detail = {"from": "", "to": State.REQUESTED, "reason": reason, "verdict": verdict.kind, "accept_risk": accept_risk}
    transition.record(attempt, user, now, "retry.requested", detail)
    return attempt


def objection_to(
    verdict: Verdict, user: User, *, accept_risk: bool, accepted: str = "", by_policy: bool = False
) -> RetryRefused | None:
    """Says why this person may not retry on this verdict, None if they may.

    A policy waits for as long as the work could run twice, also where an admin said that it may be repeated.
    """
    if verdict.kind == "refused":
        return RetryRefused(verdict.reasons[0], verdict.code)
    if by_policy and verdict.set_aside:
        return RetryRefused(_("It could still run twice: the policy waits."), "could_run_twice")
    if verdict.kind == "risky":
        why = {"why": verdict.reasons[0]}
        if not may(user, "retry.accept_risk"):
            return RetryRefused(_("%(why)s Only an admin may accept that.") % why, "risk_not_permitted")
        if not accept_risk:
            return RetryRefused(_("%(why)s Confirm the risk to retry anyway.") % why, "risk_not_accepted")
        if accepted and not verdict.risks <= set(accepted.split()):
            return RetryRefused(_("%(why)s That was not among what was accepted.") % why, "new_risk")
    return None


def cancel(attempt: RetryAttempt, user: User, now: datetime) -> RetryAttempt:
    """Calls off a retry that has not been sent.

    Raises:
        RetryRefused: not permitted, or too late.
    """
    attempt = _reread(attempt)
    if not may(user, "retry", attempt.account):
        raise RetryRefused(_("You may not cancel retries."), "not_permitted")
    if attempt.is_of_batch and not may(user, "retry.bulk", attempt.account):
        # It would be skipped for good: who may not make or change a batch does not take it apart either.
        raise RetryRefused(_("It belongs to a batch: only an admin may take it out."), "not_permitted")
    is_waiting = attempt.state == State.REQUESTED
    # What a person has called off is theirs: no policy asks for it again. In one write, or a process that dies here
    # leaves a person's word as the policy's.
    if not is_waiting or not transition.move(
        attempt,
        State.CANCELLED,
        now=now,
        actor=user,
        note="called off",
        answer="Called off before it was sent.",
        policy=None,
    ):
        raise RetryRefused(_("It is too late: the retry has been sent or is over."), "too_late")
    return attempt


def resolve_not_run(attempt: RetryAttempt, user: User, reason: str, now: datetime) -> RetryAttempt:
    """Closes a retry whose outcome stayed unknown: a named person has looked at Zoho, and nothing ran.

    Raises:
        RetryRefused: not permitted, no reason, not unknown, or within 15 minutes of the POST, while the
            run may still begin to show.
    """
    reason = usable_reason(reason)
    attempt = _to_be_settled(attempt, user)
    if attempt.sent_at is not None and now < attempt.sent_at + BY_HAND_AFTER:
        raise RetryRefused(_("The run may still show up: wait until 15 minutes after it was sent."), "too_early")
    answer = f"Closed by {user.get_username()}: it did not run."
    if not transition.move(attempt, State.NOT_RUN, now=now, actor=user, note=reason, answer=answer):
        raise RetryRefused(_("Its outcome has just become known."), "not_unknown")
    return attempt


def resolve_ran_as(attempt: RetryAttempt, execution_id: str, user: User, reason: str, now: datetime) -> RetryAttempt:
    """Settles a retry whose outcome stayed unknown: a named person knows which run it caused.

    How that run has ended is what became of the retry; one that still goes on is followed to its end.

    Args:
        attempt: of unknown outcome.
        execution_id: Zoho's id of the run; that of the original where the same row ran again.
        user: who settles it.
        reason: how they know.
        now: the present, aware.

    Raises:
        RetryRefused: not permitted, no reason, not unknown, or the run cannot be the one.
    """
    reason = usable_reason(reason)
    attempt = _to_be_settled(attempt, user)
    run = Execution.objects.filter(
        account=attempt.account_id, flow=attempt.execution.flow_id, execution_id=execution_id
    ).first()
    if run is None:
        raise RetryRefused(_("No run of its flow with this id is mirrored; sync the flow first."), "no_such_run")
    is_same_row = run.pk == attempt.execution_id
    if is_same_row and not has_run_again(attempt, run):
        raise RetryRefused(_("The original has not ended anew since it was sent."), "not_run_again")
    if not is_same_row and (run.started_time is None or run.started_time < begins_from(attempt)):
        raise RetryRefused(_("This run began before the retry was sent."), "run_too_old")
    outcomes: dict[str, str] = {"success": State.SUCCEEDED, "failed": State.FAILED_AGAIN}
    to = outcomes.get(run.status, State.ACCEPTED)
    changes: dict[str, Any] = {"new_execution_id": "" if is_same_row else execution_id, "runs_in_place": is_same_row}
    if to == State.ACCEPTED:
        changes["next_check_at"] = now
    answer = f"Settled by {user.get_username()}: it ran as {execution_id}."
    note = f"it ran as {execution_id}: {reason}"
    try:
        with transaction.atomic():
            if not transition.move(attempt, to, now=now, actor=user, note=note, answer=answer, **changes):
                raise RetryRefused(_("Its outcome has just become known."), "not_unknown")
            effects.mark_hours(attempt)
    except IntegrityError:
        raise RetryRefused(_("This run belongs to another retry."), "run_claimed") from None
    return attempt


def _to_be_settled(attempt: RetryAttempt, user: User) -> RetryAttempt:
    attempt = _reread(attempt)
    if not may(user, "retry.override", attempt.account):
        raise RetryRefused(_("You may not close retries by hand."), "not_permitted")
    if attempt.state != State.UNKNOWN:
        raise RetryRefused(_("Only a retry of unknown outcome can be closed by hand."), "not_unknown")
    return attempt


def _reread(attempt: RetryAttempt) -> RetryAttempt:
    return RetryAttempt.objects.select_related("account", "execution").get(pk=attempt.pk)


def usable_reason(reason: str) -> str:
    """Returns a reason as it is kept: one line.

    Raises:
        RetryRefused: it is empty or too long.
    """
    reason = " ".join(reason.replace("\0", "").split())
    if not reason:
        raise RetryRefused(_("Say why it is retried."), "reason_missing")
    if len(reason) > REASON_LIMIT:
        raise RetryRefused(_("The reason is longer than %(n)s characters.") % {"n": REASON_LIMIT}, "reason_long")
    return reason


def _by_token(client_token: str, execution_id: int, user: User) -> RetryAttempt | None:
    """Returns the row this form has already made.

    Raises:
        RetryRefused: the token belongs to somebody else's form, or to another execution's.
    """
    found = RetryAttempt.objects.select_related("account", "execution").filter(client_token=client_token).first()
    if found is not None and (found.execution_id != execution_id or found.requested_by_id != user.pk):
        raise RetryRefused(_("This form has been used for something else; load the page again."), "token_used")
    return found
