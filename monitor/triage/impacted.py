"""Lists the records that failed runs were about: those of a problem, or of any other choice of failures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, QuerySet, TextField
from django.db.models.functions import Cast, Length

from monitor.models import Execution, Failure, Flow, RecordField
from monitor.privacy import HIDDEN
from monitor.triage.records import id_at, record_of
from monitor.triage.shown_values import along, shown_at

LONGEST_READ = 1_000_000  # characters of trigger data: no page and no export looks for an id in more
CHUNK = 500


@dataclass(frozen=True)
class ImpactedRecord:
    """Holds one record, and what failed for it.

    Attributes:
        record_id: its id as people may see it; "" where the data of its runs is no longer kept.
        failed: failed runs for it, of which `open` are.
        newest: one of them.
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
        newest=Max("pk"),
    )
    # Never by the record itself: its place would tell of an id that is hidden.
    return told.order_by("-still_open", "-last_failed_at", "-newest")


def without_record(scope: Q) -> int:
    """Counts the failures of a scope of which no record is known. One statement."""
    return Failure.objects.filter(scope, record="").count()


def with_ids(rows: Sequence[Mapping[str, Any]], *, masked: bool = True) -> list[ImpactedRecord]:
    """Reads the ids of records. Four statements.

    Args:
        rows: of `records`.
        masked: False only for a person who may unmask and gave a reason.
    """
    keys = [row["newest"] for row in rows]
    runs = Execution.objects.defer("trigger_data", "error_details", "error_message", "search_text").in_bulk(keys)
    size = Length(Cast("trigger_data", TextField()))
    short = Execution.objects.annotate(size=size).filter(pk__in=keys, size__lte=LONGEST_READ)
    data = dict(short.values_list("pk", "trigger_data"))
    flows: dict[int, Flow] = Flow.objects.defer("raw").in_bulk({row["flow"] for row in rows})
    fields = RecordField.objects.in_bulk(list(flows))
    return [
        ImpactedRecord(
            flow=flows[row["flow"]],
            record_id=_id_of(data.get(row["newest"]), row["record"], fields.get(row["flow"]), masked=masked),
            failed=row["failed"],
            open=row["still_open"],
            last_failed_at=row["last_failed_at"],
            newest=runs[row["newest"]],
        )
        for row in rows
        if row["newest"] in runs and row["flow"] in flows  # pruned in this moment
    ]


def all_with_ids(scope: Q, *, masked: bool = True) -> Iterator[ImpactedRecord]:
    """Yields every record of a scope with its id, some hundred in memory at a time; arguments as above."""
    some: list[Mapping[str, Any]] = []
    for row in records(scope).iterator(chunk_size=CHUNK):
        some.append(row)
        if len(some) == CHUNK:
            yield from with_ids(some, masked=masked)
            some = []
    yield from with_ids(some, masked=masked)


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
