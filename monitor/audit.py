"""Writes the audit trail: who did what to which thing, when, and from where. Nothing else creates an `AuditEntry`.

What can be brought about at will, such as a wrong password, goes through `record_counted`: the trail then holds the
1st, 10th, 100th ... of an hour and, once the hour is over, how many there were.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Model

from monitor import origin
from monitor.models import (
    AlertRule,
    AlertState,
    AuditEntry,
    AuditTally,
    HookEndpoint,
    Problem,
    RetryAttempt,
    RetryBatch,
    User,
    ZohoAccount,
)
from monitor.periods import hour_of

MONITOR = "monitor"  # the actor's name where no person is behind an act
VISITOR = "visitor"  # and where somebody is who has not signed in
# Things of one kind of act in an hour that are counted each by itself; what else comes is counted together.
MOST_TALLIES = 100

# What the trail calls a thing; the others go by their model's name.
_WORDS: dict[type[Model], str] = {
    ZohoAccount: "account",
    AlertRule: "alert_rule",
    AlertState: "alert",
    HookEndpoint: "hook",
    Problem: "problem",
    RetryAttempt: "retry",
    RetryBatch: "batch",
    User: "person",
}


def record(
    actor: User | None,
    action: str,
    thing: Model | type[Model] | None,
    *,
    now: datetime,
    account: ZohoAccount | int | None = None,
    detail: dict[str, Any] | None = None,
    nobody: str = MONITOR,
) -> AuditEntry:
    """Appends one entry. Call it in the transaction that does the act, so that neither stands alone.

    Args:
        actor: who did it; None where the program did, or a visitor.
        action: such as ``"unmask"`` or ``"account.pause"``.
        thing: what it was done to; its kind and key are kept, they outlive the row. A model stands for all its rows,
            None for what is no row.
        now: when.
        account: the Zoho account it concerns, or its primary key.
        detail: what changed; no secret and no personal data of third parties.
        nobody: the name that stands for the actor where there is none.

    Returns:
        The entry as it was stored.
    """
    asked = origin.present()
    object_type, object_id = _name(thing)
    return AuditEntry.objects.create(
        at=now,
        actor=actor,
        actor_name=actor.get_username() if actor is not None else nobody,
        action=action,
        account_id=account.pk if isinstance(account, ZohoAccount) else account,
        object_type=object_type,
        object_id=object_id,
        detail=detail or {},
        address=asked.address,
        request_id=asked.request_id,
    )


def _name(thing: Model | type[Model] | None) -> tuple[str, str]:
    """Names a thing as the trail does: kind and key, both empty where there is none."""
    if thing is None:
        return "", ""
    model = thing._meta.model  # `request.user` has a type of its own
    return _WORDS.get(model) or str(model._meta.model_name), "" if isinstance(thing, type) else str(thing.pk)


def record_counted(
    actor: User | None,
    action: str,
    thing: Model | None,
    *,
    now: datetime,
    network: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """Counts an act that can be brought about at will, and appends an entry for the 1st, 10th, 100th ... in an hour.

    Args:
        actor: who did it; None for a visitor.
        action: such as ``"sign_in.failed"``.
        thing: what it was done to, or None.
        now: when.
        network: from where, as limits count; an act on the same thing from elsewhere is counted by itself.
        detail: as `record` takes it, of this one act.
    """
    hour = hour_of(now)
    object_type, object_id = _name(thing)
    is_about = {"object_type": object_type, "object_id": object_id, "network": network}
    with transaction.atomic():
        # The row of all the rest is there from the first act on; whoever counts waits here for the others.
        rest, _ = AuditTally.objects.select_for_update().get_or_create(
            hour=hour, action=action, object_type="", object_id="", network=""
        )
        tallies = AuditTally.objects.filter(hour=hour, action=action)
        tally = tallies.filter(**is_about).first()
        if tally is None:
            has_room = tallies.count() <= MOST_TALLIES
            tally = AuditTally.objects.create(hour=hour, action=action, **is_about) if has_room else rest
        times = tally.times + 1
        is_told = is_worth_telling(times)
        told = times if is_told else tally.told
        AuditTally.objects.filter(pk=tally.pk).update(times=F("times") + 1, told=told)
        if is_told:
            counted = _count(times, hour) if times > 1 else {}
            if tally.pk == rest.pk and any(is_about.values()):
                actor, thing, detail = None, None, {}  # it was this one by chance
            record(actor, action, thing, now=now, detail=(detail or {}) | counted, nobody=VISITOR)


def is_worth_telling(times: int) -> bool:
    """Returns whether the nth of an hour stands in the trail: 1, 10, 100, 1,000 ... Pure."""
    while times >= 10 and times % 10 == 0:
        times //= 10
    return times == 1


def close_tallies(now: datetime) -> None:
    """Appends how many there were in the end in each hour that is over, and takes the tallies away."""
    for tally in AuditTally.objects.filter(hour__lt=hour_of(now)).order_by("hour", "pk"):
        with transaction.atomic():
            is_mine, _ = AuditTally.objects.filter(pk=tally.pk).delete()
            if is_mine and tally.times > tally.told:
                _tell_of_the_whole(tally, now)


def _tell_of_the_whole(tally: AuditTally, now: datetime) -> None:
    AuditEntry.objects.create(
        at=now,
        actor=None,
        actor_name=MONITOR,
        action=tally.action,
        object_type=tally.object_type,
        object_id=tally.object_id,
        detail=_count(tally.times, tally.hour) | ({"from": tally.network} if tally.network else {}),
    )


def _count(times: int, hour: datetime) -> dict[str, Any]:
    return {"times": times, "in the hour from": f"{hour:%Y-%m-%d %H:%M} UTC"}


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Names what differs, as ``{"field": {"from": old, "to": new}}``.

    Args:
        before: values by field.
        after: values by field; a field that is not here has not changed.
    """
    return {key: {"from": before.get(key), "to": value} for key, value in after.items() if before.get(key) != value}
