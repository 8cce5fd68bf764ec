"""Flows themselves. Source: seed zoho-flow-api.md, section 1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from monitor.zoho.flow.base import FlowApi
from monitor.zoho.shapes import flows as shapes
from monitor.zoho.shapes.definitions import Action, Trigger
from monitor.zoho.shapes.flows import FlowDetail, FlowPage
from monitor.zoho.shapes.written import Written, written


class FlowFlows(FlowApi):
    """List, look at, switch, make, change and delete flows."""

    def list_flows(self, page: int = 1, per_page: int | None = None) -> FlowPage:
        """One page of flows with their counters, which are for a flow's whole life.

        Parameters: `page` from 1; `per_page` rows a page, None for Zoho's own (20 in the seed).
        Errors: those of every call. Source: seed, section 1, "List All Flows".
        """
        return shapes.flow_page(self._get("flows", params={"page": page, "per_page": per_page}))

    def get_flow(self, flow_id: str) -> FlowDetail:
        """One flow with trigger and actions.

        Parameters: `flow_id` of the flow. Errors: `NotFound`.
        Source: seed, section 1, "Get Flow Details".
        """
        return shapes.flow_detail(self._get("flows", flow_id))

    def enable(self, flow_id: str) -> None:
        """Switch a flow on; no harm if it is.

        Parameters: `flow_id` of the flow. Errors: `NotFound`, `Refused`.
        Source: seed, section 1.
        """
        self._ask("POST", "flows", flow_id, "enable", body={})

    def disable(self, flow_id: str) -> None:
        """Switch a flow off; no harm if it is.

        Parameters: `flow_id` of the flow. Errors: `NotFound`, `Refused`.
        Source: seed, section 1.
        """
        self._ask("POST", "flows", flow_id, "disable", body={})

    def create_flow(
        self, flow_name: str, trigger: Trigger, actions: Iterable[Action], description: str = ""
    ) -> Written:
        """A new flow; at most 50 actions. If the answer is lost, look before making it again.

        Parameters: `flow_name` for people; `trigger` and `actions` typed shapes; `description` free text.
        Errors: `Refused`. Source: seed, section 1, "Create Flow", and "Flow Execution Limits".
        """
        body = {
            "flow_name": flow_name,
            "description": description,
            "trigger": trigger.as_json(),
            "actions": [action.as_json() for action in actions],
        }
        return written(self._ask("POST", "flows", body=body), "flow_id")

    def update_flow(self, flow_id: str, changes: Mapping[str, object]) -> Written:
        """Change a flow.

        Parameters: `flow_id` of the flow; `changes` the fields to set, in Zoho's spelling.
        Errors: `NotFound`, `Refused`. Source: seed, section 1 (the body is not shown; as for creation).
        """
        return written(self._ask("PUT", "flows", flow_id, body=dict(changes)), "flow_id")

    def delete_flow(self, flow_id: str) -> None:
        """Delete a flow for good.

        Parameters: `flow_id` of the flow. Errors: `NotFound`, `Refused`.
        Source: seed, section 1.
        """
        self._ask("DELETE", "flows", flow_id)
