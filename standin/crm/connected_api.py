"""Answers for connected workflows (docs/reference/zoho-crm.md, "Connected workflows")."""

import re
from typing import Any

from standin.crm.results import Result, answer, bad, good, missing, rows_of
from standin.crm.rules import crm_id, module_stub
from standin.crm.rules_api import invalid
from standin.crm.templates import MODULES
from standin.errors import RefusalError
from standin.shapes import Shape
from standin.web.routing import Router
from standin.web.wire import Reply, Request, json_reply, no_content
from standin.world import World

BASE = "/settings/connected_workflows"
SCOPE = "ZohoCRM.settings.connected_workflows"
NAME = "connected_workflows"
PATH = "$.connected_workflows[0]"
# Zoho's pattern: letters, digits, some signs, spaces, and whatever lies outside Basic Latin.
ALLOWED = re.compile(r"[0-9a-zA-Z_\-\\.|$?,'/!\s\u0080-\U0010ffff]+")
MODULE: Shape = {"api_name": str, "id": str}
ROW: Shape = {"name": str, "description": str, "primary_module": MODULE}
RULE: Shape = {"name": str, "module": MODULE}
ACTIVE_LIMIT = 10


class ConnectedApi:
    """Answers calls; paths are relative to /crm/v8."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rows = world.store.collection(NAME)

    def add_routes(self, router: Router) -> None:
        """Adds every endpoint of connected workflows."""
        one = BASE + "/{row_id}"
        router.add("GET", BASE, self.list_rows, SCOPE)
        router.add("POST", BASE, self.create, SCOPE)
        router.add("GET", BASE + "/actions/configurations", self.configurations, SCOPE)
        router.add("GET", one, self.get, SCOPE)
        router.add("PUT", one, self.update, SCOPE)
        router.add("DELETE", one, self.delete, SCOPE)
        router.add("PUT", one + "/actions/activate", self.activate, SCOPE)
        router.add("PUT", one + "/actions/deactivate", self.deactivate, SCOPE)
        router.add("GET", one + "/rules", self.list_rules, SCOPE)
        router.add("POST", one + "/rules", self.create_rule, SCOPE)
        router.add("GET", one + "/rules/{rule_id}", self.get_rule, SCOPE)
        router.add("PUT", one + "/rules/{rule_id}", self.update_rule, SCOPE)
        router.add("DELETE", one + "/rules/{rule_id}", self.delete_rule, SCOPE)

    def list_rows(self, request: Request) -> Reply:
        """Returns all of them at once: page parameters are refused where that habit is on."""
        paging = [name for name in ("page", "per_page") if request.param(name) is not None]
        if paging and self._world.habits.connected_workflows_refuse_paging:
            raise RefusalError("INVALID_REQUEST", "unexpected param found", {"param_name": paging[0]})
        if not self._rows and self._world.habits.empty_list_is_204:
            return no_content()
        return json_reply({NAME: [_without_rules(row) for row in self._rows.values()]})

    def get(self, request: Request, row_id: str) -> Reply:
        """Returns one connected workflow; 204 for an unknown id."""
        row = self._rows.get(row_id)
        return json_reply({NAME: [_without_rules(row)]}) if row is not None else no_content()

    def create(self, request: Request) -> Reply:
        """Creates one as a draft; one a primary module, names are unique."""
        body = rows_of(request, NAME, most=1, shape=ROW)[0]
        result = self._wrong_name(body, "") if body.get("name") else missing("name", PATH + ".name")
        module, wrong_module = self._module(body.get("primary_module"))
        result = result or wrong_module
        if result is None and module in [row["primary_module"]["api_name"] for row in self._rows.values()]:
            message = "Cannot create more connected workflows"
            result = bad("LIMIT_EXCEEDED", message, api_name="primary_module", json_path=PATH + ".primary_module")
        if result is None:
            stub = module_stub(self._world.prefix, module)
            fresh = {
                "name": body["name"],
                "description": body.get("description"),
                "status": "draft",
                "sequence_number": len(self._rows) + 1,
                "primary_module": stub,
                "involved_modules": [stub],
                "rules": [],
            }
            stored = self._world.store.put(NAME, fresh)
            result = good(stored["id"], "connected workflow created successfully")
        return answer(NAME, [result])

    def _module(self, given: Any) -> tuple[str, Result | None]:
        path = PATH + ".primary_module"
        if given is None:
            return "", missing("primary_module", path)
        if not (given.get("api_name") or given.get("id")):
            expected = [{"api_name": name, "json_path": f"{path}.{name}"} for name in ("id", "api_name")]
            return "", bad("EXPECTED_FIELD_MISSING", "Expected field missing", expected_fields=expected)
        by_id = {module_stub(self._world.prefix, name)["id"]: name for name in MODULES}
        names = {given["api_name"]} if given.get("api_name") else set()
        names |= {by_id.get(given["id"], "")} if given.get("id") else set()
        if len(names) > 1:
            return "", bad("AMBIGUITY_DURING_PROCESSING", "Ambiguity while processing the request", json_path=path)
        name = names.pop()
        return name, None if name in MODULES else bad("INVALID_DATA", "The module is invalid", json_path=path)

    def _wrong_name(self, body: dict[str, Any], own_id: str) -> Result | None:
        name, path = str(body["name"]), PATH + ".name"
        if len(name) > 50:
            return bad("INVALID_DATA", "invalid data", api_name="name", json_path=path, maximum_length=50)
        if not ALLOWED.fullmatch(name):
            return bad("INVALID_DATA", "invalid data", api_name="name", json_path=path, regex=ALLOWED.pattern)
        if any(row["name"] == name and row["id"] != own_id for row in self._rows.values()):
            return bad("DUPLICATE_DATA", "Duplicate connected workflow name", api_name="name", json_path=path)
        if len(str(body.get("description") or "")) > 500:
            return bad("INVALID_DATA", "invalid data", api_name="description", maximum_length=500)
        return None

    def _row(self, row_id: str) -> dict[str, Any]:
        row = self._rows.get(row_id)
        if row is None:
            raise RefusalError("INVALID_DATA", "the id given seems to be invalid", {"id": row_id})
        return row

    def update(self, request: Request, row_id: str) -> Reply:
        """Renames or describe; rules are changed by their own endpoint."""
        row, body = self._row(row_id), rows_of(request, NAME, most=1, shape=ROW)[0]
        result = self._wrong_name(body, row_id) if body.get("name") is not None else None
        if result is None:
            names = ("name", "description", "nodes", "connections")
            kept = {name: body[name] for name in names if body.get(name) is not None}
            self._world.store.put(NAME, row | kept)
            result = good(row_id, "connected workflow updated successfully")
        return answer(NAME, [result])

    def delete(self, request: Request, row_id: str) -> Reply:
        """Deletes one."""
        self._world.store.remove(NAME, self._row(row_id)["id"])
        return answer(NAME, [good(row_id, "connected workflow deleted successfully")])

    def activate(self, request: Request, row_id: str) -> Reply:
        """Switches one from draft or inactive to active."""
        active = sum(row["status"] == "active" for row in self._rows.values())
        if active >= ACTIVE_LIMIT:
            raise RefusalError("LIMIT_EXCEEDED", "limit exceeded", {"limit": ACTIVE_LIMIT})
        return self._switch(row_id, "active", "activated")

    def deactivate(self, request: Request, row_id: str) -> Reply:
        """Switches one from active to inactive."""
        return self._switch(row_id, "inactive", "deactivated")

    def _switch(self, row_id: str, status: str, word: str) -> Reply:
        row = self._row(row_id)
        if row["status"] == status:
            raise RefusalError("NOT_ALLOWED", f"connected workflow is already {status}", {"id": row_id})
        self._world.store.put(NAME, {**row, "status": status})
        return answer(NAME, [good(row_id, f"connected workflow {word} successfully")])

    def configurations(self, request: Request) -> Reply:
        """Returns the limits of the edition."""
        actions = ("create_connected_record", "field_updates", "email_notifications")
        limits = {"limit_per_module": 10, "actions": [{"name": name, "limit": 5} for name in actions]}
        return json_reply(
            {"configurations": {"connected_workflows_limit": 20, "modules_limit_per_process": 10, "rules": limits}}
        )

    def list_rules(self, request: Request, row_id: str) -> Reply:
        """Returns the rules of one module of a connected workflow; `module` is mandatory."""
        row, module = self._row(row_id), request.param("module")
        if module is None:
            raise RefusalError("REQUIRED_PARAM_MISSING", "required param not found", {"param_name": "module"})
        if module not in MODULES:
            raise invalid("module", "INVALID_MODULE")
        rules = [rule for rule in row["rules"] if rule["module"]["api_name"] == module]
        return json_reply({"rules": rules}) if rules else no_content()

    def get_rule(self, request: Request, row_id: str, rule_id: str) -> Reply:
        """Returns one rule; 204 for an unknown id."""
        found = [rule for rule in self._row(row_id)["rules"] if rule["id"] == rule_id]
        return json_reply({"rules": found}) if found else no_content()

    def create_rule(self, request: Request, row_id: str) -> Reply:
        """Adds a rule to a connected workflow."""
        row, body = self._row(row_id), rows_of(request, "rules", most=1, shape=RULE)[0]
        if (body.get("module") or {}).get("api_name") not in MODULES:
            return answer("rules", [missing("module", "$.rules[0].module")])
        identity = crm_id(self._world.prefix, 620_000_000 + int(row_id[-6:]) * 100 + len(row["rules"]))
        self._world.store.put(NAME, {**row, "rules": [*row["rules"], {**body, "id": identity}]})
        return answer("rules", [good(identity, "rule created successfully")], created=True)

    def update_rule(self, request: Request, row_id: str, rule_id: str) -> Reply:
        """Changes a rule of a connected workflow."""
        row, body = self._row(row_id), rows_of(request, "rules", most=1, shape=RULE)[0]
        if rule_id not in [rule["id"] for rule in row["rules"]]:
            return answer("rules", [bad("INVALID_DATA", "the id given seems to be invalid", id=rule_id)])
        rules = [{**rule, **body, "id": rule_id} if rule["id"] == rule_id else rule for rule in row["rules"]]
        self._world.store.put(NAME, {**row, "rules": rules})
        return answer("rules", [good(rule_id, "rule updated successfully")])

    def delete_rule(self, request: Request, row_id: str, rule_id: str) -> Reply:
        """Deletes a rule of a connected workflow."""
        row = self._row(row_id)
        if rule_id not in [rule["id"] for rule in row["rules"]]:
            return answer("rules", [bad("INVALID_DATA", "the id given seems to be invalid", id=rule_id)])
        self._world.store.put(NAME, {**row, "rules": [rule for rule in row["rules"] if rule["id"] != rule_id]})
        return answer("rules", [good(rule_id, "rule deleted successfully")])


def _without_rules(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "rules"}
