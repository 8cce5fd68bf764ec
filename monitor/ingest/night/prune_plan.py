"""Which rows may go. Pure.

Rows go by whole hours: once an hour is closed its bucket is the only record of it. So an hour waits as a whole
while anything in it may still change.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

SUCCESS, FAILED = "success", "failed"


@dataclass(frozen=True, slots=True)
class Old:
    """A row that is old enough. `hour` is the UTC hour it began in; `is_linked`: somebody retried it, or a retry
    caused it."""

    pk: int
    hour: datetime
    status: str
    is_linked: bool = False


@dataclass(frozen=True, slots=True)
class Hours:
    """What is known of the hours that the rows are in.

    Attributes:
        counted: hours that have a bucket.
        closed: hours that are pruned already, as far as a batch went.
        dirty: hours whose bucket is to be counted anew.
        awaited: hours with a run that is still going, awaits a re-run, or has an open retry.
    """

    counted: Collection[datetime]
    closed: Collection[datetime]
    dirty: Collection[datetime]
    awaited: Collection[datetime]

    def may_go(self, hour: datetime) -> bool:
        """Whether nothing in the hour can change any more, and its bucket tells all of it."""
        return (hour in self.counted or hour in self.closed) and hour not in self.dirty and hour not in self.awaited


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction takes away: keys of rows, the hours it closes, and how many ended which way."""

    keys: list[int]
    hours: list[datetime]
    success: int
    failed: int


def choose(rows: Sequence[Old], hours: Hours) -> Batch:
    """The rows to delete, of hours that may go.

    Of these hours too, rows stay that a person's retry hangs on, and rows without a final status: they are few,
    are counted as they are, and nothing else tells of them.

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
