"""An account that is read, and runs that go the whole way from rows to alerts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.alerting.evaluate import evaluate_account
from monitor.models import AlertState, DirtyHour, Execution, Flow, SyncState, Transition, ZohoAccount
from monitor.rollups.recount import rebuild_dirty
from tests import factories

MINUTE = timedelta(minutes=1)


@dataclass
class Watch:
    """An account whose mirror is always fresh, a flow of it, and what alerting finds of them."""

    account: ZohoAccount
    flow: Flow
    edges: list[Transition] = field(default_factory=list)

    def ran(
        self, ended: Iterable[datetime], status: str = "failed", *, flow: Flow | None = None, **fields: Any
    ) -> list[Execution]:
        """Adds runs that ended at some times, having begun a minute before unless told otherwise, and counts them."""
        lasted = fields.pop("lasted", MINUTE)
        error = {"error_message": "No such field: Phone", "error_code": "", "error_details": ""}
        made = [
            factories.make_execution(
                flow or self.flow,
                status,
                started_time=at - lasted,
                completed_time=at,
                duration_ms=60_000,
                first_failed_at=at if status == "failed" else None,
                **(error if status == "failed" else {}) | fields,
            )
            for at in ended
        ]
        self.count(*made)
        return made

    def count(self, *rows: Execution) -> None:
        DirtyHour.objects.mark([(row.flow_id, row.started_time) for row in rows if row.started_time])
        while rebuild_dirty(factories.NOON):
            pass

    def at(self, now: datetime) -> list[str]:
        """Evaluates at a moment; returns the kinds of the edges."""
        SyncState.objects.filter(account=self.account).update(state="ok", since=now, last_finished_at=now)
        found = evaluate_account(self.account, now)
        self.edges += found
        return [edge.kind for edge in found]

    @property
    def state(self) -> AlertState:
        return AlertState.objects.get(flow=self.flow)


@pytest.fixture
def watch(db: None) -> Watch:
    flow = factories.make_flow(factories.make_account("Watched"))
    return Watch(flow.account, flow)
