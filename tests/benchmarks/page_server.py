"""A Zoho that costs next to nothing: every reply is made before the first request, then only looked up and sent.

A process of its own, so that its work is not mistaken for that of who asks. It ends when its input does.
The envelope of each reply is Flow's (docs/reference/zoho-flow.md, "Addresses and envelope"); what is not there is a
404. A list up to a moment (`to_date`, inclusive, as Zoho's examples have it) is joined from rows that were rendered
beforehand.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import subprocess
import sys
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

PER_PAGE = 200
# 100,000 runs of 60 days: the Professional plan's 50,000 a month
# (docs/reference/zoho-flow.md, "Plans and limits").
DAYS = 60
PAGE = "/api/v1/flows/{}/executions?{}"
ASKED = re.compile(r"[?&]((?:per_)?page=\d+)")  # what of a query for a whole list is looked at
UNTIL = re.compile(r"[?&]to_date=(\d{4}-\d\d-\d\dT\d\d)%3A(\d\d)%3A(\d\dZ)")
LIST = re.compile(r"/api/v1/flows/(\d+)/executions\Z")
FIRST_NAMES = ("Alba", "Björn", "Chidi", "Dana", "Émile", "Farah", "Gus", "Hana", "Imre", "Juno")
LAST_NAMES = ("Testwell", "Sampleton", "Mockford", "Dummy", "Placehold", "Exampleson", "Fictiv", "Noone")
ERRORS = (
    ("ACTION_FAILED", "Failed to create contact in Campaigns", "Invalid email format"),
    ("ACTION_FAILED", "Request timed out after 30000 ms", "The app did not answer in time"),
    ("INVALID_TOKEN", "The connection's token has expired", "Reconnect zohocrm_conn"),
    ("RATE_LIMIT_EXCEEDED", "Too many requests to the app", "Limit: 100 calls a minute"),
    ("INTERNAL_ERROR", "The app answered 502 Bad Gateway", ""),
    ("ACTION_FAILED", "Mandatory field Last_Name is missing", "Lead 5000000123"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--flows", type=int, required=True)
    options = parser.parse_args()
    asyncio.run(serve(*replies(options.rows, options.flows, datetime.now(UTC))))


class Lists:
    """Each flow's rows as text, newest first, for lists up to a moment."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[list[str], list[bytes], bytes]] = {}

    def add(self, flow_id: str, runs: list[dict[str, Any]], stats: dict[str, Any]) -> None:
        starts = [run["started_time"] for run in runs]
        self._of[flow_id] = (starts, [compact(run) for run in runs], compact(stats))

    def up_to(self, flow_id: str, moment: str, page: int) -> bytes:
        """A page of the runs that began no later than `moment` (as in the rows); one beyond the last is empty."""
        starts, rows, stats = self._of[flow_id]
        late = bisect_left(starts, 1, key=lambda start: int(start <= moment))
        first = late + (page - 1) * PER_PAGE
        some = b",".join(rows[first : first + PER_PAGE])
        return reply(b'{"status":"success","data":{"executions":[' + some + b'],"stats":' + stats + b"}}")


def replies(rows: int, flows: int, now: datetime) -> tuple[dict[str, bytes], Lists]:
    """Every reply by its address: the token, the list of flows by pages of 20, the executions by pages of 200."""
    rng, lists = random.Random(4), Lists()
    made = {"/oauth/v2/token": http({"access_token": "1000.bench.token", "expires_in": 3600, "api_domain": ""})}
    listed = []
    for number, count in enumerate(sizes(rows, flows)):
        flow_id = f"12345000000{number:06}"
        runs = history(rng, flow_id, count, now, all_day=number % 2 == 0)
        failed = sum(run["status"] == "failed" for run in runs)
        listed.append(flow(rng, flow_id, number, now, count, failed))
        rate = {"total_executions": count, "successful": count - failed, "failed": failed, "success_rate": 95.0}
        lists.add(flow_id, runs, rate)
        for page, start in enumerate(range(0, count + PER_PAGE, PER_PAGE), start=1):
            listing = {"executions": runs[start : start + PER_PAGE], "stats": rate}
            reply_of_page = http({"status": "success", "data": listing})
            made[PAGE.format(flow_id, f"page={page}&per_page={PER_PAGE}")] = reply_of_page
    for page, start in enumerate(range(0, len(listed) + 20, 20), start=1):
        some = listed[start : start + 20]
        data: dict[str, Any] = {"flows": some, "page": page, "per_page": 20, "total_count": len(listed)}
        made[f"/api/v1/flows?page={page}"] = http({"status": "success", "data": data})
    return made, lists


def sizes(rows: int, flows: int) -> list[int]:
    """How many runs each flow has: a few busy ones and a long tail, as flows are; together exactly `rows`."""
    weights = [1 / (place + 4) for place in range(flows)]
    counts = [int(rows * weight / sum(weights)) for weight in weights]
    counts[0] += rows - sum(counts)
    return counts


def history(rng: random.Random, flow_id: str, count: int, now: datetime, *, all_day: bool) -> list[dict[str, Any]]:
    """A flow's runs of the last 60 days, the newest first: by its schedule, or in office hours of working days."""
    starts = sorted((_start(rng, now, all_day=all_day) for _ in range(count)), reverse=True)
    return [run(rng, flow_id, f"{flow_id[-4:]}{count - place:013}", at) for place, at in enumerate(starts)]


def _start(rng: random.Random, now: datetime, *, all_day: bool) -> datetime:
    while True:
        at = now - timedelta(minutes=10, seconds=rng.random() * DAYS * 86_400)
        if all_day or (at.weekday() < 5 and 7 <= at.hour < 18) or rng.random() < 0.02:
            return at


def run(rng: random.Random, flow_id: str, execution_id: str, at: datetime) -> dict[str, Any]:
    """One run as Flow shows it, with the payload of a CRM lead."""
    took = int(rng.lognormvariate(8, 0.8))
    name, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    row: dict[str, Any] = {
        "execution_id": execution_id,
        "flow_id": flow_id,
        "status": "success",
        "started_time": stamp(at),
        "completed_time": stamp(at + timedelta(milliseconds=took)),
        "duration_ms": took,
        "trigger_data": {
            "id": f"50000000{rng.randrange(10**9):010}",
            "First_Name": name,
            "Last_Name": last,
            "Email": f"{name}.{last}.{rng.randrange(10_000)}@example.com".lower(),
            "Company": f"{last} & Daughters Ltd.",
            "Phone": f"+1 555 01{rng.randrange(100):02}",
            "Lead_Source": rng.choice(["Web Form", "Trade Show", "Referral"]),
            "Annual_Revenue": rng.randrange(1_000_000) / 4,
            "Tags": ["import", {"name": "hot"}] if rng.random() < 0.2 else [],
            "Owner": {"id": f"50000000{rng.randrange(9):010}", "name": "Alex Example"},
        },
        "actions_executed": 3,
        "actions_successful": 3,
        "actions_failed": 0,
    }
    if rng.random() < 0.06:
        code, message, details = rng.choice(ERRORS)
        row |= {"status": "failed", "actions_successful": 2, "actions_failed": 1}
        row["error"] = {"code": code, "message": message, "action_id": "12345000000234567", "details": details}
    return row


def flow(rng: random.Random, flow_id: str, number: int, now: datetime, count: int, failed: int) -> dict[str, Any]:
    made = stamp(now - timedelta(days=400 - number))
    return {
        "flow_id": flow_id,
        "flow_name": f"Lead to Campaign {number + 1}",
        "description": "Add new CRM leads to marketing campaign",
        "status": "active",
        "trigger_app": rng.choice(["zohocrm", "webhook", "schedule"]),
        "created_time": made,
        "modified_time": made,
        "execution_count": count,
        "success_count": count - failed,
        "failure_count": failed,
    }


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def http(payload: object, status: str = "200 OK") -> bytes:
    """The whole reply; no Date, as a clock in it would have to be made anew each time."""
    return reply(compact(payload), status)


def compact(payload: object) -> bytes:
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def reply(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Door(asyncio.Protocol):
    """One connection: a request ends with an empty line and the body it announces."""

    def __init__(self, made: dict[str, bytes], lists: Lists) -> None:
        self._made, self._lists = made, lists
        self._absent = http({"status": "failure", "error": {"code": "NO_PERMISSION", "message": "no"}}, "404 Not Found")
        self._buffer = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].decode("latin-1")
            sizes = [line for line in head.lower().split("\r\n") if line.startswith("content-length:")]
            whole = end + 4 + (int(sizes[0].split(":")[1]) if sizes else 0)
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            self._transport.write(self._answer(head.split(" ", 2)[1]))

    def _answer(self, target: str) -> bytes:
        path, pages = target.partition("?")[0], ASKED.findall(target)
        until, of_flow = UNTIL.search(target), LIST.match(path)
        if until and of_flow:
            page = next((int(asked[5:]) for asked in pages if asked.startswith("page=")), 1)
            return self._lists.up_to(of_flow[1], ":".join(until.groups()), page)
        return self._made.get(f"{path}?{'&'.join(pages)}" if pages else path, self._absent)


async def serve(made: dict[str, bytes], lists: Lists) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Door(made, lists), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


@contextmanager
def serving(rows: int, flows: int) -> Iterator[str]:
    """Starts the process, and ends it by closing its input. Gives its address."""
    command = [sys.executable, str(Path(__file__)), "--rows", str(rows), "--flows", str(flows)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()
            process.wait(timeout=20)


if __name__ == "__main__":
    main()
