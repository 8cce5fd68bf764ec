"""Calls for the actions of a flow, and those that Flow offers.

Source: docs/reference/zoho-flow.md, "Triggers and actions".
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.zoho.flow.base import FlowApi
from monitor.zoho.shapes import catalogue
from monitor.zoho.shapes.catalogue import Catalogue, CatalogueEntry, TestResult
from monitor.zoho.shapes.definitions import Action
from monitor.zoho.shapes.written import Written, written


class FlowActions(FlowApi):
    """Lists, shows, tests and changes what a flow does. Scope: `ZohoFlow.actions.ALL`."""

    def list_actions(self) -> Catalogue:
        """Lists the actions that Flow offers.

        Raises:
            ScopeMissing: the token lacks the scope.
        """
        return catalogue.catalogue(self._get("actions"), "actions")

    def get_action(self, action_id: str) -> CatalogueEntry:
        """Returns one action that Flow offers.

        Args:
            action_id: Zoho's id of the action.

        Raises:
            NotFound: Zoho does not have it.
        """
        return catalogue.catalogue_entry(self._get("actions", action_id), "action")

    def add_action(self, flow_id: str, action: Action) -> Written:
        """Adds an action at the end of a flow.

        Args:
            flow_id: Zoho's id of the flow.
            action: a typed shape.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        return written(self._ask("POST", "flows", flow_id, "actions", body=action.as_json()), "action_id")

    def update_action(self, flow_id: str, action_id: str, action: Action) -> Written:
        """Changes one action of a flow.

        Args:
            flow_id: Zoho's id of the flow.
            action_id: Zoho's id of the action.
            action: a typed shape.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        payload = self._ask("PUT", "flows", flow_id, "actions", action_id, body=action.as_json())
        return written(payload, "action_id")

    def remove_action(self, flow_id: str, action_id: str) -> None:
        """Takes one action out of a flow.

        Args:
            flow_id: Zoho's id of the flow.
            action_id: Zoho's id of the action.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        self._ask("DELETE", "flows", flow_id, "actions", action_id)

    def test_action(self, flow_id: str, sample_data: Mapping[str, object]) -> TestResult:
        """Tries the actions of a flow with sample data: they really run.

        Args:
            flow_id: Zoho's id of the flow.
            sample_data: what the trigger would give.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
            AnswerLost: it may have run.
        """
        body = {"sample_data": dict(sample_data)}
        return catalogue.test_result(self._ask("POST", "flows", flow_id, "actions", "test", body=body))
