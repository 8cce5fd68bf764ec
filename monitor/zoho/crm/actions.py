"""Automation actions of CRM, their use and their failures. Source: notes/zoho-api.md, sections 1 and 2.4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum

from monitor.zoho.crm.base import CrmApi, first_of
from monitor.zoho.crm.rules import comma_list
from monitor.zoho.protocol import json_body
from monitor.zoho.shapes import actions as shapes
from monitor.zoho.shapes import metadata
from monitor.zoho.shapes.actions import AutomationAction, CrmWebhook, DailyUse, WebhookFailure
from monitor.zoho.shapes.crm_common import Page, WriteResult, page_of, write_result, write_results
from monitor.zoho.shapes.metadata import Module

_AUTOMATION = ("settings", "automation")


class ActionKind(StrEnum):
    """The kinds of actions that rules share; the values are Zoho's names in addresses and bodies."""

    TASKS = "tasks"
    FIELD_UPDATES = "field_updates"
    WEBHOOKS = "webhooks"
    EMAIL_NOTIFICATIONS = "email_notifications"


class CrmAutomation(CrmApi):
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
        return page_of(self._get(*_AUTOMATION, kind, params=params), shapes.automation_action, kind)

    def get_action(self, kind: ActionKind, action_id: str) -> AutomationAction:
        """One action whole; what is special to its kind is in `raw`.

        Parameters: `kind` of action; `action_id` of the action. Errors: `NotFound`.
        Source: notes, section 1 (a field update needs include_inner_details).
        """
        params = {"include_inner_details": "field_label" if kind is ActionKind.FIELD_UPDATES else None}
        return first_of(self._get(*_AUTOMATION, kind, action_id, params=params), kind, shapes.automation_action)

    def create_action(self, kind: ActionKind, action: Mapping[str, object]) -> WriteResult:
        """A new action.

        Parameters: `kind` of action; `action` its fields in Zoho's spelling.
        Errors: `Refused`. Source: notes, section 1.
        """
        return write_result(self._ask("POST", *_AUTOMATION, kind, body={kind: [dict(action)]}), kind)

    def update_action(self, kind: ActionKind, action_id: str, changes: Mapping[str, object]) -> WriteResult:
        """Change an action.

        Parameters: `kind` of action; `action_id` of the action; `changes` the fields to set, in Zoho's spelling.
        Errors: `NotFound`, `Refused`. Source: notes, section 1.
        """
        return write_result(self._ask("PUT", *_AUTOMATION, kind, action_id, body={kind: [dict(changes)]}), kind)

    def update_actions(self, kind: ActionKind, changes: Sequence[Mapping[str, object]]) -> list[WriteResult]:
        """Change actions; the outcomes may be mixed.

        Parameters: `kind` of action; `changes` 1 to 10 objects, each with its id. Documented for tasks and webhooks
        only. Errors: `ValueError`; `Refused` or `NotFound` when none was changed.
        Source: notes, section 1; zoho/crm-oas, updateWorkflowTask.
        """
        if not 1 <= len(changes) <= 10:
            raise ValueError("between 1 and 10 actions are needed")
        payload = self._ask("PUT", *_AUTOMATION, kind, body={kind: [dict(change) for change in changes]})
        return write_results(payload, kind)

    def delete_action(self, kind: ActionKind, action_id: str) -> WriteResult:
        """Delete an action; for mails no page of Zoho's names this call.

        Parameters: `kind` of action; `action_id` of the action.
        Errors: `NotFound`, `Refused` (ALREADY_USED while a rule has it). Source: notes, section 1.
        """
        return write_result(self._ask("DELETE", *_AUTOMATION, kind, action_id), kind)

    def delete_actions(self, kind: ActionKind, action_ids: Sequence[str]) -> list[WriteResult]:
        """Delete actions; the outcomes may be mixed.

        Parameters: `kind` of action; `action_ids` 1 to 10.
        Errors: `ValueError`; `Refused` or `NotFound` when none was deleted. Source: notes, section 1.
        """
        payload = self._ask("DELETE", *_AUTOMATION, kind, params={"ids": comma_list(action_ids, 10)})
        return write_results(payload, kind)

    def list_webhooks(self, page: int = 1, per_page: int = 200, module: str | None = None) -> Page[CrmWebhook]:
        """One page of webhooks with address and method.

        Parameters: `module` only this one; `page` from 1; `per_page` 1 to 200.
        Errors: those of every call. Source: notes, section 1.
        """
        params = {"page": page, "per_page": per_page, "module": module}
        return page_of(self._get(*_AUTOMATION, "webhooks", params=params), shapes.crm_webhook, "webhooks")

    def webhook_modules(self) -> Page[Module]:
        """The modules that webhooks belong to.

        Errors: those of every call. Source: notes, section 1.
        """
        payload = self._get(*_AUTOMATION, "webhooks", "actions", "associated_modules")
        return page_of(payload, metadata.module, "associated_modules", "modules")

    def list_webhook_failures(
        self,
        page: int = 1,
        per_page: int = 200,
        *,
        from_day: date | None = None,
        to_day: date | None = None,
        webhook_id: str | None = None,
        module: str | None = None,
    ) -> Page[WebhookFailure]:
        """One page of failed calls of webhooks, one entry a failure.

        Parameters: `webhook_id` and `module` only these; `from_day`, `to_day` at most 90 days apart, the last 30 days
        if left out; `page` from 1; `per_page` 1 to 200. Errors: `Refused`.
        Source: notes, section 2.4.
        """
        params = {
            "page": page,
            "per_page": per_page,
            "from": from_day.isoformat() if from_day else None,
            "to": to_day.isoformat() if to_day else None,
            "webhook_id": webhook_id,
            "module": module,
        }
        payload = self._get(*_AUTOMATION, "webhook_failures", params=params)
        return page_of(payload, shapes.webhook_failure, "webhook_failures")

    def daily_use(
        self,
        kind: ActionKind,
        from_day: date | None = None,
        to_day: date | None = None,
        *,
        group_by: str = "date",
        feature: str | None = None,
        page: int = 1,
    ) -> Page[DailyUse]:
        """How often webhooks or mails were used, by day of the organisation's time zone.

        Parameters: `page` from 1; `kind` webhooks or email_notifications, the latter for the last 7 days only;
        `from_day`, `to_day` the last 30 days if left out, never in the future; `group_by` date, or date,resource or
        date,resource,type; `feature` such as workflow_rules or blueprint.
        Errors: `Refused`. Source: notes, section 2.4; zoho/crm-oas, getWebhookUsageReports.
        """
        params = {
            "group_by": group_by,
            "type": feature,
            "from": from_day.isoformat() if from_day else None,
            "to": to_day.isoformat() if to_day else None,
            "page": page,
        }
        payload = self._get(*_AUTOMATION, kind, "actions", "usage_reports", params=params)
        return page_of(payload, shapes.daily_use, "data_usage")
