"""Actions: of a flow, and those that Flow offers. Source: seed, section 3."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.zoho.flow.base import FlowApi
from monitor.zoho.shapes import catalogue
from monitor.zoho.shapes.catalogue import Catalogue, CatalogueEntry, TestResult
from monitor.zoho.shapes.definitions import Action
from monitor.zoho.shapes.written import Written, written


class FlowActions(FlowApi):
    """What a flow does. Scope: `ZohoFlow.actions.ALL`."""

    def list_actions(self) -> Catalogue:
        """The actions that Flow offers. Errors: `ScopeMissing`. Source: seed, section 3."""
        return catalogue.catalogue(self._get("actions"), "actions")

    def get_action(self, action_id: str) -> CatalogueEntry:
        """One action that Flow offers.

        Parameters: `action_id` of the action. Errors: `NotFound`.
        Source: seed, section 3.
        """
        return catalogue.catalogue_entry(self._get("actions", action_id), "action")

    def add_action(self, flow_id: str, action: Action) -> Written:
        """Add an action at the end of a flow.

        Parameters: `flow_id` of the flow; `action` a typed shape. Errors: `NotFound`, `Refused`.
        Source: seed, section 3.
        """
        return written(self._ask("POST", "flows", flow_id, "actions", body=action.as_json()), "action_id")

    def update_action(self, flow_id: str, action_id: str, action: Action) -> Written:
        """Change one action of a flow.

        Parameters: `flow_id` of the flow; `action_id` of the action; `action` a typed shape.
        Errors: `NotFound`, `Refused`. Source: seed, section 3.
        """
        payload = self._ask("PUT", "flows", flow_id, "actions", action_id, body=action.as_json())
        return written(payload, "action_id")

    def remove_action(self, flow_id: str, action_id: str) -> None:
        """Take one action out of a flow.

        Parameters: `flow_id` of the flow; `action_id` of the action.
        Errors: `NotFound`, `Refused`. Source: seed, section 3.
        """
        self._ask("DELETE", "flows", flow_id, "actions", action_id)

    def test_action(self, flow_id: str, sample_data: Mapping[str, object]) -> TestResult:
        """Try the actions of a flow with sample data: they really run.

        Parameters: `flow_id` of the flow; `sample_data` what the trigger would give.
        Errors: `NotFound`, `Refused`; `AnswerLost` when it may have run.
        Source: seed, Best Practices 3, "Test Before Enabling".
        """
        body = {"sample_data": dict(sample_data)}
        return catalogue.test_result(self._ask("POST", "flows", flow_id, "actions", "test", body=body))
