"""Closes failures by a later success of the same flow for the same record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from monitor.models import Execution, Failure, RecordField
from monitor.models.spans import rows_within
from monitor.periods import HOUR
from monitor.triage.records import SAMPLES, find_path, record_of

LOOK_AGAIN_AFTER = timedelta(days=1)  # for the field of a flow in which none was found
MOST_SUCCESSES = 20_000  # of a flow that one look back reads


def records_of(runs: Sequence[Execution], now: datetime) -> dict[int, str]:
    """Returns the digest of the record that each run was about, "" where it is not known.

    Args:
        runs: with their trigger data.
        now: the present.
    """
    paths = _paths({run.flow_id for run in runs if run.trigger_data is not None}, now)
    return {run.pk: record_of(run.trigger_data, paths.get(run.flow_id, "")) for run in runs}


def _paths(flows: Collection[int], now: datetime) -> dict[int, str]:
    """Returns where the record's id stands in the trigger data of some flows; looks for it where it is not known."""
    fields = RecordField.objects.in_bulk(flows)
    for flow in flows:
        field = fields.get(flow)
        is_due = field is None or field.found_at is None or field.found_at <= now - LOOK_AGAIN_AFTER
        if field is not None and (field.path or not is_due):
            continue
        samples = Execution.objects.filter(flow=flow, trigger_data__isnull=False).order_by("-started_time", "-pk")
        found = find_path(list(samples.values_list("trigger_data", flat=True)[:SAMPLES]))
        fields[flow], _ = RecordField.objects.update_or_create(flow_id=flow, defaults={"found": found, "found_at": now})
    return {flow: field.path for flow, field in fields.items()}


def by_successes_of(hours: Collection[tuple[int, datetime]], now: datetime) -> list[int]:
    """Closes open failures whose record a run of these hours was good for; returns their primary keys.

    Args:
        hours: a flow's primary key and the beginning of an hour, each.
        now: the present.
    """
    waiting = _waiting({flow for flow, _ in hours})
    if not waiting:
        return []
    places = sorted(place for place in hours if place[0] in waiting)
    keys = [pk for (pk,) in rows_within(Execution, "started_time", places, HOUR, "e.id", "WHERE e.status = 'success'")]
    return _close(waiting, Execution.objects.filter(pk__in=keys, trigger_data__isnull=False), now)


def look_back(failures: Iterable[tuple[int, datetime | None]]) -> None:
    """Has flows looked through for successes that were mirrored before a failure was: see `by_earlier_successes`.

    Args:
        failures: a flow's primary key and when its failed run began, each.
    """
    since: dict[int, datetime] = {}
    for flow, began in failures:
        if began is not None:
            since[flow] = min(began, since.get(flow, began))
    for flow, began in since.items():
        later = Q(look_from=None) | Q(look_from__gt=began)
        RecordField.objects.filter(later, flow=flow).update(look_from=began)


def by_earlier_successes(now: datetime) -> list[int]:
    """Closes open failures whose record a run was good for that was mirrored before them; returns their keys.

    A flow whose history is still being read waits until it is read: then one look serves all of it.
    """
    due = RecordField.objects.filter(look_from__isnull=False).exclude(
        flow__gone_at=None, flow__progress__executions_read_at=None
    )
    closed: list[int] = []
    for flow, since in due.values_list("flow_id", "look_from"):
        waiting = _waiting([flow])
        good = Execution.objects.filter(
            flow=flow, status=Execution.Status.SUCCESS, started_time__gt=since, trigger_data__isnull=False
        )
        if waiting:
            closed += _close(waiting, good.order_by("-started_time")[:MOST_SUCCESSES], now)
        RecordField.objects.filter(flow=flow, look_from=since).update(look_from=None)
    return closed


def _waiting(flows: Collection[int]) -> dict[int, dict[str, list[tuple[datetime, int]]]]:
    """Returns the open failures of some flows by record: when each began, and its key."""
    found: dict[int, dict[str, list[tuple[datetime, int]]]] = defaultdict(lambda: defaultdict(list))
    rows = Failure.objects.filter(flow__in=flows, fate=Failure.Fate.OPEN, began_at__isnull=False).exclude(record="")
    for flow, record, began, pk in rows.values_list("flow_id", "record", "began_at", "pk"):
        if began is not None:
            found[flow][record].append((began, pk))
    return found


def _close(waiting: Mapping[int, Mapping[str, list[tuple[datetime, int]]]], good: Any, now: datetime) -> list[int]:
    paths = {field.flow_id: field.path for field in RecordField.objects.filter(flow__in=waiting)}
    first: dict[int, tuple[datetime, int]] = {}
    for run in good.only("flow_id", "started_time", "trigger_data").iterator(chunk_size=1000):
        record = record_of(run.trigger_data, paths.get(run.flow_id, ""))
        for began, failure in waiting[run.flow_id].get(record, ()) if record else ():
            if run.started_time > began:
                first[failure] = min((run.started_time, run.pk), first.get(failure, (run.started_time, run.pk)))
    closed = []
    for failure, (_, run) in first.items():
        still_open = Failure.objects.filter(pk=failure, fate=Failure.Fate.OPEN)
        if still_open.update(fate=Failure.Fate.SUPERSEDED, superseded_by=run, fate_at=now):
            closed.append(failure)
    return closed
