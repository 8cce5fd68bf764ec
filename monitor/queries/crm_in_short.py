"""Counts what CRM shows in two lines: rules, failed webhooks, credits. Each number is that of a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from django.db.models import Count, Q, QuerySet

from monitor.models import ApiBudget, Product, WebhookFailure, WorkflowRule
from monitor.periods import DAY, midnight_of
from monitor.queries.together import Row

WEBHOOK_DAYS = 7


@dataclass(frozen=True, slots=True)
class CreditsLeft:
    """Holds what is left of an account's CRM credits of the day, as Zoho last said."""

    account_id: int
    account: str
    left: int
    of: int | None
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class CrmInShort:
    """Holds the numbers of CRM: each is that of a list.

    Attributes:
        active: rules that are switched on.
        failing: those of them of which an action failed in the time of their usage report.
        never: those of them that never ran.
        webhooks: failed webhooks since `since`.
        since: the first day of these, by the viewer's clock.
        credits: what is left of the day's, least first, as far as Zoho said so.
    """

    active: int
    failing: int
    never: int
    webhooks: int
    since: date
    credits: list[CreditsLeft]


def parts(now: datetime, zone: tzinfo) -> dict[str, QuerySet[Any, Any]]:
    """Returns what has to be asked for `in_short`, by name, for `together`; the arguments as there."""
    rules = WorkflowRule.objects.filter(gone_at=None, active=True).order_by()
    credits_left = ApiBudget.objects.filter(product=Product.CRM, remaining_seen__isnull=False, account__is_active=True)
    return {
        "rules": rules.values_list("account").annotate(
            n=Count("pk"),
            failing=Count("pk", filter=Q(failure_count__gt=0)),
            never=Count("pk", filter=Q(last_executed_time=None)),
        ),
        "webhooks_of_days": WebhookFailure.objects.filter(failure_time__gte=_first_midnight(now, zone))
        .order_by()
        .values_list("account")
        .annotate(n=Count("pk")),
        "credits": credits_left.order_by("remaining_seen", "account__name").values_list(
            "account_id", "account__name", "remaining_seen", "day_limit_seen", "seen_at"
        ),
    }


def in_short(found: Mapping[str, Sequence[Row]], now: datetime, zone: tzinfo) -> CrmInShort:
    """Puts the numbers together. Pure.

    Args:
        found: the rows of `parts`.
        now: the present.
        zone: of the viewer's days.
    """
    return CrmInShort(
        active=sum(row[1] for row in found["rules"]),
        failing=sum(row[2] for row in found["rules"]),
        never=sum(row[3] for row in found["rules"]),
        webhooks=sum(count for _, count in found["webhooks_of_days"]),
        since=_first_midnight(now, zone).astimezone(zone).date(),
        credits=[CreditsLeft(*row) for row in found["credits"]],
    )


def _first_midnight(now: datetime, zone: tzinfo) -> datetime:
    return midnight_of(now - (WEBHOOK_DAYS - 1) * DAY, zone)
