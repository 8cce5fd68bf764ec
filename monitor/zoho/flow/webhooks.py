"""Webhooks of Flow. Source: seed zoho-flow-api.md, section 7."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.zoho.flow.base import FlowApi
from monitor.zoho.shapes import flow_webhooks as shapes
from monitor.zoho.shapes.flow_webhooks import FlowWebhook, WebhookLogPage, WebhookPage


class FlowWebhooks(FlowApi):
    """List, look at, make and delete webhooks, and read their logs."""

    def list_webhooks(self) -> WebhookPage:
        """The webhooks.

        Errors: those of every call. Source: seed, section 7.
        """
        return shapes.webhook_page(self._get("webhooks"))

    def get_webhook(self, webhook_id: str) -> FlowWebhook:
        """One webhook.

        Parameters: `webhook_id` of the webhook. Errors: `NotFound`.
        Source: seed, section 7.
        """
        return shapes.webhook_detail(self._get("webhooks", webhook_id))

    def create_webhook(
        self,
        webhook_name: str,
        flow_id: str,
        *,
        method: str = "POST",
        authentication: Mapping[str, object] | None = None,
        response_format: str = "json",
    ) -> FlowWebhook:
        """A new webhook for a flow; the reply's `webhook_url` is a secret.

        Parameters: `webhook_name` for people; `flow_id` of the flow it starts; `method` of HTTP; `response_format` json
        or xml; `authentication` type, key and value of a header that callers must send.
        Errors: `Refused`. Source: seed, section 7, "Create Custom Webhook".
        """
        body: dict[str, object] = {
            "webhook_name": webhook_name,
            "flow_id": flow_id,
            "method": method,
            "response_format": response_format,
        }
        if authentication is not None:
            body["authentication"] = dict(authentication)
        return shapes.webhook_detail(self._ask("POST", "webhooks", body=body))

    def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook.

        Parameters: `webhook_id` of the webhook. Errors: `NotFound`.
        Source: seed, section 7.
        """
        self._ask("DELETE", "webhooks", webhook_id)

    def webhook_logs(self, webhook_id: str) -> WebhookLogPage:
        """The calls of a webhook.

        Parameters: `webhook_id` of the webhook. Errors: `NotFound`.
        Source: seed, section 7 (no reply is shown).
        """
        return shapes.webhook_log_page(self._get("webhooks", webhook_id, "logs"))
