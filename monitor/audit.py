"""Writes the audit trail: who did what to which thing, when, and from where. Nothing else creates an `AuditEntry`.

What can be brought about at will, such as a wrong password, goes through `record_counted`: the trail then holds the
1st, 10th, 100th ... of an hour and, once the hour is over, how many there were. What is done to a known person or thing
is counted for it alone, so that no flood about others, or about names that nobody has, hides it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import connections, transaction
from django.db.models import F, Model

from monitor import origin
from monitor.models import (
    AcceptedFinding,
    AlertRule,
    AlertState,
    AuditEntry,
    AuditTally,
    Channel,
    ChannelMessage,
    Delivery,
    Edit,
    HookEndpoint,
    Incident,
    Problem,
    RetryAttempt,
    RetryBatch,
    RetryPolicy,
    StatusLink,
    User,
    ZohoAccount,
)
from monitor.periods import hour_of
from monitor.tally_buffer import EVERY, CountedAct, TallyBuffer

MONITOR = "monitor"  # the actor's name where no person is behind an act
VISITOR = "visitor"  # and where somebody is who has not signed in
# Networks whose acts of one kind in an hour are counted each by itself; those of the others are counted together. Each
# thing has its own, and what is about no thing that is known here has some more.
NETWORKS_OF_A_THING, NETWORKS_OF_NOTHING = 20, 100
# What is held in memory when an hour ends is counted in it a moment later.
CLOSED_AFTER = timedelta(minutes=1)

# What the trail calls a thing; the others go by their model's name.
_WORDS: dict[type[Model], str] = {
    ZohoAccount: "account",
    AcceptedFinding: "finding",
    AlertRule: "alert_rule",
    AlertState: "alert",
    Channel: "channel",
    ChannelMessage: "channel_message",
    Delivery: "mail",
    HookEndpoint: "hook",
    Incident: "incident",
    Problem: "problem",
    Edit: "edit",
    RetryAttempt: "retry",
    RetryBatch: "batch",
    RetryPolicy: "retry_policy",
    StatusLink: "status_link",
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
    _tallies.add(CountedAct(action, _name(thing), network, now, actor, detail or {}, origin.present()))


@contextmanager
def counted_in_memory(every: float = EVERY) -> Iterator[None]:
    """Has `record_counted` write the first of a kind at once, and what follows each so many seconds and at the end."""
    with _tallies.in_memory(connections.close_all, every):
        yield


def _count(act: CountedAct, times: int) -> bool:
    """Adds so many like this act to its tally, or to that of all networks; returns whether it has its own."""
    object_type, object_id = act.thing
    is_about: dict[str, Any] = {
        "hour": act.hour,
        "action": act.action,
        "object_type": object_type,
        "object_id": object_id,
    }
    with transaction.atomic():
        # The row of all the rest is there from the first act on; whoever counts waits here for the others.
        rest, _ = AuditTally.objects.select_for_update().get_or_create(**is_about, network="")
        tallies = AuditTally.objects.filter(**is_about)
        tally = tallies.filter(network=act.network).first()
        if tally is None:
            has_room = tallies.count() <= (NETWORKS_OF_A_THING if object_id else NETWORKS_OF_NOTHING)
            tally = AuditTally.objects.create(**is_about, network=act.network) if has_room else rest
        after = tally.times + times
        is_told = is_worth_telling(tally.times, after)
        AuditTally.objects.filter(pk=tally.pk).update(times=F("times") + times, told=after if is_told else tally.told)
        if is_told:
            _tell_of_one(act, act.detail | (_times(after, act.hour) if after > 1 else {}))
    return tally.network == act.network


_tallies = TallyBuffer(_count)


def is_worth_telling(before: int, after: int) -> bool:
    """Returns whether one of those counted from `before` to `after` is the 1st, 10th, 100th, 1,000th ... Pure."""
    return after > before and (before == 0 or len(str(after)) > len(str(before)))


def close_tallies(now: datetime) -> None:
    """Appends how many there were in the end in each hour that is over, and takes the tallies away."""
    for tally in AuditTally.objects.filter(hour__lt=hour_of(now - CLOSED_AFTER)).order_by("hour", "pk"):
        with transaction.atomic():
            is_mine, _ = AuditTally.objects.filter(pk=tally.pk).delete()
            if is_mine and tally.times > tally.told:
                _tell_of_the_whole(tally, now)


def _tell_of_one(act: CountedAct, detail: dict[str, Any]) -> None:
    AuditEntry.objects.create(
        at=act.now,
        actor=act.actor,
        actor_name=act.actor.get_username() if act.actor is not None else VISITOR,
        action=act.action,
        object_type=act.thing[0],
        object_id=act.thing[1],
        detail=detail,
        address=act.asked.address,
        request_id=act.asked.request_id,
    )


def _tell_of_the_whole(tally: AuditTally, now: datetime) -> None:
    AuditEntry.objects.create(
        at=now,
        actor=None,
        actor_name=MONITOR,
        action=tally.action,
        object_type=tally.object_type,
        object_id=tally.object_id,
        detail=_times(tally.times, tally.hour) | ({"from": tally.network} if tally.network else {}),
    )


def _times(times: int, hour: datetime) -> dict[str, Any]:
    return {"times": times, "in the hour from": f"{hour:%Y-%m-%d %H:%M} UTC"}


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Names what differs, as ``{"field": {"from": old, "to": new}}``.

    Args:
        before: values by field.
        after: values by field; a field that is not here has not changed.
    """
    return {key: {"from": before.get(key), "to": value} for key, value in after.items() if before.get(key) != value}
