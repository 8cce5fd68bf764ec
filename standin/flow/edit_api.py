"""Answers changes of flows, triggers, actions and connections.

Source: docs/reference/zoho-flow.md, "Flows", "Triggers and actions".
"""

from typing import Any

from standin.chance import digits
from standin.errors import RefusalError
from standin.flow.book import not_found
from standin.flow.catalogue import APP_NAMES, FLOWS
from standin.flow.rows import connection_row, flow_detail, success
from standin.people import trigger_payload
from standin.web.limits import Plan
from standin.web.routing import Router
from standin.web.wire import Reply, Request
from standin.world import World

FLOWS_SCOPE, ACTIONS_SCOPE, CONNECTIONS_SCOPE = "ZohoFlow.flows", "ZohoFlow.actions", "ZohoFlow.connections"


class FlowEditApi:
    """Answers calls; paths are relative to /api/v1."""

    def __init__(self, world: World, plan: Plan) -> None:
        self._world = world
        self._plan = plan
        self._triggers = _available_triggers(world.prefix)
        self._actions = _available_actions(world.prefix)

    def add_routes(self, router: Router) -> None:
        """Adds everything that changes a flow, and the catalogues of what a flow can be made of."""
        flow, actions = "/flows/{flow_id}", "/flows/{flow_id}/actions"
        router.add("POST", "/flows", self.create_flow, FLOWS_SCOPE)
        router.add("PUT", flow, self.update_flow, FLOWS_SCOPE)
        router.add("DELETE", flow, self.delete_flow, FLOWS_SCOPE)
        router.add("GET", "/triggers", self.list_triggers, FLOWS_SCOPE)
        router.add("GET", "/triggers/{trigger_id}", self.get_trigger, FLOWS_SCOPE)
        router.add("POST", flow + "/trigger", self.configure_trigger, FLOWS_SCOPE)
        router.add("PUT", flow + "/trigger", self.update_trigger, FLOWS_SCOPE)
        router.add("GET", flow + "/trigger/test", self.test_trigger, FLOWS_SCOPE)
        router.add("GET", "/actions", self.list_actions, ACTIONS_SCOPE)
        router.add("GET", "/actions/{action_id}", self.get_action, ACTIONS_SCOPE)
        router.add("POST", actions, self.add_action, ACTIONS_SCOPE)
        router.add("POST", actions + "/test", self.test_actions, ACTIONS_SCOPE)
        router.add("PUT", actions + "/{action_id}", self.update_action, ACTIONS_SCOPE)
        router.add("DELETE", actions + "/{action_id}", self.remove_action, ACTIONS_SCOPE)
        router.add("POST", "/connections", self.create_connection, CONNECTIONS_SCOPE)
        router.add("PUT", "/connections/{connection_id}", self.update_connection, CONNECTIONS_SCOPE)
        router.add("DELETE", "/connections/{connection_id}", self.delete_connection, CONNECTIONS_SCOPE)

    def create_flow(self, request: Request) -> Reply:
        """Creates a flow; 400 where the plan allows no more."""
        most = self._plan.flows
        if most is not None and len(self._world.flows) >= most:
            raise RefusalError("INVALID_REQUEST", "The plan allows no more flows", f"at most {most} flows")
        flow = self._world.do("create_flow", body=request.json_object())
        return success(flow_detail(flow, self._world.now()))

    def update_flow(self, request: Request, flow_id: str) -> Reply:
        """Changes a flow; what is not given stays."""
        flow = self._world.do("update_flow", flow_id=flow_id, body=request.json_object())
        return success(flow_detail(flow, self._world.now()))

    def delete_flow(self, request: Request, flow_id: str) -> Reply:
        """Deletes a flow with its history."""
        self._world.do("delete_flow", flow_id=flow_id)
        return success({"flow_id": flow_id, "deleted": True})

    def list_triggers(self, request: Request) -> Reply:
        """Returns the triggers that can be used."""
        return success({"triggers": [*self._triggers.values()]})

    def get_trigger(self, request: Request, trigger_id: str) -> Reply:
        """Returns one trigger of the catalogue."""
        if trigger_id not in self._triggers:
            raise not_found("trigger", trigger_id)
        return success(self._triggers[trigger_id])

    def configure_trigger(self, request: Request, flow_id: str) -> Reply:
        """Gives a flow a trigger."""
        return self._set_trigger(flow_id, request.json_object(), merge=False)

    def update_trigger(self, request: Request, flow_id: str) -> Reply:
        """Changes fields of a flow's trigger."""
        return self._set_trigger(flow_id, request.json_object(), merge=True)

    def _set_trigger(self, flow_id: str, trigger: dict[str, Any], *, merge: bool) -> Reply:
        flow = self._world.do("set_trigger", flow_id=flow_id, trigger=trigger, merge=merge)
        return success({"flow_id": flow_id, "trigger": flow.trigger})

    def test_trigger(self, request: Request, flow_id: str) -> Reply:
        """Returns sample data as the trigger would bring it."""
        flow, now = self._world.flow(flow_id), self._world.now()
        key = f"test-{flow_id}-{now.isoformat()}"
        return success(
            {
                "test_result": "passed",
                "sample_data": trigger_payload(str(flow.trigger.get("app", "")), key),
                "execution_id": self._world.prefix + digits(12, key),
            }
        )

    def list_actions(self, request: Request) -> Reply:
        """Returns the actions that can be used."""
        return success({"actions": [*self._actions.values()]})

    def get_action(self, request: Request, action_id: str) -> Reply:
        """Returns one action of the catalogue."""
        if action_id not in self._actions:
            raise not_found("action", action_id)
        return success(self._actions[action_id])

    def add_action(self, request: Request, flow_id: str) -> Reply:
        """Appends an action to a flow."""
        return success(self._world.do("add_action", flow_id=flow_id, action=request.json_object()))

    def update_action(self, request: Request, flow_id: str, action_id: str) -> Reply:
        """Changes an action of a flow."""
        body = request.json_object()
        return success(self._world.do("update_action", flow_id=flow_id, action_id=action_id, action=body))

    def remove_action(self, request: Request, flow_id: str, action_id: str) -> Reply:
        """Takes an action out of a flow."""
        self._world.do("remove_action", flow_id=flow_id, action_id=action_id)
        return success({"action_id": action_id, "deleted": True})

    def test_actions(self, request: Request, flow_id: str) -> Reply:
        """Tries a flow's actions with sample data; it fails where runs fail now."""
        flow = self._world.flow(flow_id)
        request.json_object()
        ailment = flow.ailment(self._world.now(), "test")
        answer: dict[str, Any] = {"test_result": "passed" if ailment is None else "failed"}
        if ailment is not None:
            answer["error"] = {"code": ailment.code, "message": ailment.message, "details": ailment.details}
        return success(answer)

    def create_connection(self, request: Request) -> Reply:
        """Creates a connection; the secrets in its config are not given back."""
        connection = self._world.do("create_connection", body=_without_secrets(request.json_object()))
        return success(connection_row(connection, self._world.now()))

    def update_connection(self, request: Request, connection_id: str) -> Reply:
        """Renames or reconnect a connection."""
        body = _without_secrets(request.json_object())
        connection = self._world.do("update_connection", connection_id=connection_id, body=body)
        return success(connection_row(connection, self._world.now()))

    def delete_connection(self, request: Request, connection_id: str) -> Reply:
        """Deletes a connection; its flows fail from now on."""
        self._world.do("delete_connection", connection_id=connection_id)
        return success({"connection_id": connection_id, "deleted": True})


def _without_secrets(body: dict[str, Any]) -> dict[str, Any]:
    config = body.get("config")
    if isinstance(config, dict):
        kept = {name: value for name, value in config.items() if name in {"scopes", "redirect_uri"}}
        return {**body, "config": kept}
    return body


def _available_triggers(prefix: str) -> dict[str, dict[str, Any]]:
    seen = [
        *sorted({one.trigger for one in FLOWS}),
        ("manual", "custom", "", "run"),
        ("custom_webhook", "custom", "", "post"),
    ]
    found = {}
    for number, (kind, app, module, event) in enumerate(seen):
        identity = f"{prefix}00{6_000_000_000 + number:010d}"
        row = {"trigger_id": identity, "type": kind, "app": app, "event": event}
        found[identity] = {**row, "module": module} if module else row
    return found


def _available_actions(prefix: str) -> dict[str, dict[str, Any]]:
    seen = sorted({action for one in FLOWS for action in one.actions} | {("custom", "condition")})
    return {
        (identity := f"{prefix}00{7_000_000_000 + number:010d}"): {
            "action_id": identity,
            "app": app,
            "action": action,
            "name": f"{APP_NAMES.get(app, app)}: {action.replace('_', ' ')}",
        }
        for number, (app, action) in enumerate(seen)
    }
