"""Answers reads of records: list, one, search, timeline (docs/reference/zoho-crm.md, "Records and queries")."""

import re
from typing import Any

from standin.chance import digits, hexadecimal, rng
from standin.clock import DAY
from standin.crm.paging import Page, read_page
from standin.crm.records import fields_of
from standin.crm.rules import ORG_ZONE, crm_id, written
from standin.crm.templates import MODULES
from standin.errors import RefusalError
from standin.web.routing import Router
from standin.web.wire import Reply, Request, json_reply, no_content
from standin.world import World

MAX_FIELDS = 50
PLAIN_PAGES = 2_000  # so many records can be reached with `page`; further ones need a page_token
CRITERION = re.compile(r"\((\w+):(equals|starts_with|in|greater_than|less_than):([^()]*)\)")


class RecordsApi:
    """Answers calls; paths are relative to /crm/v8. They come last: a module's name fits anything."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_routes(self, router: Router) -> None:
        """Adds list, search, timeline and one."""
        for module in MODULES:
            scope = f"ZohoCRM.modules.{module.lower()}"
            router.add("GET", f"/{module}", _Bound(self.list_rows, module), scope)
            router.add(
                "GET", f"/{module}/search", _Bound(self.search, module), scope, besides="ZohoSearch.securesearch"
            )
            router.add("GET", f"/{module}/{{record_id}}/__timeline", _Bound(self.timeline, module), scope)
            router.add("GET", f"/{module}/{{record_id}}", _Bound(self.get, module), scope)

    def _fields(self, request: Request, module: str) -> list[str]:
        raw = request.param("fields")
        if raw is None and self._world.habits.dialect == "seed":
            return [name for name, _, _ in fields_of(module)]
        if not raw:
            raise RefusalError(
                "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", {"param": "fields"}
            )
        names = raw.split(",")
        if len(names) > MAX_FIELDS:
            raise RefusalError(
                "LIMIT_EXCEEDED", "You can only get 50 fields", {"limit": MAX_FIELDS, "param_name": "fields"}
            )
        return ["id", *(name for name in names if name != "id")]

    def list_rows(self, request: Request, module: str) -> Reply:
        """Lists records page by page; `fields` is mandatory."""
        fields, rows, token = (
            self._fields(request, module),
            self._world.records.of(module),
            request.param("page_token"),
        )
        if token is not None and request.param("page") is not None:
            raise RefusalError(
                "INVALID_DATA", "page and page_token cannot be given together", {"param_name": "page_token"}
            )
        page = read_page(request)
        if token is not None:
            page = self._page_of(token, module, page)
        elif page.number * page.size > PLAIN_PAGES:
            raise RefusalError("DISCRETE_PAGINATION_LIMIT_EXCEEDED", "use page_token", {"limit": PLAIN_PAGES})
        return self._page(rows, fields, page, module)

    def _page(self, rows: list[dict[str, Any]], fields: list[str], page: Page, module: str) -> Reply:
        shown = [{name: row.get(name) for name in fields} for row in page.cut(rows)]
        if not shown and self._world.habits.empty_list_is_204:
            return no_content()
        more = page.number * page.size < len(rows)
        info: dict[str, Any] = {
            "per_page": page.size,
            "count": len(shown),
            "page": page.number,
            "sort_by": "id",
            "sort_order": "desc",
            "more_records": more,
            "next_page_token": self._token(page.number + 1, module) if more else None,
            "previous_page_token": self._token(page.number - 1, module) if page.number > 1 else None,
            "page_token_expiry": written(self._world.now() + DAY, ORG_ZONE) if more else None,
        }
        return json_reply({"data": shown, "info": info})

    def _token(self, number: int, module: str) -> str:
        return f"{number:06d}" + hexadecimal(40, "page", self._world.settings.seed, module, number)

    def _page_of(self, token: str, module: str, page: Page) -> Page:
        if not token[:6].isdigit() or token != self._token(int(token[:6]), module):
            raise RefusalError("INVALID_DATA", "the page token is invalid", {"param_name": "page_token"})
        return Page(int(token[:6]), page.size)

    def get(self, request: Request, module: str, record_id: str) -> Reply:
        """Returns one record, of it the asked `fields`; 204 for an unknown id, 404 in the dialect `seed`."""
        found = [row for row in self._world.records.of(module) if row["id"] == record_id]
        if found:
            if request.param("fields"):
                asked = self._fields(request, module)
                found = [{name: row[name] for name in asked if name in row} for row in found]
            return json_reply({"data": found})
        if self._world.habits.dialect == "seed":
            raise RefusalError("RECORD_NOT_FOUND", "record not found", {"id": record_id}, 404)
        return no_content()

    def search(self, request: Request, module: str) -> Reply:
        """Searches by `criteria`, `email`, `phone` or `word`."""
        rows = self._world.records.of(module)
        criteria, word = request.param("criteria"), request.param("word")
        if criteria is not None:
            parts = CRITERION.findall(criteria)
            if not parts:
                raise RefusalError("INVALID_QUERY", "Invalid query formed", {"reason": "the criteria cannot be read"})
            joined = any if re.search(r"\)\s*or\s*\(", criteria) else all
            rows = [row for row in rows if joined(_fits(row, *part) for part in parts)]
        elif request.param("email"):
            rows = [row for row in rows if row.get("Email") == request.param("email")]
        elif request.param("phone"):
            rows = [row for row in rows if row.get("Phone") == request.param("phone")]
        elif word and len(word) > 1:
            rows = [row for row in rows if word.lower() in str([*row.values()]).lower()]
        else:
            raise RefusalError("REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", {})
        fields = [name for name, _, _ in fields_of(module)]
        return self._page(rows, fields, read_page(request), module)

    def timeline(self, request: Request, module: str, record_id: str) -> Reply:
        """Returns what automation did to a record, newest first."""
        world, now = self._world, self._world.now()
        rows = []
        for rule in world.rules.rules.values():
            if rule.body["module"]["api_name"] != module:
                continue
            rule.advance(now)
            for event in rule.events()[-3:]:
                key = (world.settings.seed, record_id, rule.rule_id, event.at.isoformat())
                if rng("timeline", *key).random() < 0.5:
                    rows.append(_timeline_row(world, rule.body, rule.zone, event.at, world.prefix + digits(13, *key)))
        rows.sort(key=_when, reverse=True)
        page = read_page(request)
        info = {
            "per_page": page.size,
            "count": len(page.cut(rows)),
            "more_records": page.number * page.size < len(rows),
        }
        shown = [row for _, row in page.cut(rows)]
        return json_reply({"__timeline": shown, "info": info}) if shown else no_content()


class _Bound:
    """Holds a handler with its module given."""

    def __init__(self, handler: Any, module: str) -> None:
        self._handler = handler
        self._module = module

    def __call__(self, request: Request, **values: str) -> Reply:
        reply: Reply = self._handler(request, self._module, **values)
        return reply


def _fits(row: dict[str, Any], field: str, comparator: str, value: str) -> bool:
    have = row.get(field)
    if comparator == "equals":
        return str(have) == value
    if comparator == "starts_with":
        return str(have).lower().startswith(value.lower())
    if comparator == "in":
        return str(have) in value.split(",")
    if not isinstance(have, int | float) or not re.fullmatch(r"-?\d+(\.\d+)?", value):
        return False
    return have > float(value) if comparator == "greater_than" else have < float(value)


def _when(pair: tuple[Any, dict[str, Any]]) -> Any:
    return pair[0]


def _timeline_row(world: World, rule: dict[str, Any], zone: Any, at: Any, key: str) -> tuple[Any, dict[str, Any]]:
    return at, {
        "id": key,
        "audited_time": written(at, zone),
        "action": "updated",
        "source": "workflow",
        "done_by": {"name": "Marta Ops", "id": crm_id(world.prefix, 90_001)},
        "automation_details": {"type": "workflow_rule", "rule": {"id": rule["id"], "name": rule["name"]}},
    }
