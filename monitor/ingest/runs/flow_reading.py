"""Holds one flow while it is read against Zoho's counters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.ingest.base.context import Context
from monitor.models import Flow, FlowProgress
from monitor.zoho.flow import FlowClient


@dataclass(frozen=True)
class FlowReading:
    """Says with what, since when, whether a known hole is chased again, whether Zoho's counters were reset."""

    context: Context
    client: FlowClient
    flow: Flow
    started: datetime
    chase: bool
    reset: bool

    @property
    def listed_at(self) -> datetime | None:
        """Returns Zoho's clock when it gave the counters that this reading is held against."""
        return self.context.listed_at.get(self.flow.flow_id)

    @property
    def zoho_now(self) -> datetime:
        """Returns Zoho's clock at its last answer; ours where it gave none."""
        return self.client.last_server_date or self.started

    def set(self, values: dict[str, object], *, checked: bool = False) -> None:
        """Writes columns of the flow's progress, here and in the database, while the lease is ours.

        Args:
            checked: the caller's transaction has checked the lease already, and so holds its row.
        """
        rows = FlowProgress.objects.filter(flow=self.flow)
        if checked:
            rows.update(**values)
        else:
            with self.context.writing():
                rows.update(**values)
        for name, value in values.items():
            setattr(self.flow.progress, name, value)
