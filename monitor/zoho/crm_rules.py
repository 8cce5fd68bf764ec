"""Workflow rules of CRM. Source: notes/zoho-api.md, section 2."""

from __future__ import annotations

from datetime import date

from monitor.zoho.crm_base import CrmApi, first_of
from monitor.zoho.protocol import json_body
from monitor.zoho.shapes import rules as shapes
from monitor.zoho.shapes.rules import RulePage, RuleUsage, WorkflowRule

_RULES = ("settings", "automation", "workflow_rules")


class CrmRules(CrmApi):
    """List, look at and count workflow rules."""

    def list_workflow_rules(
        self,
        page: int = 1,
        per_page: int = 200,
        module: str | None = None,
        *,
        status_active: bool | None = None,
        execute_on: str | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        include_inner_details: bool | None = None,
        name_contains: str | None = None,
    ) -> RulePage:
        """One page of rules, empty when Zoho has none; go on while `more_records`.

        Parameters: `page` from 1; `per_page` 1 to 200; `module` its API name; `execute_on` a trigger type;
        `sort_by` only modified_time; `sort_order` asc or desc; `include_inner_details` conditions and
        actions too; `name_contains` part of a rule's name. Errors: `Refused` for a bad parameter.
        """
        rule_filter = {"field": {"api_name": "name"}, "comparator": "contains", "value": name_contains}
        params = {
            "page": page,
            "per_page": per_page,
            "module": module,
            "status_active": status_active,
            "execute_on": execute_on,
            "sort_by": sort_by,
            "sort_order": sort_order,
            "include_inner_details": include_inner_details,
            "filter": json_body(rule_filter).decode() if name_contains else None,
        }
        return shapes.rule_page(self._get(*_RULES, params=params))

    def get_workflow_rule(self, rule_id: str) -> WorkflowRule:
        """One rule with conditions and actions in `raw`. Errors: `NotFound` (Zoho says 204)."""
        return first_of(self._get(*_RULES, rule_id), "workflow_rules", shapes.workflow_rule)

    def rule_usage(self, rule_id: str, executed_from: date, executed_till: date) -> RuleUsage:
        """How often a rule ran, over all its actions.

        Parameters: both days belong to the span, which may reach back 90 days from today.
        Errors: `NotFound`; `Refused` with code INVALID_REQUEST and DATE_RANGE_EXCEEDS for older days.
        """
        params = {"executed_from": executed_from.isoformat(), "executed_till": executed_till.isoformat()}
        payload = self._get(*_RULES, rule_id, "actions", "usage", params=params)
        return first_of(payload, "workflow_rules", shapes.rule_usage)
