"""Connected workflows of CRM. Source: notes/zoho-api.md, section 3; seed create-connected-workflow."""

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

    Editions without them answer `NotAvailable`. Source of all: notes, section 3.
    """

    def list_connected_workflows(self) -> Page[ConnectedWorkflow]:
        """All of them in one call: Zoho refuses page parameters here.

        Errors: those of every call. Source: notes, section 3, "Gotcha".
        """
        return page_of(self._get(*_CONNECTED), shapes.connected_workflow, _NAME)

    def get_connected_workflow(self, workflow_id: str, include_inner_details: str | None = None) -> ConnectedWorkflow:
        """One of them with its nodes in `raw`.

        Parameters: `workflow_id` of the connected workflow; `include_inner_details` field paths with commas between,
        unlike the flag of rules. Errors: `NotFound`.
        Source: notes, section 3.
        """
        params = {"include_inner_details": include_inner_details}
        return first_of(self._get(*_CONNECTED, workflow_id, params=params), _NAME, shapes.connected_workflow)

    def create_connected_workflow(self, name: str, module_api_name: str, description: str = "") -> WriteResult:
        """A new one, as a draft; only one for each primary module.

        Parameters: `module_api_name` the primary module's; `name` at most 50 characters, unique; `description` at most
        500. Errors: `Refused` (DUPLICATE_DATA, LIMIT_EXCEEDED, …).
        Source: seed create-connected-workflow.
        """
        body = {"name": name, "primary_module": {"api_name": module_api_name}}
        if description:
            body["description"] = description
        return write_result(self._ask("POST", *_CONNECTED, body={_NAME: [body]}), _NAME)

    def update_connected_workflow(self, workflow_id: str, changes: Mapping[str, object]) -> WriteResult:
        """Change name, description, a node or connections; rules have calls of their own.

        Parameters: `workflow_id` of the connected workflow; `changes` the fields to set, in Zoho's spelling.
        Errors: `NotFound`, `Refused`. Source: notes, section 3.
        """
        return write_result(self._ask("PUT", *_CONNECTED, workflow_id, body={_NAME: [dict(changes)]}), _NAME)

    def delete_connected_workflow(self, workflow_id: str) -> WriteResult:
        """Delete one.

        Parameters: `workflow_id` of the connected workflow. Errors: `NotFound`, `Refused`.
        Source: notes, section 3.
        """
        return write_result(self._ask("DELETE", *_CONNECTED, workflow_id), _NAME)

    def activate_connected_workflow(self, workflow_id: str) -> WriteResult:
        """From draft or inactive to active.

        Parameters: `workflow_id` of the connected workflow. Errors: `NotFound`, `Refused`.
        Source: notes, section 3.
        """
        return write_result(self._ask("PUT", *_CONNECTED, workflow_id, "actions", "activate"), _NAME)

    def deactivate_connected_workflow(self, workflow_id: str) -> WriteResult:
        """From active to inactive.

        Parameters: `workflow_id` of the connected workflow. Errors: `NotFound`, `Refused`.
        Source: notes, section 3.
        """
        return write_result(self._ask("PUT", *_CONNECTED, workflow_id, "actions", "deactivate"), _NAME)

    def connected_workflow_limits(self) -> ConnectedLimits:
        """What they may be made of, and how many.

        Errors: those of every call. Source: notes, section 3.
        """
        return shapes.connected_limits(self._get(*_CONNECTED, "actions", "configurations"))

    def list_connected_rules(self, workflow_id: str, module: str) -> Page[ConnectedRule]:
        """The triggers of the rules of one module; actions come with `get_connected_rule` only.

        Parameters: `workflow_id` of the connected workflow; `module` its API name, which Zoho insists on.
        Errors: `NotFound`, `Refused`. Source: notes, section 3.
        """
        payload = self._get(*_CONNECTED, workflow_id, "rules", params={"module": module})
        return page_of(payload, shapes.connected_rule, "rules", _NAME)

    def get_connected_rule(self, workflow_id: str, rule_id: str) -> ConnectedRule:
        """One rule whole.

        Parameters: `workflow_id` of the connected workflow; `rule_id` of the rule.
        Errors: `NotFound`. Source: notes, section 3.
        """
        return first_of(self._get(*_CONNECTED, workflow_id, "rules", rule_id), "rules", shapes.connected_rule)

    def create_connected_rule(self, workflow_id: str, rule: Mapping[str, object]) -> WriteResult:
        """A new rule for a node.

        Parameters: `workflow_id` of the connected workflow; `rule` its fields in Zoho's spelling.
        Errors: `NotFound`, `Refused`. Source: notes, section 3.
        """
        return write_result(self._ask("POST", *_CONNECTED, workflow_id, "rules", body={"rules": [dict(rule)]}), "rules")

    def update_connected_rule(self, workflow_id: str, rule_id: str, changes: Mapping[str, object]) -> WriteResult:
        """Change a rule.

        Parameters: `workflow_id` of the connected workflow; `rule_id` of the rule; `changes` the fields to set, in
        Zoho's spelling. Errors: `NotFound`, `Refused`.
        Source: notes, section 3.
        """
        body = {"rules": [dict(changes)]}
        return write_result(self._ask("PUT", *_CONNECTED, workflow_id, "rules", rule_id, body=body), "rules")
