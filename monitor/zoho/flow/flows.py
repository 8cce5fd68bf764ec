"""Calls for flows themselves.

Source: docs/reference/zoho-flow.md, "Flows".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from monitor.zoho.flow.base import FlowApi
from monitor.zoho.shapes import flows as shapes
from monitor.zoho.shapes.definitions import Action, Trigger
from monitor.zoho.shapes.flows import FlowDetail, FlowPage
from monitor.zoho.shapes.written import Written, written


class FlowFlows(FlowApi):
    """Lists, shows, switches, creates, changes and deletes flows."""

    def list_flows(self, page: int = 1, per_page: int | None = None) -> FlowPage:
        """Lists one page of flows with their counters, which are for a flow's whole life.

        Args:
            page: from 1.
            per_page: rows a page, None for Zoho's own (20).

        Raises:
            ZohoError: see `ApiClient`.
        """
        return shapes.flow_page(self._get("flows", params={"page": page, "per_page": per_page}))

    def get_flow(self, flow_id: str) -> FlowDetail:
        """Returns one flow with trigger and actions.

        Args:
            flow_id: Zoho's id of the flow.

        Raises:
            NotFound: Zoho does not have it.
        """
        return shapes.flow_detail(self._get("flows", flow_id))

    def enable(self, flow_id: str) -> None:
        """Enables a flow; no harm if it is.

        Args:
            flow_id: Zoho's id of the flow.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        self._ask("POST", "flows", flow_id, "enable", body={})

    def disable(self, flow_id: str) -> None:
        """Disables a flow; no harm if it is.

        Args:
            flow_id: Zoho's id of the flow.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        self._ask("POST", "flows", flow_id, "disable", body={})

    def create_flow(
        self, flow_name: str, trigger: Trigger, actions: Iterable[Action], description: str = ""
    ) -> Written:
        """Creates a flow; at most 50 actions. If the answer is lost, look before making it again.

        Args:
            flow_name: for people.
            trigger, actions: typed shapes.
            description: free text.

        Raises:
            Refused: Zoho declines it.
        """
        body = {
            "flow_name": flow_name,
            "description": description,
            "trigger": trigger.as_json(),
            "actions": [action.as_json() for action in actions],
        }
        return written(self._ask("POST", "flows", body=body), "flow_id")

    def update_flow(self, flow_id: str, changes: Mapping[str, object]) -> Written:
        """Changes a flow. The body is not documented; it is sent as for creation.

        Args:
            flow_id: Zoho's id of the flow.
            changes: the fields to set, in Zoho's spelling.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        return written(self._ask("PUT", "flows", flow_id, body=dict(changes)), "flow_id")

    def delete_flow(self, flow_id: str) -> None:
        """Deletes a flow for good.

        Args:
            flow_id: Zoho's id of the flow.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        self._ask("DELETE", "flows", flow_id)
