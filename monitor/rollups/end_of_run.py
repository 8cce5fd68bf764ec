"""Tells when a run ended and how, for its bucket. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from monitor.ends import RunEnd
from monitor.periods import HOUR
from monitor.rollups.read import Row
from monitor.rollups.retry_chains import Lineage
from monitor.rollups.run_time_histogram import MAX_DURATION_MS
from monitor.rollups.success_rate import FAILED, SUCCESS
from monitor.zoho.reruns import Outlook, clock_began, goes_on_since, outlook

_HOUR = int(HOUR.total_seconds()) * 1000


def end_of(row: Row, lineage: Lineage) -> RunEnd:
    """Returns how a finished run counts, by when it ended.

    A failed run that a retry made good counts as failed until then, and as succeeded from then on, at its own end: what
    was retried says nothing of how the flow runs now. Without an end it ended when it had run for its duration.
    """
    started, duration, ended = row.started, row.duration_ms, row.ended
    after = started % _HOUR  # a recount spends most of its time here and in `pack_ends`
    if duration is not None and not 0 <= duration <= MAX_DURATION_MS:
        duration = None
    lasted = duration or 0 if ended is None else max(ended - started, 0)
    has_failed = row.status == FAILED and not lineage.is_rescued(row.key)
    waits_since = _waits_since(row, lineage) if has_failed else _healed_since(row, lineage)
    if waits_since is not None:
        waits_since += after - started
    has_failed_first = (row.first_status or row.status) != SUCCESS
    return RunEnd(after + lasted, has_failed, has_failed_first, after, duration, waits_since)


def start_of(row: Row) -> int:
    """Returns when a run started, in milliseconds after the beginning of its hour."""
    return row.started % _HOUR


def running_since(row: Row) -> int:
    """Returns since when a run goes on, in milliseconds after the beginning of its hour."""
    return start_of(row) + goes_on_since(row.started, row.first_failed, row.changed) - row.started


def _waits_since(row: Row, lineage: Lineage) -> int | None:
    """Returns when Zoho's clock of re-runs began, in milliseconds since 1970; None where Zoho is not sure to run it."""
    if outlook(*row.error) is not Outlook.WILL:
        return None
    first, ended, started = (_moment(at) for at in (row.first_failed, row.ended, row.started))
    began = clock_began(first, ended, started, was_retried=lineage.was_retried(row.key))
    return None if began is None else round(began.timestamp() * 1000)


def _healed_since(row: Row, lineage: Lineage) -> int | None:
    """Returns when a run failed that a re-run by Zoho made good, in milliseconds since 1970; None for any other."""
    if row.status != SUCCESS or row.first_status != FAILED or lineage.was_retried(row.key):
        return None
    return row.first_failed


def _moment(at: int | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at / 1000, UTC)
