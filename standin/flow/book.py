"""Holds the flows of the organisation with their connections, webhooks and retries."""

from datetime import timedelta
from typing import TypeVar

from standin.errors import RefusalError
from standin.flow.beginnings import Connection, make_connections, make_flow, rates
from standin.flow.flows import Flow
from standin.flow.webhooks import Webhook
from standin.journaled import Journaled

Row = TypeVar("Row")


class FlowBook:
    """Holds everything of Zoho Flow by id; `retries` holds the runs that each retry caused."""

    def __init__(self, home: Journaled) -> None:
        """Makes the flows and connections of the first day."""
        wanted, anchor = home.settings, home.anchor
        start = (anchor - timedelta(days=wanted.history_days)).replace(minute=0, second=0, microsecond=0)
        by_app = make_connections(wanted.seed, wanted.flows, anchor)
        made = [
            make_flow(
                seed=wanted.seed,
                index=index,
                anchor=anchor,
                history_from=start,
                per_hour=per_hour,
                connections=by_app,
            )
            for index, per_hour in enumerate(rates(wanted.flows, wanted.executions, wanted.history_days))
        ]
        self.flows: dict[str, Flow] = {flow.flow_id: flow for flow in made}
        self.connections: dict[str, Connection] = {one.connection_id: one for one in by_app.values()}
        self.webhooks: dict[str, Webhook] = {}
        self.retries: dict[str, list[str]] = {}
        self.ever = len(made)  # flows that were ever made: the next one's place

    def find(self, flow_id: str) -> Flow:
        """Returns the flow with this id; RefusalError FLOW_NOT_FOUND."""
        return _found(self.flows, "flow", flow_id)

    def connection(self, connection_id: str) -> Connection:
        """Returns the connection with this id; RefusalError CONNECTION_NOT_FOUND, also for one that was deleted."""
        connection = _found(self.connections, "connection", connection_id)
        if connection.deleted:
            raise not_found("connection", connection_id)
        return connection

    def webhook(self, webhook_id: str) -> Webhook:
        """Returns the webhook with this id; RefusalError WEBHOOK_NOT_FOUND."""
        return _found(self.webhooks, "webhook", webhook_id)


def _found(rows: dict[str, Row], kind: str, identity: str) -> Row:
    row = rows.get(identity)
    if row is None:
        raise not_found(kind, identity)
    return row


def not_found(kind: str, identity: str, where: str = "your organization") -> RefusalError:
    """Makes Zoho Flow's refusal of an id that does not exist."""
    details = f"{kind.capitalize()} ID '{identity}' not found in {where}"
    return RefusalError(f"{kind.upper()}_NOT_FOUND", f"The specified {kind} does not exist", details, 404)
