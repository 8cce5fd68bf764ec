"""Workflow rules of CRM, changed. Source: notes/zoho-api.md, section 2.1; seed workflow-apis-part-3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.zoho.crm.base import CrmApi, comma_list
from monitor.zoho.crm.rules import RULES
from monitor.zoho.shapes.crm_common import WriteResult, write_result, write_results


class CrmRuleChanges(CrmApi):
    """Make, change, delete and order rules. Scopes: `ZohoCRM.settings.workflow_rules.{CREATE,UPDATE,DELETE}`.

    Nothing here is repeated; if an answer is lost (`AnswerLost`), look before doing it again.
    """

    def create_workflow_rule(self, rule: Mapping[str, object]) -> WriteResult:
        """A new rule; Zoho takes exactly one a call.

        Parameters: `rule` name (at most 100 characters), module, execute_when, conditions (at most 10).
        Errors: `Refused`. Source: notes, section 2.1; seed, step 6.
        """
        payload = self._ask("POST", *RULES, body={"workflow_rules": [dict(rule)]})
        return write_result(payload, "workflow_rules")

    def update_workflow_rule(self, rule_id: str, changes: Mapping[str, object]) -> WriteResult:
        """Change parts of a rule; module and kind of trigger cannot be changed.

        Parameters: `rule_id` of the rule; `changes` only what is new; an object with an id changes that one, one
        without is added, `"_delete": None` removes it. Errors: `NotFound`, `Refused`.
        Source: seed, step 5.
        """
        payload = self._ask("PUT", *RULES, rule_id, body={"workflow_rules": [dict(changes)]})
        return write_result(payload, "workflow_rules")

    def update_workflow_rules(self, changes: Mapping[str, object]) -> WriteResult:
        """Like `update_workflow_rule`, with the id inside `changes`.

        Errors: those of every call. Source: notes, section 2.1.
        """
        payload = self._ask("PUT", *RULES, body={"workflow_rules": [dict(changes)]})
        return write_result(payload, "workflow_rules")

    def set_rule_active(self, rule_id: str, *, active: bool) -> WriteResult:
        """Switch a rule on or off: Zoho has no call of its own for it.

        Parameters: `rule_id` of the rule; `active` what it shall be.
        Errors: `NotFound`, `Refused`. Source: notes, section 2.1.
        """
        return self.update_workflow_rule(rule_id, {"status": {"active": active}})

    def delete_workflow_rule(self, rule_id: str) -> WriteResult:
        """Delete a rule; locked ones cannot be.

        Parameters: `rule_id` of the rule. Errors: `NotFound`, `Refused`.
        Source: notes, section 2.1.
        """
        return write_result(self._ask("DELETE", *RULES, rule_id), "workflow_rules")

    def delete_workflow_rules(self, rule_ids: Sequence[str]) -> list[WriteResult]:
        """Delete rules; the outcomes may be mixed (207).

        Parameters: `rule_ids` 1 to 10. Errors: `ValueError`; `Refused` or `NotFound` when none was deleted.
        Source: notes, section 2.1.
        """
        payload = self._ask("DELETE", *RULES, params={"ids": comma_list(rule_ids, 10)})
        return write_results(payload, "workflow_rules")

    def reorder_workflow_rules(self, module: str, sequence: Mapping[str, int]) -> list[WriteResult]:
        """Set the order in which rules of a module run: all or nothing.

        Parameters: `module` its API name; `sequence` from rule id to its place, from 1, at most 10.
        Errors: `ValueError`, `Refused`. Source: notes, section 2.1.
        """
        comma_list(list(sequence), 10)
        rules = [{"id": rule_id, "module_specific_sequence": place} for rule_id, place in sequence.items()]
        body = {"reorder": {"workflow_rules": rules}}
        payload = self._ask("PUT", *RULES, "actions", "reorder", params={"module": module}, body=body)
        return write_results(payload, "reorder", "workflow_rules")
