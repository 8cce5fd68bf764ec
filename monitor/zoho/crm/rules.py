"""Workflow rules of CRM, read: list, one, usage, counts, possibilities. Source: notes/zoho-api.md, section 2."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from monitor.zoho.crm.base import AUTOMATION, CrmApi, comma_list, first_of
from monitor.zoho.protocol import json_body
from monitor.zoho.shapes import rule_limits
from monitor.zoho.shapes import rules as shapes
from monitor.zoho.shapes.rule_limits import ActionsCount, ModuleRuleCount, RuleConfiguration, RuleLimits
from monitor.zoho.shapes.rules import RulePage, RuleUsage, WorkflowRule

RULES = (*AUTOMATION, "workflow_rules")


class CrmRules(CrmApi):
    """List, look at and count workflow rules. Scope: `ZohoCRM.settings.workflow_rules.READ`."""

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
        """One page of rules, empty when Zoho has none (204); go on while `more_records`.

        Parameters: `status_active` only those that are on, or off; `page` from 1; `per_page` 1 to 200; `module` its API
        name; `execute_on` a trigger type; `sort_by` only modified_time; `sort_order` asc or desc;
        `include_inner_details` conditions and actions too; `name_contains` part of a rule's name.
        Errors: `Refused` for a bad parameter. Source: notes, section 2.1.
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
        return shapes.rule_page(self._get(*RULES, params=params))

    def get_workflow_rule(self, rule_id: str) -> WorkflowRule:
        """One rule with conditions and actions in `raw`.

        Parameters: `rule_id` of the rule. Errors: `NotFound` (Zoho says 204).
        Source: notes, section 2.1.
        """
        return first_of(self._get(*RULES, rule_id), "workflow_rules", shapes.workflow_rule)

    def rule_usage(self, rule_id: str, executed_from: date, executed_till: date) -> RuleUsage:
        """How often a rule ran, over all its actions.

        Parameters: `rule_id` of the rule; `executed_from` and `executed_till` days; both days belong to the span, which
        may reach back 90 days from today.
        Errors: `NotFound`; `Refused` with code INVALID_REQUEST and DATE_RANGE_EXCEEDS for older days.
        Source: notes, section 2.3.
        """
        params = {"executed_from": executed_from.isoformat(), "executed_till": executed_till.isoformat()}
        payload = self._get(*RULES, rule_id, "actions", "usage", params=params)
        return first_of(payload, "workflow_rules", shapes.rule_usage)

    def rules_count(self) -> RuleLimits:
        """How many rules there may be and are.

        Errors: those of every call. Source: notes, section 2.3.
        """
        return rule_limits.rule_limits(self._get(*RULES, "actions", "rules_count"))

    def module_rule_counts(self, module: str | None = None) -> list[ModuleRuleCount]:
        """How many rules each module has, or one.

        Parameters: `module` only this one. Errors: `Refused`.
        Source: notes, section 2.3.
        """
        params = {"module": module}
        return rule_limits.module_rule_counts(self._get(*RULES, "actions", "module_specific_count", params=params))

    def actions_counts(self, rule_ids: Sequence[str]) -> list[ActionsCount]:
        """How many actions each of some rules has; what cannot be read is left out.

        Parameters: `rule_ids` at most 10: one of Zoho's two documents says 100, the other 10.
        Errors: `ValueError` for none or too many; `Refused`. Source: notes, section 2.1.
        """
        params = {"ids": comma_list(rule_ids, 10)}
        counts, _ = rule_limits.actions_counts(self._get(*RULES, "actions", "actions_count", params=params))
        return counts

    def workflow_configurations(self, module: str) -> RuleConfiguration:
        """What rules of a module may be made of: triggers, and the actions each allows.

        Parameters: `module` its API name. Errors: `Refused`.
        Source: notes, section 1; zoho/crm-oas, getWorkflowConfigurations.
        """
        return rule_limits.rule_configuration(self._get("workflow_configurations", params={"module": module}))
