"""Shows what the failed runs of a problem have in common that good runs of the same flows and time do not."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.models import Execution, Failure, FlowVersion, Problem
from monitor.periods import DAY
from monitor.privacy import HIDDEN, is_private_key, mask
from monitor.triage.differences import ABSENT, Difference, differences, fields_of

MOST_FAILED, MOST_GOOD = 300, 600  # runs that are compared, the newest
_SLOW = (("under 1 s", 1_000), ("1 to 10 s", 10_000), ("10 to 60 s", 60_000))
_COLUMNS = ("flow_id", "started_time", "duration_ms", "trigger_data")


@dataclass(frozen=True)
class ShownDifference:
    """Holds a difference as anybody may see it: the value is hidden where it would be hidden anywhere."""

    found: Difference
    value: str


def what_differs(problem: Problem) -> list[ShownDifference]:
    """Compares the newest failed runs of a problem with good ones of the same flows, from a day before to a day after.

    Four statements, however long the history is.
    """
    keys = Failure.objects.filter(group__problem=problem).order_by("-failed_at").values_list("pk", flat=True)
    failed = list(Execution.objects.filter(pk__in=list(keys[:MOST_FAILED])).only(*_COLUMNS))
    times = [run.started_time for run in failed if run.started_time is not None]
    if not times:
        return []
    flows = {run.flow_id for run in failed}
    good = Execution.objects.filter(
        flow__in=flows, status="success", started_time__gte=min(times) - DAY, started_time__lt=max(times) + DAY
    )
    fine = list(good.order_by("-started_time").only(*_COLUMNS)[:MOST_GOOD])
    versions = _versions(flows)
    found = differences([_fields(run, versions) for run in failed], [_fields(run, versions) for run in fine])
    return [ShownDifference(one, _shown(one)) for one in found]


def _fields(run: Execution, versions: Mapping[int, list[tuple[datetime, int]]]) -> dict[str, str]:
    began, took = run.started_time, run.duration_ms
    known = versions.get(run.flow_id, [])
    place = bisect_right(known, began, key=lambda one: one[0]) if began is not None else 0
    return fields_of(
        run.trigger_data,
        hour=f"{began:%H}:00 UTC" if began is not None else "",
        version=str(known[place - 1][1]) if place else "",
        duration="" if took is None else next((words for words, most in _SLOW if took < most), "over a minute"),
    )


def _versions(flows: Iterable[int]) -> dict[int, list[tuple[datetime, int]]]:
    """Returns since when each version of some flows stands, the oldest first."""
    found: dict[int, list[tuple[datetime, int]]] = {}
    rows = FlowVersion.objects.filter(flow__in=flows).order_by("number")
    for flow, since, number in rows.values_list("flow_id", "first_seen_at", "number"):
        found.setdefault(flow, []).append((since, number))
    return found


def _shown(one: Difference) -> str:
    """Hides a value that would be hidden where the run is shown."""
    *_, key = one.field.split(".")
    if one.value == ABSENT or not one.field.startswith("trigger."):
        return one.value
    return HIDDEN if is_private_key(key) or mask({key: one.value})[key] != one.value else one.value
