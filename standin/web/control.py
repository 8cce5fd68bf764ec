"""Answers at /_control/*, on loopback, with a token of its own in `X-Standin-Control`.

It is no part of Zoho: tests and the demo look into the ledgers and make things happen with it.
"""

import hmac
from collections import Counter
from dataclasses import asdict
from datetime import datetime
from typing import Any

from standin.clock import OffsetClock, SettableClock
from standin.errors import RefusalError
from standin.faults.script import Fault, FaultScript
from standin.flow.rows import flow_summary
from standin.web.callbacks import Callbacks
from standin.web.ledger import Ledger
from standin.web.routing import Router
from standin.web.wire import Reply, Request, flow_refusal, json_reply
from standin.what_goes_wrong import begin
from standin.world import World

PREFIX = "/_control"
HEADER = "x-standin-control"
# Mutations that the control endpoint hands to the world as they are.
MUTATIONS = (
    "break_flow", "heal_flow", "switch_flow", "break_connection", "repair_connection", "add_executions",
    "delete_execution", "change_execution", "reset_usage", "token_expire_all", "token_revoke", "delete_flow",
    "change_record",
)  # fmt: skip


class ControlApi:
    """Answers calls; paths are relative to /_control."""

    def __init__(self, world: World, ledger: Ledger, faults: FaultScript, callbacks: Callbacks) -> None:
        self._world = world
        self._callbacks = callbacks
        self._ledger = ledger
        self._faults = faults

    def add_routes(self, router: Router) -> None:
        """Adds everything that can be looked at and done."""
        router.add("GET", "/state", self.state)
        router.add("GET", "/ledger", self.ledger)
        router.add("GET", "/ledger/calls", self.calls)
        router.add("GET", "/ledger/runs/{execution_id}", self.runs)
        router.add("DELETE", "/ledger", self.clear_ledger)
        router.add("GET", "/faults", self.list_faults)
        router.add("POST", "/faults", self.push_faults)
        router.add("DELETE", "/faults", self.clear_faults)
        router.add("PUT", "/callbacks", self.configure_callbacks)
        router.add("PUT", "/habits", self.change_habits)
        router.add("POST", "/clock", self.move_clock)
        router.add("POST", "/grant", self.grant)
        router.add("POST", "/story/{name}", self.story)
        router.add("POST", "/do/{mutation}", self.mutate)

    def state(self, request: Request) -> Reply:
        """Returns the organisation: time, habits, flows with their parts, connections, rules."""
        world, now = self._world, self._world.now()
        world.advance(now)
        flows = [
            {**flow_summary(flow, now), "role": flow.template.role, "sick": flow.bad.at(now)}
            for flow in world.flows.values()
        ]
        connections = [
            {"connection_id": one.connection_id, "app": one.app, "works": one.works.at(now)}
            for one in world.connections.values()
        ]
        return json_reply(
            {
                "now": now.isoformat(),
                "anchor": world.anchor.isoformat(),
                "settings": asdict(world.settings),
                "habits": asdict(world.habits),
                "flows": flows,
                "connections": connections,
                "rules": [*world.rules.rules],
                "fault_kinds": self._faults.kinds(),
            }
        )

    def ledger(self, request: Request) -> Reply:
        """Calls by path and status, tokens, and retries per execution: received, carried out, runs caused."""
        world = self._world
        world.advance(world.now())
        return json_reply(
            {
                "calls": len(self._ledger.calls),
                "by_path": dict(self._ledger.by_path),
                "token_posts": dict(self._ledger.token_posts),
                "tokens_issued": world.tokens.issued,
                "retries_received": dict(self._ledger.retries_received),
                "retries_carried_out": {old: len(new) for old, new in world.retries.items()},
                "runs_caused": world.retries,
                "callbacks": self._callbacks.sent,
                "reruns_by_zoho": sum(flow.reruns_begun for flow in world.flows.values()),
            }
        )

    def calls(self, request: Request) -> Reply:
        """Returns the calls one by one, oldest first."""
        return json_reply({"calls": [asdict(call) for call in self._ledger.calls]})

    def runs(self, request: Request, execution_id: str) -> Reply:
        """Returns how often the work of one execution was done: its first run, Zoho's re-runs, retries."""
        world, counts = self._world, Counter[str]()
        world.advance(world.now())
        for flow in world.flows.values():
            for row in flow.by_id.values():
                if execution_id in (row.payload_key, row.execution_id):
                    for attempt in row.attempts:
                        counts["runs"] += 1
                        counts["successes"] += attempt.failure is None
        return json_reply({"execution_id": execution_id, **counts})

    def clear_ledger(self, request: Request) -> Reply:
        """Begins to count from zero; what the world itself remembers stays."""
        self._ledger.clear()
        return json_reply({"status": "success"})

    def list_faults(self, request: Request) -> Reply:
        """Returns the script, with how often each entry has seen and struck a call."""
        return json_reply({"faults": [described(fault) for fault in self._faults.faults]})

    def push_faults(self, request: Request) -> Reply:
        """Adds one entry, or a list of them under `faults`."""
        body = request.json_object()
        entries = body.get("faults", [body])
        pushed = [described(self._faults.push(entry)) for entry in entries]
        return json_reply({"faults": pushed})

    def clear_faults(self, request: Request) -> Reply:
        """Forgets the script."""
        self._faults.clear()
        return json_reply({"status": "success"})

    def configure_callbacks(self, request: Request) -> Reply:
        """Returns where the error branch of the flows posts to; see `Callbacks.configure`."""
        return json_reply(self._callbacks.configure(request.json_object()))

    def change_habits(self, request: Request) -> Reply:
        """Switches oddities: an object of names and values of `Habits`."""
        try:
            self._world.habits = self._world.habits.changed(**request.json_object())
        except ValueError as problem:
            raise RefusalError("INVALID_REQUEST", str(problem)) from None
        return json_reply(asdict(self._world.habits))

    def move_clock(self, request: Request) -> Reply:
        """Takes `{"advance": seconds}` or `{"set": ISO time}`, where the clock is one that can be moved."""
        body, clock = request.json_object(), self._world.clock
        if not isinstance(clock, OffsetClock | SettableClock):
            raise RefusalError("INVALID_REQUEST", "this stand-in's clock cannot be moved")
        try:
            if "set" in body:
                step = (datetime.fromisoformat(str(body["set"])) - clock()).total_seconds()
            else:
                step = float(body.get("advance", 0))
            self._world.do("move_clock", seconds=step)
        except (ValueError, TypeError) as problem:
            raise RefusalError("INVALID_REQUEST", str(problem)) from None
        return json_reply({"now": self._world.now().isoformat()})

    def grant(self, request: Request) -> Reply:
        """Returns a grant code as the API console's self client gives it."""
        body = request.json_object()
        code = self._world.tokens.mint_code(str(body.get("scope", "*")), str(body.get("redirect_uri", "")))
        return json_reply({"code": code})

    def story(self, request: Request, name: str) -> Reply:
        """Begins a named story now."""
        summary = begin(name, self._world, self._faults)
        return json_reply({"story": name, "told": summary})

    def mutate(self, request: Request, mutation: str) -> Reply:
        """Carries out one of MUTATIONS with the body as its arguments."""
        if mutation not in MUTATIONS:
            raise RefusalError("INVALID_REQUEST", f"no such mutation: {mutation}", str(MUTATIONS))
        args: dict[str, Any] = request.json_object()
        try:
            result = self._world.do(mutation, **args)
        except (TypeError, KeyError, ValueError) as problem:
            raise RefusalError("INVALID_REQUEST", "wrong arguments", str(problem)) from None
        return json_reply({"status": "success", "result": result if isinstance(result, list | int | bool) else None})


def described(fault: Fault) -> dict[str, Any]:
    """Returns a fault of the script as the control endpoint shows it."""
    shown = asdict(fault)
    for name in ("start", "end"):
        shown[name] = shown[name].isoformat() if shown[name] else None
    return shown


def admitted(request: Request, control_token: str) -> Reply | None:
    """Returns None when the control token is right, else the refusal."""
    given = request.headers.get(HEADER, "")
    if hmac.compare_digest(given.encode(), control_token.encode()):
        return None
    return flow_refusal("NO_PERMISSION", "the control token is missing or wrong", "", 403)
