"""Answers reads of workflow rules: list, one, usage.

Source: docs/reference/zoho-crm.md, "Workflow rules", "Usage of rules".
"""

import json
from datetime import datetime
from typing import Any

from standin.crm.paging import paged, read_page
from standin.crm.rules import Rule, written
from standin.crm.templates import MODULES
from standin.crm.usage import read_day, usage_report
from standin.errors import RefusalError
from standin.web.routing import Router
from standin.web.wire import Reply, Request, json_reply, no_content
from standin.world import World

BASE = "/settings/automation/workflow_rules"
SCOPE = "ZohoCRM.settings.workflow_rules"
INNER = ("conditions",)


def invalid(name: str, code: str = "INVALID_DATA") -> RefusalError:
    """Returns the documented refusal of a parameter's value."""
    return RefusalError(code, "The value provided to the param is Invalid", {"param_name": name})


def rule_row(rule: Rule, now: datetime, *, inner: bool) -> dict[str, Any]:
    """Returns a rule as the list shows it; `inner` adds conditions and actions."""
    rule.advance(now)
    last = rule.last_run(now)
    row = {name: value for name, value in rule.body.items() if inner or name not in INNER}
    row["status"] = {"active": rule.on.at(now)}
    row["last_executed_time"] = written(last, rule.zone) if last else None
    return row


class RulesApi:
    """Answers calls; paths are relative to /crm/v8."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_routes(self, router: Router) -> None:
        """Adds the reading endpoints of workflow rules."""
        router.add("GET", BASE, self.list_rules, SCOPE)
        router.add("GET", BASE + "/{rule_id}/actions/usage", self.usage, SCOPE)
        router.add("GET", BASE + "/{rule_id}", self.get_rule, SCOPE)

    def list_rules(self, request: Request) -> Reply:
        """Lists rules, filtered and sorted, page by page."""
        now = self._world.now()
        page = read_page(request)
        rules = [rule for rule in self._world.rules.rules.values() if _wanted(request, rule, now)]
        order, by = request.param("sort_order"), request.param("sort_by")
        if order not in {None, "asc", "desc"}:
            raise invalid("sort_order")
        if by not in {None, "modified_time"}:
            raise invalid("sort_by")
        if by is not None or order is not None:
            rules.sort(key=_modified, reverse=order != "asc")
        inner = request.param("include_inner_details") == "true"
        rows = [rule_row(rule, now, inner=inner) for rule in page.cut(rules)]
        return paged("workflow_rules", rows, page, len(rules), empty_is_204=self._world.habits.empty_list_is_204)

    def get_rule(self, request: Request, rule_id: str) -> Reply:
        """Returns one rule whole; 204 for an id that is not known."""
        now = self._world.now()
        rule = self._world.rules.find(rule_id, now)
        if rule is None:
            return no_content()
        row = {**rule_row(rule, now, inner=True), "deprecated": False, "category": "default"}
        return json_reply({"workflow_rules": [row]})

    def usage(self, request: Request, rule_id: str) -> Reply:
        """Returns how often the rule and its actions ran between two days."""
        first, last = read_day(request, "executed_from"), read_day(request, "executed_till")
        now = self._world.now()
        rule = self._world.rules.find(rule_id, now)
        if rule is None:
            raise RefusalError("INVALID_DATA", "the id given seems to be invalid", {"param_name": "id"})
        report = usage_report(rule, first, last, now, self._world.habits.usage_days)
        return json_reply({"workflow_rules": [report]})


def _modified(rule: Rule) -> datetime:
    return datetime.fromisoformat(rule.body["modified_time"])


def _wanted(request: Request, rule: Rule, now: datetime) -> bool:
    module, active = request.param("module"), request.param("status_active")
    if module is not None and module not in MODULES:
        raise invalid("module", "INVALID_MODULE")
    if active not in {None, "true", "false"}:
        raise invalid("status_active")
    execute_on, trigger = request.param("execute_on"), request.param("trigger_module")
    if module is None and not execute_on is trigger is None:
        raise RefusalError("REQUIRED_PARAM_MISSING", "required param not found", {"param_name": "module"})
    when = rule.body["execute_when"]
    return (
        (module is None or rule.body["module"]["api_name"] == module)
        and (active is None or rule.on.at(now) == (active == "true"))
        and (execute_on is None or when["type"] == execute_on)
        and (trigger is None or ((when.get("details") or {}).get("trigger_module") or {}).get("api_name") == trigger)
        and matches(request.param("filter"), "filter", rule.body)
    )


def matches(raw: str | None, name: str, row: dict[str, Any]) -> bool:
    """Returns whether a row passes a JSON filter `{"field": {"api_name"}, "comparator", "value"}`."""
    if raw is None:
        return True
    try:
        wish = json.loads(raw)
        field, comparator, value = wish["field"]["api_name"], wish["comparator"], str(wish["value"])
    except (ValueError, KeyError, TypeError):
        raise invalid(name) from None
    have = row.get(field)
    text = str(have.get("id") if isinstance(have, dict) else have)
    if comparator == "contains":
        return value.lower() in text.lower()
    if comparator in {"equal", "equals"}:
        return value == text
    raise invalid(name)
