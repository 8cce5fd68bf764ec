"""Calls for webhooks of CRM and their failed calls.

Source: docs/reference/zoho-crm.md, "Automation actions" and "Webhook failures".
"""

from __future__ import annotations

from datetime import date

from monitor.zoho.crm.base import AUTOMATION, CrmApi
from monitor.zoho.shapes import crm_webhooks as shapes
from monitor.zoho.shapes import metadata
from monitor.zoho.shapes.crm_common import Page, page_of
from monitor.zoho.shapes.crm_webhooks import CrmWebhook, WebhookFailure
from monitor.zoho.shapes.metadata import Module


class CrmWebhooks(CrmApi):
    """Reads webhooks. Scopes: `ZohoCRM.settings.automation_actions.READ`. What writes them is in `actions`."""

    def list_webhooks(self, page: int = 1, per_page: int = 200, module: str | None = None) -> Page[CrmWebhook]:
        """Lists one page of webhooks with address and method.

        Args:
            module: only this one.
            page: from 1.
            per_page: 1 to 200.

        Raises:
            ZohoError: see `ApiClient`.
        """
        params = {"page": page, "per_page": per_page, "module": module}
        return page_of(self._get(*AUTOMATION, "webhooks", params=params), shapes.crm_webhook, "webhooks")

    def webhook_modules(self) -> Page[Module]:
        """Lists the modules that webhooks belong to.

        Raises:
            ZohoError: see `ApiClient`.
        """
        payload = self._get(*AUTOMATION, "webhooks", "actions", "associated_modules")
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
        """Lists one page of failed calls of webhooks, one entry a failure.

        Args:
            webhook_id, module: only these.
            from_day, to_day: at most 90 days apart, the last 30 days if left out.
            page: from 1.
            per_page: 1 to 200.

        Raises:
            Refused: Zoho declines it.
        """
        params = {
            "page": page,
            "per_page": per_page,
            "from": from_day.isoformat() if from_day else None,
            "to": to_day.isoformat() if to_day else None,
            "webhook_id": webhook_id,
            "module": module,
        }
        payload = self._get(*AUTOMATION, "webhook_failures", params=params)
        return page_of(payload, shapes.webhook_failure, "webhook_failures")
