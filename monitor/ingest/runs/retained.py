"""What was pruned must not come back by a re-read: a hook for the storing of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.models import Execution, Flow, FlowProgress, Retention, ages
from monitor.zoho.shapes import ExecutionRow

# RETAIN_ROWS_DAYS is 100 at least: nothing younger was ever pruned, and nothing need be asked for it.
NEVER_PRUNED = timedelta(days=99)


class Retained:
    """Of one page, which new rows are kept and what of known ones; made inside the page's transaction.

    The transaction has locked the account's SyncState row, as pruning does: the two never overlap.
    """

    def __init__(self, flow: Flow, rows: Sequence[ExecutionRow], now: datetime) -> None:
        self._flow = flow
        self._payload_edge = ages().payload_edge(now)
        self._oldest_payload: datetime | None = None
        self._before: datetime | None = None
        if any(row.started_time is not None and row.started_time < now - NEVER_PRUNED for row in rows):
            # Not the flow's value in memory: it was loaded before this transaction.
            self._before = FlowProgress.objects.values_list("pruned_before", flat=True).get(flow=flow.pk)

    def allows(self, row: ExecutionRow) -> bool:
        """Whether a row that is not in the mirror may come in: not one that was counted and taken away."""
        if is_pruned(self._before, row.started_time):
            return False
        self._note(row)
        return True

    def trimmed(self, have: Execution, row: ExecutionRow) -> ExecutionRow:
        """The answer about a known row, without the payload where that was taken away for its age."""
        if have.payload_removed_at is None:
            self._note(row)
            return row
        return replace(row, trigger_data=None, error_details="")

    def close(self) -> None:
        """Has pruning look again from the oldest payload that came in behind its place."""
        if self._oldest_payload is not None:
            behind = Retention.objects.filter(account=self._flow.account_id, payload_at__gte=self._oldest_payload)
            behind.update(payload_at=self._oldest_payload, payload_key=0)

    def _note(self, row: ExecutionRow) -> None:
        if row.started_time is None or row.started_time >= self._payload_edge:
            return
        if row.trigger_data is not None or row.error_details:
            self._oldest_payload = min(self._oldest_payload or row.started_time, row.started_time)


def is_pruned(pruned_before: datetime | None, at: datetime | None) -> bool:
    """Whether a run of that time is counted and no longer kept. Pure.

    Args:
        pruned_before: of its flow.
        at: when it began.
    """
    return pruned_before is not None and at is not None and at < pruned_before
