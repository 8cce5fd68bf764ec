"""Lists the records that failed runs were about: those of a problem, or of any other choice of failures."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, F, Max, Q, QuerySet, TextField, When, Window
from django.db.models.functions import Cast, Length, RowNumber

from monitor.models import Execution, Failure, Flow, RecordField
from monitor.privacy import HIDDEN
from monitor.triage.find_record import id_at, record_of
from monitor.triage.shown_values import along, shown_at

LONGEST_READ = 1_000_000  # characters of trigger data: no page and no export looks for an id in more
MOST_TRIED = 5  # runs of a record, the newest, where the last one has lost its data
CHUNK = 500
Place = tuple[int, str]  # a flow's primary key, and the digest of a record


@dataclass(frozen=True)
class ImpactedRecord:
    """Holds one record, and what failed for it.

    Attributes:
        record_id: its id as people may see it; "" where the data of none of its runs is kept any longer.
        failed: failed runs for it, of which `open` are.
        newest: the one that failed last.
    """

    flow: Flow
    record_id: str
    failed: int
    open: int
    last_failed_at: datetime
    newest: Execution


def records(scope: Q) -> QuerySet[Failure, Any]:
    """Asks for the records of some failures, those with the most that is open first; `with_ids` reads them.

    Args:
        scope: condition on `Failure`.
    """
    known = Failure.objects.filter(scope).exclude(record="").order_by().values("flow", "record")
    told = known.annotate(
        failed=Count("pk"),
        still_open=Count("pk", filter=Q(fate=Failure.Fate.OPEN)),
        last_failed_at=Max("failed_at"),
        last_key=Max("pk"),
    )
    # Never by the record itself: its place would tell of an id that is hidden.
    return told.order_by("-still_open", "-last_failed_at", "-last_key")


def without_record(scope: Q) -> int:
    """Counts the failures of a scope of which no record is known. One statement."""
    return Failure.objects.filter(scope, record="").count()


def with_ids(scope: Q, rows: Sequence[Mapping[str, Any]], *, masked: bool = True) -> list[ImpactedRecord]:
    """Reads the ids of records. Four statements, and three more where the newest run of one has lost its data.

    Args:
        scope: as for `records`.
        rows: of `records`.
        masked: False only for a person who may unmask and gave a reason.
    """
    flows: dict[int, Flow] = Flow.objects.defer("raw").in_bulk({row["flow"] for row in rows})
    fields = RecordField.objects.in_bulk(list(flows))
    newest = _newest(scope, rows)
    runs = _runs(newest.values())
    ids = _ids(newest, runs, fields, masked=masked)
    # Runs lose their data one by one, and a run may be too long to be read: another one of the record may tell.
    if others := _with_data(scope, newest.keys() - ids.keys()):
        ids |= _ids(others, _runs(others.values()), fields, masked=masked)
    return [
        ImpactedRecord(
            flow=flows[row["flow"]],
            record_id=ids.get(_place(row), ""),
            failed=row["failed"],
            open=row["still_open"],
            last_failed_at=row["last_failed_at"],
            newest=runs[newest[_place(row)]],
        )
        for row in rows
        if newest[_place(row)] in runs and row["flow"] in flows  # pruned in this moment
    ]


def _place(row: Mapping[str, Any]) -> Place:
    return row["flow"], row["record"]


def _newest(scope: Q, rows: Sequence[Mapping[str, Any]]) -> dict[Place, int]:
    """Returns the key of the run that failed last for each record. One statement, by an index."""
    last = {_place(row): row["last_failed_at"] for row in rows}
    of_time = Failure.objects.filter(
        scope, flow__in={flow for flow, _ in last}, fate__in=Failure.Fate.values, failed_at__in=set(last.values())
    )
    found = of_time.order_by("pk").values_list("flow_id", "record", "failed_at", "pk")
    newest = {(flow, record): pk for flow, record, at, pk in found if last.get((flow, record)) == at}
    # One that failed once more in this moment is still there, at another time.
    return {_place(row): row["last_key"] for row in rows} | newest


def _with_data(scope: Q, places: Collection[Place]) -> dict[Place, int]:
    """Returns the key of the newest run of each record that still has data which is not too long. Two statements.

    Of each record the newest runs are looked at, `MOST_TRIED` of them: more would grow with history.
    """
    if not places:
        return {}
    of_places = Failure.objects.filter(
        scope, flow__in={flow for flow, _ in places}, record__in={record for _, record in places}
    )
    newest_first = [F("failed_at").desc(), F("pk").desc()]
    number = Window(RowNumber(), partition_by=[F("flow"), F("record")], order_by=newest_first)
    rows = of_places.annotate(number=number).filter(number__lte=MOST_TRIED)
    tried = {
        pk: (flow, record)
        for pk, flow, record in rows.order_by("-number").values_list("pk", "flow_id", "record")
        if (flow, record) in places
    }
    size = Length(Cast("trigger_data", TextField()))
    told = Execution.objects.filter(pk__in=list(tried), trigger_data__isnull=False).annotate(size=size)
    known = set(told.filter(size__lte=LONGEST_READ).values_list("pk", flat=True))
    return {place: pk for pk, place in tried.items() if pk in known}


def _runs(keys: Iterable[int]) -> dict[int, Any]:
    """Reads runs by their keys, with the data that is not too long as `told`. One statement."""
    size = Length(Cast("trigger_data", TextField()))
    rows = Execution.objects.defer("trigger_data", "error_details", "error_message", "search_text").annotate(size=size)
    return rows.annotate(told=Case(When(size__lte=LONGEST_READ, then="trigger_data"))).in_bulk(list(keys))


def _ids(
    newest: Mapping[Place, int], runs: Mapping[int, Any], fields: Mapping[int, RecordField], *, masked: bool
) -> dict[Place, str]:
    """Returns the ids of the records whose run still tells them."""
    told = {
        place: _id_of(runs[pk].told, place[1], fields.get(place[0]), masked=masked)
        for place, pk in newest.items()
        if pk in runs
    }
    return {place: shown for place, shown in told.items() if shown}


def all_with_ids(scope: Q, *, masked: bool = True) -> Iterator[ImpactedRecord]:
    """Yields every record of a scope with its id, some hundred in memory at a time; arguments as above."""
    some: list[Mapping[str, Any]] = []
    for row in records(scope).iterator(chunk_size=CHUNK):
        some.append(row)
        if len(some) == CHUNK:
            yield from with_ids(scope, some, masked=masked)
            some = []
    yield from with_ids(scope, some, masked=masked)


def _id_of(data: Any, record: str, field: RecordField | None, *, masked: bool) -> str:
    """Returns the id that a record's digest was made of: another field may have been chosen, and not be applied yet."""
    paths = (field.path, field.applied, field.found) if field is not None else ()
    path = next((one for one in paths if one and record_of(data, one) == record), None)
    if path is None:
        return ""
    if not masked:
        return id_at(data, path)
    keys = path.split(".")
    _, shown = shown_at(along(data, keys), keys)
    return shown.strip() if isinstance(shown, str) else str(shown) if isinstance(shown, int) else HIDDEN
