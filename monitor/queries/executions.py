"""Lists executions: filtered, newest first, paged by key so that an address keeps its meaning.

The order is (started_time, id), newest first; rows without a start time come last. A page is asked for by
the key of the row it begins after (or ends before), never by a number: new rows do not shift it. How the rows of a
search are found is told in `monitor.queries.text_search`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import DateTimeField, ExpressionWrapper, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from monitor.models import ChainMark, Execution, Failure, RetryItem, ZohoAccount, zoho_ahead
from monitor.models.executions import going_on_since_before
from monitor.models.masked_text import stale
from monitor.queries import listed_runs, text_search
from monitor.queries.places import Key, key_of, timed_beyond
from monitor.zoho.reruns import LAST_LOOK, STUCK_AFTER

PAGE_SIZE = 50
COUNT_CAP = 1000
KNOWN_STATUSES = tuple(Execution.Status.values)
OTHER = "other"
STUCK, WAITING = "stuck", "waiting"
DERIVED = (STUCK, WAITING)  # states that hang on the present, see `monitor.queries.run_status`
FINISHED, MADE_GOOD, RETRY = "finished", "made_good", "retry"
EVER_FAILED = "ever_failed"  # an outcome: any of `Failure.Fate`
NO_RECORD = 0  # in the place of a run: those of which no record is known
# As `monitor.rollups.success_rate` counts: a retry's own run nowhere, a failed run that a retry made good as a success.
_UNMARKED, _MADE_GOOD = Q(chain_mark=None), Q(chain_mark__kind=ChainMark.Kind.MADE_GOOD)
_COUNTED_AS = {
    "failed": Q(status="failed") & _UNMARKED,
    "success": (Q(status="success") & _UNMARKED) | _MADE_GOOD,
    "running": Q(status="running") & _UNMARKED,
    OTHER: ~Q(status__in=KNOWN_STATUSES) & _UNMARKED,
    FINISHED: (Q(status__in=("success", "failed")) & _UNMARKED) | _MADE_GOOD,
    MADE_GOOD: _MADE_GOOD,
    RETRY: Q(chain_mark__kind=ChainMark.Kind.RETRY),
}


@dataclass(frozen=True)
class ExecutionFilter:
    """Holds what the list is narrowed to.

    Attributes:
        status: how a run is counted: "failed", "success", "running", "other" for what Zoho does not document, or
            "finished" for the first two. A failed run that a person's retry made good ("made_good") is a success, and
            the run of a retry ("retry") is in none of them. "stuck" and "waiting" (failed, and Zoho may run it again)
            are as of `now`; empty for all.
        start: started at or after; end: started before. Both drop rows without a start time.
        text: found in the error's code, message or details as they are masked, or equal to Zoho's id of the run or
            its flow.
        is_unmasked: it is found in them as Zoho sent them; only for a person who may unmask and gave a reason.
        outcome: how a run that failed ended, one of `Failure.Fate`, or EVER_FAILED for any of them; empty for all
            runs, also those that never failed.
        problem_id: only the failures of this problem.
        batch_id: only what is in this batch of retries.
        record_of: only failures about the record that this failed run was about, by its primary key; NO_RECORD for
            those, and runs of a batch, of which no record is known.
        failed_from: failed at or after; failed_before: failed before. Both drop runs that never failed.
        after: the page begins with the next older row than this place; before: it ends with the next newer.
    """

    account_id: int | None = None
    flow_id: int | None = None
    status: str = ""
    start: datetime | None = None
    end: datetime | None = None
    text: str = ""
    is_unmasked: bool = False
    outcome: str = ""
    problem_id: int | None = None
    batch_id: int | None = None
    record_of: int | None = None
    failed_from: datetime | None = None
    failed_before: datetime | None = None
    after: Key | None = None
    before: Key | None = None
    now: datetime | None = None

    @property
    def is_of_failures(self) -> bool:
        """Returns whether it asks for something that only the ledger of failures knows."""
        is_timed = self.failed_from is not None or self.failed_before is not None
        return bool(self.outcome or self.problem_id is not None or is_timed or self.is_of_records)

    @property
    def is_of_records(self) -> bool:
        """Returns whether only the ledger can tell by its record; what of a batch is not in it has none either."""
        return bool(self.record_of) or (self.record_of == NO_RECORD and self.batch_id is None)


@dataclass(frozen=True)
class Page:
    """Holds one page of rows, newest first, and the keys of its neighbours (None: there is none).

    Attributes:
        count: how many rows match on all pages, as `capped_count` says it, where finding the page told; else None.
    """

    rows: list[Execution]
    newer: Key | None
    older: Key | None
    count: int | None = None


def matching(wanted: ExecutionFilter) -> QuerySet[Execution]:
    """Returns all rows that the filter lets through, in no order."""
    rows = Execution.objects.all()
    if wanted.account_id is not None:
        rows = rows.filter(account_id=wanted.account_id)
    if wanted.flow_id is not None:
        rows = rows.filter(flow_id=wanted.flow_id)
    if wanted.status in DERIVED:
        rows = _derived(rows, wanted.status, wanted.now)
    elif wanted.status:
        rows = rows.filter(_COUNTED_AS[wanted.status])
    if wanted.start is not None:
        rows = rows.filter(started_time__gte=wanted.start)
    if wanted.end is not None:
        rows = rows.filter(started_time__lt=wanted.end)
    if wanted.batch_id is not None:
        rows = rows.filter(pk__in=_of_batch(wanted.batch_id))
    if wanted.is_of_failures:
        rows = rows.filter(pk__in=_failures(wanted).values("pk"))
    elif wanted.record_of == NO_RECORD:
        rows = rows.exclude(pk__in=Failure.objects.exclude(record="").values("pk"))
    if wanted.text:
        rows = rows.filter(text_search.condition(wanted.text, is_unmasked=wanted.is_unmasked))
    return rows


def _failures(wanted: ExecutionFilter) -> QuerySet[Failure]:
    """Returns the entries of the ledger that a filter asks for, narrowed as far as one of its indexes can be used."""
    rows = Failure.objects.all()
    if wanted.problem_id is not None:
        rows = rows.filter(group__problem=wanted.problem_id)
    if wanted.flow_id is not None:
        rows = rows.filter(flow=wanted.flow_id)
    if wanted.account_id is not None:
        rows = rows.filter(account=wanted.account_id)
    elif wanted.problem_id is None and wanted.flow_id is None:
        # The index by age begins with the account.
        rows = rows.filter(account__in=ZohoAccount.objects.values("pk"))
    if wanted.batch_id is not None:
        rows = rows.filter(pk__in=_of_batch(wanted.batch_id))
    if wanted.record_of is not None:
        rows = _about(rows, wanted.record_of)
    # One of the fates, or each of them: the indexes have it before the time.
    is_one = wanted.outcome not in ("", EVER_FAILED)
    rows = rows.filter(fate__in=[wanted.outcome] if is_one else Failure.Fate.values)
    if wanted.failed_from is not None:
        rows = rows.filter(failed_at__gte=wanted.failed_from)
    if wanted.failed_before is not None:
        rows = rows.filter(failed_at__lt=wanted.failed_before)
    return rows


def _of_batch(batch: int) -> QuerySet[RetryItem, Any]:
    return RetryItem.objects.filter(batch=batch, execution__isnull=False).values("execution")


def _about(rows: QuerySet[Failure], run: int) -> QuerySet[Failure]:
    """Narrows failures to those about the record of one of them. One statement, but for those without a record."""
    if run == NO_RECORD:
        return rows.filter(record="")
    told = Failure.objects.filter(pk=run).exclude(record="").values_list("flow_id", "record").first()
    return rows.filter(flow=told[0], record=told[1]) if told is not None else rows.none()


def masked_anew() -> QuerySet[Execution]:
    """Finds a run whose text waits to be masked anew, so that no search finds it by that; none where none does."""
    return Execution.objects.filter(stale()).order_by()[:1]


def _derived(rows: QuerySet[Execution], status: str, now: datetime | None) -> QuerySet[Execution]:
    if now is None:
        return rows.none()
    if status == STUCK:
        return rows.filter(going_on_since_before(now - STUCK_AFTER), flow__may_wait=False)
    open_ones = rows.filter(status=Execution.Status.FAILED, flow__gone_at=None, unlisted_at=None)
    # Zoho's clock counts, as on the run's own page.
    ahead = Coalesce(Subquery(zoho_ahead(OuterRef("account"))), timedelta(0))
    since = ExpressionWrapper(Value(now - LAST_LOOK) + ahead, output_field=DateTimeField())
    return open_ones.filter(rerun_due_at__isnull=False, first_failed_at__gt=since)


def capped_count(wanted: ExecutionFilter) -> int:
    """Returns how many rows match, counted no further than one beyond COUNT_CAP. One statement."""
    rows = matching(wanted).order_by()
    # Of all rows, the first ones of an index: the table itself is wide.
    return (rows if rows.query.where else rows.order_by("-started_time", "-id"))[: COUNT_CAP + 1].count()


def newer_count(wanted: ExecutionFilter, place: Key, most: int) -> int:
    """Returns how many rows that match began after a place. One statement.

    Args:
        wanted: the filter; its own place is left aside.
        place: of the newest row that somebody looks at.
        most: they are counted no further than one beyond it.
    """
    beyond = timed_beyond(place, newer=True) if place.started is not None else Q(started_time__isnull=False)
    return matching(wanted).filter(beyond).order_by("started_time", "id")[: most + 1].count()


def page(wanted: ExecutionFilter, size: int = PAGE_SIZE) -> Page:
    """Returns one page of the list. At most three statements; a search has four, by which it is counted, too.

    Args:
        wanted: the filter, with `after` or `before` as the place.
        size: rows a page, 1 to 200.
    """
    size = max(1, min(size, 200))
    matched = matching(wanted)
    is_search = bool(wanted.text) and not wanted.is_unmasked
    counted = text_search.count(matched) if is_search else None
    if counted == 0:
        return Page([], None, None, 0)

    def read(wanted: ExecutionFilter) -> list[Execution]:
        if counted is not None:
            place = wanted.before or wanted.after
            return _found(matched, counted, place, size + 1, newer=wanted.before is not None)
        if wanted.before is not None:
            return _newer_rows(matched, wanted.before, size + 1)
        return _older_rows(matched, wanted, size + 1)

    rows = read(wanted)
    if wanted.before and len(rows) <= size:
        # The top of the list is shown as a whole page, whatever came in since.
        wanted = replace(wanted, before=None, after=None)
        rows = read(wanted)
    more = len(rows) > size
    rows = rows[:size]
    if wanted.before:
        rows.reverse()
    is_whole = not more and wanted.after is None and wanted.before is None
    has_newer = more if wanted.before else wanted.after is not None
    has_older = True if wanted.before else more
    return Page(
        rows=rows,
        newer=key_of(rows[0]) if rows and has_newer else None,
        older=key_of(rows[-1]) if rows and has_older else None,
        count=min(counted, COUNT_CAP + 1) if counted is not None else len(rows) if is_whole else None,
    )


def in_pieces(wanted: ExecutionFilter, rows: QuerySet[Execution], size: int) -> Iterator[Execution]:
    """Yields all rows that match, newest first, last those without a time; two statements a piece, none held for long.

    Args:
        wanted: the filter; its place is left aside.
        rows: executions with the joins that are needed.
        size: rows a piece.
    """
    matched = matching(wanted)
    counted = text_search.count(matched) if wanted.text else None
    place: Key | None = None
    while True:
        keys = _keys_after(matched, counted, place, size)
        found = rows.in_bulk(keys)
        # What was pruned meanwhile is not in the second statement.
        some = [found[key] for key in keys if key in found]
        yield from some
        if len(keys) < size:
            return
        # Where all of a piece is gone, the same place leads to what came after it.
        place = key_of(some[-1]) if some else place


def _keys_after(matched: QuerySet[Execution], counted: int | None, place: Key | None, limit: int) -> list[int]:
    """Finds the keys of the rows that come next on the way to older ones."""
    if counted is not None:
        keys = text_search.keys_of_page(matched, counted, place, limit, newer=False)
        return list(keys.values_list("pk", flat=True) if isinstance(keys, QuerySet) else keys)
    found: list[int] = []
    if place is None or place.started is not None:
        timed = matched.filter(timed_beyond(place, newer=False)).order_by("-started_time", "-id")
        found = list(timed.values_list("pk", flat=True)[:limit])
    tail = matched.filter(started_time__isnull=True).order_by("-id")
    if place is not None and place.started is None:
        tail = tail.filter(pk__lt=place.pk)
    return found + list(tail.values_list("pk", flat=True)[: limit - len(found)])


def recent(flow_id: int, limit: int = 15) -> list[Execution]:
    """Returns the newest rows of a flow."""
    wanted = ExecutionFilter(flow_id=flow_id)
    return _older_rows(matching(wanted), wanted, limit)


def by_keys(keys: Collection[int] | QuerySet[Execution, Any]) -> list[Execution]:
    """Returns the rows with these keys as a list shows them, newest first, last those without a time. One statement."""
    return listed_runs.read(keys if isinstance(keys, QuerySet) else Execution.objects.filter(pk__in=keys).order_by())


def _found(
    matched: QuerySet[Execution], counted: int, place: Key | None, limit: int, *, newer: bool
) -> list[Execution]:
    """Rows of a search beyond a place, the nearest first."""
    rows = by_keys(text_search.keys_of_page(matched, counted, place, limit, newer=newer))
    return rows[::-1] if newer else rows


def _older_rows(matched: QuerySet[Execution], wanted: ExecutionFilter, limit: int) -> list[Execution]:
    """Rows after `wanted.after`, newest first: those with a start time, then the tail without."""
    key = wanted.after
    rows: list[Execution] = []
    if key is None or key.started is not None:
        timed = matched.filter(timed_beyond(key, newer=False)).order_by("-started_time", "-id")
        rows = listed_runs.read(timed[:limit])
    if len(rows) < limit and wanted.start is None and wanted.end is None:
        tail = matched.filter(started_time__isnull=True)
        if key is not None and key.started is None:
            tail = tail.filter(pk__lt=key.pk)
        rows += listed_runs.read(tail.order_by("-id")[: limit - len(rows)])
    return rows


def _newer_rows(matched: QuerySet[Execution], key: Key, limit: int) -> list[Execution]:
    """Rows before a place, nearest (oldest) first."""
    rows: list[Execution] = []
    if key.started is None:
        tail = matched.filter(started_time__isnull=True, pk__gt=key.pk).order_by("id")
        rows = listed_runs.read(tail[:limit])[::-1]
    if len(rows) < limit:
        timed = matched.filter(timed_beyond(key if key.started is not None else None, newer=True))
        nearest = timed.order_by("started_time", "id")[: limit - len(rows)]
        rows += listed_runs.read(nearest)[::-1]
    return rows
