"""Does what people ask of batches: confirm one, suspend it, go on with it, cancel it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from monitor import audit
from monitor.access import may
from monitor.figures import number
from monitor.languages import gettext as _
from monitor.languages import gettext_noop
from monitor.models import Execution, Problem, RetryAttempt, RetryBatch, RetryItem, User, ZohoAccount, notify_of_batch
from monitor.named_people import people_named
from monitor.retry import transition
from monitor.retry.batch_facts import facts_of_batch
from monitor.retry.preview import Preview, preview
from monitor.retry.requests import TOKEN_LIMIT, RetryRefused, usable_reason
from monitor.retry.steps import is_failing

MOST_ITEMS = 10_000
MOST_PER_MINUTE = 600
USUAL_PER_MINUTE = 30
MOST_CANARY = 100
State = RetryBatch.State
Waiting = RetryItem.State.WAITING
_IT_IS: dict[str, str] = {
    State.QUEUED: gettext_noop("The batch is queued."),
    State.RUNNING: gettext_noop("The batch is running."),
    State.SUSPENDED: gettext_noop("The batch is suspended."),
    State.STOPPED: gettext_noop("The batch is stopped by itself."),
    State.CANCELLED: gettext_noop("The batch is cancelled."),
    State.FINISHED: gettext_noop("The batch is finished."),
}


def request_batch(
    *,
    account: ZohoAccount,
    executions: Sequence[int],
    user: User,
    reason: str,
    client_token: str,
    now: datetime,
    accept_risk: bool = False,
    per_minute: int = USUAL_PER_MINUTE,
    canary: int = 1,
    source: dict[str, Any] | None = None,
    problem: Problem | None = None,
    seen_at: datetime | None = None,
    seen: Mapping[int, str] | None = None,
) -> RetryBatch:
    """Freezes a list of failed executions that are to be run again; `run_batches` carries it out.

    Args:
        account: whose executions they are.
        executions: their primary keys, in the order in which they are taken; none is refused.
        user: who asks.
        reason: why, 1 to 500 characters, for all of them.
        client_token: 1 to 64 characters, made with the form: posted twice, it gives the same batch.
        now: the present, aware.
        accept_risk: the person has confirmed that some could run twice; else those are skipped.
        per_minute, canary: how many are started in a minute at most (1 to 600), and go first (1 to 100).
        source: what was chosen, with its times frozen, for whoever reads the batch later.
        problem: whose failures they are, where they are one problem's.
        seen_at: of when the preview was that the person confirms; None for now. What has changed since is skipped.
        seen: what was shown of each, by its primary key (`Verdict.shown`); None for what is the case now. A risk that
            nobody was shown is accepted by nobody.

    Raises:
        RetryRefused: not permitted, nothing chosen, too much, of another account, or not a usable form; nothing was
            written.
    """
    reason = usable_reason(reason)
    keys = list(dict.fromkeys(executions))
    _check(user, account, keys, client_token, per_minute, canary, accept_risk=accept_risk)
    if earlier := _by_token(client_token, user, account, keys):
        return earlier
    if Execution.objects.filter(pk__in=keys, account=account).count() != len(keys):
        raise RetryRefused(_("Some of these executions are gone, or of another account."), "not_there")
    columns = {
        "account": account,
        "requested_by": user,
        "requested_at": now,
        "seen_at": min(seen_at or now, now),
        "reason": reason,
        "said_names": "\n".join(people_named(reason, keys)),
        "accept_risk": accept_risk,
        "client_token": client_token,
        "source": source or {},
        "problem": problem,
        "per_minute": per_minute,
        "canary": canary,
        "state_since": now,
    }
    return _create(columns, keys, seen, now)


def all_confirmed(found: Preview) -> dict[int, str]:
    """Writes down what a person confirms of each run of a preview, by its primary key."""
    return {key: verdict.shown for key, verdict in found.verdicts.items()}


def _create(columns: dict[str, Any], keys: Sequence[int], seen: Mapping[int, str] | None, now: datetime) -> RetryBatch:
    """Writes a batch and its items, each with the verdict that is confirmed; or finds what the form has made by now."""
    try:
        with transaction.atomic():
            return _write(columns, keys, seen, now)
    except IntegrityError:
        token, user, account = (columns[name] for name in ("client_token", "requested_by", "account"))
        if earlier := _by_token(token, user, account, keys):
            return earlier
        raise


def _write(columns: dict[str, Any], keys: Sequence[int], seen: Mapping[int, str] | None, now: datetime) -> RetryBatch:
    if seen is None:
        seen = all_confirmed(preview(keys, now))
    batch = RetryBatch.objects.create(**columns)
    rows = (
        RetryItem(batch=batch, execution_id=key, position=n, verdict=seen.get(key, ""))
        for n, key in enumerate(keys, start=1)
    )
    RetryItem.objects.bulk_create(rows, batch_size=1000)
    told = {name: columns[name] for name in ("accept_risk", "per_minute", "reason")}
    detail = {"items": len(keys)} | told
    audit.record(batch.requested_by, "batch.requested", batch, now=now, account=batch.account_id, detail=detail)
    return batch


def suspend(batch: RetryBatch, user: User, now: datetime) -> None:
    """Sends nothing more until somebody goes on with it; what was sent is followed to its end.

    Raises:
        RetryRefused: not permitted, or it is not queued or running.
    """
    with transaction.atomic():
        _turn(batch, user, now, (State.QUEUED, State.RUNNING), State.SUSPENDED)
        call_back(batch, now)


def resume(batch: RetryBatch, user: User, now: datetime) -> None:
    """Goes on with a batch that was suspended, or that stopped by itself: from its next item.

    One that stopped goes on with the next step: what has failed is not held against it a second time. What the person
    sees now is what is confirmed: only what changes from now on is skipped for it.

    Raises:
        RetryRefused: not permitted, or it is neither.
    """
    with transaction.atomic():
        held = RetryBatch.objects.select_for_update(of=("self",)).get(pk=batch.pk)
        # One that stopped for a lost connection has failed in nothing: it goes on where it was.
        step = held.step + 1 if held.state == State.STOPPED and is_failing(facts_of_batch(held)) else held.step
        _turn(batch, user, now, (State.SUSPENDED, State.STOPPED), State.QUEUED, step=step, seen_at=now, resumed_by=user)


def cancel_batch(batch: RetryBatch, user: User, now: datetime) -> None:
    """Ends a batch: what was not sent is skipped, what was sent is followed to its end.

    Raises:
        RetryRefused: not permitted, or it is over.
    """
    with transaction.atomic():
        _turn(batch, user, now, (State.QUEUED, State.RUNNING, State.SUSPENDED, State.STOPPED), State.CANCELLED)
        call_back(batch, now)
        skip_the_rest(batch, now)


def skip_the_rest(batch: RetryBatch, now: datetime) -> None:
    """Ends what still waits in a cancelled batch."""
    RetryItem.objects.filter(batch=batch, state=Waiting).update(
        state=RetryItem.State.SKIPPED, code="cancelled", note="The batch was cancelled.", ended_at=now
    )


def call_back(batch: RetryBatch, now: datetime) -> int:
    """Calls off what a batch has started and nobody has sent yet, and has it wait again; returns how many items.

    Whoever is sending one at this moment has moved it first, or finds it called off.
    """
    unsent = RetryItem.objects.filter(
        batch=batch, state=RetryItem.State.STARTED, attempt__state=RetryAttempt.State.REQUESTED
    )
    called = 0
    for item in unsent.select_related("attempt__execution", "attempt__account").order_by("pk"):
        attempt = item.attempt
        if attempt is None:
            continue
        text = "Its batch does not go on: nothing was sent."
        # While it is `requested` nothing of it has left, whatever was tried before.
        if transition.move(attempt, RetryAttempt.State.CANCELLED, now=now, actor=None, note=text, answer=text):
            put_back(item)
            called += 1
    return called


def put_back(item: RetryItem) -> None:
    """Has an item wait again whose retry was called off before it was sent; its next one has a name of its own."""
    RetryItem.objects.filter(pk=item.pk).update(state=Waiting, attempt=None, step=None, tries=F("tries") + 1)


def change(
    batch: RetryBatch, before: Sequence[str], to: str, *, now: datetime, actor: User | None, **more: Any
) -> bool:
    """Takes a batch to another state, if it is still in one of those before; with an audit entry.

    Who confirmed one that ends, or went on with it last, is told.

    Returns:
        False where it is not, or another batch of the account is running; then nothing was written.
    """
    columns = {"state": to, "state_since": now, "state_reason": ""} | more
    try:
        with transaction.atomic():
            if not RetryBatch.objects.filter(pk=batch.pk, state__in=before).update(**columns):
                return False
            detail = {"to": to} | ({"reason": columns["state_reason"]} if columns["state_reason"] else {})
            audit.record(actor, f"batch.{to}", batch, now=now, account=batch.account_id, detail=detail)
            if to in RetryBatch.ENDS:
                notify_of_batch(batch, to, at=now, by=actor)
    except IntegrityError:
        return False
    for name, value in columns.items():
        setattr(batch, name, value)
    return True


def _turn(batch: RetryBatch, user: User, now: datetime, before: Sequence[str], to: str, **more: Any) -> None:
    if not may(user, "retry.bulk", batch.account):
        raise RetryRefused(_("You may not change batches."), "not_permitted")
    if not change(batch, before, to, now=now, actor=user, **more):
        current = RetryBatch.objects.values_list("state", flat=True).get(pk=batch.pk)
        raise RetryRefused(_(_IT_IS[current]), "too_late")


def _check(
    user: User,
    account: ZohoAccount,
    keys: Sequence[int],
    client_token: str,
    per_minute: int,
    canary: int,
    *,
    accept_risk: bool,
) -> None:
    if not client_token or len(client_token) > TOKEN_LIMIT:
        raise RetryRefused(_("The form has no usable token; load the page again."), "bad_token")
    if not may(user, "retry.bulk", account):
        raise RetryRefused(_("You may not retry many executions at once."), "not_permitted")
    if accept_risk and not may(user, "retry.accept_risk", account):
        raise RetryRefused(_("Only an admin may accept the risk of running work twice."), "risk_not_permitted")
    if not keys:
        raise RetryRefused(_("Nothing is chosen."), "nothing_chosen")
    if len(keys) > MOST_ITEMS:
        raise RetryRefused(_("A batch has %(n)s executions at most.") % {"n": number(MOST_ITEMS)}, "too_many")
    if not 1 <= per_minute <= MOST_PER_MINUTE:
        raise RetryRefused(_("The pace is 1 to %(n)s a minute.") % {"n": MOST_PER_MINUTE}, "bad_pace")
    if not 1 <= canary <= MOST_CANARY:
        raise RetryRefused(_("The first step is 1 to %(n)s executions.") % {"n": MOST_CANARY}, "bad_canary")


def _by_token(client_token: str, user: User, account: ZohoAccount, keys: Sequence[int]) -> RetryBatch | None:
    """Returns the batch that this form has already made.

    Raises:
        RetryRefused: it was somebody else's, or for other executions.
    """
    found = RetryBatch.objects.filter(client_token=client_token).first()
    if found is None:
        return None
    is_same = found.requested_by_id == user.pk and found.account_id == account.pk
    if not is_same or list(found.items.values_list("execution_id", flat=True)) != list(keys):
        raise RetryRefused(_("This form has been used for something else; load the page again."), "token_used")
    return found
