"""Writes flows, executions and connections as Zoho Flow sends them.

Source: docs/reference/zoho-flow.md, "Flows", "Executions", "Connections".
"""

from datetime import datetime, timedelta
from typing import Any

from standin.clock import zulu
from standin.flow.beginnings import Connection
from standin.flow.executions import Execution
from standin.flow.flows import Flow
from standin.people import trigger_payload
from standin.web.wire import Reply, json_reply


def success(data: dict[str, Any]) -> Reply:
    """Returns the envelope of a good answer (docs/reference/zoho-flow.md, "Addresses and envelope")."""
    return json_reply({"status": "success", "data": data})


def flow_summary(flow: Flow, now: datetime) -> dict[str, Any]:
    """Returns a flow as the list shows it."""
    counters = flow.counters(now)
    return {
        "flow_id": flow.flow_id,
        "flow_name": flow.name,
        "description": flow.description,
        "status": "active" if flow.on.at(now) else "inactive",
        "trigger_app": flow.trigger.get("app", ""),
        "created_time": zulu(flow.created),
        "modified_time": zulu(flow.modified),
        "execution_count": counters.executions,
        "success_count": counters.successes,
        "failure_count": counters.failures,
    }


def flow_detail(flow: Flow, now: datetime) -> dict[str, Any]:
    """Returns a flow as its own page shows it."""
    return {
        **flow_summary(flow, now),
        "trigger": flow.trigger,
        "actions": flow.actions,
        "created_by": flow.created_by,
    }


def stats_of(total: int, successful: int, failed: int) -> dict[str, Any]:
    """Returns the `stats` object; the rate is a percentage of finished runs with one decimal."""
    finished = successful + failed
    return {
        "total_executions": total,
        "successful": successful,
        "failed": failed,
        "success_rate": round(100 * successful / finished, 1) if finished else 0,
    }


def life_stats(flow: Flow, now: datetime) -> dict[str, Any]:
    """Returns the list's `stats`: in the example they equal the flow's life counters."""
    counters = flow.counters(now)
    return stats_of(counters.executions, counters.successes, counters.failures)


def execution_row(flow: Flow, row: Execution, now: datetime, *, failed_rows_whole: bool) -> dict[str, Any]:
    """Returns an execution as the history shows it at `now`."""
    status, attempt = row.status(now), row.shown(now)
    shown: dict[str, Any] = {
        "execution_id": row.execution_id,
        "flow_id": flow.flow_id,
        "status": status,
        "started_time": zulu(row.started),
    }
    if status == "running":
        shown |= {"completed_time": None, "duration_ms": None}
    else:
        took = round((attempt.ended - attempt.started) / timedelta(milliseconds=1))
        shown |= {"completed_time": zulu(attempt.ended), "duration_ms": took}
    if status != "failed" or failed_rows_whole:
        shown["trigger_data"] = trigger_payload(str(flow.trigger.get("app", "")), row.payload_key)
    steps = len(flow.actions)
    if status == "success":
        shown |= {"actions_executed": steps, "actions_successful": steps, "actions_failed": 0}
    elif status == "failed" and attempt.failure is not None:
        failure = attempt.failure
        if failed_rows_whole:
            done = max(0, failure.step)
            shown |= {"actions_executed": done + 1, "actions_successful": done, "actions_failed": 1}
        action = flow.actions[failure.step]["action_id"] if 0 <= failure.step < steps else ""
        shown["error"] = {
            "code": failure.code,
            "message": failure.message,
            "action_id": action,
            "details": failure.details,
        }
    for name, value in row.override.items():
        if value == "__drop__":
            shown.pop(name, None)
        else:
            shown[name] = value
    return shown


def connection_row(connection: Connection, now: datetime) -> dict[str, Any]:
    """Returns a connection as the list shows it."""
    row: dict[str, Any] = {
        "connection_id": connection.connection_id,
        "connection_name": connection.name,
        "app": connection.app,
        "auth_type": connection.auth_type,
        "status": "active" if connection.works.at(now) else "expired",
        "created_time": zulu(connection.created),
    }
    if connection.scopes:
        row["scopes"] = connection.scopes
    if connection.email:
        row["email"] = connection.email
    return row
