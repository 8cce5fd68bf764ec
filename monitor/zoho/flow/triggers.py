"""Calls for the triggers of flows, and those that Flow offers.

Source: docs/reference/zoho-flow.md, "Triggers and actions".
"""

from __future__ import annotations

from monitor.zoho.flow.base import FlowApi
from monitor.zoho.shapes import catalogue
from monitor.zoho.shapes.catalogue import Catalogue, CatalogueEntry, TestResult
from monitor.zoho.shapes.definitions import Trigger
from monitor.zoho.shapes.written import Written, written


class FlowTriggers(FlowApi):
    """Lists, shows, sets and tests what starts a flow."""

    def list_triggers(self) -> Catalogue:
        """Lists the triggers that Flow offers.

        Raises:
            ScopeMissing: the token lacks the scope.
        """
        return catalogue.catalogue(self._get("triggers"), "triggers")

    def get_trigger(self, trigger_id: str) -> CatalogueEntry:
        """Returns one trigger that Flow offers.

        Args:
            trigger_id: from the list.

        Raises:
            NotFound: Zoho does not have it.
        """
        return catalogue.catalogue_entry(self._get("triggers", trigger_id), "trigger")

    def configure_trigger(self, flow_id: str, trigger: Trigger) -> Written:
        """Gives a flow its trigger.

        Args:
            flow_id: Zoho's id of the flow.
            trigger: a typed shape.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        return written(self._ask("POST", "flows", flow_id, "trigger", body=trigger.as_json()), "flow_id")

    def update_trigger(self, flow_id: str, trigger: Trigger) -> Written:
        """Changes the trigger of a flow.

        Args:
            flow_id: Zoho's id of the flow.
            trigger: a typed shape.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        return written(self._ask("PUT", "flows", flow_id, "trigger", body=trigger.as_json()), "flow_id")

    def test_trigger(self, flow_id: str) -> TestResult:
        """Lets Flow fetch a sample for the trigger of a flow: a GET that makes a test execution.

        Never repeated, although it is a GET.

        Args:
            flow_id: Zoho's id of the flow.

        Raises:
            NotFound: Zoho does not have it.
        """
        return catalogue.test_result(self._get_unrepeated("flows", flow_id, "trigger", "test"))
