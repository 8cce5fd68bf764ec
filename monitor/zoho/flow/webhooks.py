"""Calls for webhooks of Flow.

Source: docs/reference/zoho-flow.md, "Webhooks of flows".
"""

from __future__ import annotations

from collections.abc import Mapping

from monitor.zoho.flow.base import FlowApi
from monitor.zoho.shapes import flow_webhooks as shapes
from monitor.zoho.shapes.flow_webhooks import FlowWebhook, WebhookLogPage, WebhookPage


class FlowWebhooks(FlowApi):
    """Lists, shows, creates and deletes webhooks, and reads their logs."""

    def list_webhooks(self) -> WebhookPage:
        """Lists the webhooks.

        Raises:
            ZohoError: see `ApiClient`.
        """
        return shapes.webhook_page(self._get("webhooks"))

    def get_webhook(self, webhook_id: str) -> FlowWebhook:
        """Returns one webhook.

        Args:
            webhook_id: Zoho's id of the webhook.

        Raises:
            NotFound: Zoho does not have it.
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
        """Creates a webhook for a flow; the reply's `webhook_url` is a secret.

        Args:
            webhook_name: for people.
            flow_id: Zoho's id of the flow it starts.
            method: of HTTP.
            response_format: json or xml.
            authentication: type, key and value of a header that callers must send.

        Raises:
            Refused: Zoho declines it.
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
        """Deletes a webhook.

        Args:
            webhook_id: Zoho's id of the webhook.

        Raises:
            NotFound: Zoho does not have it.
        """
        self._ask("DELETE", "webhooks", webhook_id)

    def webhook_logs(self, webhook_id: str) -> WebhookLogPage:
        """Lists the calls of a webhook. No reply is documented.

        Args:
            webhook_id: Zoho's id of the webhook.

        Raises:
            NotFound: Zoho does not have it.
        """
        return shapes.webhook_log_page(self._get("webhooks", webhook_id, "logs"))
