"""Answers for custom webhooks and their logs (docs/reference/zoho-flow.md, "Webhooks of flows")."""

from datetime import timedelta
from typing import Any

from standin.chance import rng
from standin.clock import DAY, hour_number, hour_start, zulu
from standin.flow.rows import success
from standin.flow.webhooks import Webhook
from standin.people import trigger_payload
from standin.web.routing import Router
from standin.web.wire import Reply, Request, json_reply, whole_number
from standin.world import World

SCOPE = "ZohoFlow.flows"


class WebhookApi:
    """Answers calls; paths are relative to /api/v1, but for the address that a sender calls."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_routes(self, router: Router) -> None:
        """Adds the endpoints of webhooks."""
        router.add("GET", "/webhooks", self.list_webhooks, SCOPE)
        router.add("POST", "/webhooks", self.create, SCOPE)
        router.add("GET", "/webhooks/{webhook_id}", self.get, SCOPE)
        router.add("DELETE", "/webhooks/{webhook_id}", self.delete, SCOPE)
        router.add("GET", "/webhooks/{webhook_id}/logs", self.logs, SCOPE)

    def add_public_routes(self, router: Router) -> None:
        """Adds the addresses that senders call: no token but the key in them."""
        router.add("POST", "/webhook/{org_id}/{key}", self.receive)
        router.add("POST", "/{org_id}/flow/webhook/incoming", self.receive)

    def _row(self, request: Request, webhook: Webhook, *, whole: bool) -> dict[str, Any]:
        org = self._world.prefix + "0001"
        if self._world.habits.dialect == "seed":
            address = f"{request.base_url}/webhook/{org}/{webhook.key}"
        else:  # as public repositories show it: docs/reference/zoho-flow.md, "Webhook addresses"
            address = f"{request.base_url}/{org}/flow/webhook/incoming?zapikey={webhook.key}&isdebug=false"
        row: dict[str, Any] = {
            "webhook_id": webhook.webhook_id,
            "webhook_url": address,
            "webhook_name": webhook.name,
            "status": "active",
            "created_time": zulu(webhook.created),
        }
        if whole:
            kind = webhook.authentication.get("type")
            row |= {"flow_id": webhook.flow_id, "method": webhook.method, "authentication": {"type": kind}}
        return row

    def list_webhooks(self, request: Request) -> Reply:
        """Returns every custom webhook."""
        rows = [self._row(request, one, whole=False) for one in self._world.webhooks.values()]
        return success({"webhooks": rows})

    def create(self, request: Request) -> Reply:
        """Creates a webhook; its secret is not given back."""
        webhook = self._world.do("create_webhook", body=request.json_object())
        return success(self._row(request, webhook, whole=False))

    def get(self, request: Request, webhook_id: str) -> Reply:
        """Returns one webhook."""
        return success(self._row(request, self._world.book.webhook(webhook_id), whole=True))

    def delete(self, request: Request, webhook_id: str) -> Reply:
        """Deletes a webhook."""
        self._world.do("delete_webhook", webhook_id=webhook_id)
        return success({"webhook_id": webhook_id, "deleted": True})

    def logs(self, request: Request, webhook_id: str) -> Reply:
        """Returns what came in since the webhook was made, newest first, at most thirty days."""
        webhook, now = self._world.book.webhook(webhook_id), self._world.now()
        page, per_page = whole_number(request, "page", 1), whole_number(request, "per_page", 50, high=200)
        rows = []
        start = max(webhook.created, now - 30 * DAY)
        for hour in range(hour_number(now), hour_number(start) - 1, -1):
            dice = rng("webhook log", webhook.webhook_id, hour)
            at = hour_start(hour) + timedelta(seconds=dice.randrange(3600))
            if start <= at <= now and dice.random() < 0.6:
                good = dice.random() < 0.95
                rows.append(
                    {
                        "log_id": f"{webhook.webhook_id}{hour}",
                        "received_time": zulu(at),
                        "method": webhook.method,
                        "status": "success" if good else "failed",
                        "response_code": 200 if good else 401,
                        "payload": trigger_payload("custom", f"{webhook.webhook_id}{hour}"),
                    }
                )
        return success({"logs": rows[(page - 1) * per_page : page * per_page]})

    def receive(self, request: Request, org_id: str, key: str = "") -> Reply:
        """Answers a sender: the webhook's flow runs once."""
        given = key or request.param("zapikey") or ""
        for webhook in self._world.webhooks.values():
            if webhook.key == given and webhook.flow_id in self._world.flows:
                self._world.do("add_executions", flow_id=webhook.flow_id)
                return json_reply({"status": "success"})
        return json_reply({"status": "failure", "message": "Invalid webhook key"}, 401)
