"""Reads the signs of life of the worker, and with them the other few rows that every page needs."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

from monitor.job_failures import PREFIX, FailingJob, job_of
from monitor.models import StreamState, WorkerBeat
from monitor.models.spans import utc


class WorkerSigns(dict[str, datetime]):
    """Holds the newest sign of life of each kind, and what the worker says of itself.

    `locked` says why it cannot read stored secrets, `failing` are the jobs that fail, `booted_at` is when it was
    started; None where that is not known.
    """

    def __init__(self) -> None:
        super().__init__()
        self.locked = ""
        self.failing: list[FailingJob] = []
        self.booted_at: datetime | None = None

    def add(self, name: str, at: datetime, detail: dict[str, Any]) -> None:
        """Takes one row of `WorkerBeat`."""
        kind = name if name in ("canary", "supervisor") else "task"
        if name.startswith(PREFIX):
            self.failing.append(job_of(name, detail))
            return
        if kind == "supervisor":
            self.locked = str(detail.get("locked", ""))
            self.booted_at = parse_datetime(str(detail.get("booted_at", "")))
        # A process that has only been started has not taken anything up yet.
        if kind != "task" or detail.get("worked"):
            self[kind] = max(self.get(kind, at), at)


_BEATS = Q(name__in=("canary", "supervisor")) | Q(name__startswith="worker:") | Q(name__startswith=PREFIX)


def worker_signs() -> WorkerSigns:
    """Returns the newest sign of life of each kind: canary, task (any other that a worker took), supervisor."""
    signs = WorkerSigns()
    for name, at, detail in WorkerBeat.objects.filter(_BEATS).values_list("name", "beat_at", "detail"):
        signs.add(name, at, detail)
    return signs


_STREAM = ("account_id", "stream", "state", "reason", "since", "next_due_at", "last_read_at", "quarantined")


_ARRAYS = {"postgresql": "jsonb_build_array({})", "sqlite": "json_array({})"}


@dataclass(frozen=True)
class Together:
    """Holds what `read_together` reads.

    Attributes:
        signs: of the worker.
        streams: those of each account, by name.
        counts: by name.
        accounts: the values of each, in their order, as JSON has them.
    """

    signs: WorkerSigns
    streams: Mapping[int, Mapping[str, StreamState]]
    counts: Mapping[str, int]
    accounts: Sequence[list[Any]]


def read_together(
    counting: Mapping[str, QuerySet[Any]], accounts: QuerySet[Any, Any], columns: Sequence[str]
) -> Together:
    """Reads the few rows that every page needs in one statement: accounts, streams, signs of the worker, some counts.

    Args:
        counting: rows that are counted, by name.
        accounts: in their order.
        columns: what of an account is read.
    """
    array = _ARRAYS[connection.vendor].format(", ".join(map(connection.ops.quote_name, columns)))
    of_accounts, given = accounts.values(*columns).query.sql_with_params()
    signs_of = WorkerBeat.objects.filter(_BEATS).order_by().values("name", "beat_at", "detail")
    beats, parameters = signs_of.query.sql_with_params()
    parts = [f"SELECT 'stream', id, {', '.join(_STREAM)}, NULL FROM {StreamState._meta.db_table}"]  # noqa: S608 - our own names
    parts.append(f"SELECT 'beat', 0, 0, name, '', '', NULL, NULL, beat_at, 0, detail FROM ({beats}) AS beats")  # noqa: S608 - our own names
    parts.append(
        f"SELECT 'account', ROW_NUMBER() OVER (), 0, '', '', '', NULL, NULL, NULL, 0, {array} FROM ({of_accounts}) AS a"  # noqa: S608 - our own names
    )
    parameters = (*parameters, *given)
    for name, some in counting.items():
        unsorted = some if some.query.is_sliced else some.order_by()
        sql, more = unsorted.values("pk").query.sql_with_params()
        parts.append(f"SELECT 'count', 0, 0, %s, '', '', NULL, NULL, NULL, COUNT(*), NULL FROM ({sql}) AS counted")  # noqa: S608 - our own names
        parameters = (*parameters, name, *more)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), parameters)
        found = sorted(cursor.fetchall(), key=lambda row: row[1])
    signs, counts, rows = WorkerSigns(), {}, []
    streams: dict[int, dict[str, StreamState]] = defaultdict(dict)
    for kind, _, *values, detail in found:
        account, name, state, reason, since, due, read, many = values
        if kind == "stream":
            times = [at and utc(at) for at in (since, due, read)]
            row = StreamState(**dict(zip(_STREAM, (account, name, state, reason, *times, many), strict=True)))
            streams[account][name] = row
        elif kind == "beat":
            signs.add(name, utc(read), json.loads(detail))
        elif kind == "account":
            rows.append(json.loads(detail))
        else:
            counts[name] = many
    return Together(signs, streams, counts, rows)
