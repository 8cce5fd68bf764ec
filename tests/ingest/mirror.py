"""The mirror held against the upstream, field by field."""

from __future__ import annotations

import json
from typing import Any

from monitor.models import Execution, Flow, StreamState, WorkflowRule, ZohoAccount
from monitor.zoho.protocol import parse_json
from monitor.zoho.shapes.executions import execution_row
from tests.fake_zoho import Zoho

FIELDS = (
    "status",
    "started_time",
    "completed_time",
    "duration_ms",
    "error_code",
    "error_message",
    "error_details",
    "error_action_id",
    "trigger_data",
)


def upstream(zoho: Zoho) -> dict[str, dict[str, Any]]:
    """Every execution that Zoho lists, as it should stand here."""
    found = {}
    for flow in zoho.flows:
        for run in flow.runs:
            row = execution_row(parse_json(json.dumps(run.row(flow.flow_id)).encode()), flow.flow_id)  # type: ignore[arg-type]
            found[row.execution_id] = _fields(row) | {"flow": flow.flow_id}
    return found


def mirrored(account: ZohoAccount) -> dict[str, dict[str, Any]]:
    rows = Execution.objects.filter(account=account).select_related("flow")
    return {row.execution_id: _fields(row) | {"flow": row.flow.flow_id} for row in rows}


def _fields(row: Any) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in FIELDS}


def _plain(value: Any) -> Any:
    """Numbers as floats: PostgreSQL's jsonb writes 5e16 out as a whole number."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def fingerprint(account: ZohoAccount) -> list[Any]:
    """Everything that must not move when nothing changed."""
    return [
        sorted(Execution.objects.filter(account=account).values_list("execution_id", "changed_at", "status")),
        sorted(
            Flow.objects.filter(account=account).values_list(
                "flow_id",
                "progress__baseline_total",
                "progress__baseline_success",
                "progress__baseline_failed",
                "progress__hole_reason",
                "progress__history_read_at",
            )
        ),
        sorted(WorkflowRule.objects.filter(account=account).values_list("rule_id", "usage_read_at")),
    ]


def stream(account: ZohoAccount, name: str) -> StreamState:
    return StreamState.objects.get(account=account, stream=name)
