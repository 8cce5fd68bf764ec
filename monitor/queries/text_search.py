"""Searches executions for a text: what is found, and which of it stands on a page, whether few rows say it or many.

Rows that say a rare word are found by the index of trigrams, all of them, and put in order; to walk along the newest
runs until fifty say it would read the whole history where they are old. Rows that say a frequent word are walked to:
to find all of them only to show fifty would read the whole history, too. What is counted first tells the two apart.
Without an index of trigrams (SQLite, words of one or two letters) each way reads the texts of all runs that have one.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from monitor.models import Execution, Flow
from monitor.models.masked_text import says, with_text
from monitor.queries.places import Key, beyond, timed_beyond

MOST_SORTED = 5_000  # rows of a rare word: to find and sort them takes some 10 ms
MOST_WALKED = 20_000  # texts that are read for a frequent word before all that say it are found and sorted after all
_FIRST, _LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def condition(text: str, *, is_unmasked: bool) -> Q:
    """Makes the condition that a run says this in its error, or that it is Zoho's id of the run or its flow.

    One statement, for the ids.

    Args:
        text: what is looked for.
        is_unmasked: in the texts as Zoho sent them.
    """
    if is_unmasked:
        parts = [Q(**{f"{name}__icontains": text}) for name in ("error_message", "error_code", "error_details")]
        found = parts[0] | parts[1] | parts[2]
    else:
        found = says(text)
    # An id that nothing bears is left out: an index of text serves no condition on other columns beside it.
    runs, flows = _bearing(text)
    if runs:
        found |= Q(pk__in=runs)
    if flows:
        found |= Q(flow__in=flows)
    return found


def _bearing(text: str) -> tuple[list[int], list[int]]:
    """Finds the runs and the flows whose id is this."""
    runs = Execution.objects.filter(execution_id=text).values_list("pk", Value("run"))
    flows = Flow.objects.filter(flow_id=text).order_by().values_list("pk", Value("flow"))
    found = list(runs.union(flows, all=True))
    return [pk for pk, kind in found if kind == "run"], [pk for pk, kind in found if kind == "flow"]


def count(matched: QuerySet[Execution]) -> int:
    """Returns how many rows match, counted no further than one beyond MOST_SORTED. One statement."""
    return matched.order_by()[: MOST_SORTED + 1].count()


def keys_of_page(
    matched: QuerySet[Execution], counted: int, place: Key | None, limit: int, *, newer: bool
) -> Collection[int] | QuerySet[Execution, Any]:
    """Finds the keys of the rows that come next after a place; two statements at most, none for a rare word.

    Args:
        matched: all rows that match.
        counted: how many they are, as `count` says.
        place: None for the top, or the bottom, of the list.
        limit: how many are wanted.
        newer: those that are newer than the place; else those that are older.

    Returns:
        The keys, or a query of them that is to be a part of another.
    """
    if counted > MOST_SORTED and (place is None or place.started is not None):
        walked = list(_walk(matched, place, newer=newer)[:limit])
        if len(walked) == limit:
            return walked
    # By an expression, which no index has: the rows are found by their text, and then sorted.
    began = Coalesce("started_time", Value(_FIRST))
    order = (began.asc(), "pk") if newer else (began.desc(), "-pk")
    return matched.filter(beyond(place, newer=newer)).order_by(*order).values("pk")[:limit]


def _walk(matched: QuerySet[Execution], place: Key | None, *, newer: bool) -> QuerySet[Execution, int]:
    """Goes along the rows with a start time from a place on, but no further than MOST_WALKED texts."""
    order = ("started_time", "pk") if newer else ("-started_time", "-pk")
    past = timed_beyond(place, newer=newer)
    texts = Execution.objects.filter(with_text(), past).order_by(*order).values("started_time")
    edge = Coalesce(Subquery(texts[MOST_WALKED : MOST_WALKED + 1]), Value(_LAST if newer else _FIRST))
    is_near = Q(started_time__lte=edge) if newer else Q(started_time__gte=edge)
    return matched.filter(past, is_near).order_by(*order).values_list("pk", flat=True)
