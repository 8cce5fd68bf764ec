"""A Zoho of plain lists, for the sweep: every oddity that the documents leave open is a switch.

Its clients have the methods of `monitor.zoho`'s that a sweep uses, and read their replies with the same parsers.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from monitor.connection import AccountClients, Gate
from monitor.ingest import run
from monitor.ingest.base.mode import Mode, Patience
from monitor.ingest.base.result import Result
from monitor.models import ZohoAccount
from monitor.zoho.errors import NotAvailable, NotFound, Refused
from monitor.zoho.shapes import actions as action_shapes
from monitor.zoho.shapes import connected_workflows as connected_shapes
from monitor.zoho.shapes import connections as connection_shapes
from monitor.zoho.shapes import crm_common
from monitor.zoho.shapes import crm_webhooks as crm_webhook_shapes
from monitor.zoho.shapes import executions as execution_shapes
from monitor.zoho.shapes import flows as flow_shapes
from monitor.zoho.shapes import org as org_shapes
from monitor.zoho.shapes import rule_limits as limit_shapes
from monitor.zoho.shapes import rules as rule_shapes
from monitor.zoho.shapes.base import read_one
from tests.fake_zoho.clock import Clock
from tests.fake_zoho.records import FakeFlow, Json, Run, as_sent, stamp


class Killed(BaseException):
    """The process dies in this call."""


@dataclass
class Zoho:
    """The upstream and how it behaves.

    `cap`: rows a page at most. `order`: newest, oldest, shuffled. `doubled`: every page has its first row
    twice. `paging`: good, ignored (always the first page), clamped (beyond the last page comes the last).

    `refuses_above`: a larger `per_page` is an error. `tells_total`: the list of flows says how many there are.
    `ragged`: pages of uneven length. `before_call(number, what)` may raise or move things.
    """

    clock: Clock
    flows: list[FakeFlow] = field(default_factory=list)
    rules: list[Json] = field(default_factory=list)
    usage: dict[str, Json] = field(default_factory=dict)
    connections: list[Json] = field(default_factory=list)
    connected: list[Json] = field(default_factory=list)
    details: dict[str, Json] = field(default_factory=dict)  # by id, what a definition has beyond the list's row
    webhook_failures: list[Json] = field(default_factory=list)
    limits: Json = field(default_factory=lambda: {"total_rules_limit": 2500, "total_rules_configured": 1})
    configurations: dict[str, Json] = field(default_factory=dict)
    actions: dict[str, list[Json]] = field(default_factory=dict)
    cap: int = 200
    order: str = "newest"
    doubled: bool = False
    paging: str = "good"
    refuses_above: int | None = None
    tells_total: bool = True
    ragged: bool = False
    bound: str = "inclusive"  # how to_date is taken: inclusive, exclusive, ignored
    dates: str = "any"  # in which form they are taken: any, time, day, none
    stats: str = "none"  # the counters in a list of executions: none, life, window
    statistics: str = "rolling"  # what a period means: rolling, days, life, none (no such call), strange
    windows: list[tuple[datetime | None, datetime | None]] = field(default_factory=list)
    has_flow: bool = True
    has_crm: bool = True
    edition: str = "enterprise"
    calls: list[str] = field(default_factory=list)
    before_call: Callable[[int, str], None] = field(default=lambda number, what: None)

    def note(self, what: str) -> None:
        self.calls.append(what)
        self.before_call(len(self.calls), what)

    def asked(self, what: str) -> int:
        """How many calls began with `what`."""
        return sum(call.startswith(what) for call in self.calls)

    def page(self, items: list[Json], page: int, per_page: int) -> list[Json]:
        size = min(per_page, self.cap)
        if self.paging == "ignored":
            page = 1
        if self.paging == "clamped":
            page = min(page, max(1, -(-len(items) // size)))
        if self.ragged:
            # Pages of uneven length, none of which leaves a row out: every third is a few rows shorter.
            lengths = [size - 3 if number % 3 == 0 else size for number in range(page)]
            return items[sum(lengths[:-1]) : sum(lengths)]
        rows = items[(page - 1) * size : page * size]
        return [*rows[:1], *rows] if self.doubled else rows

    def within(self, run: Run, to_date: datetime | None) -> bool:
        """Whether a run is listed and lies before the end of the window, as this server takes it."""
        if run.is_hidden:
            return False
        if to_date is None or self.bound == "ignored":
            return True
        last = stamp(to_date)
        return stamp(run.started) < last if self.bound == "exclusive" else stamp(run.started) <= last

    def ordered(self, runs: list[Run]) -> list[Run]:
        if self.order == "shuffled":
            return sorted(runs, key=lambda run: random.Random(run.execution_id).random())
        by_start = sorted(runs, key=lambda run: (run.started, run.execution_id))
        return by_start if self.order == "oldest" else by_start[::-1]


def _counted(runs: list[Run]) -> Json:
    states = Counter(run.status for run in runs)
    return {"execution_count": len(runs), "success_count": states["success"], "failure_count": states["failed"]}


def _stats(counters: Json) -> Json:
    """The `stats` object of a list of executions."""
    return {
        "total_executions": counters["execution_count"],
        "successful": counters["success_count"],
        "failed": counters["failure_count"],
    }


class _Client:
    def __init__(self, zoho: Zoho, keep_alive: Callable[[], None]) -> None:
        self._zoho = zoho
        self._keep_alive = keep_alive
        self.last_server_date: datetime | None = None

    def _call(self, what: str) -> None:
        self._keep_alive()
        self._zoho.note(what)
        self.last_server_date = self._zoho.clock().replace(microsecond=0)


class FakeFlowClient(_Client):
    def _flow(self, flow_id: str) -> FakeFlow:
        found = next((flow for flow in self._zoho.flows if flow.flow_id == flow_id), None)
        if found is None:
            raise NotFound("the flow does not exist", code="FLOW_NOT_FOUND", status=404)
        return found

    def list_flows(self, page: int = 1, per_page: int | None = None) -> flow_shapes.FlowPage:
        self._call(f"flows page {page}")
        rows = [flow.summary() for flow in self._zoho.flows]
        shown = rows[(page - 1) * 20 : page * 20]
        data: Json = {"flows": shown}
        if self._zoho.tells_total:
            data |= {"page": page, "per_page": 20, "total_count": len(rows)}
        return flow_shapes.flow_page(as_sent({"status": "success", "data": data}))

    def get_flow(self, flow_id: str) -> flow_shapes.FlowDetail:
        self._call(f"flow {flow_id}")
        whole = self._flow(flow_id).summary() | self._zoho.details.get(flow_id, {})
        return flow_shapes.flow_detail(as_sent({"status": "success", "data": whole}))

    def list_executions(
        self,
        flow_id: str,
        *,
        status: str | None = None,
        from_date: datetime | None = None,
        to_date: datetime | None = None,
        page: int = 1,
        per_page: int | None = None,
        by_day: bool = False,
    ) -> execution_shapes.ExecutionPage:
        zoho = self._zoho
        self._call(f"executions {flow_id} page {page} of {per_page}")
        if zoho.refuses_above is not None and (per_page or 50) > zoho.refuses_above:
            raise Refused("per_page is too large", code="INVALID_REQUEST", status=400)
        if (from_date or to_date) and zoho.dates not in ("any", "day" if by_day else "time"):
            raise Refused("from_date is not valid", code="INVALID_REQUEST", status=400)
        flow = self._flow(flow_id)
        zoho.windows.append((from_date, to_date))
        runs = [
            run
            for run in zoho.ordered(flow.runs)
            if (from_date is None or stamp(run.started) >= stamp(from_date)) and zoho.within(run, to_date)
        ]
        rows = zoho.page([run.row(flow_id) for run in runs], page, per_page or 50)
        data: Json = {"executions": rows}
        if zoho.stats != "none":
            data["stats"] = _stats(flow.summary() if zoho.stats == "life" else _counted(runs))
        return execution_shapes.execution_page(as_sent({"status": "success", "data": data}), flow_id)

    def get_execution(self, flow_id: str, execution_id: str) -> execution_shapes.ExecutionRow:
        self._call(f"execution {execution_id}")
        found = next((run for run in self._flow(flow_id).runs if run.execution_id == execution_id), None)
        if found is None:
            raise NotFound("the execution does not exist", code="EXECUTION_NOT_FOUND", status=404)
        return execution_shapes.execution_detail(as_sent({"status": "success", "data": found.row(flow_id)}), flow_id)

    def execution_stats(self, flow_id: str, period: str = "last_30_days") -> execution_shapes.ExecutionStats:
        self._call(f"statistics {flow_id} {period}")
        zoho, flow, now = self._zoho, self._flow(flow_id), self._zoho.clock()
        if zoho.statistics == "none":
            raise NotAvailable("there is no such address", code="URL_NOT_FOUND", status=404)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        begins = {"rolling": now - timedelta(days=7), "days": midnight - timedelta(days=6)}.get(zoho.statistics, now)
        counted = _counted([run for run in flow.runs if run.started >= begins])
        if zoho.statistics == "life":
            counted = flow.summary()
        if zoho.statistics == "strange":
            counted = dict.fromkeys(counted, 3 + 2 * len(flow.runs))
        return execution_shapes.execution_stats(
            as_sent({"status": "success", "data": {"stats": _stats(counted | flow.counted_over)}})
        )

    def list_connections(
        self, page: int | None = None, per_page: int | None = None
    ) -> connection_shapes.ConnectionPage:
        self._call("connections")
        return connection_shapes.connection_page(as_sent({"data": {"connections": self._zoho.connections}}))


class FakeCrmClient(_Client):
    def org(self) -> org_shapes.Org:
        self._call("org")
        details = {"paid_type": self._zoho.edition, "users_license_purchased": 3}
        return org_shapes.org({"id": "1", "license_details": details})

    def list_workflow_rules(self, page: int = 1, per_page: int = 200) -> rule_shapes.RulePage:
        self._call(f"rules page {page}")
        rows = self._zoho.rules[(page - 1) * per_page : page * per_page]
        more = len(self._zoho.rules) > page * per_page
        return rule_shapes.rule_page(as_sent({"workflow_rules": rows, "info": {"more_records": more, "page": page}}))

    def rule_usage(self, rule_id: str, executed_from: date, executed_till: date) -> rule_shapes.RuleUsage:
        self._call(f"usage {rule_id}")
        if rule_id not in self._zoho.usage:
            raise NotFound("the rule does not exist", status=204)
        return read_one(as_sent({"id": rule_id} | self._zoho.usage[rule_id]), rule_shapes.rule_usage)

    def get_workflow_rule(self, rule_id: str) -> rule_shapes.WorkflowRule:
        self._call(f"rule {rule_id}")
        return rule_shapes.workflow_rule(self._whole(self._zoho.rules, rule_id))

    def list_connected_workflows(self) -> crm_common.Page[connected_shapes.ConnectedWorkflow]:
        self._call("connected")
        shown = as_sent({"connected_workflows": self._zoho.connected})
        return crm_common.page_of(shown, connected_shapes.connected_workflow, "connected_workflows")

    def get_connected_workflow(self, workflow_id: str) -> connected_shapes.ConnectedWorkflow:
        self._call(f"one connected {workflow_id}")
        return connected_shapes.connected_workflow(self._whole(self._zoho.connected, workflow_id))

    def _whole(self, rows: list[Json], row_id: str) -> Json:
        found = next((row for row in rows if row["id"] == row_id), None)
        if found is None:
            raise NotFound("there is none with this id", status=204)
        whole: Json = as_sent(found | self._zoho.details.get(row_id, {}))
        return whole

    def rules_count(self) -> limit_shapes.RuleLimits:
        self._call("limits")
        return limit_shapes.rule_limits(as_sent({"rules_count": self._zoho.limits}))

    def module_rule_counts(self) -> list[limit_shapes.ModuleRuleCount]:
        self._call("limits of modules")
        named = [
            row["module"] for row in self._zoho.rules if isinstance(row, dict) and isinstance(row.get("module"), dict)
        ]
        modules = Counter(str(module.get("api_name", "")) for module in named)
        rows = [{"module": {"api_name": name}, "total_rules_configured": count} for name, count in modules.items()]
        return limit_shapes.module_rule_counts(as_sent({"module_specific_count": rows}))

    def workflow_configurations(self, module: str) -> limit_shapes.RuleConfiguration:
        self._call(f"limits of {module}")
        body = self._zoho.configurations.get(module, {"triggers": [], "actions": []})
        return limit_shapes.rule_configuration(as_sent({"workflow_configurations": body}))

    def connected_workflow_limits(self) -> connected_shapes.ConnectedLimits:
        self._call("limits of connected")
        return connected_shapes.connected_limits({"configurations": {"connected_workflows_limit": 20}})

    def list_actions(self, kind: str, page: int = 1) -> crm_common.Page[action_shapes.AutomationAction]:
        self._call(f"limits, {kind} page {page}")
        body = {kind: self._zoho.actions.get(str(kind), []), "info": {"more_records": False, "page": page}}
        return crm_common.page_of(as_sent(body), action_shapes.automation_action, kind)

    def list_webhook_failures(
        self, page: int = 1, per_page: int = 200, *, from_day: date | None = None, to_day: date | None = None
    ) -> crm_common.Page[crm_webhook_shapes.WebhookFailure]:
        self._call(f"webhook failures {from_day} {to_day} page {page}")
        rows = [
            row
            for row in self._zoho.webhook_failures
            if str(from_day or "") <= str(row["failure_time"])[:10] <= str(to_day or "9999")
        ]
        shown = rows[(page - 1) * per_page : page * per_page]
        body = {"webhook_failures": shown, "info": {"more_records": len(rows) > page * per_page, "page": page}}
        return crm_common.page_of(as_sent(body), crm_webhook_shapes.webhook_failure, "webhook_failures")


class NoTokens:
    failure: Exception | None = None
    away: None = None


def opener(zoho: Zoho) -> Callable[..., Any]:
    """What stands in for `monitor.connection.open_account`."""

    @contextmanager
    def open_account(account: ZohoAccount, *, clock: Any, keep_alive: Any = None, **how: Any) -> Iterator[Any]:
        alive = keep_alive or (lambda: None)
        yield AccountClients(
            account=account,
            flow=FakeFlowClient(zoho, alive) if zoho.has_flow else None,  # type: ignore[arg-type]
            crm=FakeCrmClient(zoho, alive) if zoho.has_crm else None,  # type: ignore[arg-type]
            tokens=NoTokens(),  # type: ignore[arg-type]
            gate=Gate(account, clock),
        )

    return open_account


def patient(zoho: Zoho) -> Patience:
    """A person's sync: it waits."""
    return Patience(Mode.SYNC, pause=zoho.clock.pause)


def hasty(zoho: Zoho) -> Patience:
    """A person's sync with --no-wait."""
    return Patience(Mode.SYNC_WITHOUT_WAITING, pause=zoho.clock.pause)


def a_task(zoho: Zoho, seconds: float | None = None) -> Patience:
    """A worker's sweep."""
    deadline = None if seconds is None else zoho.clock() + timedelta(seconds=seconds)
    return Patience(Mode.TASK, pause=zoho.clock.pause, deadline=deadline)


def sync(account: ZohoAccount, zoho: Zoho, *, patience: Patience | None = None) -> Result:
    """One sweep against the fake."""
    before, run.open_account = run.open_account, opener(zoho)
    try:
        return run.read_account(account, clock=zoho.clock, patience=patience or patient(zoho))
    finally:
        run.open_account = before
