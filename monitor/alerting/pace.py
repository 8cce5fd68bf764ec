"""Reads how flows usually run, from the counts by day: one statement however many flows there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db.models import Min, Sum

from monitor.alerting.kinds.usual import UsualPace
from monitor.models import DayBucket
from monitor.models.asking import Asking, answered, ask
from monitor.periods import day_of

DAYS = 28  # whole weeks, so that weekends weigh what they weigh


def paces(account_id: int | None, now: datetime) -> dict[int, UsualPace]:
    """Returns how each flow ran on the last 28 whole days, or since its first one; without runs it has no entry.

    Args:
        account_id: only flows of this account; None for all.
        now: the present.
    """
    return answered(ask_paces(account_id, now))


def ask_paces(account_id: int | None, now: datetime) -> Asking[dict[int, UsualPace]]:
    """Asks for what `paces` returns."""
    today = day_of(now)
    rows = DayBucket.objects.filter(day__gte=today - timedelta(days=DAYS), day__lt=today)
    if account_id is not None:
        rows = rows.filter(flow__account=account_id)
    sums = rows.values("flow").annotate(good=Sum("succeeded"), bad=Sum("failed"), first=Min("day")).order_by("flow")
    found: dict[int, UsualPace] = {}
    for flow, good, bad, first in (yield from ask(sums.values_list("flow", "good", "bad", "first"))):
        count = good + bad
        if count:
            found[flow] = UsualPace(count / (today - first).days, bad / count)
    return found


def pace_of(flows: Iterable[int], known: Mapping[int, UsualPace]) -> UsualPace:
    """Returns the pace of some flows as if they were one.

    Args:
        flows: by primary key.
        known: of all flows that ran.
    """
    return _together(known[flow] for flow in flows if flow in known)


def _together(found: Iterable[UsualPace]) -> UsualPace:
    """Returns the pace of several flows as if they were one."""
    every = list(found)
    runs = sum(one.runs_a_day for one in every)
    return UsualPace(runs, sum(one.runs_a_day * one.failing for one in every) / runs) if runs else UsualPace()
