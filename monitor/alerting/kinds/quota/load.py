"""Loads what of an account's plan is used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.db.models import F, Min, Sum

from monitor.alerting.kinds.quota.condition import CALLS, PlanRunsOut, QuotaMaterial
from monitor.alerting.kinds.subjects import ACCOUNT, AlertSubject, SubjectMaterial
from monitor.connection.left import calls_left
from monitor.connection.limits import EXECUTIONS_A_MONTH
from monitor.models import DayBucket, Product, ZohoAccount
from monitor.periods import day_of, day_start

PACE_DAYS = 7


def subjects(
    account: ZohoAccount, conditions: Sequence[PlanRunsOut], now: datetime, stale: str
) -> list[SubjectMaterial]:
    """Returns the account with what of its plan is used. Two statements, and four for calls."""
    today = day_of(now)
    first = today.replace(day=1)
    runs = Sum(F("succeeded") + F("failed"))
    rows = DayBucket.objects.filter(flow__account=account, day__lte=today)
    week = rows.filter(day__gte=today - timedelta(days=PACE_DAYS), day__lt=today).aggregate(runs=runs)["runs"] or 0
    known = rows.filter(day__gte=first).aggregate(runs=runs)["runs"] or 0
    oldest = rows.aggregate(day=Min("day"))["day"]
    is_known = oldest is not None and oldest <= today - timedelta(days=PACE_DAYS)
    calls = calls_left(account, Product.FLOW, now) if any(condition.of == CALLS for condition in conditions) else None
    material = QuotaMaterial(
        executions_limit=EXECUTIONS_A_MONTH.get(account.plan),
        executions=known,
        pace_a_day=week / PACE_DAYS if is_known else None,
        month_end=day_start((first + timedelta(days=32)).replace(day=1), UTC),
        calls_limit=calls.limit if calls is not None else None,
        calls=calls.used if calls is not None else 0,
    )
    return [SubjectMaterial(AlertSubject(ACCOUNT, str(account.pk), account.name), material, stale)]
