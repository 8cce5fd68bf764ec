"""Reads the runs that a page lists by their keys, with what lists say of each: every list of runs in the same way.

The ORM builds the statement once in a process: to compile it takes longer than to run it, and its shape never changes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Exists, Model, OuterRef, QuerySet, Subquery

from monitor.models import Execution, Flow, RetryAttempt, zoho_ahead
from monitor.models.spans import utc

_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_TIMES = {"started_time", "completed_time", "first_failed_at", "changed_at", "unlisted_at", "gone_at"}


def _columns(model: type[Model], *names: str) -> tuple[str, ...]:
    """Puts names of columns in the order in which a row of the model has them."""
    return tuple(field.attname for field in model._meta.concrete_fields if field.attname in {"id", *names, *_TIMES})


_OF_RUN = _columns(
    Execution,
    *("account_id", "flow_id", "execution_id", "status", "duration_ms", "rerun_count"),
    *("error_code", "error_message", "error_details", "said_names"),
)
_OF_FLOW = _columns(Flow, "account_id", "flow_name", "may_wait")
# Beside its columns, by these names: how it is counted, how its failure ended and of which group and problem it is,
# whether a retry of it was sent, the state of the newest one, and Zoho's clock less ours.
_MORE = {
    "mark": "chain_mark__kind",
    "fate": "failure__fate",
    "group": "failure__group_id",
    "problem": "failure__group__problem_id",
    "was_retried": "was_retried",
    "retry_state": "retry_state",
    "zoho_ahead": "zoho_ahead",
}


def read(keys: QuerySet[Execution, Any]) -> list[Execution]:
    """Returns the runs of some keys, newest first, last those without a time. One statement.

    What a list does not show is not read: the trigger data, the account, most of the flow. Where there is none, what
    `_MORE` names is None.

    Args:
        keys: a query of primary keys.
    """
    try:
        chosen, parameters = keys.values("pk").query.sql_with_params()
    except EmptyResultSet:
        return []
    shape, given = _shape(connection.vendor)
    table = connection.ops.quote_name(Execution._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"{shape} WHERE {table}.id IN ({chosen})", (*given, *parameters))
        found = cursor.fetchall()
    flows: dict[int, Flow] = {}
    return sorted((_run(row, flows) for row in found), key=_place, reverse=True)


def _place(run: Execution) -> tuple[bool, datetime, int]:
    return run.started_time is not None, run.started_time or _NEVER, run.pk


@lru_cache(maxsize=2)
def _shape(vendor: str) -> tuple[str, tuple[Any, ...]]:
    """Builds the statement up to its conditions."""
    # What may still become of a failed run depends on its retries, on the run's own page as here.
    sent = RetryAttempt.objects.filter(execution=OuterRef("pk"), sent_at__isnull=False)
    newest = RetryAttempt.objects.filter(execution=OuterRef("pk")).order_by("-pk").values("state")[:1]
    rows = Execution.objects.order_by().annotate(
        was_retried=Exists(sent),
        retry_state=Subquery(newest),
        zoho_ahead=Subquery(zoho_ahead(OuterRef("account"))),
    )
    of_flow = (f"flow__{name}" for name in _OF_FLOW)
    return rows.values_list(*_OF_RUN, *of_flow, *_MORE.values()).query.sql_with_params()


def _run(row: tuple[Any, ...], flows: dict[int, Flow]) -> Execution:
    """Makes a run of its row; runs of one flow share it."""
    here, there = len(_OF_RUN), len(_OF_RUN) + len(_OF_FLOW)
    run = Execution.from_db(None, _OF_RUN, _timed(_OF_RUN, row[:here]))
    if run.flow_id not in flows:
        flows[run.flow_id] = Flow.from_db(None, _OF_FLOW, _timed(_OF_FLOW, row[here:there]))
    run.flow = flows[run.flow_id]
    more = dict(zip(_MORE, row[there:], strict=True))
    ahead = more["zoho_ahead"]
    more["zoho_ahead"] = timedelta(microseconds=ahead) if isinstance(ahead, int) else ahead
    vars(run).update(more)
    return run


def _timed(columns: tuple[str, ...], row: tuple[Any, ...]) -> list[Any]:
    """Gives the times of a row, which a plain cursor may give without a zone, their zone."""
    return [utc(value) if value and name in _TIMES else value for name, value in zip(columns, row, strict=True)]
