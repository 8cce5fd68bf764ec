"""Calls that read workflow rules of CRM: list, one, usage, counts, possibilities.

Source: docs/reference/zoho-crm.md, "Workflow rules" and "Usage of rules".
"""

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
    """Lists, shows and counts workflow rules. Scope: `ZohoCRM.settings.workflow_rules.READ`."""

    def list_workflow_rules(
        self,
        page: int = 1,
        per_page: int = 200,
        module: str | None = None,
        *,
        status_active: bool | None = None,
        execute_on: str | None = None,
        trigger_module: str | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        include_inner_details: bool | None = None,
        name_contains: str | None = None,
    ) -> RulePage:
        """Lists one page of rules, empty when Zoho has none (204); go on while `more_records`.

        Args:
            status_active: only those that are on, or off.
            page: from 1.
            per_page: 1 to 200.
            module: API name.
            execute_on: a trigger type; only with `module`.
            trigger_module: API name of the module below it that triggers, such as Notes; only with `module`.
            sort_by: only modified_time.
            sort_order: asc or desc.
            include_inner_details: conditions and actions too.
            name_contains: part of a rule's name.

        Raises:
            ValueError: `module` is missing beside `execute_on` or `trigger_module`.
            Refused: a bad parameter.
        """
        if module is None and not execute_on is trigger_module is None:
            raise ValueError("execute_on and trigger_module go with a module")
        rule_filter = {"field": {"api_name": "name"}, "comparator": "contains", "value": name_contains}
        params = {
            "page": page,
            "per_page": per_page,
            "module": module,
            "status_active": status_active,
            "execute_on": execute_on,
            "trigger_module": trigger_module,
            "sort_by": sort_by,
            "sort_order": sort_order,
            "include_inner_details": include_inner_details,
            "filter": json_body(rule_filter).decode() if name_contains else None,
        }
        return shapes.rule_page(self._get(*RULES, params=params))

    def get_workflow_rule(self, rule_id: str) -> WorkflowRule:
        """Returns one rule with conditions and actions in `raw`.

        Args:
            rule_id: Zoho's id of the rule.

        Raises:
            NotFound: Zoho does not have it (Zoho says 204).
        """
        return first_of(self._get(*RULES, rule_id), "workflow_rules", shapes.workflow_rule)

    def rule_usage(self, rule_id: str, executed_from: date, executed_till: date) -> RuleUsage:
        """Returns how often a rule ran, over all its actions.

        Args:
            rule_id: Zoho's id of the rule.
            executed_from, executed_till: days; both days belong to the span, which may reach back 90 days from today.

        Raises:
            NotFound: Zoho does not have it.
            Refused: with code INVALID_REQUEST and DATE_RANGE_EXCEEDS for older days.
        """
        params = {"executed_from": executed_from.isoformat(), "executed_till": executed_till.isoformat()}
        payload = self._get(*RULES, rule_id, "actions", "usage", params=params)
        return first_of(payload, "workflow_rules", shapes.rule_usage)

    def rules_count(self) -> RuleLimits:
        """Returns how many rules there may be and are.

        Raises:
            ZohoError: see `ApiClient`.
        """
        return rule_limits.rule_limits(self._get(*RULES, "actions", "rules_count"))

    def module_rule_counts(self, module: str | None = None) -> list[ModuleRuleCount]:
        """Returns how many rules each module has, or one.

        Args:
            module: only this one.

        Raises:
            Refused: Zoho declines it.
        """
        params = {"module": module}
        return rule_limits.module_rule_counts(self._get(*RULES, "actions", "module_specific_count", params=params))

    def actions_counts(self, rule_ids: Sequence[str]) -> list[ActionsCount]:
        """Returns how many actions each of some rules has; what cannot be read is left out.

        Args:
            rule_ids: at most 10: one of Zoho's two documents says 100, the other 10.

        Raises:
            ValueError: none or too many.
            Refused: Zoho declines it.
        """
        params = {"ids": comma_list(rule_ids, 10)}
        counts, _ = rule_limits.actions_counts(self._get(*RULES, "actions", "actions_count", params=params))
        return counts

    def workflow_configurations(self, module: str) -> RuleConfiguration:
        """Returns what rules of a module may be made of: triggers, and the actions each allows.

        Source: zoho/crm-oas, getWorkflowConfigurations.

        Args:
            module: API name.

        Raises:
            Refused: Zoho declines it.
        """
        return rule_limits.rule_configuration(self._get("workflow_configurations", params={"module": module}))
