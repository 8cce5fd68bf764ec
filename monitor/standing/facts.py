"""Reads what the standing of flows is decided by, and says the same decision in SQL, so that lists can filter by it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual

from monitor.models import SWITCHED_OFF, AlertState, Execution, Flow, HourBucket
from monitor.models.asking import Asking, answered
from monitor.models.executions import going_on_since_before
from monitor.periods import last_days
from monitor.standing import judge
from monitor.standing.judge import AccountPresent, FlowFacts, FlowStanding, judge_flow
from monitor.standing.silence import ask_silent_flows
from monitor.zoho.reruns import STUCK_AFTER

WEEK_DAYS = 7
FINISHED = [Execution.Status.SUCCESS, Execution.Status.FAILED]


@dataclass(frozen=True)
class Presents:
    """Holds how far the present of each account is known, and which flows are silent.

    Attributes:
        accounts: by primary key.
        silent: primary keys of flows.
    """

    accounts: Mapping[int, AccountPresent]
    silent: frozenset[int]


def silent_among(now: datetime, flow_ids: Collection[int] | None = None) -> frozenset[int]:
    """Returns the primary keys of silent flows.

    Args:
        now: the present.
        flow_ids: only of these; None: all.
    """
    return answered(ask_silent_among(now, flow_ids))


def ask_silent_among(now: datetime, flow_ids: Collection[int] | None = None) -> Asking[frozenset[int]]:
    """Asks for what `silent_among` returns."""
    found = yield from ask_silent_flows(now, among=flow_ids)
    return frozenset(one.flow.pk for one in found)


def with_facts(flows: QuerySet[Flow], now: datetime) -> QuerySet[Flow]:
    """Adds to flows what `standing_of` and `standing_in_sql` decide by.

    That is `runs`, `failures` and `others` of the last 7 days, `has_alert`, `newest_status` and `is_stuck`.

    Args:
        flows: with their progress joined.
        now: the present.
    """
    return facts_between(flows, *moments_of(now))


def moments_of(now: datetime) -> tuple[datetime, datetime, datetime]:
    """Returns what `facts_between` goes by: where the last 7 days begin and end, and since when a run hangs."""
    window = last_days(now, WEEK_DAYS)
    return window.start, window.end, now - STUCK_AFTER


def facts_between(flows: QuerySet[Flow], start: datetime, end: datetime, stuck_before: datetime) -> QuerySet[Flow]:
    """Does what `with_facts` does, by the moments that follow from the present (`moments_of`)."""
    week = HourBucket.objects.filter(flow=OuterRef("pk"), hour__gte=start, hour__lt=end)
    sums = week.order_by().values("flow")
    # Hardly any hour has one: an index of these alone tells so.
    odd = sums.filter(other__gt=0)
    return with_signs(flows, stuck_before).annotate(
        failures=Coalesce(Subquery(sums.annotate(n=Sum("failed")).values("n")), 0),
        runs=Coalesce(Subquery(sums.annotate(n=Sum(F("failed") + F("succeeded"))).values("n")), 0),
        others=Coalesce(Subquery(odd.annotate(n=Sum("other")).values("n")), 0),
    )


def with_signs(flows: QuerySet[Flow], stuck_before: datetime) -> QuerySet[Flow]:
    """Adds to flows `has_alert`, `newest_status` and `is_stuck`: `with_facts` without what is summed up.

    Args:
        flows: any.
        stuck_before: since when a run that goes on hangs, as `moments_of` has it.
    """
    runs = Execution.objects.filter(flow=OuterRef("pk"))
    finished = runs.filter(status__in=FINISHED, started_time__isnull=False).order_by("-started_time", "-pk")
    # Asked for once, by the index of states: each flow's own runs would be looked through from end to end.
    stuck = Execution.objects.filter(going_on_since_before(stuck_before)).order_by().values("flow")
    return flows.annotate(
        has_alert=Exists(AlertState.objects.filter(flow=OuterRef("pk"), is_open=True)),
        newest_status=Coalesce(Subquery(finished.values("status")[:1]), Value("")),
        is_stuck=ExpressionWrapper(Q(may_wait=False, pk__in=stuck), output_field=BooleanField()),
    )


def standing_of(flow: Any, presents: Presents) -> FlowStanding:
    """Decides how a flow stands.

    Args:
        flow: from `with_facts`.
        presents: of the accounts, and the silent flows.
    """
    past = flow.progress
    return judge_flow(
        FlowFacts(
            is_gone=flow.gone_at is not None,
            status=flow.status,
            account=presents.accounts.get(flow.account_id, AccountPresent()),
            is_read=past.executions_read_at is not None or past.covered_from is not None,
            hole=past.hole_reason,
            has_alert=flow.has_alert,
            newest=flow.newest_status,
            runs=flow.runs,
            failures=flow.failures,
            others=flow.others,
            is_stuck=flow.is_stuck,
            is_silent=flow.pk in presents.silent,
        )
    )


def standing_in_sql(presents: Presents) -> Case:
    """Says `judge_flow` as an expression over the columns of `with_facts`; a property holds the two together.

    What is summed up for a flow is asked for last: of most flows the newest run alone tells.

    Args:
        presents: of the accounts, and the silent flows.
    """

    def accounts(code: str) -> Q:
        return Q(account_id__in=[key for key, one in presents.accounts.items() if one.code == code])

    unread = Q(progress__executions_read_at=None, progress__covered_from=None)
    is_good = Q(runs__gt=0) & GreaterThanOrEqual(100 * (F("runs") - F("failures")), judge.GOOD_RATE * F("runs"))
    last_known_bad = Q(newest_status=Execution.Status.FAILED) | (Q(newest_status="") & Q(runs__gt=0))
    return Case(
        When(Q(gone_at__isnull=False), then=Value(judge.GONE)),
        When(Q(status__in=SWITCHED_OFF) | accounts(judge.ON_HOLD), then=Value(judge.ON_HOLD)),
        When(Q(has_alert=True), then=Value(judge.FAILING)),
        When(accounts(judge.UNREAD) | unread, then=Value(judge.UNREAD)),
        When(last_known_bad & ~is_good, then=Value(judge.FAILING)),
        When(accounts(judge.UNKNOWN) | ~Q(progress__hole_reason="") | ~Q(status="active"), then=Value(judge.UNKNOWN)),
        When(Q(others__gt=0) & Q(others__gt=F("runs")), then=Value(judge.UNKNOWN)),
        When(Q(is_stuck=True), then=Value(judge.STUCK)),
        When(Q(pk__in=presents.silent), then=Value(judge.SILENT)),
        When(Q(newest_status="") & Q(runs=0), then=Value(judge.UNKNOWN)),
        default=Value(judge.HEALTHY),
        output_field=CharField(),
    )
