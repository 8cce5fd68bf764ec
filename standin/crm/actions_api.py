"""Answers for the actions that rules refer to: tasks, updates, webhooks, mails.

Source: docs/reference/zoho-crm.md, "Automation actions".
"""

from typing import Any
from urllib.parse import urlsplit

from standin.crm.beginnings import KINDS
from standin.crm.paging import paged, read_page
from standin.crm.results import Result, answer, bad, good, ids_of, missing, rows_of
from standin.crm.rules import module_stub
from standin.crm.rules_api import invalid, matches
from standin.crm.templates import MODULES
from standin.errors import RefusalError
from standin.shapes import Shape
from standin.web.routing import Router
from standin.web.wire import Reply, Request, json_reply, no_content
from standin.world import World

BASE = "/settings/automation/"
SCOPE = "ZohoCRM.settings.automation_actions"
MANDATORY = {
    "tasks": ("name", "module", "field_mappings"),
    "field_updates": ("name", "module", "field"),
    "webhooks": ("name", "module", "url", "http_method"),
    "email_notifications": ("name", "module", "template"),
}
MOST_ROWS = 10
REPLACED = frozenset({"tasks", "webhooks"})  # a PUT gives the whole row
# What Zoho says of a row, not the one who writes it.
KEPT = frozenset(
    {"id", "created_time", "created_by", "feature_type", "editable", "deletable", "associated", "lock_status", "source"}
)
ROW: Shape = {"id": str, "name": str, "module": {"api_name": str, "id": str}, "url": str}


class ActionsApi:
    """Routes each kind of action to the same handlers."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_routes(self, router: Router) -> None:
        """Adds list, get, create, update and delete."""
        for kind in KINDS:
            one = _OneKind(self._world, kind)
            router.add("GET", BASE + kind, one.list_rows, SCOPE)
            router.add("POST", BASE + kind, one.create, SCOPE)
            router.add("PUT", BASE + kind, one.update_many, SCOPE)
            router.add("DELETE", BASE + kind, one.delete_many, SCOPE)
            router.add("DELETE", f"{BASE}{kind}/{{row_id}}", one.delete_one, SCOPE)
            router.add("GET", f"{BASE}{kind}/{{row_id}}", one.get, SCOPE)
            router.add("PUT", f"{BASE}{kind}/{{row_id}}", one.update_one, SCOPE)


class _OneKind:
    def __init__(self, world: World, kind: str) -> None:
        self._world = world
        self._kind = kind
        self._rows = world.store.collection(kind)

    def list_rows(self, request: Request) -> Reply:
        """Rows by module and filter, page by page; webhooks and mails spell the filter in the plural."""
        spelled = {"field_updates": "filter", "tasks": self._world.habits.tasks_filter}.get(self._kind, "filters")
        module, page = request.param("module"), read_page(request)
        if module is not None and module not in MODULES:
            raise invalid("module", "INVALID_MODULE")
        rows = [
            row
            for row in self._rows.values()
            if (module is None or row["module"]["api_name"] == module) and matches(request.param(spelled), spelled, row)
        ]
        empty_is_204 = self._world.habits.empty_list_is_204
        return paged(self._kind, page.cut(rows), page, len(rows), empty_is_204=empty_is_204)

    def get(self, request: Request, row_id: str) -> Reply:
        """Returns one row; 204 for an unknown id; field updates want `include_inner_details`."""
        if self._kind == "field_updates" and request.param("include_inner_details") is None:
            details: dict[str, object] = {"param_name": "include_inner_details"}
            raise RefusalError("REQUIRED_PARAM_MISSING", "required param not found", details)
        row = self._rows.get(row_id)
        return json_reply({self._kind: [row]}) if row is not None else no_content()

    def _wrong(self, row: dict[str, Any], place: int, *, new: bool) -> Result | None:
        path = f"$.{self._kind}[{place}]"
        for name in MANDATORY[self._kind] if new else ():
            if not row.get(name):
                return missing(name, f"{path}.{name}")
        module = row.get("module")
        if module is not None and module.get("api_name") not in MODULES:
            return bad("INVALID_DATA", "the module is invalid", api_name="module", json_path=path + ".module")
        if self._kind == "webhooks" and row.get("url") is not None and not _secure(str(row["url"])):
            message = "Url you've configured is not secure"
            return bad("INVALID_DATA", message, api_name="url", json_path=path + ".url")
        taken = [one["id"] for one in self._rows.values() if one["name"] == row.get("name")]
        if taken and taken[0] != row.get("id"):
            return bad("DUPLICATE_DATA", "duplicate data", api_name="name", json_path=path + ".name")
        return None

    def create(self, request: Request) -> Reply:
        """New rows, each judged by itself."""
        results = []
        for place, row in enumerate(rows_of(request, self._kind, most=MOST_ROWS, shape=ROW)):
            fresh = {name: value for name, value in row.items() if name != "id"}
            wrong = self._wrong(fresh, place, new=True)
            if wrong is None:
                fresh |= {"lock_status": {"locked": False}} if self._kind == "tasks" else {}
                fresh["module"] = module_stub(self._world.prefix, fresh["module"]["api_name"])
                wrong = good(self._world.store.put(self._kind, fresh)["id"], "created")
            results.append(wrong)
        return self._answer(results, created=True)

    def _answer(self, results: list[Result], *, created: bool = False) -> Reply:
        habits = self._world.habits
        return answer(
            self._kind, results, created=created, mixed_is_207=habits.mixed_is_207, error_rows=habits.error_rows
        )

    def _unknown(self, row_id: object) -> Result:
        words = "The ID given is invalid" if self._kind == "webhooks" else "the id given seems to be invalid"
        return bad("INVALID_DATA", words, id=row_id)

    def _update(self, row: dict[str, Any], place: int) -> Result:
        """Changes a row; a task or a webhook is replaced whole, unless a habit says otherwise."""
        old = self._rows.get(str(row.get("id", "")))
        if old is None:
            return self._unknown(row.get("id"))
        if (old.get("lock_status") or {}).get("locked"):
            raise RefusalError("AUTHORIZATION_ERROR", "Locked task cannot be edited", {}, 401)
        replaces = self._kind in REPLACED and self._world.habits.action_puts == "replace"
        wrong = self._wrong(row, place, new=replaces)
        if wrong is not None:
            return wrong
        kept = {name: value for name, value in old.items() if name in KEPT} if replaces else old
        self._world.store.put(
            self._kind, {**kept, **row, "name": row.get("name") or old["name"], "module": old["module"]}
        )
        return good(old["id"], "updated")

    def update_many(self, request: Request) -> Reply:
        """Changes the row whose id is in the body: exactly one of tasks and webhooks."""
        is_one = self._kind in REPLACED and self._world.habits.action_puts == "replace"
        rows = rows_of(request, self._kind, most=1 if is_one else MOST_ROWS, shape=ROW)
        return self._answer([self._update(row, place) for place, row in enumerate(rows)])

    def update_one(self, request: Request, row_id: str) -> Reply:
        """Changes the row in the address."""
        row = rows_of(request, self._kind, most=1, shape=ROW)[0]
        return self._answer([self._update({**row, "id": row_id}, 0)])

    def _delete(self, row_id: str) -> Result:
        if row_id not in self._rows:
            return self._unknown(row_id)
        used = [
            rule for rule in self._world.rules.rules.values() if row_id in [one.get("id") for one in rule.actions()]
        ]
        if used:
            words = (
                f"This {self._kind[:-1]} is associated with at least one of Approval Process/Workflow Rules/Blueprint"
            )
            return bad(self._world.habits.in_use_code, words.replace("_", " "), id=row_id)
        self._world.store.remove(self._kind, row_id)
        return good(row_id, "deleted")

    def delete_many(self, request: Request) -> Reply:
        """Deletes up to ten rows, each by itself."""
        return self._answer([self._delete(one) for one in ids_of(request, self._world.habits.ids_limit_code)])

    def delete_one(self, request: Request, row_id: str) -> Reply:
        """Deletes the row in the address."""
        return self._answer([self._delete(row_id)])


def _secure(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "https" and host not in {"localhost", "127.0.0.1"} and not host.startswith("169.254.")
