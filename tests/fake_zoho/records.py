"""What a fake Zoho has: flows, their executions, rules, connected workflows, as its answers show them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from monitor.zoho.protocol import parse_json

Json = dict[str, Any]
_ids = count(1)
ABSENT = object()


def as_sent(payload: Json) -> Any:
    """A record as it comes from the wire."""
    return parse_json(json.dumps(payload).encode())


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Run:
    """One execution as Zoho knows it; `over` replaces fields of its row as it goes out, `ABSENT` leaves one out."""

    started: datetime
    status: str = "success"
    execution_id: str = ""
    seconds: int = 2
    payload: Any = None
    over: Json = field(default_factory=dict)
    instead: Any = None  # goes out in the place of the whole row
    reruns: int = 0
    is_hidden: bool = False  # no list has it, though its address does
    completed: datetime | None = None  # None: `seconds` after its start
    error: tuple[str, str, str] = ("ACTION_FAILED", "no", "why")  # code, message, details
    ends: tuple[datetime, str] | None = None  # when a running one ends, and how
    shows_at: datetime | None = None  # nothing that can be read has it before
    first_failed: datetime | None = None
    attempt: int | None = None  # the RetryAttempt whose POST caused it
    retry_of: str = ""  # the first run of the work that a POST had done again

    def __post_init__(self) -> None:
        self.execution_id = self.execution_id or f"99{next(_ids):015}"

    def succeed(self) -> None:
        """Zoho's own re-run went well: same id, same row."""
        self.status, self.reruns = "success", self.reruns + 1
        self.seconds += 300

    def at(self, now: datetime) -> Run:
        """The run as it is then: one that was to end may have ended."""
        if self.ends is not None and self.ends[0] <= now:
            self.completed, self.status = self.ends
            self.ends = None
        return self

    def row(self, flow_id: str) -> Any:
        if self.instead is not None:
            return self.instead
        final = self.status != "running"
        completed = self.completed or self.started + timedelta(seconds=self.seconds)
        shown: Json = {
            "execution_id": self.execution_id,
            "flow_id": flow_id,
            "status": self.status,
            "started_time": stamp(self.started),
            "completed_time": stamp(completed) if final else None,
            "duration_ms": self.seconds * 1000 if final else None,
            "trigger_data": self.payload,
        }
        if self.status == "failed":
            code, message, details = self.error
            shown["error"] = {"code": code, "message": message, "action_id": "12", "details": details}
        return {name: value for name, value in (shown | self.over).items() if value is not ABSENT}


@dataclass
class FakeFlow:
    """A flow; its counters are those of its rows and of what was before, unless told otherwise."""

    flow_id: str = ""
    name: str = "Lead to Campaign"
    runs: list[Run] = field(default_factory=list)
    before: tuple[int, int] = (0, 0)  # successes and failures that the history has forgotten
    counted_over: Json = field(default_factory=dict)  # replaces numbers of its statistics
    counters: str = "life"  # or "none", or "finished": running rows are not in the total
    over: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.flow_id = self.flow_id or f"12{next(_ids):015}"

    def reset_counters(self) -> None:
        """Zoho counts from zero again; the history stays."""
        states = Counter(run.status for run in self.runs)
        self.before = (-states["success"], -states["failed"])

    def summary(self) -> Json:
        states = Counter(run.status for run in self.runs)
        good, bad = self.before[0] + states["success"], self.before[1] + states["failed"]
        shown: Json = {
            "flow_id": self.flow_id,
            "flow_name": self.name,
            "status": "active",
            "created_time": "2026-01-02T03:04:05+05:30",
        }
        if self.counters == "finished":
            shown |= {"execution_count": good + bad, "success_count": good, "failure_count": bad}
        if self.counters == "life":
            others = sum(states.values()) - states["success"] - states["failed"]
            shown |= {"execution_count": good + bad + others, "success_count": good, "failure_count": bad}
        return shown | self.over


def a_rule(name: str = "Big deals", **fields: Any) -> Json:
    number = next(_ids)
    return {
        "id": f"33{number:015}",
        "name": name,
        "module": {"api_name": "Leads"},
        "execute_when": {"type": "create"},
        "status": {"active": True},
        "last_executed_time": "2026-11-21T10:00:00-08:00",
    } | fields


def a_usage(success: int = 3, failure: int = 1) -> Json:
    actions = [{"type": "field_updates", "success_count": success, "failure_count": failure}]
    return {"trigger_count": success + failure, "conditions": [{"instant_actions": {"actions": actions}}]}


def a_connected(name: str = "Onboarding", **fields: Any) -> Json:
    number = next(_ids)
    return {
        "id": f"44{number:015}",
        "name": name,
        "status": "active",
        "primary_module": {"api_name": "Leads"},
        "involved_modules": [{"api_name": "Leads"}, {"api_name": "Deals"}],
        "modified_time": "2026-11-20T10:00:00+05:30",
        "modified_by": {"name": "Pat Example"},
    } | fields


def a_webhook_failure(at: str = "2026-11-21T10:00:00+05:30", **fields: Any) -> Json:
    number = next(_ids)
    return {
        "id": f"55{number:015}",
        "webhook": {"id": "61", "name": "Tell the shop"},
        "workflow_rule": {"id": "33", "name": "Big deals"},
        "entity_details": {"module": {"api_name": "Leads"}, "name": "Jo Example", "id": "71"},
        "failure_time": at,
        "failure_reason": "page_notfound",
    } | fields
