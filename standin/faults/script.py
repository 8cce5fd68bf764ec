"""Lets calls go wrong by a script: which, how, and how often (docs/reference/faults.md)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from standin.errors import RefusalError
from standin.faults.kinds import AFTERWARDS, BEFOREHAND, INSTEAD
from standin.faults.rows import RECORDS
from standin.web.wire import Reply, Request, WireFault
from standin.world import World

Instead = Callable[[World, Request, dict[str, Any]], Reply]
Afterwards = Callable[[World, Request, Reply, dict[str, Any]], Reply]
# What happens to the socket; carried out by the server (faults/sockets.py).
ENTRY = frozenset({"path", "kind", "method", "times", "skip", "args", "begins", "lasts"})
WIRE_KINDS = frozenset(
    {"hang", "drip", "close", "reset", "cut_reset", "cut_length", "cut_chunked", "cut_unsized", "delay"}
)


@dataclass(slots=True)
class Fault:
    """Holds one entry of the script.

    It strikes calls whose path matches `path` (a regular expression, anywhere in the path and query) and
    whose method is `method` (empty: any), after `skip` of them have passed, `times` times (0: for ever),
    between `start` and `end` on the world's clock (None: no bound).
    """

    path: str
    kind: str
    method: str = ""
    times: int = 1
    skip: int = 0
    args: dict[str, Any] = field(default_factory=dict)
    start: datetime | None = None
    end: datetime | None = None
    seen: int = 0
    struck: int = 0

    def strikes(self, request: Request, now: datetime) -> bool:
        """Returns whether this call goes wrong; it counts the call."""
        if (self.start is not None and now < self.start) or (self.end is not None and now >= self.end):
            return False
        if self.method and self.method != request.method:
            return False
        query = "&".join(f"{name}={value}" for name, values in request.query.items() for value in values)
        if not re.search(self.path, request.path + ("?" + query if query else "")):
            return False
        if self.times and self.struck >= self.times:
            return False
        self.seen += 1
        if self.seen <= self.skip:
            return False
        self.struck += 1
        return True


class FaultScript:
    """Holds the faults that are still to come, in order; the first that strikes is the only one for a call."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._instead = INSTEAD
        self._afterwards = AFTERWARDS
        self._beforehand = BEFOREHAND
        self._of_objects = {*RECORDS, "token_fields"}
        self.faults: list[Fault] = []

    def kinds(self) -> list[str]:
        """Returns every kind of fault that can be scripted."""
        return sorted({*self._instead, *self._afterwards, *self._beforehand, *WIRE_KINDS})

    def push(self, entry: dict[str, Any]) -> Fault:
        """Adds an entry, which may hold `begins` and `lasts` in seconds from now.

        RefusalError INVALID_REQUEST for one that cannot be carried out.
        """
        unknown = set(entry) - ENTRY
        if unknown or entry.get("kind") not in self.kinds():
            raise RefusalError("INVALID_REQUEST", "unknown fault", str(sorted(unknown) or entry.get("kind")))
        try:
            re.compile(str(entry.get("path", "")))
        except re.error as problem:
            raise RefusalError("INVALID_REQUEST", "the path is not a regular expression", str(problem)) from None
        start = self._world.now() + timedelta(seconds=float(entry.get("begins", 0)))
        lasts = entry.get("lasts")
        fault = Fault(
            path=str(entry.get("path", "")),
            kind=str(entry["kind"]),
            method=str(entry.get("method", "")).upper(),
            times=int(entry.get("times", 1)),
            skip=int(entry.get("skip", 0)),
            args=dict(entry.get("args") or {}),
            start=start,
            end=None if lasts is None else start + timedelta(seconds=float(lasts)),
        )
        self.faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forgets what is still to come."""
        self.faults.clear()

    def striking(self, request: Request) -> Fault | None:
        """Returns the fault that strikes this call."""
        now = self._world.now()
        return next((fault for fault in self.faults if fault.strikes(request, now)), None)

    def answer(self, fault: Fault, request: Request, carry_out: Callable[[], Reply]) -> Reply:
        """Returns the spoiled answer; `carry_out` does what was asked, which not every fault lets happen.

        The argument `ran` decides where both are possible: true = the work was done and the answer is
        lost, false = nothing was done. By default an answer of our own means that nothing was done, and a
        trouble on the wire that it was.
        """
        args, kind = fault.args, fault.kind
        if kind in self._beforehand:
            self._beforehand[kind](self._world, request, args)
            return carry_out()
        if kind in self._instead:
            if args.get("ran", False):
                carry_out()
            return self._instead[kind](self._world, request, args)
        if kind in self._afterwards:
            reply = carry_out()
            if kind in self._of_objects and not _is_object(reply):
                return reply
            return self._afterwards[kind](self._world, request, reply, args)
        reply = carry_out() if args.get("ran", True) else Reply(200, b"{}", {"Content-Type": "application/json"})
        reply.wire = WireFault(kind, args)
        return reply


def _is_object(reply: Reply) -> bool:
    """Returns whether there is a JSON object to spoil: not a page, not an empty body, not a refusal."""
    return reply.status < 300 and reply.body.startswith(b"{")
