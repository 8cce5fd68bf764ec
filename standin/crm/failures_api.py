"""Answers with webhook failures and daily use.

Source: docs/reference/zoho-crm.md, "Webhook failures", "Usage of webhooks and mails".
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from standin.chance import digits, rng
from standin.clock import DAY
from standin.crm.actions_api import BASE, SCOPE
from standin.crm.paging import paged, read_page
from standin.crm.rules import ORG_ZONE, Event, Rule, crm_id, module_stub, written
from standin.crm.rules_api import invalid
from standin.crm.templates import MODULES
from standin.crm.usage import read_day
from standin.errors import RefusalError
from standin.people import FIRMS
from standin.web.routing import Router
from standin.web.wire import Reply, Request, json_reply
from standin.world import World

REASONS = ("page_notfound", "internal_server_error", "timeout", "unauthorized", "connection_refused")
DAILY_QUOTA = {"webhooks": 2500, "email_notifications": 1000}
MAIL_REPORT_DAYS = 7


class FailuresApi:
    """Answers calls; paths are relative to /crm/v8."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_routes(self, router: Router) -> None:
        """Adds what must come before `/{row_id}` of the actions, which would take `actions`."""
        router.add("GET", BASE + "webhook_failures", self.failures, SCOPE)
        router.add("GET", BASE + "webhooks/actions/associated_modules", self.modules, SCOPE)
        router.add("GET", BASE + "webhooks/actions/usage_reports", self.webhook_usage, SCOPE)
        router.add("GET", BASE + "email_notifications/actions/usage_reports", self.mail_usage, SCOPE)

    def _window(self, request: Request, usual: int, most: int, *, clamps: bool = False) -> tuple[date, date]:
        """Reads the days asked for; RefusalError for such as are too far apart, in the wrong order or not begun."""
        today, way = self._world.now().astimezone(ORG_ZONE).date(), self._world.habits.failures_from
        last = read_day(request, "to") if request.param("to") else today
        first = read_day(request, "from") if request.param("from") else last - timedelta(days=usual)
        if clamps and way == "clamp":
            first = max(first, last - timedelta(days=usual))  # the newest description: silently
        if last > today:
            raise self._refused("to")
        if first > last or last - first > timedelta(days=most):
            raise self._refused("from")
        return first, last

    def _refused(self, name: str) -> RefusalError:
        if self._world.habits.failures_from == "range":
            return RefusalError("INVALID_REQUEST", "DATE_RANGE_EXCEEDS", {})
        details: dict[str, object] = {"param_name": name, "expected_data_type": "datetime"}
        return RefusalError("INVALID_DATA", "The value provided to the param is Invalid", details)

    def _events(self, kind: str, first: date, last: date) -> Iterator[tuple[Rule, dict[str, Any], int, Event]]:
        now = self._world.now()
        start = datetime.combine(first, time.min, ORG_ZONE)
        end = datetime.combine(last, time.min, ORG_ZONE) + DAY
        for rule in self._world.rules.rules.values():
            rule.advance(now)
            for place, action in enumerate(rule.actions()):
                if action.get("type") == kind:
                    for event in rule.events(start, end):
                        yield rule, action, place, event

    def failures(self, request: Request) -> Reply:
        """Returns every failed call of a webhook, newest first: 30 days unless asked, at most 90."""
        habits, page = self._world.habits, read_page(request)
        first, last = self._window(
            request, habits.webhook_failure_default_days, habits.webhook_failure_max_days, clamps=True
        )
        module, webhook = request.param("module"), request.param("webhook_id")
        if module is not None and module not in MODULES:
            raise invalid("module", "INVALID_MODULE")
        found = [
            (event.at, self._failure(rule, action, event))
            for rule, action, place, event in self._events("webhooks", first, last)
            if place in event.failed
            and webhook in {None, action["id"]}
            and module in {None, rule.body["module"]["api_name"]}
        ]
        found.sort(key=_by_time, reverse=True)
        rows = page.cut([row for _, row in found])
        return paged("webhook_failures", rows, page, len(found), empty_is_204=habits.empty_list_is_204)

    def _failure(self, rule: Rule, action: dict[str, Any], event: Event) -> dict[str, Any]:
        key = (self._world.settings.seed, rule.rule_id, action["id"], event.at.isoformat(), event.number)
        dice = rng("webhook failure", *key)
        record = crm_id(self._world.prefix, 300_000_000 + dice.randrange(250))
        return {
            "id": f"{self._world.prefix}{digits(13, 'webhook failure', *key)}",
            "webhook": {"id": action["id"], "name": action["name"]},
            "workflow_rule": {"id": rule.rule_id, "name": rule.body["name"]},
            "entity_details": {"module": rule.body["module"], "name": dice.choice(FIRMS), "id": record},
            "failure_time": written(event.at + timedelta(seconds=2), rule.zone),
            "failure_reason": dice.choice(REASONS),
        }

    def modules(self, request: Request) -> Reply:
        """Lists modules that have webhooks."""
        names = sorted({row["module"]["api_name"] for row in self._world.store.collection("webhooks").values()})
        return json_reply({"associated_modules": [module_stub(self._world.prefix, name) for name in names]})

    def webhook_usage(self, request: Request) -> Reply:
        """Calls of webhooks by day."""
        return self._usage(request, "webhooks", 90)

    def mail_usage(self, request: Request) -> Reply:
        """Counts e-mails by day; only of the last seven days."""
        return self._usage(request, "email_notifications", MAIL_REPORT_DAYS)

    def _usage(self, request: Request, kind: str, days: int) -> Reply:
        groups = (request.param("group_by") or "").split(",")
        if "date" not in groups:
            raise RefusalError("REQUIRED_PARAM_MISSING", "required param not found", {"param_name": "group_by"})
        first, last = self._window(request, min(days, 30), days)
        if kind == "email_notifications" and first < self._world.now().astimezone(ORG_ZONE).date() - timedelta(
            days=days
        ):
            raise self._refused("from")
        counts: Counter[tuple[str, str, str]] = Counter()
        for _, action, _, event in self._events(kind, first, last):
            day = event.at.astimezone(ORG_ZONE).date().isoformat()
            counts[(day, action["id"], action["name"]) if "resource" in groups else (day, "", "")] += 1
        rows = []
        for (day, identity, name), count in sorted(counts.items()):
            row: dict[str, Any] = {"date": day, "count": count, "type": kind}
            rows.append({**row, "resource": {"id": identity, "name": name}} if identity else row)
        page = read_page(request)
        info = {
            "per_page": page.size,
            "count": len(page.cut(rows)),
            "page": page.number,
            "more_records": page.number * page.size < len(rows),
            "max_limit": DAILY_QUOTA[kind],
        }
        return json_reply({"data_usage": page.cut(rows), "info": info})


def _by_time(pair: tuple[datetime, dict[str, Any]]) -> datetime:
    return pair[0]
