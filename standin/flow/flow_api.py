"""Answers for flows, executions and connections (docs/reference/zoho-flow.md, "Flows", "Executions", "Connections")."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from standin.clock import DAY
from standin.errors import RefusalError
from standin.flow.book import not_found
from standin.flow.executions import Execution
from standin.flow.flows import Flow
from standin.flow.rows import (
    connection_row,
    execution_row,
    flow_detail,
    flow_summary,
    life_stats,
    stats_of,
    success,
)
from standin.web.routing import Router
from standin.web.wire import Reply, Request, whole_number
from standin.world import World

STATUSES = ("success", "failed", "running")
PERIODS = {"last_24_hours": 1, "last_7_days": 7, "last_30_days": 30, "last_90_days": 90}
MAX_PER_PAGE = 200


class FlowApi:
    """Answers calls; paths are relative to /api/v1."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_routes(self, router: Router) -> None:
        """Adds the endpoints of flows, connections and executions."""
        flows, connections = "ZohoFlow.flows", "ZohoFlow.connections"
        router.add("GET", "/flows", self.list_flows, flows)
        router.add("GET", "/flows/{flow_id}", self.get_flow, flows)
        router.add("POST", "/flows/{flow_id}/enable", self.enable, flows)
        router.add("POST", "/flows/{flow_id}/disable", self.disable, flows)
        router.add("GET", "/flows/{flow_id}/history", self.list_executions, flows)
        router.add("GET", "/flows/{flow_id}/executions", self.list_executions, flows)
        router.add("GET", "/flows/{flow_id}/executions/stats", self.stats, flows)
        router.add("GET", "/flows/{flow_id}/executions/{execution_id}", self.get_execution, flows)
        router.add("POST", "/flows/{flow_id}/executions/{execution_id}/retry", self.retry, flows)
        router.add("GET", "/connections", self.list_connections, connections)
        router.add("GET", "/connections/{connection_id}", self.get_connection, connections)
        router.add("POST", "/connections/{connection_id}/test", self.test_connection, connections)

    def list_flows(self, request: Request) -> Reply:
        """Returns a page of flows with their life counters."""
        page, per_page = whole_number(request, "page", 1), whole_number(request, "per_page", 20, high=MAX_PER_PAGE)
        now = self._world.now()
        flows = list(self._world.flows.values())
        shown = flows[(page - 1) * per_page : page * per_page]
        for flow in shown:
            flow.auto_reruns = self._world.habits.auto_reruns
            flow.advance(now)
        return success(
            {
                "flows": [flow_summary(flow, now) for flow in shown],
                "page": page,
                "per_page": per_page,
                "total_count": len(flows),
            }
        )

    def get_flow(self, request: Request, flow_id: str) -> Reply:
        """Returns one flow with trigger and actions."""
        flow, now = self._world.flow(flow_id), self._world.now()
        return success(flow_detail(flow, now))

    def enable(self, request: Request, flow_id: str) -> Reply:
        """Switches a flow on; again is harmless."""
        return self._switch(flow_id, on=True)

    def disable(self, request: Request, flow_id: str) -> Reply:
        """Switches a flow off; again is harmless."""
        return self._switch(flow_id, on=False)

    def _switch(self, flow_id: str, *, on: bool) -> Reply:
        self._world.flow(flow_id)
        self._world.do("switch_flow", flow_id=flow_id, on=on)
        return success({"flow_id": flow_id, "status": "active" if on else "inactive"})

    def list_executions(self, request: Request, flow_id: str) -> Reply:
        """Returns a page of executions, newest first, with the flow's counters as `stats`."""
        flow, now = self._world.flow(flow_id), self._world.now()
        status = request.param("status")
        if status is not None and status not in STATUSES:
            raise RefusalError("INVALID_REQUEST", "Invalid request parameters", f"status is one of {STATUSES}")
        start, end = read_bound(request, "from_date", last=False), read_bound(request, "to_date", last=True)
        if start and end and start > end:
            raise RefusalError("INVALID_REQUEST", "Invalid request parameters", "from_date is after to_date")
        page, per_page = whole_number(request, "page", 1), whole_number(request, "per_page", 50, high=MAX_PER_PAGE)
        oldest = now - self._world.habits.retention_days * DAY
        rows = flow.between(max(start or oldest, oldest), self._end(end))
        if status is not None:
            rows = [row for row in rows if row.status(now) == status]
        shown = rows[(page - 1) * per_page : page * per_page]
        data: dict[str, Any] = {"executions": [self._row(flow, row, now, detail=False) for row in shown]}
        if self._world.habits.list_stats == "life":
            data["stats"] = life_stats(flow, now)
        elif self._world.habits.list_stats == "window":
            data["stats"] = _counted(rows, now)
        return success(data)

    def _end(self, end: datetime | None) -> datetime | None:
        """Returns the last moment that `to_date` lets in, by this server's habit."""
        how = self._world.habits.to_date
        if end is None or how == "ignored":
            return None
        return end - timedelta(seconds=1) if how == "exclusive" else end

    def _row(self, flow: Flow, row: Execution, now: datetime, *, detail: bool) -> dict[str, Any]:
        whole = detail or self._world.habits.failed_rows_carry_trigger_data
        return execution_row(flow, row, now, failed_rows_whole=whole)

    def _find(self, flow: Flow, execution_id: str) -> Execution:
        row = flow.by_id.get(execution_id)
        oldest = self._world.now() - self._world.habits.retention_days * DAY
        if row is None or row.started < oldest:
            raise not_found("execution", execution_id, f"flow '{flow.flow_id}'")
        return row

    def get_execution(self, request: Request, flow_id: str, execution_id: str) -> Reply:
        """Returns one execution, with its trigger data."""
        flow = self._world.flow(flow_id)
        return success(self._row(flow, self._find(flow, execution_id), self._world.now(), detail=True))

    def stats(self, request: Request, flow_id: str) -> Reply:
        """Counts over a period."""
        flow, now = self._world.flow(flow_id), self._world.now()
        period = request.param("period") or "last_30_days"
        if period not in PERIODS:
            raise RefusalError("INVALID_REQUEST", "Invalid request parameters", f"period is one of {[*PERIODS]}")
        counts = self._world.habits.period_counts
        if counts == "life":
            return success({"stats": life_stats(flow, now)})
        begins = now - PERIODS[period] * DAY
        if counts == "days":
            begins = begins.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
        return success({"stats": _counted(flow.between(begins, now), now)})

    def retry(self, request: Request, flow_id: str, execution_id: str) -> Reply:
        """Runs a failed execution again; 400 for one that has not failed."""
        flow, habits = self._world.flow(flow_id), self._world.habits
        self._find(flow, execution_id)
        _, row = self._world.do(
            "retry",
            flow_id=flow_id,
            execution_id=execution_id,
            same_id=habits.retry_answers == "same-id",
            luck=habits.retries,
        )
        return success({"execution_id": row.execution_id, "flow_id": flow_id, "status": "running"})

    def list_connections(self, request: Request) -> Reply:
        """Returns every connection; no paging is described here."""
        now = self._world.now()
        alive = [one for one in self._world.connections.values() if not one.deleted]
        return success({"connections": [connection_row(one, now) for one in alive]})

    def get_connection(self, request: Request, connection_id: str) -> Reply:
        """Returns one connection."""
        return success(connection_row(self._world.book.connection(connection_id), self._world.now()))

    def test_connection(self, request: Request, connection_id: str) -> Reply:
        """Tries a connection: `test_result` is passed or failed, as for triggers."""
        connection, now = self._world.book.connection(connection_id), self._world.now()
        works = connection.works.at(now)
        answer = {"connection_id": connection_id, "test_result": "passed" if works else "failed"}
        if not works:
            answer["message"] = f"HTTP 401 from {connection.app}: the access token was revoked"
        return success(answer)


def _counted(rows: list[Execution], now: datetime) -> dict[str, Any]:
    """Returns the `stats` object of these rows."""
    states = [row.status(now) for row in rows]
    return stats_of(len(states), states.count("success"), states.count("failed"))


def read_bound(request: Request, name: str, *, last: bool) -> datetime | None:
    """Returns a date or an ISO time with offset from the query; a date alone is its first or last instant in UTC."""
    raw = request.param(name)
    if raw is None:
        return None
    try:
        if len(raw) == 10:
            day = date.fromisoformat(raw)
            return datetime.combine(day, time.max if last else time.min, UTC)
        moment = datetime.fromisoformat(raw.replace(" ", "+"))  # an unescaped + in a query is a space
        if moment.tzinfo is None:
            raise ValueError("no offset")
    except ValueError as problem:
        raise RefusalError(
            "INVALID_REQUEST", "Invalid request parameters", f"{name} is not a date or an ISO time with offset"
        ) from problem
    return moment.astimezone(UTC)
