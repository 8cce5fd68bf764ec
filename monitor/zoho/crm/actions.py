"""Actions that rules of CRM share: tasks, field updates, webhooks, mails. Source: notes/zoho-api.md, section 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from monitor.zoho.crm.base import AUTOMATION, CrmApi, comma_list, first_of
from monitor.zoho.protocol import json_body
from monitor.zoho.shapes import actions as shapes
from monitor.zoho.shapes.actions import AutomationAction
from monitor.zoho.shapes.crm_common import Page, WriteResult, page_of, write_result, write_results


class ActionKind(StrEnum):
    """The kinds of actions that rules share; the values are Zoho's names in addresses and bodies."""

    TASKS = "tasks"
    FIELD_UPDATES = "field_updates"
    WEBHOOKS = "webhooks"
    EMAIL_NOTIFICATIONS = "email_notifications"


class CrmActions(CrmApi):
    """Scopes: `ZohoCRM.settings.automation_actions.{READ,CREATE,UPDATE,DELETE}`."""

    def list_actions(
        self,
        kind: ActionKind,
        page: int = 1,
        per_page: int = 200,
        module: str | None = None,
        *,
        name_contains: str | None = None,
    ) -> Page[AutomationAction]:
        """One page of the actions of a kind, empty for a 204.

        Parameters: `kind` of action; `page` from 1; `per_page` 1 to 200; `module` its API name; `name_contains` part of
        a name. Errors: `Refused`.
        Source: notes, section 1; zoho/crm-oas, getWebhooks and getFieldUpdates.
        """
        wanted = {"field": {"api_name": "name"}, "comparator": "contains", "value": name_contains}
        # Zoho's documents spell it in the singular for field updates and rules, in the plural for the others.
        spelled = "filter" if kind is ActionKind.FIELD_UPDATES else "filters"
        params = {
            "page": page,
            "per_page": per_page,
            "module": module,
            spelled: json_body(wanted).decode() if name_contains else None,
        }
        return page_of(self._get(*AUTOMATION, kind, params=params), shapes.automation_action, kind)

    def get_action(self, kind: ActionKind, action_id: str) -> AutomationAction:
        """One action whole; what is special to its kind is in `raw`.

        Parameters: `kind` of action; `action_id` of the action. Errors: `NotFound`.
        Source: notes, section 1 (a field update needs include_inner_details).
        """
        params = {"include_inner_details": "field_label" if kind is ActionKind.FIELD_UPDATES else None}
        return first_of(self._get(*AUTOMATION, kind, action_id, params=params), kind, shapes.automation_action)

    def create_action(self, kind: ActionKind, action: Mapping[str, object]) -> WriteResult:
        """A new action.

        Parameters: `kind` of action; `action` its fields in Zoho's spelling.
        Errors: `Refused`. Source: notes, section 1.
        """
        return write_result(self._ask("POST", *AUTOMATION, kind, body={kind: [dict(action)]}), kind)

    def update_action(self, kind: ActionKind, action_id: str, changes: Mapping[str, object]) -> WriteResult:
        """Change an action.

        Parameters: `kind` of action; `action_id` of the action; `changes` the fields to set, in Zoho's spelling.
        Errors: `NotFound`, `Refused`. Source: notes, section 1.
        """
        return write_result(self._ask("PUT", *AUTOMATION, kind, action_id, body={kind: [dict(changes)]}), kind)

    def update_actions(self, kind: ActionKind, changes: Sequence[Mapping[str, object]]) -> list[WriteResult]:
        """Change actions; the outcomes may be mixed.

        Parameters: `kind` of action; `changes` 1 to 10 objects, each with its id. Documented for tasks and webhooks
        only. Errors: `ValueError`; `Refused` or `NotFound` when none was changed.
        Source: notes, section 1; zoho/crm-oas, updateWorkflowTask.
        """
        if not 1 <= len(changes) <= 10:
            raise ValueError("between 1 and 10 actions are needed")
        payload = self._ask("PUT", *AUTOMATION, kind, body={kind: [dict(change) for change in changes]})
        return write_results(payload, kind)

    def delete_action(self, kind: ActionKind, action_id: str) -> WriteResult:
        """Delete an action; for mails no page of Zoho's names this call.

        Parameters: `kind` of action; `action_id` of the action.
        Errors: `NotFound`, `Refused` (ALREADY_USED while a rule has it). Source: notes, section 1.
        """
        return write_result(self._ask("DELETE", *AUTOMATION, kind, action_id), kind)

    def delete_actions(self, kind: ActionKind, action_ids: Sequence[str]) -> list[WriteResult]:
        """Delete actions; the outcomes may be mixed.

        Parameters: `kind` of action; `action_ids` 1 to 10.
        Errors: `ValueError`; `Refused` or `NotFound` when none was deleted. Source: notes, section 1.
        """
        payload = self._ask("DELETE", *AUTOMATION, kind, params={"ids": comma_list(action_ids, 10)})
        return write_results(payload, kind)
