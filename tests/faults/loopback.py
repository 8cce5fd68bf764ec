"""The stand-in without a socket: every call of the client goes straight into it, and is looked at on the way.

What happens to a socket (a reset, a cut body, a hanging server) is acted out: as the exception that httpx would
raise, as a body that ends too soon, as time that passes. So a schedule of hundreds of calls lasts a second, and the
same seed gives the same calls.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from standin.build import App, SettableClock
from standin.web.wire import Reply, Request

Row = dict[str, Any]
COUNTERS = ("execution_count", "success_count", "failure_count")
HANGS_FOR = 15.0  # seconds: what the client's read timeout would last


class CutBody(httpx.SyncByteStream):
    """The first half of a body, and then a connection that is gone."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Any:
        yield self._body[: len(self._body) // 2]
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


def _content(reply: Reply) -> Any:
    """The answer's JSON; None where a fault has left none that can be read."""
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        return None


@dataclass
class Loopback(httpx.BaseTransport):
    """An httpx transport that asks `app`.

    Args:
        latency: seconds that the clock moves on with each call, half before the answer is made, half after.
        before: called with the number of the call (from 1, over all) before Zoho sees it; may raise.
        after: called likewise when Zoho has answered and nobody here has seen it yet.
    """

    app: App
    clock: SettableClock
    latency: float = 0.0
    before: Callable[[int], None] = lambda number: None
    after: Callable[[int], None] = lambda number: None
    count: int = 0
    counted: Counter[str] = field(default_factory=Counter)  # calls that the products saw, by product
    limited: int = 0  # 429 that no script asked for
    given: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))  # rows by execution, as sent
    flows_seen: set[str] = field(default_factory=set)
    lists: int = 0  # successful lists of flows
    lags: bool = False  # rows of executions come as they were first given: by a server that lags behind
    hides_counters: bool = False  # the list of flows has no counters of executions

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answers one call."""
        self.count += 1
        number = self.count
        self.before(number)
        self.clock.advance(self.latency / 2)
        headers = dict(request.headers.items())
        target = request.url.raw_path.decode("ascii")
        asked = Request.build(request.method, target, headers, request.read())
        asked.path = request.url.path
        faults = sum(fault.struck for fault in self.app.faults.faults)
        reply = self.app.handle(asked)
        self._twist(asked, reply)
        self._note(asked, reply, scripted=sum(fault.struck for fault in self.app.faults.faults) > faults)
        self.clock.advance(self.latency / 2)
        self.after(number)
        return self._response(reply, request)

    def _note(self, asked: Request, reply: Reply, *, scripted: bool) -> None:
        product = next((name for name in ("api", "crm") if asked.path.startswith(f"/{name}/")), "")
        if not product:
            return
        self.counted[product] += 1
        self.limited += reply.status == 429 and not scripted
        content = _content(reply)
        data = content.get("data") if isinstance(content, dict) else None
        if not isinstance(data, dict):
            return
        if "flows" in data:
            self.lists += 1
        rows = data.get("executions") if isinstance(data.get("executions"), list) else [data]
        for row in rows or []:
            if isinstance(row, dict) and isinstance(row.get("execution_id"), str | int):
                self.given[str(row["execution_id"])].append(row)

    def _twist(self, asked: Request, reply: Reply) -> None:
        """Changes an answer by what the stand-in cannot be told to do."""
        if not (self.lags or self.hides_counters) or not asked.path.startswith("/api/v1/flows") or reply.status != 200:
            return
        content = _content(reply)
        data = content.get("data") if isinstance(content, dict) else None
        if not isinstance(data, dict):
            return  # a fault has struck already
        if self.lags and isinstance(data.get("executions"), list):
            data["executions"] = [self.given.get(row["execution_id"], [row])[0] for row in data["executions"]]
        if self.hides_counters:
            for flow in data.get("flows", []):
                for name in COUNTERS:
                    flow.pop(name, None)
        reply.body = json.dumps(content).encode()

    def _response(self, reply: Reply, request: httpx.Request) -> httpx.Response:
        headers = {name: value for name, value in reply.headers.items() if value}
        kind = reply.wire.kind if reply.wire is not None else ""
        if kind in ("hang", "drip"):
            self.clock.advance(HANGS_FOR)
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        if kind in ("close", "reset"):
            raise httpx.ReadError("[Errno 104] Connection reset by peer", request=request)
        if kind == "delay":
            self.clock.advance(float(reply.wire.args.get("seconds", 1.0)) if reply.wire else 0)
        if kind in ("cut_reset", "cut_length", "cut_chunked"):
            return httpx.Response(reply.status, headers=headers, stream=CutBody(reply.body), request=request)
        body = reply.body[: len(reply.body) // 2] if kind == "cut_unsized" else reply.body
        return httpx.Response(reply.status, headers=headers, stream=httpx.ByteStream(body), request=request)
