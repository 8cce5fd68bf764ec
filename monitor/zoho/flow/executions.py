"""Calls for executions of flows, and the one call that must never go out twice.

Sources: docs/reference/zoho-flow.md, "Executions", "Statistics" and "Retry of an execution".
"""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.zoho.flow.base import FlowApi
from monitor.zoho.protocol import day_text, utc_text
from monitor.zoho.shapes import executions as shapes
from monitor.zoho.shapes.executions import ExecutionPage, ExecutionRow, ExecutionStats, RetryReply

DAY = timedelta(days=1)


class FlowExecutions(FlowApi):
    """Lists, shows, counts and retries executions."""

    def list_executions(
        self,
        flow_id: str,
        *,
        status: str | None = None,
        from_date: datetime | None = None,
        to_date: datetime | None = None,
        page: int = 1,
        per_page: int | None = None,
        by_day: bool = False,
    ) -> ExecutionPage:
        """Lists one page of a flow's executions; neither their order nor the form of dates is documented.

        Args:
            flow_id: Zoho's id of the flow.
            status: success, failed or running.
            from_date, to_date: aware times, sent as UTC to the second.
            page: from 1.
            per_page: rows a page, None for Zoho's own (50).
            by_day: sends days instead (`YYYY-MM-DD`), of a window that holds the given one.

        Raises:
            NotFound: Zoho does not have it.
        """
        # Whether the last day counts, and in whose zone, is not documented: a day more on either side holds it all.
        first, last = (from_date and day_text(from_date - DAY), to_date and day_text(to_date + DAY))
        params = {
            "status": status,
            "from_date": first if by_day else from_date and utc_text(from_date),
            "to_date": last if by_day else to_date and utc_text(to_date),
            "page": page,
            "per_page": per_page,
        }
        return shapes.execution_page(self._get("flows", flow_id, "executions", params=params), flow_id, self.zone)

    def flow_history(self, flow_id: str, page: int = 1, per_page: int | None = None) -> ExecutionPage:
        """Lists a flow's history: named beside the executions, without a reply of its own.

        Args:
            flow_id: Zoho's id of the flow.
            page: from 1.
            per_page: rows a page.

        Raises:
            NotFound: Zoho does not have it.
        """
        params = {"page": page, "per_page": per_page}
        return shapes.execution_page(self._get("flows", flow_id, "history", params=params), flow_id, self.zone)

    def get_execution(self, flow_id: str, execution_id: str) -> ExecutionRow:
        """Returns one execution as it stands now.

        Args:
            flow_id: Zoho's id of the flow.
            execution_id: Zoho's id of the execution.

        Raises:
            NotFound: Zoho does not have it.
        """
        return shapes.execution_detail(self._get("flows", flow_id, "executions", execution_id), flow_id, self.zone)

    def execution_stats(self, flow_id: str, period: str = "last_30_days") -> ExecutionStats:
        """Returns counters of a flow's executions.

        Args:
            flow_id: Zoho's id of the flow.
            period: such as last_7_days or last_30_days.

        Raises:
            NotFound: Zoho does not have it.
        """
        params = {"period": period}
        return shapes.execution_stats(self._get("flows", flow_id, "executions", "stats", params=params))

    def retry_execution(self, flow_id: str, execution_id: str) -> RetryReply:
        """Asks Zoho to run a failed execution again: one POST, sent exactly once, on its own connection.

        The token is not renewed here and nothing is repeated; the caller decides by the error. Errors, by what they
        prove (docs/reference/retries.md, "What an answer proves"): `NotSent` it never left; `TokenRefused`,
        `ScopeMissing` and `Wait` it was refused for now; `Refused` and `NotAvailable` it was rejected; `AnswerLost` and
        `BadAnswer` nothing at all, it may be running. What the gate raises from `before_call` comes before anything is
        sent.

        Args:
            flow_id: Zoho's id of the flow.
            execution_id: Zoho's id of the execution.

        Raises:
            ZohoError: see `ApiClient`.
        """
        return shapes.retry_reply(self._once("POST", "flows", flow_id, "executions", execution_id, "retry"))
