"""Does what people ask of policies: makes, changes, switches and deletes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction

from monitor import audit
from monitor.access import may
from monitor.languages import gettext as _
from monitor.models import Failure, Flow, Problem, ProblemAct, RetryAttempt, RetryPolicy, User
from monitor.retry import transition
from monitor.retry.requests import RetryRefused

RIGHT = "retry.policies"
SETTINGS = ("name", "tries", "wait_minutes", "per_day")
POLICY_OFF = "policy_off"  # why a wish of its was called off
# What was never sent for one of these says nothing of the run, and is none of the tries that a policy has.
NO_TRY = (*RetryAttempt.HELD_UP, POLICY_OFF, "could_run_twice", "risk_not_accepted", "risk_not_permitted")
_OFF = "Its policy was switched off: nothing was sent."


def add_policy(thing: Flow | Problem, user: User, now: datetime, **settings: Any) -> RetryPolicy:
    """Makes a policy for a flow or a problem; it is off until somebody switches it on.

    Args:
        thing: what it is for.
        user: who asks.
        now: the present, aware.
        settings: `SETTINGS` by name, as the form has checked them.

    Raises:
        RetryRefused: not permitted, a problem that was merged, or a name that is taken; nothing was written.
    """
    _check(user, thing)
    if isinstance(thing, Problem) and thing.merged_into_id is not None:
        raise RetryRefused(_("This problem was merged into another one."), "merged")
    of = {"flow": thing} if isinstance(thing, Flow) else {"problem": thing}
    policy = RetryPolicy(account=thing.account, set_by=user, set_at=now, **of, **settings)
    _save(policy, user, now, "retry_policy.add", {name: getattr(policy, name) for name in SETTINGS})
    return policy


def change_policy(policy: RetryPolicy, user: User, now: datetime, **settings: Any) -> None:
    """Changes how often, how soon and how much; who changes it answers for it from then on.

    Raises:
        RetryRefused: not permitted, or a name that is taken; nothing was written.
    """
    _check(user, policy)
    before = {name: getattr(policy, name) for name in SETTINGS}
    for name, value in (settings | {"set_by": user, "set_at": now}).items():
        setattr(policy, name, value)
    after = {name: getattr(policy, name) for name in SETTINGS}
    # Only these: whether it is on may be changing at this moment, by itself or by somebody else.
    written = [*SETTINGS, "set_by", "set_at"]
    _save(policy, user, now, "retry_policy.change", audit.changes(before, after), written)


def switch_on(policy: RetryPolicy, user: User, now: datetime) -> None:
    """Has it retry what fails from now on, in the name of who switched it on.

    Raises:
        RetryRefused: not permitted.
    """
    _check(user, policy)
    with transaction.atomic():
        on = {"is_on": True, "on_since": now, "off_reason": "", "set_by": user, "set_at": now}
        if RetryPolicy.objects.filter(pk=policy.pk, is_on=False).update(**on):
            audit.record(user, "retry_policy.on", policy, now=now, account=policy.account_id)


def switch_off(policy: RetryPolicy, user: User | None, now: datetime, *, reason: str = "") -> None:
    """Stops a policy, and calls back what it has asked for and nobody has sent yet.

    Args:
        policy: which.
        user: who asks; None where it stops by itself.
        now: the present, aware.
        reason: why it stopped by itself.

    Raises:
        RetryRefused: not permitted.
    """
    if user is not None:
        _check(user, policy)
    with transaction.atomic():
        if RetryPolicy.objects.filter(pk=policy.pk, is_on=True).update(is_on=False, off_reason=reason):
            audit.record(
                user, "retry_policy.off", policy, now=now, account=policy.account_id, detail={"reason": reason}
            )
        _call_back(policy, user, now)


def delete_policy(policy: RetryPolicy, user: User, now: datetime) -> None:
    """Deletes a policy; the retries that it made stay, with its name in their reason.

    Raises:
        RetryRefused: not permitted.
    """
    _check(user, policy)
    with transaction.atomic():
        # First, so that a turn of its own that is under way ends before what it asked for is called back.
        RetryPolicy.objects.filter(pk=policy.pk).update(is_on=False)
        _call_back(policy, user, now)
        detail = {name: getattr(policy, name) for name in SETTINGS}
        audit.record(user, "retry_policy.delete", policy, now=now, account=policy.account_id, detail=detail)
        RetryPolicy.objects.filter(pk=policy.pk).delete()


def why_off(policy: RetryPolicy) -> str:
    """Returns why a policy must not go on by itself, "" for nothing.

    Args:
        policy: with its account, its problem and who set it.
    """
    if not may(policy.set_by, RIGHT, policy.account):
        return "The person who set it may no longer do so."
    if policy.problem is not None and policy.problem.merged_into_id is not None:
        return "Its problem was merged into another one, whose failures nobody said this for."
    # An operator may merge problems, but not have others' failures retried many at once.
    took_in = ProblemAct.objects.filter(problem=policy.problem_id, kind="took_in", at__gte=policy.on_since)
    if policy.problem_id is not None and took_in.exists():
        return "Another problem was merged into its own: nobody said that for the failures of that one."
    return ""


def why_not_for_policy(attempt: RetryAttempt) -> tuple[str, str] | None:
    """Returns the code and the reason not to send a policy's retry any more; None for what is no policy's, too."""
    if not attempt.is_of_policy:
        return None
    on = RetryPolicy.objects.select_related("account", "problem", "set_by")
    policy = on.filter(retries=attempt, is_on=True).first()
    if policy is None:
        return POLICY_OFF, _OFF
    if not may(attempt.requested_by, RIGHT, attempt.account):
        return POLICY_OFF, "The person who set its policy may no longer do so: nothing was sent."
    if reason := why_off(policy):
        return POLICY_OFF, f"Nothing was sent: its policy must not go on. {reason}"
    failure = Failure.objects.filter(execution=attempt.execution_id).select_related("group").first()
    if failure is None or failure.fate != Failure.Fate.OPEN:
        return "not_open", "Its failure is no longer open: nothing was sent."
    if policy.problem_id not in (None, failure.group.problem_id):
        return "not_its_problem", "Its failure no longer belongs to its policy's problem: nothing was sent."
    return None


def _check(user: User, thing: Flow | Problem | RetryPolicy) -> None:
    if not may(user, RIGHT, thing.account):
        raise RetryRefused(_("Only an admin may set policies of retries."), "not_permitted")


def _save(
    policy: RetryPolicy,
    user: User,
    now: datetime,
    action: str,
    detail: dict[str, Any],
    written: Sequence[str] | None = None,
) -> None:
    try:
        with transaction.atomic():
            policy.save(update_fields=written)
            audit.record(user, action, policy, now=now, account=policy.account_id, detail=detail)
    except IntegrityError:
        raise RetryRefused(_("Another policy of this account has that name."), "name_taken") from None
    except DatabaseError:
        # Django's word for a row that is no longer there; any other fault of the database is none of this.
        if RetryPolicy.objects.filter(pk=policy.pk).exists():
            raise
        raise RetryRefused(_("The policy was deleted meanwhile."), "not_there") from None


def _call_back(policy: RetryPolicy, user: User | None, now: datetime) -> None:
    """Whoever is sending one at this moment has moved it first, or finds it called off."""
    unsent = RetryAttempt.objects.filter(policy=policy, state=RetryAttempt.State.REQUESTED)
    for attempt in unsent.select_related("account", "execution").order_by("pk"):
        transition.move(
            attempt, RetryAttempt.State.CANCELLED, now=now, actor=user, note=_OFF, answer=_OFF, code=POLICY_OFF
        )
