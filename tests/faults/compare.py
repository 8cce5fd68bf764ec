"""The mirror held against Zoho, field by field: every line is a difference."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from monitor.models import (
    ApiCall,
    Connection,
    DirtyHour,
    Execution,
    Flow,
    HourBucket,
    Quarantine,
    WorkflowRule,
)
from monitor.queries.status import status
from monitor.zoho.protocol import parse_json
from monitor.zoho.shapes import connections as connection_shapes
from monitor.zoho.shapes import executions as shapes
from monitor.zoho.shapes import flows as flow_shapes
from monitor.zoho.shapes import rules as rule_shapes
from monitor.zoho.shapes.base import Unusable
from standin.crm.rules_api import rule_row
from standin.crm.usage import usage_report
from standin.flow.rows import connection_row, execution_row, flow_summary
from tests.faults.house import House, zoho_rows

FIELDS = (
    "status", "started_time", "completed_time", "duration_ms", "error_code", "error_message", "error_details",
    "error_action_id", "trigger_data", "actions_executed", "actions_successful", "actions_failed",
)  # fmt: skip
PROGRESS_FIELDS = ("baseline_total", "baseline_success", "baseline_failed", "hole_reason")
FLOW_FIELDS = (
    "flow_name", "description", "status", "trigger_app", "created_time", "modified_time", "execution_count",
    "success_count", "failure_count",
)  # fmt: skip
CONNECTION_FIELDS = ("connection_name", "app", "auth_type", "status", "created_time")
RULE_FIELDS = {
    "name": "name", "description": "description", "module": "module_api_name", "active": "active",
    "execute_when": "execute_when_type", "last_executed_time": "last_executed_time", "created_time": "created_time",
    "modified_time": "modified_time", "modified_by": "modified_by_name",
}  # fmt: skip
LONGEST = {"flow_name": 500, "connection_name": 500, "name": 500, "status": 32, "error_code": 200}


def differences(house: House) -> list[str]:
    """What stands here otherwise than at Zoho, or not at all."""
    return [
        *(*executions(house), *flows(house), *connections(house), *rules(house), *buckets(), *ledger(house)),
        *adds_up(house),
    ]


def adds_up(house: House) -> Iterator[str]:
    """Each run that Zoho counts is counted here, in quarantine or a hole, and `status` adds up to Zoho's counters."""
    now, world = house.clock(), house.wire.app.world
    (told,) = status(house.now(), house.account.name)["accounts"]
    runs = told["runs"]
    counters = sum(flow_summary(flow, now)["execution_count"] for flow in world.flows.values())
    if runs["zoho_counts"] != counters:
        yield f"status: Zoho counts {runs['zoho_counts']} runs here, {counters} there"
    known = sum(runs[name] for name in ("before_our_time", "counted", "removed", "quarantined", "holes", "unread"))
    if runs["zoho_counts"] != known - runs["newer"] - runs["without_counter"]:
        yield f"status: the parts do not add up: {runs}"
    aside = Quarantine.objects.filter(account=house.account, stream="executions", left_at=None)
    twice = Execution.objects.filter(account=house.account, execution_id__in=aside.values("record_id"))
    if twice.exists():
        yield f"execution {twice[0].execution_id}: mirrored and in quarantine"
    if told["quarantined"] and (told["complete"] or told["state"] == "ok"):
        yield f"status: {told['state']}, complete: {told['complete']}, with {told['quarantine']} in quarantine"


def _is_aside(house: House, flow_id: str, identity: str) -> bool:
    """Says whether a run is in quarantine; one without an id that can be used is there as one of its flow."""
    rows = Quarantine.objects.filter(account=house.account, flow__flow_id=flow_id, left_at=None)
    return rows.filter(record_id__in=[identity, ""]).exists()


def executions(house: House) -> Iterator[str]:
    """Executions that Zoho lists stand here alike or in quarantine; others are history that Zoho has forgotten.

    What Zoho's list leaves out (trigger data of failed rows) may be known here from the single run. A run that
    was deleted, or whose flow was, stays here as Zoho once gave it: every field has a value that was once sent.
    """
    now, mirrored = house.clock(), _mirrored(house)
    whole = house.wire.app.world.habits.failed_rows_carry_trigger_data
    listed: set[str] = set()
    for flow, row in zoho_rows(house):
        shown = _read(execution_row(flow, row, now, failed_rows_whole=whole), flow.flow_id)
        detail = shown
        if not whole and row.status(now) == "failed":
            detail = _read(execution_row(flow, row, now, failed_rows_whole=True), flow.flow_id)
        listed.add(row.execution_id)
        here = mirrored.get(row.execution_id)
        if shown is None or detail is None or (here is None and shown["started_time"] is None):
            if not _is_aside(house, flow.flow_id, row.execution_id):
                yield f"execution {row.execution_id}: not to be read, and not in quarantine"
            continue
        if here is None:
            since = shown["started_time"]
            yield f"execution {row.execution_id} of {flow.flow_id}: missing ({shown['status']}, {since})"
            continue
        if here["flow"] != flow.flow_id:
            yield f"execution {row.execution_id}: of flow {here['flow']} here, of {flow.flow_id} there"
        for name in FIELDS:
            may = [shown[name]] if shown[name] not in (None, "") else [shown[name], detail[name]]
            if name == "started_time" and shown[name] is None:
                continue  # it has one from before it could not be read any more
            if here[name] not in may:
                yield f"execution {row.execution_id}.{name}: {here[name]!r} here, {may[-1]!r} there"
    for identity in mirrored.keys() - listed:
        yield from _history(house, identity, mirrored[identity])


def _history(house: House, identity: str, here: dict[str, Any]) -> Iterator[str]:
    once = [_read(row, here["flow"]) for row in house.wire.given.get(identity, [])]
    given = [row for row in once if row is not None]
    if not given:
        yield f"execution {identity}: never given by Zoho"
    for name in FIELDS:
        if given and here[name] not in [row[name] for row in given]:
            yield f"execution {identity}.{name}: {here[name]!r} here, which Zoho never said"


def _mirrored(house: House) -> dict[str, dict[str, Any]]:
    rows = Execution.objects.filter(account=house.account).select_related("flow")
    return {row.execution_id: fields_of(row) | {"flow": row.flow.flow_id} for row in rows}


def _read(record: dict[str, Any], flow_id: str) -> dict[str, Any] | None:
    """As the client reads it; None for a record that cannot be."""
    try:
        return fields_of(shapes.execution_row(_again(record), flow_id))
    except Unusable:
        return None


def _again(record: dict[str, Any]) -> Any:
    return parse_json(json.dumps(record).encode())


def fields_of(row: Any) -> dict[str, Any]:
    """What is compared of an execution: a row here, or a record as the client reads it."""
    return {name: _cut(name, _plain(getattr(row, name))) for name in FIELDS}


def _cut(name: str, value: Any) -> Any:
    return value[: LONGEST[name]] if isinstance(value, str) and name in LONGEST else value


def _plain(value: Any) -> Any:
    """Numbers as floats: PostgreSQL's jsonb writes 5e16 out as a whole number."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def flows(house: House) -> Iterator[str]:
    """Flows with their counters; a deleted one is marked, not gone."""
    now, world = house.clock(), house.wire.app.world
    here = {flow.flow_id: flow for flow in Flow.objects.filter(account=house.account)}
    for flow in world.flows.values():
        there = flow_shapes.flow_summary(_again(flow_summary(flow, now)))
        yield from _hold(f"flow {flow.flow_id}", here.get(flow.flow_id), there, FLOW_FIELDS)
    for flow_id in here.keys() - world.flows.keys():
        if here[flow_id].gone_at is None:
            yield f"flow {flow_id}: deleted at Zoho, not marked here"


def connections(house: House) -> Iterator[str]:
    now = house.clock()
    here = {one.connection_id: one for one in Connection.objects.filter(account=house.account)}
    living = {key: one for key, one in house.wire.app.world.connections.items() if not one.deleted}
    for key, one in living.items():
        there = connection_shapes.connection_row(_again(connection_row(one, now)))
        yield from _hold(f"connection {key}", here.get(key), there, CONNECTION_FIELDS)
    for key in here.keys() - living.keys():
        if here[key].gone_at is None:
            yield f"connection {key}: deleted at Zoho, not marked here"


def rules(house: House) -> Iterator[str]:
    """Rules and the counters of their usage reports, over the days that the report here covers."""
    now, world = house.clock(), house.wire.app.world
    here = {rule.rule_id: rule for rule in WorkflowRule.objects.filter(account=house.account)}
    there = world.rules.rules if world.habits.crm else {}
    for key, rule in there.items():
        row = rule_shapes.workflow_rule(_again(rule_row(rule, now, inner=True)))
        mirrored = here.get(key)
        yield from _hold(f"rule {key}", mirrored, row, RULE_FIELDS)
        if mirrored is None:
            continue
        if mirrored.usage_from is None or mirrored.usage_till is None:
            yield f"rule {key}: its usage was never read"
            continue
        counted = usage_report(rule, mirrored.usage_from, mirrored.usage_till, now, 10_000)
        report = rule_shapes.rule_usage(_again(counted))
        names = ("trigger_count", "success_count", "failure_count")
        yield from _hold(f"usage of rule {key}", mirrored, report, names)
    for key in here.keys() - there.keys():
        if here[key].gone_at is None:
            yield f"rule {key}: deleted at Zoho, not marked here"


def _hold(what: str, here: Any, there: Any, names: Iterable[str] | dict[str, str]) -> Iterator[str]:
    """Compares columns of a row here with fields of a record there (by other names where a mapping is given)."""
    if here is None or here.gone_at is not None:
        yield f"{what}: {'missing' if here is None else 'marked as deleted'} here"
        return
    pairs = names.items() if isinstance(names, dict) else ((name, name) for name in names)
    for name, of_record in pairs:
        mine, theirs = getattr(here, name), _cut(name, getattr(there, of_record))
        if (mine or None) != (theirs or None) and mine != theirs:
            yield f"{what}.{name}: {mine!r} here, {theirs!r} there"


def buckets(using: str = "default") -> Iterator[str]:
    """Counts per hour are those of the rows, counted anew in plain Python (S6); `using` names the database."""
    if DirtyHour.objects.using(using).exists():
        yield f"{DirtyHour.objects.using(using).count()} hours are not counted"
    recount: dict[tuple[int, datetime], Counter[str]] = defaultdict(Counter)
    for row in Execution.objects.using(using).all():
        if row.started_time is None:
            yield f"execution {row.execution_id}: mirrored, and in no hour"
            continue
        counts = recount[row.flow_id, row.started_time.astimezone(UTC).replace(minute=0, second=0, microsecond=0)]
        kind = {"success": "succeeded", "failed": "failed", "running": "running"}.get(row.status, "other")
        counts[kind] += 1
        if kind in ("succeeded", "failed"):
            counts["first_succeeded"] += (row.first_status or row.status) == "success"
            if row.duration_ms is not None and 0 <= row.duration_ms <= 10**12:
                counts["duration_count"] += 1
                counts["duration_sum_ms"] += row.duration_ms
    names = ("succeeded", "failed", "running", "other", "first_succeeded", "duration_count", "duration_sum_ms")
    stored = {(bucket.flow_id, bucket.hour): bucket for bucket in HourBucket.objects.using(using).all()}
    for key in recount.keys() | stored.keys():
        have = {name: getattr(stored[key], name) if key in stored else 0 for name in names}
        want = {name: recount[key][name] for name in names}
        if have != want:
            yield f"bucket {key[0]} {key[1]:%d.%m. %H h}: {have} stored, {want} counted"


def ledger(house: House) -> Iterator[str]:
    """Every call that Zoho counted stands in the ledger (S7); a 429 was scripted, or our clock was set."""
    for product, path in (("flow", "api"), ("crm", "crm")):
        ours = ApiCall.objects.filter(account=house.account, product=product).count()
        if ours < house.wire.counted[path]:
            yield f"ledger of {product}: {ours} calls here, {house.wire.counted[path]} there"
    if house.wire.limited and not house.clock_was_set:
        yield f"{house.wire.limited} calls were refused with 429 by our own doing"


def fingerprint(house: House) -> list[Any]:
    """What must not move when nothing moves at Zoho (S10)."""
    return [
        sorted(Execution.objects.values_list("execution_id", "status", "changed_at")),
        sorted(
            Flow.objects.values_list(
                "flow_id", "gone_at", "execution_count", "progress__baseline_total", "progress__hole_reason"
            )
        ),
        sorted(HourBucket.objects.values_list("flow_id", "hour", "succeeded", "failed")),
        sorted(Connection.objects.values_list("connection_id", "status", "status_since", "gone_at")),
    ]


def whole_mirror() -> list[Any]:
    """The mirror and its counts as far as they hang on Zoho alone: no keys of ours, no times of ours (S11)."""
    runs = Execution.objects.select_related("flow")
    shown = ("flow_id", *FLOW_FIELDS, *(f"progress__{name}" for name in PROGRESS_FIELDS))
    usage = ("trigger_count", "success_count", "failure_count", "usage_from", "usage_till")
    counted = ("succeeded", "failed", "running", "other", "first_succeeded", "duration_count", "durations", "errors")
    tables = [
        [
            (row.execution_id, row.flow.flow_id, row.first_status, row.rerun_count, *fields_of(row).values())
            for row in runs
        ],
        Flow.objects.values_list(*shown),
        Connection.objects.values_list("connection_id", *CONNECTION_FIELDS),
        WorkflowRule.objects.values_list("rule_id", *RULE_FIELDS, *usage),
        HourBucket.objects.values_list("flow__flow_id", "hour", *counted),
    ]
    return [sorted(map(repr, table)) for table in tables]


def gone_backwards(before: dict[str, tuple[str, int]], after: dict[str, tuple[str, int]]) -> Iterator[str]:
    """Statuses that changed after they were final without a re-run counted (S2), and runs that vanished (rule 9)."""
    for identity, (had, reruns) in before.items():
        if identity not in after:
            yield f"execution {identity}: was here ({had}) and is not any more"
        elif had in ("success", "failed") and after[identity][0] != had and after[identity][1] <= reruns:
            yield f"execution {identity}: from {had} to {after[identity][0]} without a re-run"


def statuses(house: House) -> dict[str, tuple[str, int]]:
    rows = Execution.objects.filter(account=house.account).values_list("execution_id", "status", "rerun_count")
    return {identity: (status, reruns) for identity, status, reruns in rows}
