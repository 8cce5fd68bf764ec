"""Creates, changes and deletes flows, connections and webhooks.

Source: docs/reference/zoho-flow.md, "Flows", "Connections".
"""

from datetime import datetime
from typing import Any

from standin.chance import hexadecimal
from standin.errors import RefusalError
from standin.flow.beginnings import STAFF, Connection
from standin.flow.book import FlowBook, not_found
from standin.flow.catalogue import FlowTemplate
from standin.flow.flows import Counters, Flow
from standin.flow.webhooks import Webhook
from standin.journaled import Journaled
from standin.shapes import Shape, check_flow
from standin.timeline import Timeline

MAX_ACTIONS = 50  # docs/reference/zoho-flow.md, "Plans and limits"
MAX_FUNCTIONS = 10
TRIGGER: Shape = {"type": str, "app": str, "event": str}
ACTION: Shape = {"action_id": str, "app": str, "action": str}
FLOW: Shape = {"flow_name": str, "description": str, "trigger": TRIGGER, "actions": [ACTION]}
CONNECTION: Shape = {"connection_name": str, "app": str, "auth_type": str, "config": {"scopes": [str]}}
WEBHOOK: Shape = {"webhook_name": str, "flow_id": str, "method": str, "authentication": {"type": str}}


def invalid(details: str) -> RefusalError:
    """Makes Zoho Flow's refusal of a request that is not right."""
    return RefusalError("INVALID_REQUEST", "Invalid request parameters", details)


def check_trigger(trigger: Any) -> dict[str, Any]:
    """Checks a trigger: an object with a type; unknown fields are kept."""
    if trigger is None or not check_flow(trigger, TRIGGER).get("type"):
        raise invalid("trigger must be an object with a type")
    return dict(trigger)


def check_action(action: Any) -> dict[str, Any]:
    """Checks an action: an object with app and action; unknown fields (config, on_error) are kept."""
    if not all(check_flow(action, ACTION).get(name) for name in ("app", "action")):
        raise invalid("an action must be an object with app and action")
    return dict(action)


class FlowEdits:
    """Carries out these changes; ids are numbered in their order, which the journal keeps."""

    def __init__(self, home: Journaled, book: FlowBook) -> None:
        """Makes the changes of this module known."""
        self._home = home
        self._book = book
        self._made = 0
        for name in (
            "create_flow", "update_flow", "delete_flow", "set_trigger", "add_action", "update_action", "remove_action",
            "create_connection", "update_connection", "delete_connection", "create_webhook", "delete_webhook",
        ):  # fmt: skip
            home.register(name, getattr(self, name))

    def _identity(self, kind: int) -> str:
        self._made += 1
        return f"{self._home.prefix}00{kind * 1_000_000_000 + 500_000_000 + self._made:010d}"

    def _flow(self, at: datetime, flow_id: str) -> Flow:
        flow = self._book.find(flow_id)
        flow.advance(at)
        return flow

    def create_flow(self, at: datetime, *, body: dict[str, Any]) -> Flow:
        """Creates a flow; it is inactive and runs only when somebody makes it run."""
        name = str(check_flow(body, FLOW).get("flow_name") or "")
        if not name.strip():
            raise invalid("flow_name is mandatory")
        trigger = check_trigger(body.get("trigger"))
        wished = [check_action(one) for one in body.get("actions") or []]
        self._check_size(wished)
        home, book = self._home, self._book
        index = book.ever
        description = str(body.get("description") or "")
        flow = Flow(
            index=index,
            flow_id=f"{home.prefix}00{1_000_000_000 + index * 37:010d}",
            prefix=home.prefix,
            seed=home.settings.seed,
            template=FlowTemplate(name, description, ("", "", "", ""), (("custom", "custom"),), 0, 1500),
            name=name,
            description=description,
            trigger=trigger,
            actions=[self._with_id(one) for one in wished],
            created=at.replace(microsecond=0),
            modified=at.replace(microsecond=0),
            created_by=STAFF[0],
            per_hour=0,
            history_from=at,
            base=Counters(0, 0, 0),
            on=Timeline(initial=False),
            connections={one.app: one.works for one in book.connections.values()},
        )
        book.ever += 1
        book.flows[flow.flow_id] = flow
        return flow

    def _check_size(self, actions: list[dict[str, Any]]) -> None:
        functions = sum(one["action"] == "custom_function" for one in actions)
        if len(actions) > MAX_ACTIONS or functions > MAX_FUNCTIONS:
            raise invalid(f"at most {MAX_ACTIONS} actions and {MAX_FUNCTIONS} custom functions a flow")

    def _with_id(self, action: dict[str, Any]) -> dict[str, Any]:
        return {
            "action_id": self._identity(2),
            **{name: value for name, value in action.items() if name != "action_id"},
        }

    def update_flow(self, at: datetime, *, flow_id: str, body: dict[str, Any]) -> Flow:
        """Changes the given fields of a flow."""
        flow = self._flow(at, flow_id)
        check_flow(body, FLOW)
        trigger = check_trigger(body["trigger"]) if body.get("trigger") is not None else flow.trigger
        actions = flow.actions
        if body.get("actions") is not None:
            wished = [check_action(one) for one in body["actions"] or []]
            self._check_size(wished)
            actions = [one if one.get("action_id") else self._with_id(one) for one in wished]
        flow.name = str(body.get("flow_name") or flow.name)
        flow.description = str(flow.description if body.get("description") is None else body["description"])
        flow.trigger, flow.actions, flow.modified = trigger, actions, at.replace(microsecond=0)
        return flow

    def delete_flow(self, at: datetime, *, flow_id: str) -> None:
        """Deletes a flow with its history."""
        self._flow(at, flow_id)
        del self._book.flows[flow_id]

    def set_trigger(self, at: datetime, *, flow_id: str, trigger: dict[str, Any], merge: bool) -> Flow:
        """Replaces a trigger, or change some of its fields."""
        flow = self._flow(at, flow_id)
        flow.trigger = check_trigger({**flow.trigger, **trigger} if merge else trigger)
        flow.modified = at.replace(microsecond=0)
        return flow

    def add_action(self, at: datetime, *, flow_id: str, action: dict[str, Any]) -> dict[str, Any]:
        """Appends an action."""
        flow = self._flow(at, flow_id)
        self._check_size([*flow.actions, check_action(action)])
        added = self._with_id(action)
        flow.actions, flow.modified = [*flow.actions, added], at.replace(microsecond=0)
        return added

    def _action(self, flow: Flow, action_id: str) -> dict[str, Any]:
        for action in flow.actions:
            if action.get("action_id") == action_id:
                return action
        raise not_found("action", action_id, f"flow '{flow.flow_id}'")

    def update_action(self, at: datetime, *, flow_id: str, action_id: str, action: dict[str, Any]) -> dict[str, Any]:
        """Changes the given fields of an action."""
        flow = self._flow(at, flow_id)
        old = self._action(flow, action_id)
        new = {**check_action({**old, **action}), "action_id": action_id}
        flow.actions = [new if one is old else one for one in flow.actions]
        flow.modified = at.replace(microsecond=0)
        return new

    def remove_action(self, at: datetime, *, flow_id: str, action_id: str) -> None:
        """Takes an action out."""
        flow = self._flow(at, flow_id)
        gone = self._action(flow, action_id)
        flow.actions = [one for one in flow.actions if one is not gone]
        flow.modified = at.replace(microsecond=0)

    def create_connection(self, at: datetime, *, body: dict[str, Any]) -> Connection:
        """Creates a connection, which works."""
        name, app = check_flow(body, CONNECTION).get("connection_name"), body.get("app")
        if not name or not app:
            raise invalid("connection_name and app are mandatory")
        config = body.get("config") or {}
        connection = Connection(
            connection_id=self._identity(5),
            name=name,
            app=app,
            auth_type=str(body.get("auth_type") or "oauth2"),
            created=at.replace(microsecond=0),
            works=Timeline(initial=True),
            scopes=[str(one) for one in config.get("scopes") or []],
        )
        self._book.connections[connection.connection_id] = connection
        return connection

    def update_connection(self, at: datetime, *, connection_id: str, body: dict[str, Any]) -> Connection:
        """Renames a connection or reconnect it, which repairs it."""
        connection = self._book.connection(connection_id)
        check_flow(body, CONNECTION)
        connection.name = str(body.get("connection_name") or connection.name)
        if body.get("config") is not None and not connection.works.at(at):
            connection.works.turn_on(at)
        return connection

    def delete_connection(self, at: datetime, *, connection_id: str) -> None:
        """Deletes a connection: flows that use its app fail from now on."""
        connection = self._book.connection(connection_id)
        connection.deleted = True
        connection.works.turn_off(at)

    def create_webhook(self, at: datetime, *, body: dict[str, Any]) -> Webhook:
        """Returns a custom webhook for a flow that exists."""
        name, flow_id = check_flow(body, WEBHOOK).get("webhook_name"), str(body.get("flow_id") or "")
        if not name:
            raise invalid("webhook_name is mandatory")
        self._flow(at, flow_id)
        identity = self._identity(4)
        webhook = Webhook(
            identity,
            name,
            flow_id,
            str(body.get("method") or "POST"),
            hexadecimal(24, "webhook", self._home.settings.seed, identity),
            at.replace(microsecond=0),
            dict(body.get("authentication") or {}),
        )
        self._book.webhooks[identity] = webhook
        return webhook

    def delete_webhook(self, at: datetime, *, webhook_id: str) -> None:
        """Deletes a webhook."""
        self._book.webhook(webhook_id)
        del self._book.webhooks[webhook_id]
