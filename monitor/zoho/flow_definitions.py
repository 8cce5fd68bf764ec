"""Flows themselves. Source: seed zoho-flow-api.md, section 1."""

from __future__ import annotations

from monitor.zoho.flow_base import FlowApi
from monitor.zoho.shapes import flows as shapes
from monitor.zoho.shapes.flows import FlowDetail, FlowPage


class FlowDefinitions(FlowApi):
    """List, look at, switch flows."""

    def list_flows(self, page: int = 1, per_page: int | None = None) -> FlowPage:
        """One page of flows with their counters.

        Parameters: `page` from 1; `per_page` rows a page, None for Zoho's own (20 in the seed).
        """
        return shapes.flow_page(self._get("flows", params={"page": page, "per_page": per_page}))

    def get_flow(self, flow_id: str) -> FlowDetail:
        """One flow with trigger and actions. Errors: `NotFound`."""
        return shapes.flow_detail(self._get("flows", flow_id))

    def enable(self, flow_id: str) -> None:
        """Switch a flow on; no harm if it is. Errors: `NotFound`, `Refused`."""
        self._ask("POST", "flows", flow_id, "enable", body={})

    def disable(self, flow_id: str) -> None:
        """Switch a flow off; no harm if it is. Errors: `NotFound`, `Refused`."""
        self._ask("POST", "flows", flow_id, "disable", body={})
