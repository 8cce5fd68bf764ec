"""Shows what is kept how long, and how far pruning has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Max, Min, QuerySet, Sum

from monitor.models import NEVER_PRUNED, Ages, Execution, Flow, HourBucket, Retention, ZohoAccount, ages
from monitor.models.asking import Asking, answered, ask, ask_count, ask_first, in_step, over_all

MOST_COUNTED = 1000


@dataclass(frozen=True)
class Kept:
    """Holds what is kept of one account.

    `oldest_row` and `oldest_hour` are the oldest that there are; `waiting` old rows are kept for a reason (counted up
    to one beyond 1,000); `looked_at` is None before the first pruning.
    """

    ages: Ages
    payloads_removed: int
    rows_removed: int
    oldest_row: datetime | None
    oldest_hour: datetime | None
    waiting: int
    looked_at: datetime | None
    is_behind: bool


@dataclass(frozen=True)
class Removed:
    """Runs that began before `before` are counted and no longer listed; `runs` of them went."""

    before: datetime
    runs: int
    days: int


def kept(account: ZohoAccount, now: datetime) -> Kept:
    """Returns how far pruning has come in an account. One statement."""
    return answered(ask_kept(account, now))


def ask_kept(account: ZohoAccount, now: datetime) -> Asking[Kept]:
    """Asks for what `kept` returns."""
    in_force = ages()
    rows = Execution.objects.filter(account=account)
    old = rows.filter(started_time__lt=in_force.rows_edge(now)).order_by().values_list("pk")
    flows, hours = Flow.objects.filter(account=account), HourBucket.objects.filter(flow__account=account)
    known, pruned, first, hour, waiting = yield from in_step(
        ask_first(Retention.objects.filter(account=account)),
        ask(over_all(flows, **_PRUNED)),
        ask(over_all(rows, at=Min("started_time"))),
        ask(over_all(hours, at=Min("hour"))),
        ask_count(Execution.objects.filter(pk__in=old[: MOST_COUNTED + 1])),
    )
    place = known or Retention(account=account)
    return Kept(
        ages=in_force,
        payloads_removed=place.payloads_removed,
        rows_removed=sum(int(runs or 0) for runs, _ in pruned),
        oldest_row=first[0][0] if first else None,
        oldest_hour=hour[0][0] if hour else None,
        waiting=waiting,
        looked_at=place.looked_at,
        is_behind=place.is_behind,
    )


def removed(*, account_id: int | None = None, flow_id: int | None = None) -> Removed | None:
    """Returns what is no longer listed of everything, an account or a flow; None where nothing is."""
    flows = Flow.objects.all()
    if account_id is not None:
        flows = flows.filter(account_id=account_id)
    if flow_id is not None:
        flows = flows.filter(pk=flow_id)
    found = _pruned(flows)
    return Removed(found["before"], found["runs"], ages().rows) if found["before"] else None


def listed_from(
    start: datetime, now: datetime, *, account_id: int | None = None, flow_id: int | None = None
) -> datetime | None:
    """Returns from when on every run since `start` that is counted is listed too; None where all of them are.

    One statement; none where `start` is younger than anything that is ever pruned.
    """
    if start >= now - NEVER_PRUNED:
        return None
    found = removed(account_id=account_id, flow_id=flow_id)
    return found.before if found else None


def _pruned(flows: QuerySet[Flow]) -> dict[str, Any]:
    return flows.aggregate(**_PRUNED)


_PRUNED: dict[str, Any] = {
    "runs": Sum(F("progress__pruned_success") + F("progress__pruned_failed")),
    "before": Max("progress__pruned_before"),
}
