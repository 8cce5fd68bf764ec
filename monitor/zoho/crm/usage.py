"""Calls that say how often actions of CRM were used.

Source: docs/reference/zoho-crm.md, "Usage of webhooks and mails".
"""

from __future__ import annotations

from datetime import date

from monitor.zoho.crm.actions import ActionKind
from monitor.zoho.crm.base import AUTOMATION, CrmApi
from monitor.zoho.shapes import actions as shapes
from monitor.zoho.shapes.actions import DailyUse
from monitor.zoho.shapes.crm_common import Page, page_of


class CrmUsage(CrmApi):
    """Reads the use of actions. Scope: `ZohoCRM.settings.automation_actions.READ`."""

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
        """Returns how often webhooks or mails were used, by day of the organisation's time zone.

        Source: zoho/crm-oas, getWebhookUsageReports.

        Args:
            page: from 1.
            kind: webhooks or email_notifications, the latter for the last 7 days only.
            from_day, to_day: the last 30 days if left out, never in the future.
            group_by: date, or date,resource or date,resource,type.
            feature: such as workflow_rules or blueprint.

        Raises:
            Refused: Zoho declines it.
        """
        params = {
            "group_by": group_by,
            "type": feature,
            "from": from_day.isoformat() if from_day else None,
            "to": to_day.isoformat() if to_day else None,
            "page": page,
        }
        payload = self._get(*AUTOMATION, kind, "actions", "usage_reports", params=params)
        return page_of(payload, shapes.daily_use, "data_usage")
