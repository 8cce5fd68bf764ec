"""Finds the last good and the first bad run of many flows around a time, with one statement that reads few rows.

Counts of hours say in which hour they are; only the runs of that hour are looked at, however long ago it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from monitor.models import Execution, HourBucket
from monitor.models.bulk import numbers
from monitor.models.spans import utc
from monitor.periods import hour_of

_NEWEST_GOOD = "SELECT h.hour FROM {hours} h WHERE h.flow_id = g.flow AND h.succeeded > 0 ORDER BY h.hour DESC LIMIT 1"
# Of the hour in which the time lies, only runs after it count.
_FIRST_BAD = """
    SELECT h.hour FROM {hours} h WHERE h.flow_id = g.flow AND h.failed > 0 AND h.hour >= g.hour
    AND (h.hour >= g.since OR EXISTS (
        SELECT 1 FROM {runs} r WHERE r.flow_id = g.flow AND r.status = 'failed'
        AND r.started_time >= g.since AND r.started_time < {end}
    )) ORDER BY h.hour LIMIT 1
"""
_RUN = """
    SELECT r.id FROM {runs} r WHERE r.flow_id = f.flow AND r.status = '{status}'
    AND r.started_time >= f.{hour} AND r.started_time < {end} {more}
    ORDER BY r.started_time {order}, r.id {order} LIMIT 1
"""


@dataclass(frozen=True)
class FoundRun:
    """Holds a run: when it began, and its key; None where only its hour is known, which `at` is then."""

    at: datetime
    key: int | None


@dataclass(frozen=True)
class RunsAround:
    """Holds the newest good run of some flows, and the first that failed from a time on; None where there is none."""

    last_good: FoundRun | None
    first_bad: FoundRun | None


def runs_around(asked: Iterable[tuple[int, Sequence[int], datetime]]) -> dict[int, RunsAround]:
    """Returns the runs of some things. One statement; none where no flow is asked for.

    Args:
        asked: a thing's key, its flows, and from when on a failure is looked for.

    Returns:
        By the thing's key.
    """
    things = list(asked)
    given = [(key, flow, since) for key, flows, since in things for flow in flows]
    good: dict[int, FoundRun] = {}
    bad: dict[int, FoundRun] = {}
    for place, good_hour, bad_hour, good_run, good_at, bad_run, bad_at in _asked_for(given) if given else []:
        key = given[place - 1][0]
        _keep(good, key, _found(good_hour, good_run, good_at), newest=True)
        _keep(bad, key, _found(bad_hour, bad_run, bad_at), newest=False)
    return {key: RunsAround(good.get(key), bad.get(key)) for key, _, _ in things}


def _found(hour: Any, run: int | None, at: Any) -> FoundRun | None:
    if hour is None:
        return None
    return FoundRun(utc(hour if run is None else at), run)


def _keep(kept: dict[int, FoundRun], key: int, found: FoundRun | None, *, newest: bool) -> None:
    if found is None:
        return
    known = kept.get(key)
    if known is None or (found.at > known.at if newest else found.at < known.at):
        kept[key] = found


def _asked_for(given: Sequence[tuple[int, int, datetime]]) -> list[tuple[Any, ...]]:
    quote, is_server = connection.ops.quote_name, connection.vendor == "postgresql"
    hours, runs = quote(HourBucket._meta.db_table), quote(Execution._meta.db_table)
    parameters: list[Any]
    if is_server:
        rows = "unnest(%s::bigint[], %s::float8[], %s::float8[]) WITH ORDINALITY AS u (flow, since, hour, place)"
        source = f"SELECT place, flow, to_timestamp(since) AS since, to_timestamp(hour) AS hour FROM {rows}"  # noqa: S608
        parameters = [
            numbers(flow for _, flow, _ in given),
            [since.timestamp() for _, _, since in given],
            [hour_of(since).timestamp() for _, _, since in given],
        ]
    else:
        fields = ", ".join(
            f"json_extract(value, '$[{n}]') AS {name}" for n, name in enumerate(("flow", "since", "hour"))
        )
        source = f"SELECT key + 1 AS place, {fields} FROM json_each(%s)"  # noqa: S608
        text = connection.ops.adapt_datetimefield_value
        parameters = [json.dumps([(flow, text(since), text(hour_of(since))) for _, flow, since in given])]

    def an_hour_after(column: str) -> str:
        return f"{column} + interval '1 hour'" if is_server else f"datetime({column}, '+1 hour')"

    def run(hour: str, status: str, order: str, more: str = "") -> str:
        end = an_hour_after(f"f.{hour}")
        return _RUN.format(runs=runs, status=status, hour=hour, end=end, more=more, order=order)

    found = (
        f"SELECT g.place, g.flow, g.since, ({_NEWEST_GOOD}) AS good_hour, ({_FIRST_BAD}) AS bad_hour "  # noqa: S608
        f"FROM ({source}) g"
    ).format(hours=hours, runs=runs, end=an_hour_after("h.hour"))
    good, bad = run("good_hour", "success", "DESC"), run("bad_hour", "failed", "ASC", "AND r.started_time >= f.since")
    statement = (
        f"SELECT k.place, k.good_hour, k.bad_hour, k.good_run, a.started_time, k.bad_run, b.started_time "  # noqa: S608
        f"FROM (SELECT f.*, ({good}) AS good_run, ({bad}) AS bad_run FROM ({found}) f) k "
        f"LEFT JOIN {runs} a ON a.id = k.good_run LEFT JOIN {runs} b ON b.id = k.bad_run"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
