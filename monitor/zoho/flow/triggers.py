"""Triggers: of a flow, and those that Flow offers. Source: seed, section 2."""

from __future__ import annotations

from monitor.zoho.flow.base import FlowApi
from monitor.zoho.shapes import catalogue
from monitor.zoho.shapes.catalogue import Catalogue, CatalogueEntry, TestResult
from monitor.zoho.shapes.definitions import Trigger
from monitor.zoho.shapes.written import Written, written


class FlowTriggers(FlowApi):
    """What starts a flow."""

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
        return written(self._ask("POST", "flows", flow_id, "trigger", body=trigger.as_json()), "flow_id")

    def update_trigger(self, flow_id: str, trigger: Trigger) -> Written:
        """Change the trigger of a flow.

        Parameters: `flow_id` of the flow; `trigger` a typed shape. Errors: `NotFound`, `Refused`.
        Source: seed, section 2.
        """
        return written(self._ask("PUT", "flows", flow_id, "trigger", body=trigger.as_json()), "flow_id")

    def test_trigger(self, flow_id: str) -> TestResult:
        """Let Flow fetch a sample for the trigger of a flow: a GET that makes a test execution.

        Never repeated, although it is a GET.

        Parameters: `flow_id` of the flow. Errors: `NotFound`.
        Source: seed, section 2, "Test Trigger".
        """
        return catalogue.test_result(self._get_unrepeated("flows", flow_id, "trigger", "test"))
