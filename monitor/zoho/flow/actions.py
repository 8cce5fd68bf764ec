"""Triggers and actions of flows, and what Flow offers of both. Source: seed, sections 2 and 3."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.zoho.flow.base import FlowApi
from monitor.zoho.shapes import catalogue
from monitor.zoho.shapes.catalogue import Catalogue, CatalogueEntry, TestResult, Written
from monitor.zoho.shapes.definitions import Action, Trigger


class FlowParts(FlowApi):
    """The parts a flow is made of. The catalogue and actions need the scope `ZohoFlow.actions.ALL`."""

    def list_triggers(self) -> Catalogue:
        """The triggers that Flow offers. Errors: `ScopeMissing`. Source: seed, section 2."""
        return catalogue.catalogue(self._get("triggers"), "triggers")

    def get_trigger(self, trigger_id: str) -> CatalogueEntry:
        """One trigger that Flow offers.

        Parameters: `trigger_id` from the list. Errors: `NotFound`.
        Source: seed, section 2.
        """
        return catalogue.catalogue_entry(self._get("triggers", trigger_id), "trigger")

    def configure_trigger(self, flow_id: str, trigger: Trigger) -> Written:
        """Give a flow its trigger.

        Parameters: `flow_id` of the flow; `trigger` a typed shape. Errors: `NotFound`, `Refused`.
        Source: seed, section 2.
        """
        return catalogue.written(self._ask("POST", "flows", flow_id, "trigger", body=trigger.as_json()), "flow_id")

    def update_trigger(self, flow_id: str, trigger: Trigger) -> Written:
        """Change the trigger of a flow.

        Parameters: `flow_id` of the flow; `trigger` a typed shape. Errors: `NotFound`, `Refused`.
        Source: seed, section 2.
        """
        return catalogue.written(self._ask("PUT", "flows", flow_id, "trigger", body=trigger.as_json()), "flow_id")

    def test_trigger(self, flow_id: str) -> TestResult:
        """Let Flow fetch a sample for the trigger of a flow: a GET that makes a test execution.

        Never repeated, although it is a GET.

        Parameters: `flow_id` of the flow. Errors: `NotFound`.
        Source: seed, section 2, "Test Trigger".
        """
        return catalogue.test_result(self._get_unrepeated("flows", flow_id, "trigger", "test"))

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
        return catalogue.written(self._ask("POST", "flows", flow_id, "actions", body=action.as_json()), "action_id")

    def update_action(self, flow_id: str, action_id: str, action: Action) -> Written:
        """Change one action of a flow.

        Parameters: `flow_id` of the flow; `action_id` of the action; `action` a typed shape.
        Errors: `NotFound`, `Refused`. Source: seed, section 3.
        """
        payload = self._ask("PUT", "flows", flow_id, "actions", action_id, body=action.as_json())
        return catalogue.written(payload, "action_id")

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
