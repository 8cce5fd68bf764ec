"""Spoils single rows and pages of a list (docs/reference/faults.md, F19, F20, F22 and F25)."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from standin.chance import rng
from standin.web.wire import Reply, Request
from standin.world import World

Row = dict[str, Any]
LISTS = ("executions", "flows", "connections", "workflow_rules", "webhook_failures")


def _texts(row: Row, addition: str) -> None:
    error = row.get("error")
    if isinstance(error, dict):
        error["message"] = f"{error.get('message', '')}{addition}"
    trigger = row.setdefault("trigger_data", {})
    if isinstance(trigger, dict):
        trigger["Note"] = f"note{addition}"


def _backwards(row: Row) -> None:
    row["completed_time"], row["duration_ms"] = "2001-01-01T00:00:00Z", 10


def _without_id(row: Row) -> None:
    for name in ("execution_id", "flow_id", "id"):
        row.pop(name, None)


def _in_words(row: Row) -> None:
    """Spells the start as Zoho's pages do."""
    if isinstance(row.get("started_time"), str):
        row["started_time"] = datetime.fromisoformat(row["started_time"]).strftime("%b %d, %Y %I:%M:%S %p +0000")


def _in_milliseconds(row: Row) -> None:
    if isinstance(row.get("started_time"), str):
        row["started_time"] = int(datetime.fromisoformat(row["started_time"]).timestamp() * 1000)


SPOILED: dict[str, Callable[[Row], None]] = {
    "nul": lambda row: _texts(row, "\x00tail"),
    "surrogate": lambda row: _texts(row, "\ud800tail"),
    "big_int": lambda row: row.update(duration_ms=2**31 + 7),
    "huge_int": lambda row: row.update(duration_ms=10**30),
    "long_text": lambda row: _texts(row, "x" * 300_000),
    "missing_id": _without_id,
    "null_id": lambda row: row.update(execution_id=None),
    "number_id": lambda row: row.update(execution_id=int(str(row.get("execution_id", "1")))),
    "negative_duration": lambda row: row.update(duration_ms=-5),
    "completed_before_started": _backwards,
    "unknown_status": lambda row: row.update(status="paused"),
    "bad_time": lambda row: row.update(started_time="yesterday"),
    "no_time": lambda row: row.pop("started_time", None),
    "null_time": lambda row: row.update(started_time=None),
    "month_13": lambda row: row.update(started_time="2026-13-01T10:00:00Z"),
    "time_ahead": lambda row: row.update(started_time="2062-01-01T00:00:00Z"),
    "time_9999": lambda row: row.update(started_time="9999-12-31T23:59:59Z"),
    "negative_time": lambda row: row.update(started_time=-5),
    "day_or_month": lambda row: row.update(started_time="05-11-2026 10:05"),
    "time_in_words": _in_words,
    "time_in_ms": _in_milliseconds,
    "long_id": lambda row: row.update(execution_id="7" * 70),
    "empty_id": lambda row: row.update(execution_id=""),
    "no_status": lambda row: row.pop("status", None),
    "number_status": lambda row: row.update(status=5),
    "big_trigger": lambda row: row.update(trigger_data={"Number": 10**22 + 3, "More": 2**64 - 1}),
    "nan": lambda row: row.update(duration_ms=float("nan")),
    "error_is_text": lambda row: row.update(error="it broke"),
    "trigger_is_list": lambda row: row.update(trigger_data=[1, 2, 3]),
}


def _rows(content: Any) -> list[Row]:
    holder = content.get("data", content) if isinstance(content, dict) else {}
    for name in LISTS:
        rows = holder.get(name) if isinstance(holder, dict) else None
        if isinstance(rows, list):
            return rows
    return []


def _again(reply: Reply, content: Any) -> Reply:
    return Reply(reply.status, json.dumps(content).encode(), reply.headers)


def spoil_rows(world: World, request: Request, reply: Reply, args: dict[str, Any]) -> Reply:
    """Spoils rows of a list (F19): `what` is one of SPOILED, `share` of them (seeded), at least one."""
    content = reply.json()
    rows = _rows(content)
    share = float(args.get("share", 0.1))
    dice = rng("spoil", world.settings.seed, request.path, str(request.query))
    chosen = [row for row in rows if dice.random() < share] or rows[:1]
    for row in chosen:
        SPOILED[str(args.get("what", "nul"))](row)
    return _again(reply, content)


def duplicate_rows(world: World, request: Request, reply: Reply, args: dict[str, Any]) -> Reply:
    """Sends every row of the page `copies` times (F20)."""
    content = reply.json()
    rows = _rows(content)
    rows[:] = [row for row in rows for _ in range(int(args.get("copies", 2)))]
    return _again(reply, content)


def shuffle_rows(world: World, request: Request, reply: Reply, args: dict[str, Any]) -> Reply:
    """Sends the rows of the page in a seeded order of no meaning (F25)."""
    content = reply.json()
    rng("shuffle", world.settings.seed, request.path).shuffle(_rows(content))
    return _again(reply, content)


def wrong_total(world: World, request: Request, reply: Reply, args: dict[str, Any]) -> Reply:
    """Lets `total_count`, `more_records` and the stats of executions say something else (F22)."""
    content = reply.json()
    data = content.get("data")
    total = int(args.get("total", 999_999))
    if isinstance(data, dict) and "total_count" in data:
        data["total_count"] = total
    if isinstance(data, dict) and "stats" in data:
        data["stats"]["total_executions"] = total
    if "info" in content:
        content["info"]["more_records"] = bool(args.get("more", True))
    return _again(reply, content)


def empty_list(world: World, request: Request, reply: Reply, args: dict[str, Any]) -> Reply:
    """Returns a list that is suddenly empty though nothing was deleted: no mass delete may follow."""
    content = reply.json()
    _rows(content).clear()
    if isinstance(content.get("data"), dict) and "total_count" in content["data"]:
        content["data"]["total_count"] = 0
    return _again(reply, content)


RECORDS = {
    "spoil_rows": spoil_rows,
    "duplicate_rows": duplicate_rows,
    "shuffle_rows": shuffle_rows,
    "wrong_total": wrong_total,
    "empty_list": empty_list,
}
