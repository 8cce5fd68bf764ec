"""Closes failures by a later success of the same flow for the same record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import F, Min, Q

from monitor.models import Execution, Failure, RecordField
from monitor.models.spans import rows_within
from monitor.periods import HOUR
from monitor.triage.find_record import SAMPLES, find_path, record_of
from monitor.triage.keyed import mark

LOOK_AGAIN_AFTER = timedelta(days=1)  # for the field of a flow, also where one was found: definitions change
NEWEST = 200  # runs of a flow among which samples are looked for: many flows have no trigger data at all
STEP = 1_000  # runs, or failures, of a transaction
CHUNK = 5_000  # keys in a statement
# What a person gave up and what then succeeds after all has succeeded.
UNDER_WAY = "~"  # before the mark of the key under which not all are made anew yet
WAITING = (Failure.Fate.OPEN, Failure.Fate.WRITTEN_OFF)
Waiting = Mapping[int, Mapping[str, list[tuple[datetime, int]]]]


def records_of(runs: Sequence[Execution], now: datetime) -> dict[int, str]:
    """Returns the digest of the record that each run was about, "" where it is not known.

    Args:
        runs: with their trigger data.
        now: the present.
    """
    paths = _paths({run.flow_id for run in runs if run.trigger_data is not None}, now)
    return {run.pk: record_of(run.trigger_data, paths.get(run.flow_id, "")) for run in runs}


def _paths(flows: Collection[int], now: datetime) -> dict[int, str]:
    """Returns where the record's id stands in the trigger data of some flows; looks for it where it is not sure."""
    fields = RecordField.objects.in_bulk(flows)
    for flow in flows:
        field = fields.get(flow)
        if field is None or _is_to_be_looked_for(field, now):
            samples = samples_of(flow)
            looked = {"found": find_path(samples), "samples": len(samples), "found_at": now}
            fields[flow], _ = RecordField.objects.update_or_create(flow_id=flow, defaults=looked)
    return {flow: field.path for flow, field in fields.items()}


def _is_to_be_looked_for(field: RecordField, now: datetime) -> bool:
    """Says whether to look again: a field that was found by few runs is looked at with each run that fails."""
    if field.chosen:
        return False
    return field.samples < SAMPLES or field.found_at is None or field.found_at <= now - LOOK_AGAIN_AFTER


def samples_of(flow: int) -> list[object]:
    """Returns the trigger data of the newest runs of a flow that have any. One statement."""
    newest = Execution.objects.filter(flow=flow, started_time__isnull=False).order_by("-started_time", "-pk")
    with_data = Execution.objects.filter(pk__in=newest.values("pk")[:NEWEST], trigger_data__isnull=False)
    return list(with_data.order_by("-started_time", "-pk").values_list("trigger_data", flat=True)[:SAMPLES])


def by_successes_of(hours: Collection[tuple[int, datetime]], now: datetime) -> list[int]:
    """Closes failures whose record a run of these hours was good for; returns their primary keys.

    Args:
        hours: a flow's primary key and the beginning of an hour, each.
        now: the present.
    """
    waiting = _waiting({flow for flow, _ in hours})
    places = sorted(place for place in hours if place[0] in waiting)
    if not places:
        return []
    keys = [pk for (pk,) in rows_within(Execution, "started_time", places, HOUR, "e.id", "WHERE e.status = 'success'")]
    first: dict[int, tuple[datetime, int]] = {}
    for start in range(0, len(keys), CHUNK):
        some = Execution.objects.filter(pk__in=keys[start : start + CHUNK], trigger_data__isnull=False)
        for failure, run in _first_good(waiting, some.only("flow_id", "started_time", "trigger_data")).items():
            first[failure] = min(run, first.get(failure, run))
    return _close(first, now)


def look_back(failures: Iterable[tuple[int, datetime | None]]) -> None:
    """Has flows looked through for successes that were mirrored before a failure was: see `by_earlier_successes_of`.

    Args:
        failures: a flow's primary key and when its failed run began, each.
    """
    since: dict[int, datetime] = {}
    for flow, began in failures:
        if began is not None:
            since[flow] = min(began, since.get(flow, began))
    for flow, began in sorted(since.items()):
        later = Q(look_from=None) | Q(look_from__gte=began)
        RecordField.objects.filter(later, flow=flow).update(look_from=began, look_key=0)


def flows_to_look_at() -> list[int]:
    """Returns the flows for which `by_earlier_successes_of` has something to do.

    A flow whose history is still being read waits until it is read: then one look serves all of it.
    """
    found = Q(chosen="") & ~Q(found=F("applied"))
    chosen = ~Q(chosen="") & ~Q(chosen=F("applied"))
    other_key = ~Q(applied="") & ~Q(applied_mark=mark())
    due = RecordField.objects.filter(
        Q(look_from__isnull=False) | Q(apply_key__isnull=False) | found | chosen | other_key
    )
    unread = due.exclude(flow__gone_at=None, flow__progress__executions_read_at=None)
    return list(unread.order_by("pk").values_list("pk", flat=True))


def by_earlier_successes_of(flow: int, now: datetime) -> tuple[list[int], bool]:
    """Does a step of what a flow's failures wait for; returns which it closed, and whether that was the last step.

    First their records are read anew, where another field than before holds them; then the runs since the oldest of
    them are looked through for one that was good for its record.
    """
    field = RecordField.objects.select_for_update(no_key=True).filter(pk=flow).first()
    if field is None:
        return [], True
    if field.applied != field.path or field.apply_key is not None or _is_of_another_key(field):
        _apply(field)
        return [], False
    if field.look_from is None:
        return [], True
    waiting = _waiting([flow])
    beyond = Q(started_time__gt=field.look_from) | Q(started_time=field.look_from, pk__gt=field.look_key)
    good = Execution.objects.filter(
        beyond,
        flow=flow,
        status=Execution.Status.SUCCESS,
        started_time__gte=field.look_from,
        trigger_data__isnull=False,
    )
    some = list(good.order_by("started_time", "pk").only("flow_id", "started_time", "trigger_data")[:STEP])
    closed = _close(_first_good(waiting, some), now) if waiting else []
    is_last = len(some) < STEP or not waiting
    place = (None, 0) if is_last else (some[-1].started_time, some[-1].pk)
    RecordField.objects.filter(pk=flow).update(look_from=place[0], look_key=place[1])
    return closed, is_last


def _is_of_another_key(field: RecordField) -> bool:
    """Returns whether the records of its failures are digests that none of now can equal."""
    return bool(field.applied) and field.applied_mark != mark()


def _apply(field: RecordField) -> None:
    """Reads the records of some failures anew: by another path than before, or under another key; then looks at runs.

    Those that have ended, too, or one record would stand in a list as two.
    """
    known, under_way = mark(), f"{UNDER_WAY}{mark()}"
    goes_on = field.applied == field.path and field.applied_mark in (known, under_way)
    after = (field.apply_key or 0) if goes_on else 0
    of_flow = Failure.objects.filter(flow=field.flow_id)
    rows = of_flow.select_for_update(of=("self",), no_key=True).filter(pk__gt=after).order_by("pk")
    some = list(rows.select_related("execution").only("record", "execution__trigger_data")[:STEP])
    changed = []
    for failure in some:
        # Of what has lost its data nothing else can be known.
        if failure.execution.trigger_data is not None:
            record = record_of(failure.execution.trigger_data, field.path)
            if record != failure.record:
                failure.record = record
                changed.append(failure)
    Failure.objects.bulk_update(changed, ["record"])
    key = some[-1].pk if len(some) == STEP else None
    made = under_way if key is not None else known
    RecordField.objects.filter(pk=field.pk).update(applied=field.path, apply_key=key, applied_mark=made)
    if key is None:
        oldest = of_flow.filter(fate__in=WAITING).exclude(record="").aggregate(oldest=Min("began_at"))["oldest"]
        look_back([(field.flow_id, oldest)])


def _waiting(flows: Collection[int]) -> Waiting:
    """Returns the failures of some flows that a success may close, by record: when each began, and its key."""
    found: dict[int, dict[str, list[tuple[datetime, int]]]] = defaultdict(lambda: defaultdict(list))
    rows = Failure.objects.filter(flow__in=flows, fate__in=WAITING, began_at__isnull=False).exclude(record="")
    for flow, record, began, pk in rows.values_list("flow_id", "record", "began_at", "pk"):
        if began is not None:
            found[flow][record].append((began, pk))
    return found


def _first_good(waiting: Waiting, good: Iterable[Execution]) -> dict[int, tuple[datetime, int]]:
    """Returns the first of some good runs for the record of each failure: when it began, and its key."""
    paths = {field.flow_id: field.path for field in RecordField.objects.filter(flow__in=list(waiting))}
    first: dict[int, tuple[datetime, int]] = {}
    for run in good:
        record = record_of(run.trigger_data, paths.get(run.flow_id, ""))
        if not record or run.started_time is None:
            continue
        found = (run.started_time, run.pk)
        for began, failure in waiting[run.flow_id].get(record, ()):
            if run.started_time > began:
                first[failure] = min(found, first.get(failure, found))
    return first


def _close(first: Mapping[int, tuple[datetime, int]], now: datetime) -> list[int]:
    """Closes failures in the order of their keys, as far as they still wait."""
    closed = []
    for failure, (_, run) in sorted(first.items()):
        waits = Failure.objects.filter(pk=failure, fate__in=WAITING)
        if waits.update(fate=Failure.Fate.SUPERSEDED, superseded_by=run, fate_at=now):
            closed.append(failure)
    return closed
