"""Calls for connected workflows of CRM.

Source: docs/reference/zoho-crm.md, "Connected workflows".
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.zoho.crm.base import CrmApi, first_of
from monitor.zoho.shapes import connected_workflows as shapes
from monitor.zoho.shapes.connected_workflows import ConnectedLimits, ConnectedRule, ConnectedWorkflow
from monitor.zoho.shapes.crm_common import Page, WriteResult, page_of, write_result

_CONNECTED = ("settings", "connected_workflows")
_NAME = "connected_workflows"


class CrmConnectedWorkflows(CrmApi):
    """Scopes: `ZohoCRM.settings.connected_workflows.{READ,CREATE,UPDATE,DELETE}`.

    Editions without them answer `NotAvailable`.
    """

    def list_connected_workflows(self) -> Page[ConnectedWorkflow]:
        """Lists all of them in one call: Zoho refuses page parameters here.

        Raises:
            ZohoError: see `ApiClient`.
        """
        return page_of(self._get(*_CONNECTED), shapes.connected_workflow, _NAME)

    def get_connected_workflow(self, workflow_id: str, include_inner_details: str | None = None) -> ConnectedWorkflow:
        """Returns one of them with its nodes in `raw`.

        Args:
            workflow_id: Zoho's id of the connected workflow.
            include_inner_details: field paths with commas between, unlike the flag of rules.

        Raises:
            NotFound: Zoho does not have it.
        """
        params = {"include_inner_details": include_inner_details}
        return first_of(self._get(*_CONNECTED, workflow_id, params=params), _NAME, shapes.connected_workflow)

    def create_connected_workflow(self, name: str, module_api_name: str, description: str = "") -> WriteResult:
        """Creates one, as a draft; only one for each primary module.

        Args:
            module_api_name: the primary module's.
            name: at most 50 characters, unique.
            description: at most 500.

        Raises:
            Refused: Zoho declines it (DUPLICATE_DATA, LIMIT_EXCEEDED, …).
        """
        body = {"name": name, "primary_module": {"api_name": module_api_name}}
        if description:
            body["description"] = description
        return write_result(self._ask("POST", *_CONNECTED, body={_NAME: [body]}), _NAME)

    def update_connected_workflow(self, workflow_id: str, changes: Mapping[str, object]) -> WriteResult:
        """Changes name, description, a node or connections, but no rules.

        Args:
            workflow_id: Zoho's id of the connected workflow.
            changes: the fields to set, in Zoho's spelling.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        return write_result(self._ask("PUT", *_CONNECTED, workflow_id, body={_NAME: [dict(changes)]}), _NAME)

    def delete_connected_workflow(self, workflow_id: str) -> WriteResult:
        """Deletes one.

        Args:
            workflow_id: Zoho's id of the connected workflow.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        return write_result(self._ask("DELETE", *_CONNECTED, workflow_id), _NAME)

    def activate_connected_workflow(self, workflow_id: str) -> WriteResult:
        """Switches one from draft or inactive to active.

        Args:
            workflow_id: Zoho's id of the connected workflow.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        return write_result(self._ask("PUT", *_CONNECTED, workflow_id, "actions", "activate"), _NAME)

    def deactivate_connected_workflow(self, workflow_id: str) -> WriteResult:
        """Switches one from active to inactive.

        Args:
            workflow_id: Zoho's id of the connected workflow.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        return write_result(self._ask("PUT", *_CONNECTED, workflow_id, "actions", "deactivate"), _NAME)

    def connected_workflow_limits(self) -> ConnectedLimits:
        """Returns what they may be made of, and how many.

        Raises:
            ZohoError: see `ApiClient`.
        """
        return shapes.connected_limits(self._get(*_CONNECTED, "actions", "configurations"))

    def list_connected_rules(self, workflow_id: str, module: str) -> Page[ConnectedRule]:
        """Lists the triggers of one module's rules; `get_connected_rule` has the actions.

        Args:
            workflow_id: Zoho's id of the connected workflow.
            module: API name, which Zoho insists on.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        payload = self._get(*_CONNECTED, workflow_id, "rules", params={"module": module})
        return page_of(payload, shapes.connected_rule, "rules", _NAME)

    def get_connected_rule(self, workflow_id: str, rule_id: str) -> ConnectedRule:
        """Returns one rule whole.

        Args:
            workflow_id: Zoho's id of the connected workflow.
            rule_id: Zoho's id of the rule.

        Raises:
            NotFound: Zoho does not have it.
        """
        return first_of(self._get(*_CONNECTED, workflow_id, "rules", rule_id), "rules", shapes.connected_rule)

    def create_connected_rule(self, workflow_id: str, rule: Mapping[str, object]) -> WriteResult:
        """Creates a rule for a node.

        Args:
            workflow_id: Zoho's id of the connected workflow.
            rule: its fields in Zoho's spelling.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        return write_result(self._ask("POST", *_CONNECTED, workflow_id, "rules", body={"rules": [dict(rule)]}), "rules")

    def update_connected_rule(self, workflow_id: str, rule_id: str, changes: Mapping[str, object]) -> WriteResult:
        """Changes a rule.

        Args:
            workflow_id: Zoho's id of the connected workflow.
            rule_id: Zoho's id of the rule.
            changes: the fields to set, in Zoho's spelling.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        body = {"rules": [dict(changes)]}
        return write_result(self._ask("PUT", *_CONNECTED, workflow_id, "rules", rule_id, body=body), "rules")

    def delete_connected_rule(self, workflow_id: str, rule_id: str) -> WriteResult:
        """Deletes a rule of a connected workflow.

        Args:
            workflow_id: Zoho's id of the connected workflow.
            rule_id: Zoho's id of the rule.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        return write_result(self._ask("DELETE", *_CONNECTED, workflow_id, "rules", rule_id), "rules")
