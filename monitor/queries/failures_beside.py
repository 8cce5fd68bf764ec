"""Finds the failures before and after a run of the same flow, however many runs and failures lie between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db import connection

from monitor.models import Execution, Failure
from monitor.models.addresses import address_of
from monitor.models.spans import utc


@dataclass(frozen=True, slots=True)
class BesideRun:
    """Holds a failed run: its primary key, and when it failed."""

    pk: int
    failed_at: datetime

    @property
    def url(self) -> str:
        return address_of("execution", self.pk)


def failures_beside(run: Execution) -> tuple[BesideRun | None, BesideRun | None]:
    """Returns the flow's last failure before a run and its first one after it. One statement; none without a time.

    Args:
        run: whichever of the flow; its entry in the ledger, if it has one, joined in.
    """
    failure: Failure | None = getattr(run, "failure", None)  # no row is an AttributeError, too
    at = failure.failed_at if failure is not None else run.completed_time or run.started_time
    if at is None:
        return None, None
    place = [run.flow_id, connection.ops.adapt_datetimefield_value(at), run.pk]
    parameters = [value for fate in Failure.Fate.values for _ in range(2) for value in (fate, *place)]
    with connection.cursor() as cursor:
        cursor.execute(_statement(), parameters)
        rows = [(side, BesideRun(pk, utc(failed))) for side, pk, failed in cursor.fetchall()]
    before = (one for side, one in rows if side == "before")
    after = (one for side, one in rows if side == "after")
    return max(before, key=_place, default=None), min(after, key=_place, default=None)


def _place(one: BesideRun) -> tuple[datetime, int]:
    return one.failed_at, one.pk


@lru_cache(maxsize=1)
def _statement() -> str:
    """Builds a look into the index by flow, fate and time on both sides of each fate: each gives one row at most."""
    table = Failure._meta.db_table
    looks: list[str] = []
    for _ in Failure.Fate.values:
        for side, beyond, order in (("before", "<", "DESC"), ("after", ">", "ASC")):
            look = (
                f"SELECT '{side}', execution_id, failed_at FROM {table} WHERE fate = %s AND flow_id = %s"  # noqa: S608 - our own names
                f" AND (failed_at, execution_id) {beyond} (%s, %s)"
                f" ORDER BY failed_at {order}, execution_id {order} LIMIT 1"
            )
            looks.append(f"SELECT * FROM ({look}) AS look_{len(looks)}")  # noqa: S608 - made of the above
    return " UNION ALL ".join(looks)
