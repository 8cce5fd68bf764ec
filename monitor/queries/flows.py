"""Reads the list of flows: narrowed, sorted, with the figures of its columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import (
    Case,
    Count,
    ExpressionWrapper,
    F,
    FloatField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from monitor.models import SWITCHED_OFF, Execution, Failure, Flow, HourBucket
from monitor.models.spans import rows_within, utc
from monitor.periods import DAY, last_days
from monitor.queries.corrections import marks_of
from monitor.queries.shown_names import by_shown_name, shows
from monitor.standing.facts import WEEK_DAYS, Presents, silent_among, standing_in_sql, standing_of, with_facts
from monitor.standing.judge import WORDS, AccountPresent, FlowStanding

LIST_DAYS = WEEK_DAYS
SORTS = ("failures", "name", "rate", "runs", "last_run")


@dataclass(frozen=True)
class FlowFilter:
    """Says what the list is narrowed to.

    `status` is Zoho's: active, inactive (any of its words for it) or gone; empty means all but gone, those of words
    that are not known included. `standing` is one of
    `monitor.standing.judge.WORDS`; it needs to be told how far the accounts' presents are known. `problem_id` asks for
    those whose runs failed with a problem, all but deleted ones only where a status or a standing is wanted. `owner_id`
    is 0 for those that nobody looks after.
    """

    text: str = ""
    status: str = ""
    standing: str = ""
    account_id: int | None = None
    problem_id: int | None = None
    owner_id: int | None = None
    tag: str = ""
    sort: str = "failures"


def flow_list(
    wanted: FlowFilter, now: datetime, accounts: Mapping[int, AccountPresent] | None = None
) -> QuerySet[Flow]:
    """Finds flows, with `runs`, `failures`, `rate` (per cent) of the last 7 days and `last_run` (a time).

    `left_out` of the runs are in no rate, because people marked their time.

    Args:
        wanted: what the list is narrowed to.
        now: the present.
        accounts: how far the present of each is known, where a standing is wanted.
    """
    flows = with_facts(_narrowed(wanted).select_related("account"), now)
    if wanted.standing:
        presents = Presents(accounts or {}, silent_among(now))
        flows = flows.alias(standing_code=standing_in_sql(presents)).filter(standing_code=wanted.standing)
    newest = Execution.objects.filter(flow=OuterRef("pk"), started_time__isnull=False).order_by("-started_time")
    last_hour = HourBucket.objects.filter(flow=OuterRef("pk")).order_by("-hour")
    flows = flows.annotate(
        # Where its rows are pruned the flow still ran: an hour's start is the nearest that is known.
        last_run=Coalesce(Subquery(newest.values("started_time")[:1]), Subquery(last_hour.values("hour")[:1])),
    )
    flows = _with_rate(flows, now, wanted.account_id)
    return flows.order_by(*_order(wanted.sort))


def _with_rate(flows: QuerySet[Flow], now: datetime, account_id: int | None) -> QuerySet[Flow]:
    """Adds `rate`, and `left_out`: how many of the `runs` it is not of, because people marked their time."""
    window = last_days(now, LIST_DAYS)
    marked = marks_of(window, account_id).hours
    if marked is None:
        flows = flows.annotate(left_out=Value(0), left_failures=Value(0))
    else:
        hours = HourBucket.objects.filter(marked, flow=OuterRef("pk"), hour__gte=window.start, hour__lt=window.end)
        sums = hours.order_by().values("flow")
        flows = flows.annotate(
            left_out=Coalesce(Subquery(sums.annotate(n=Sum(F("failed") + F("succeeded"))).values("n")), 0),
            left_failures=Coalesce(Subquery(sums.annotate(n=Sum("failed")).values("n")), 0),
        )
    rated = F("runs") - F("left_out")
    good = rated - F("failures") + F("left_failures")
    share = ExpressionWrapper(100.0 * good / rated, output_field=FloatField())
    return flows.annotate(rate=Case(When(runs__gt=F("left_out"), then=share), default=None, output_field=FloatField()))


def _order(sort: str) -> tuple[Any, ...]:
    """Returns the order of a sort; names only where they decide."""
    rate = F("rate").asc(nulls_last=True)
    if sort == "rate":
        return (rate, "-failures", "pk")
    if sort == "last_run":
        return (F("last_run").desc(nulls_last=True), "pk")
    named = by_shown_name(Flow.objects.all(), "flow_name")
    return {"name": named, "failures": ("-failures", rate, *named), "runs": ("-runs", *named)}[sort]


def _narrowed(wanted: FlowFilter) -> QuerySet[Flow]:
    flows = Flow.objects.select_related("progress", "ownership__owner").prefetch_related("ownership__tags")
    flows = flows.defer("raw", "description", "account__client_secret")
    if wanted.account_id is not None:
        flows = flows.filter(account_id=wanted.account_id)
    if wanted.text:
        named = shows(Flow.objects.all(), wanted.text, "flow_name", "trigger_app")
        flows = flows.filter(named | Q(flow_id=wanted.text))
    if wanted.owner_id is not None:
        flows = flows.filter(ownership__owner=wanted.owner_id or None)
    if wanted.tag:
        flows = flows.filter(ownership__tags__name=wanted.tag)
    if wanted.problem_id is not None:
        flows = flows.filter(pk__in=Failure.objects.filter(group__problem=wanted.problem_id).values("flow"))
        if not (wanted.status or wanted.standing):
            return flows
    if "gone" in (wanted.status, wanted.standing):
        return flows.filter(gone_at__isnull=False)
    flows = flows.filter(gone_at=None)
    if wanted.status == "active":
        return flows.filter(status="active")
    if wanted.status == "inactive":
        return flows.filter(status__in=SWITCHED_OFF)
    return flows


def standings(flows: list[Flow], accounts: Mapping[int, AccountPresent], now: datetime) -> dict[int, FlowStanding]:
    """Says how some flows stand, by primary key. At most three statements.

    Args:
        flows: from `flow_list`, or `with_facts`.
        accounts: how far the present of each is known.
        now: the present.
    """
    presents = Presents(accounts, silent_among(now, [flow.pk for flow in flows]))
    return {flow.pk: standing_of(flow, presents) for flow in flows}


def standing_counts(accounts: Mapping[int, AccountPresent], silent: frozenset[int], now: datetime) -> dict[str, int]:
    """Counts the flows of each standing, what is bad first; deleted ones and what there is none of are left out.

    One statement.

    Args:
        accounts: how far the present of each is known.
        silent: primary keys of silent flows.
        now: the present.
    """
    return in_order_of_standing(by_standing(accounts, silent, now))


def by_standing(accounts: Mapping[int, AccountPresent], silent: frozenset[int], now: datetime) -> QuerySet[Flow, Any]:
    """Counts the flows of each standing: its code, and how many. The arguments are those of `standing_counts`."""
    flows = with_facts(Flow.objects.filter(gone_at=None).order_by(), now)
    coded = flows.annotate(standing_code=standing_in_sql(Presents(accounts, silent)))
    return coded.values("standing_code").annotate(n=Count("pk")).values_list("standing_code", "n")


def in_order_of_standing(rows: Iterable[tuple[Any, ...]]) -> dict[str, int]:
    """Sorts the rows of `by_standing`, what is bad first. Pure."""
    counted = dict(rows)
    return {code: counted[code] for code in WORDS if counted.get(code)}


def daily_results(flow_ids: list[int], now: datetime, days: int = 14) -> dict[int, list[tuple[int, int]]]:
    """Counts (succeeded, failed) per flow and 24 hours, oldest first, for sparklines. One statement."""
    window = last_days(now, days)
    table: dict[int, list[tuple[int, int]]] = defaultdict(lambda: [(0, 0)] * days)
    begins = [(flow, window.start) for flow in flow_ids]
    rows = rows_within(HourBucket, "hour", begins, window.length, "e.flow_id, e.hour, succeeded, failed")
    for flow_id, hour, succeeded, failed in rows:
        place = (utc(hour) - window.start) // DAY
        before = table[flow_id][place]
        table[flow_id][place] = (before[0] + succeeded, before[1] + failed)
    return table
