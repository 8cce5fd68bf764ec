"""Calls for the actions that rules of CRM share: tasks, field updates, webhooks, mails.

Source: docs/reference/zoho-crm.md, "Automation actions".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from monitor.zoho.crm.base import AUTOMATION, CrmApi, comma_list, first_of
from monitor.zoho.protocol import json_body
from monitor.zoho.shapes import actions as shapes
from monitor.zoho.shapes.actions import AutomationAction
from monitor.zoho.shapes.crm_common import Page, WriteResult, page_of, write_result, write_results


class ActionKind(StrEnum):
    """Names the kinds of actions that rules share; the values are Zoho's names in addresses and bodies."""

    TASKS = "tasks"
    FIELD_UPDATES = "field_updates"
    WEBHOOKS = "webhooks"
    EMAIL_NOTIFICATIONS = "email_notifications"


class CrmActions(CrmApi):
    """Lists, shows, creates, changes and deletes actions.

    Scopes: `ZohoCRM.settings.automation_actions.{READ,CREATE,UPDATE,DELETE}`.
    """

    def list_actions(
        self,
        kind: ActionKind,
        page: int = 1,
        per_page: int = 200,
        module: str | None = None,
        *,
        name_contains: str | None = None,
    ) -> Page[AutomationAction]:
        """Lists one page of the actions of a kind, empty for a 204.

        Source: zoho/crm-oas, getWebhooks and getFieldUpdates.

        Args:
            kind: the kind of action.
            page: from 1.
            per_page: 1 to 200.
            module: API name.
            name_contains: part of a name.

        Raises:
            Refused: Zoho declines it.
        """
        wanted = {"field": {"api_name": "name"}, "comparator": "contains", "value": name_contains}
        # Zoho's documents spell it in the plural for webhooks and mails, in the singular for the others and for rules.
        spelled = "filters" if kind in {ActionKind.WEBHOOKS, ActionKind.EMAIL_NOTIFICATIONS} else "filter"
        params = {
            "page": page,
            "per_page": per_page,
            "module": module,
            spelled: json_body(wanted).decode() if name_contains else None,
        }
        return page_of(self._get(*AUTOMATION, kind, params=params), shapes.automation_action, kind)

    def get_action(self, kind: ActionKind, action_id: str) -> AutomationAction:
        """Returns one action whole; what is special to its kind is in `raw`.

        Args:
            kind: the kind of action.
            action_id: Zoho's id of the action.

        Raises:
            NotFound: Zoho does not have it.
        """
        params = {"include_inner_details": "field_label" if kind is ActionKind.FIELD_UPDATES else None}
        return first_of(self._get(*AUTOMATION, kind, action_id, params=params), kind, shapes.automation_action)

    def create_action(self, kind: ActionKind, action: Mapping[str, object]) -> WriteResult:
        """Creates an action.

        Args:
            kind: the kind of action.
            action: its fields in Zoho's spelling.

        Raises:
            Refused: Zoho declines it.
        """
        return write_result(self._ask("POST", *AUTOMATION, kind, body={kind: [dict(action)]}), kind)

    def update_action(self, kind: ActionKind, action_id: str, changes: Mapping[str, object]) -> WriteResult:
        """Changes an action; a task or a webhook is replaced whole by what is given.

        Source: zoho/crm-oas, updateWorkflowTask.

        Args:
            kind: the kind of action.
            action_id: Zoho's id of the action.
            changes: its fields in Zoho's spelling; of a task or a webhook all of them.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
            NotAvailable: it is locked (AUTHORIZATION_ERROR).
        """
        return write_result(self._ask("PUT", *AUTOMATION, kind, action_id, body={kind: [dict(changes)]}), kind)

    def replace_action(self, kind: ActionKind, action: Mapping[str, object]) -> WriteResult:
        """Replaces an action like `update_action`, with the id inside; documented for tasks and webhooks only.

        Source: zoho/crm-oas, updateWorkflowTask.

        Args:
            kind: the kind of action.
            action: all its fields in Zoho's spelling, with its id; Zoho takes exactly one a call.

        Raises:
            ValueError: it has no id.
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
            NotAvailable: it is locked (AUTHORIZATION_ERROR).
        """
        if not action.get("id"):
            raise ValueError("an action is replaced by its id")
        return write_result(self._ask("PUT", *AUTOMATION, kind, body={kind: [dict(action)]}), kind)

    def delete_action(self, kind: ActionKind, action_id: str) -> WriteResult:
        """Deletes an action.

        Args:
            kind: the kind of action.
            action_id: Zoho's id of the action.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it (NOT_ALLOWED while a rule has it).
        """
        return write_result(self._ask("DELETE", *AUTOMATION, kind, action_id), kind)

    def delete_actions(self, kind: ActionKind, action_ids: Sequence[str]) -> list[WriteResult]:
        """Deletes actions; the outcomes may be mixed.

        Args:
            kind: the kind of action.
            action_ids: 1 to 10.

        Raises:
            ValueError: what is given is too much, too little or of the wrong form.
            Refused: none was deleted.
            NotFound: none was deleted.
        """
        payload = self._ask("DELETE", *AUTOMATION, kind, params={"ids": comma_list(action_ids, 10)})
        return write_results(payload, kind)
