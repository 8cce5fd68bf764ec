"""Loads what of an account's plan is used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from monitor.alerting.kinds.quota.condition import CALLS, PlanRunsOut, QuotaMaterial
from monitor.alerting.kinds.subjects import ACCOUNT, AlertSubject, SubjectMaterial
from monitor.connection.left import calls_left
from monitor.connection.month import month_use
from monitor.models import Product, ZohoAccount


def subjects(
    account: ZohoAccount, conditions: Sequence[PlanRunsOut], now: datetime, stale: str
) -> list[SubjectMaterial]:
    """Returns the account with what of its plan is used. One statement, and two for calls."""
    month = month_use(account, now)
    calls = calls_left(account, Product.FLOW, now) if any(condition.of == CALLS for condition in conditions) else None
    material = QuotaMaterial(
        executions_limit=month.limit,
        executions=month.used,
        pace_a_day=month.pace_a_day,
        month_end=month.ends_at,
        calls_limit=calls.limit if calls is not None else None,
        calls=calls.used if calls is not None else 0,
    )
    return [SubjectMaterial(AlertSubject(ACCOUNT, str(account.pk), account.name), material, stale)]
