"""Reads how the runs of flows ended day by day: a month of those that fail or run most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from django.db.models import F, QuerySet, Sum

from monitor.models import DayBucket, Flow, FlowProgress
from monitor.periods import DAY, day_of, day_start
from monitor.queries import holes
from monitor.queries.freshness import Mirror
from monitor.queries.together import Row, together

DAYS = 30
MOST_FLOWS = 80

_OF_FLOW = ("pk", "account_id", "flow_name", "gone_at", "first_seen_at")
_OF_PROGRESS = ("executions_read_at", "covered_from", "hole_reason", "pruned_before")


class DayResult(NamedTuple):
    """Holds how the runs of a flow ended that began on one day.

    Attributes:
        succeeded: by final result.
        failed: likewise.
        others: under way, or of a status that is not known here.
        is_known: whether the mirror has all runs of the day for sure.
    """

    succeeded: int = 0
    failed: int = 0
    others: int = 0
    is_known: bool = True

    @property
    def finished(self) -> int:
        return self.succeeded + self.failed


@dataclass(frozen=True, slots=True)
class FlowDays:
    """Holds a flow with a result of each day, the oldest first."""

    flow: Flow
    results: list[DayResult]


@dataclass(frozen=True, slots=True)
class DayGrid:
    """Holds days of UTC, as they are counted, and flows: those with the most failures first, then the busiest.

    `is_cut`: there are more flows with runs in this time.
    """

    days: list[date]
    rows: list[FlowDays]
    is_cut: bool


def parts(now: datetime) -> dict[str, QuerySet[Any, Any]]:
    """Asks for what `grid_of` reads, by name, for `together`."""
    days = _days(now)
    counted = DayBucket.objects.filter(day__gte=days[0], day__lte=days[-1], flow__gone_at=None).order_by()
    most = counted.values("flow").annotate(bad=Sum("failed"), all=Sum(F("succeeded") + F("failed")))
    most = most.order_by("-bad", "-all", "flow")[: MOST_FLOWS + 1]
    flows = Flow.objects.filter(pk__in=most.values("flow"))
    return {
        "grid_most": most.values_list("flow", "bad", "all"),
        "grid_flows": flows.order_by().values_list(*_OF_FLOW, *(f"progress__{name}" for name in _OF_PROGRESS)),
        "grid_days": counted.filter(flow__in=most.values("flow")).values_list(
            "flow", "day", "succeeded", "failed", F("running") + F("other")
        ),
    }


def flow_days(now: datetime, mirror: Mirror) -> DayGrid:
    """Reads the last 30 days of the 80 flows that failed or ran most in them. One statement.

    Args:
        now: the present.
        mirror: as of now.
    """
    return grid_of(together(parts(now)), mirror, now)


def grid_of(found: Mapping[str, Sequence[Row]], mirror: Mirror, now: datetime) -> DayGrid:
    """Puts the last 30 days of the 80 flows together that failed or ran most in them. Pure.

    Args:
        found: the rows of `parts`.
        mirror: as of now.
        now: the present.
    """
    days = _days(now)
    flows = {flow.pk: flow for flow in map(_flow, found["grid_flows"])}
    by_flow: dict[int, dict[date, tuple[int, int, int]]] = defaultdict(dict)
    for key, day, succeeded, failed, others in found["grid_days"]:
        by_flow[key][day] = (succeeded, failed, others)
    shown = [key for key, *_ in found["grid_most"] if key in flows]
    return DayGrid(
        days=days,
        rows=[_of_flow(flows[key], days, by_flow[key], mirror, now) for key in shown[:MOST_FLOWS]],
        is_cut=len(shown) > MOST_FLOWS,
    )


def _days(now: datetime) -> list[date]:
    last = day_of(now)
    return [last - number * DAY for number in range(DAYS - 1, -1, -1)]


def _flow(row: Row) -> Flow:
    flow = Flow(**dict(zip(_OF_FLOW, row, strict=False)))
    flow.progress = FlowProgress(flow_id=flow.pk, **dict(zip(_OF_PROGRESS, row[len(_OF_FLOW) :], strict=True)))
    return flow


def _of_flow(
    flow: Flow, days: list[date], counted: dict[date, tuple[int, int, int]], mirror: Mirror, now: datetime
) -> FlowDays:
    begin = day_start(days[0], UTC)
    unknown = holes.of_flow(flow, mirror.of(flow.account_id), begin, now)
    results = []
    for day in days:
        start = day_start(day, UTC)
        is_known = not any(hole.start < start + DAY and start < hole.end for hole in unknown)
        succeeded, failed, others = counted.get(day, (0, 0, 0))
        results.append(DayResult(succeeded, failed, others, is_known))
    return FlowDays(flow, results)
