"""Calls that change workflow rules of CRM.

Source: docs/reference/zoho-crm.md, "Workflow rules".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.zoho.crm.base import CrmApi, comma_list
from monitor.zoho.crm.rules import RULES
from monitor.zoho.shapes.crm_common import WriteResult, write_result, write_results


class CrmRuleChanges(CrmApi):
    """Creates, changes, deletes and orders rules. Scopes: `ZohoCRM.settings.workflow_rules.{CREATE,UPDATE,DELETE}`.

    Nothing here is repeated; if an answer is lost (`AnswerLost`), look before doing it again.
    """

    def create_workflow_rule(self, rule: Mapping[str, object]) -> WriteResult:
        """Creates a rule; Zoho takes exactly one a call.

        Args:
            rule: name (at most 100 characters), module, execute_when, conditions (at most 10).

        Raises:
            Refused: Zoho declines it.
        """
        payload = self._ask("POST", *RULES, body={"workflow_rules": [dict(rule)]})
        return write_result(payload, "workflow_rules")

    def update_workflow_rule(self, rule_id: str, changes: Mapping[str, object]) -> WriteResult:
        """Changes parts of a rule; module and kind of trigger cannot be changed.

        Args:
            rule_id: Zoho's id of the rule.
            changes: only what is new; an object with an id changes that one, one without is added, `"_delete": None`
                removes it.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        payload = self._ask("PUT", *RULES, rule_id, body={"workflow_rules": [dict(changes)]})
        return write_result(payload, "workflow_rules")

    def update_workflow_rules(self, changes: Mapping[str, object]) -> WriteResult:
        """Changes a rule like `update_workflow_rule`, with the id inside `changes`.

        Args:
            changes: as for `update_workflow_rule`, with the rule's id.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        payload = self._ask("PUT", *RULES, body={"workflow_rules": [dict(changes)]})
        return write_result(payload, "workflow_rules")

    def set_rule_active(self, rule_id: str, *, active: bool) -> WriteResult:
        """Switches a rule on or off: Zoho has no call of its own for it.

        Args:
            rule_id: Zoho's id of the rule.
            active: what it shall be.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        return self.update_workflow_rule(rule_id, {"status": {"active": active}})

    def delete_workflow_rule(self, rule_id: str) -> WriteResult:
        """Deletes a rule; locked ones cannot be.

        Args:
            rule_id: Zoho's id of the rule.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        return write_result(self._ask("DELETE", *RULES, rule_id), "workflow_rules")

    def delete_workflow_rules(self, rule_ids: Sequence[str]) -> list[WriteResult]:
        """Deletes rules; the outcomes may be mixed (207).

        Args:
            rule_ids: 1 to 10.

        Raises:
            ValueError: what is given is too much, too little or of the wrong form.
            Refused: none was deleted.
            NotFound: none was deleted.
        """
        payload = self._ask("DELETE", *RULES, params={"ids": comma_list(rule_ids, 10)})
        return write_results(payload, "workflow_rules")

    def reorder_workflow_rules(self, module: str, sequence: Mapping[str, int]) -> list[WriteResult]:
        """Sets the order in which rules of a module run: all or nothing.

        Args:
            module: API name.
            sequence: from rule id to its place, from 1, at most 10.

        Raises:
            ValueError: what is given is too much, too little or of the wrong form.
            Refused: Zoho declines it.
        """
        comma_list(list(sequence), 10)
        rules = [{"id": rule_id, "module_specific_sequence": place} for rule_id, place in sequence.items()]
        body = {"reorder": {"workflow_rules": rules}}
        payload = self._ask("PUT", *RULES, "actions", "reorder", params={"module": module}, body=body)
        return write_results(payload, "reorder", "workflow_rules")
