"""Takes away payloads and rows that have outlived their age, a few hundred in a transaction.

It may be killed anywhere: each transaction by itself leaves counter = baseline + mirrored + pruned as it was, and
the next run finds what is left. It holds the account's SyncState row as the storing of a page does, so that no
row is read and pruned at the same time.

Rows go by whole hours: once an hour is closed its bucket is the only record of it. So an hour waits as a whole
while anything in it may still change.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from monitor.models import (
    Ages,
    DirtyHour,
    Execution,
    Failure,
    Flow,
    FlowProgress,
    HourBucket,
    PrunedHour,
    Quarantine,
    Retention,
    RetryAttempt,
    RetryItem,
    SyncState,
    ZohoAccount,
)
from monitor.periods import HOUR, hour_of

BATCH = 500  # rows in a transaction
GoOn = Callable[[], bool]


@dataclass
class Pruned:
    """Counts what a run took away; `is_done` is False where time ran out first."""

    payloads: int = 0
    rows: int = 0
    is_done: bool = True


def prune(ages: Ages, now: datetime, go_on: GoOn) -> Pruned:
    """Prunes every account, the one that waits longest first.

    Args:
        ages: what is kept how long.
        now: the present.
        go_on: asked before each batch; False ends the run.
    """
    done = Pruned()
    waiting = ZohoAccount.objects.order_by(F("retention__looked_at").asc(nulls_first=True), "pk")
    for account_id in waiting.values_list("pk", flat=True):
        if not go_on():
            done.is_done = False
            break
        place, _ = Retention.objects.get_or_create(account_id=account_id)
        payloads, all_payloads = _payloads(place, ages.payload_edge(now), now, go_on)
        rows, all_rows = _rows(account_id, ages.rows_edge(now), now, go_on)
        _forget_closed(account_id, ages.hours_edge(now))
        _empty_quarantine(account_id, ages.payload_edge(now))
        done.payloads += payloads
        done.rows += rows
        done.is_done &= all_payloads and all_rows
        Retention.objects.filter(pk=place.pk).update(looked_at=now, is_behind=not (all_payloads and all_rows))
    return done


def _empty_quarantine(account_id: int, edge: datetime) -> None:
    """Empties old records in quarantine, as payloads go by their age; that there was one is still counted."""
    old = Quarantine.objects.filter(account=account_id, seen_at__lt=edge).exclude(raw_text="")
    keys = list(old.values_list("pk", flat=True)[:BATCH])
    if keys:
        Quarantine.objects.filter(pk__in=keys, seen_at__lt=edge).update(raw_text="")


def _payloads(place: Retention, edge: datetime, now: datetime, go_on: GoOn) -> tuple[int, bool]:
    """Walks on from the account's place up to the edge; returns how many payloads went, and whether all did."""
    count = 0
    if place.payload_at is not None and place.payload_at > edge:
        # The age was made longer: what lies between is due when its time has come.
        Retention.objects.filter(pk=place.pk).update(payload_at=edge, payload_key=0)
    while True:
        if not go_on():
            return count, False
        taken, is_last = _payload_batch(place.account_id, edge, now)
        count += taken
        if is_last:
            return count, True


@transaction.atomic
def _payload_batch(account_id: int, edge: datetime, now: datetime) -> tuple[int, bool]:
    _hold(account_id)
    place = Retention.objects.get(account_id=account_id)
    rows = Execution.objects.filter(account_id=account_id)
    old = _after(rows.filter(started_time__lt=edge), place.payload_at, place.payload_key)
    window = list(old.order_by("started_time", "pk").values_list("pk", "started_time")[:BATCH])
    is_last = len(window) < BATCH
    keys = [pk for pk, _ in window] + (_beside_the_walk(rows, edge) if is_last else [])
    # An open retry is told from other runs by its trigger data.
    held = RetryAttempt.objects.filter(execution__in=keys, state__in=RetryAttempt.OPEN_STATES)
    going = rows.filter(_HAS_PAYLOAD, pk__in=keys).exclude(pk__in=held.values("execution"))
    # What was searched of the details goes with them; what is left of the text is masked anew (`remask`).
    unmade = {"search_text": "", "masked_by": F("masked_by") * 0}
    taken = going.update(trigger_data=None, error_details="", payload_removed_at=now, **unmade)
    if window:
        key, at = window[-1]
        Retention.objects.filter(pk=place.pk).update(payload_at=at, payload_key=key)
    Retention.objects.filter(pk=place.pk).update(payloads_removed=F("payloads_removed") + taken)
    return taken, is_last


def _beside_the_walk(rows: QuerySet[Execution], edge: datetime) -> list[int]:
    """Finds what a walk by time does not meet (again): runs without a time, and runs whose retry was open then."""
    left = rows.filter(_HAS_PAYLOAD, payload_removed_at=None)
    untimed = left.filter(started_time=None, first_seen_at__lt=edge).values_list("pk", flat=True)[:BATCH]
    retried = RetryAttempt.objects.filter(execution__in=left.filter(started_time__lt=edge))
    settled = retried.exclude(state__in=RetryAttempt.OPEN_STATES).order_by().values_list("execution_id", flat=True)
    return [*untimed, *settled[:BATCH]]


_HAS_PAYLOAD = Q(trigger_data__isnull=False) | ~Q(error_details="")


def _rows(account_id: int, edge: datetime, now: datetime, go_on: GoOn) -> tuple[int, bool]:
    """Prunes every flow with rows before the edge; returns how many rows went, and whether all could be looked at."""
    count = 0
    old = Execution.objects.filter(flow=OuterRef("pk"), started_time__lt=edge)
    # A flow that was never read to its end has no baseline yet to hold its counters against.
    read = Flow.objects.filter(
        Q(progress__executions_read_at__isnull=False) | Q(gone_at__isnull=False), account=account_id
    )
    for flow_id in list(read.filter(Exists(old)).order_by("pk").values_list("pk", flat=True)):
        for taken in _flow_rows(account_id, flow_id, edge, now):
            count += taken
            if not go_on():
                return count, False
    return count, True


def _flow_rows(account_id: int, flow_id: int, edge: datetime, now: datetime) -> Iterator[int]:
    """Prunes batch after batch of a flow, the oldest first; steps over rows that have to stay."""
    at, key = None, 0
    while True:
        taken, window = _row_batch(account_id, flow_id, edge, now, at, key)
        yield taken
        if len(window) < BATCH:
            return
        at, key = window[-1]


@transaction.atomic
def _row_batch(
    account_id: int, flow_id: int, edge: datetime, now: datetime, at: datetime | None, key: int
) -> tuple[int, list[tuple[datetime, int]]]:
    _hold(account_id)
    rows = _after(Execution.objects.filter(flow=flow_id, started_time__lt=edge), at, key)
    # Who asks for a retry locks the row first: of two the later sees what the earlier did.
    window = list(
        rows.select_for_update()
        .order_by("started_time", "pk")
        .values_list("pk", "started_time", "status", "execution_id")[:BATCH]
    )
    if not window:
        return 0, []
    linked = _linked(account_id, [(pk, execution_id) for pk, _, _, execution_id in window])
    old = [Old(pk, hour_of(began), status, pk in linked) for pk, began, status, _ in window if began is not None]
    batch = choose(old, _hours(flow_id, {row.hour for row in old}, now))
    if batch.keys:
        _take(flow_id, batch)
    return len(batch.keys), [(began, pk) for pk, began, _, _ in window if began is not None]


def _take(flow_id: int, batch: Batch) -> None:
    """Deletes the rows, counts them as pruned, and closes their hours."""
    Execution.objects.filter(pk__in=batch.keys).delete()
    closed = [PrunedHour(flow_id=flow_id, hour=hour) for hour in batch.hours]
    PrunedHour.objects.bulk_create(closed, ignore_conflicts=True)
    flow = FlowProgress.objects.filter(flow=flow_id)
    flow.update(pruned_success=F("pruned_success") + batch.success, pruned_failed=F("pruned_failed") + batch.failed)
    end = batch.hours[-1] + HOUR
    flow.filter(Q(pruned_before=None) | Q(pruned_before__lt=end)).update(pruned_before=end)


def _hours(flow_id: int, hours: set[datetime], now: datetime) -> Hours:
    start, end = min(hours), max(hours) + HOUR
    runs = Execution.objects.filter(flow=flow_id, started_time__gte=start, started_time__lt=end)
    open_retry = Q(retries__state__in=RetryAttempt.OPEN_STATES)
    awaited = runs.filter(Q(recheck_at__isnull=False) | Q(rerun_due_at__gt=now) | open_retry)
    of_flow = {"flow": flow_id, "hour__gte": start, "hour__lt": end}
    return Hours(
        counted=set(HourBucket.objects.filter(**of_flow).values_list("hour", flat=True)),
        closed=set(PrunedHour.objects.filter(**of_flow).values_list("hour", flat=True)),
        dirty=set(DirtyHour.objects.filter(**of_flow).values_list("hour", flat=True)),
        awaited={hour_of(at) for at in awaited.values_list("started_time", flat=True) if at is not None},
    )


def _linked(account_id: int, rows: Sequence[tuple[int, str]]) -> set[int]:
    """Keys of rows that people still need: retried, caused by a retry, still open, or in a batch of retries."""
    keys = [pk for pk, _ in rows]
    needed = set(RetryAttempt.objects.filter(execution__in=keys).values_list("execution_id", flat=True))
    # The next failed run of a problem must not find that what nobody has looked at is gone.
    needed |= set(Failure.objects.filter(pk__in=keys, fate=Failure.Fate.OPEN).values_list("pk", flat=True))
    # Whatever became of an item: a batch of 50 whose skipped runs went would be one of 30, and their reasons lost.
    needed |= set(RetryItem.objects.filter(execution__in=keys).values_list("execution_id", flat=True))
    ids = [execution_id for _, execution_id in rows]
    named = RetryAttempt.objects.filter(account=account_id, new_execution_id__in=ids)
    caused = set(named.values_list("new_execution_id", flat=True))
    return needed | {pk for pk, execution_id in rows if execution_id in caused}


def _forget_closed(account_id: int, edge: datetime) -> None:
    """Marks of closed hours whose buckets are gone as well: their days are never counted again by themselves."""
    bucket = HourBucket.objects.filter(flow=OuterRef("flow"), hour=OuterRef("hour"))
    old = PrunedHour.objects.filter(flow__account=account_id, hour__lt=edge).exclude(Exists(bucket))
    keys = list(old.order_by("hour").values_list("pk", flat=True)[: 10 * BATCH])
    PrunedHour.objects.filter(pk__in=keys).delete()


def _hold(account_id: int) -> None:
    """Keeps the storing of pages out until the transaction ends, as `Lease.check` keeps us out."""
    SyncState.objects.filter(account=account_id).select_for_update().values_list("pk").first()


def _after(rows: QuerySet[Execution], at: datetime | None, key: int) -> QuerySet[Execution]:
    if at is None:
        return rows
    return rows.filter(Q(started_time__gt=at) | Q(started_time=at, pk__gt=key), started_time__gte=at)


SUCCESS, FAILED = "success", "failed"


@dataclass(frozen=True, slots=True)
class Old:
    """Holds a row that is old enough.

    `hour` is the UTC hour it began in; `is_linked`: somebody retried it or is to look at it, or a retry caused it.
    """

    pk: int
    hour: datetime
    status: str
    is_linked: bool = False


@dataclass(frozen=True, slots=True)
class Hours:
    """Says what is known of the hours that the rows are in.

    Attributes:
        counted: hours that have a bucket.
        closed: hours that are pruned already, as far as a batch went.
        dirty: hours whose bucket is to be counted again.
        awaited: hours with a run that is still going, awaits a re-run, or has an open retry.
    """

    counted: Collection[datetime]
    closed: Collection[datetime]
    dirty: Collection[datetime]
    awaited: Collection[datetime]

    def may_go(self, hour: datetime) -> bool:
        """Says whether nothing in the hour can change any more, and its bucket tells all of it."""
        return (hour in self.counted or hour in self.closed) and hour not in self.dirty and hour not in self.awaited


@dataclass(frozen=True, slots=True)
class Batch:
    """Lists what one transaction takes away: keys of rows, the hours it closes, and how many ended which way."""

    keys: list[int]
    hours: list[datetime]
    success: int
    failed: int


def choose(rows: Sequence[Old], hours: Hours) -> Batch:
    """Chooses the rows to delete, of hours that may go.

    Of these hours too, rows stay that a person's retry hangs on, failures that are still open, and rows without a final
    status: they are few, are counted as they are, and nothing else tells of them.

    Args:
        rows: one flow's, old enough; an hour may be cut off, its other rows are the next batch's.
    """
    going = [row for row in rows if hours.may_go(row.hour) and not row.is_linked and row.status in (SUCCESS, FAILED)]
    return Batch(
        keys=[row.pk for row in going],
        hours=sorted({row.hour for row in going}),
        success=sum(row.status == SUCCESS for row in going),
        failed=sum(row.status == FAILED for row in going),
    )
