"""A connected account with the stand-in behind it in process, on one clock, and a desk to ask for changes at."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from unittest import mock

import httpx
import pytest

from monitor.connection import open_account
from monitor.connection.tokens import DatabaseTokens
from monitor.edits import drafts
from monitor.edits.drafts import EditDraft
from monitor.edits.requests import request_edit
from monitor.edits.settle import EditReport, sweep_edits
from monitor.ingest.base.mode import Mode, Patience
from monitor.ingest.run import read_account, reread
from monitor.models import ConnectedWorkflow, Edit, User, WorkflowRule, ZohoAccount
from monitor.zoho.transport import Transport
from standin.build import SettableClock, make_app, make_world
from standin.crm.rules import Rule
from tests.bystander import own
from tests.fake_zoho.retrying import Crash
from tests.faults.house import connect_to
from tests.faults.loopback import Loopback
from tests.ingest.test_standin import KNOWN

BEGINNING = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
RULES_PATH = "/crm/v8/settings/automation/workflow_rules"


@dataclass
class EditDesk:
    """Asking for changes, sending and reading in few words.

    Attributes:
        writes: each request that changes something, as it came to Zoho.
        ran: the places in `writes` of those that Zoho carried out.
        lose: asked of each of them what becomes of it; see `Spy`.
    """

    wire: Loopback
    clock: SettableClock
    account: ZohoAccount
    person: User
    writes: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    ran: list[int] = field(default_factory=list)
    lose: Callable[[], str] = lambda: ""
    forms: Iterator[int] = field(default_factory=count)

    @property
    def world(self) -> Any:
        return self.wire.app.world

    def sync(self) -> None:
        read_account(self.account, clock=self.clock, patience=Patience(Mode.SYNC, pause=self.clock.advance))

    def mirror(self) -> None:
        """Reads rules and connected workflows whole, and nothing else: a sync takes seconds."""
        things = [("rule", rule_id) for rule_id in self.world.rules.rules]
        things += [("connected_workflow", key) for key in self.world.store.collection("connected_workflows")]
        patience = Patience(Mode.REFRESH, pause=self.clock.advance)
        for _ in range(5):  # where Zoho has just asked for patience, nothing is read until then
            if reread(self.account, things, clock=self.clock, patience=patience) == len(things):
                return
            self.clock.advance(60)
        raise AssertionError("what Zoho has could not be read for minutes")

    def rule(self, name: str = "Big deal to management") -> WorkflowRule:
        return WorkflowRule.objects.select_related("account").get(account=self.account, name=name, gone_at=None)

    def at_zoho(self, rule_id: str) -> Rule:
        return self.world.rules.rules[rule_id]

    def is_on(self, rule_id: str) -> bool:
        return self.at_zoho(rule_id).on.at(self.clock())

    def connected(self, name: str) -> ConnectedWorkflow:
        return ConnectedWorkflow.objects.select_related("account").get(account=self.account, name=name)

    def ask(self, draft: EditDraft, token: str = "", **more: Any) -> Edit:
        assert not draft.objections, draft.objections
        token = token or f"form-{next(self.forms)}"
        return request_edit(draft, self.person, "as agreed", token, self.clock(), **more)

    def ask_of_rule(self, act: str, rule: WorkflowRule | None = None, **wish: Any) -> Edit:
        rule = rule or self.rule()
        typed = rule.name if act == "delete" else ""
        return self.ask(drafts.rule_draft(rule, act, wish), typed_name=typed)

    def sweep(self) -> EditReport:
        report = sweep_edits(self.clock, open_account=self.open)
        for account_id, kind, zoho_id in report.refs:
            assert account_id == self.account.pk
            patience = Patience(Mode.REFRESH, pause=self.clock.advance)
            reread(self.account, [(kind, zoho_id)], clock=self.clock, patience=patience)
        return report

    def open(self, account: ZohoAccount, *, priority: str) -> Any:
        return open_account(account, priority=priority, clock=self.clock)  # type: ignore[arg-type]

    def done(self, edit: Edit) -> Edit:
        self.sweep()
        edit.refresh_from_db()
        return edit

    def later(self, **time: float) -> None:
        """Time passes, and the worker sweeps every five seconds of it, or every minute where it is much."""
        seconds = int(time.get("minutes", 0) * 60 + time.get("seconds", 0))
        step = 5 if seconds <= 300 else 60
        for _ in range(seconds // step):
            self.clock.advance(step)
            self.sweep()

    def fault(self, kind: str, path: str = RULES_PATH, times: int = 1, **args: Any) -> None:
        self.wire.app.faults.push({"path": path, "kind": kind, "times": times, "args": args})


@dataclass
class Spy(httpx.BaseTransport):
    """Notes what would change something at Zoho, and does to it what it is told to.

    `desk.lose` says what: "before" loses the request, "after" its answer; "refused", "busy" and "dead_token" answer so
    and do nothing; "ran_500" and "lost_500" answer that something failed, "ran_page" with a page; "dies_before" and
    "dies_after" end this process.
    """

    wire: Loopback
    desk: EditDesk | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        is_write = request.method != "GET" and "/oauth/" not in request.url.path
        fate, number = "", -1
        if is_write and self.desk is not None:
            body = request.read()
            number = len(self.desk.writes)  # others may write while this one is on its way
            self.desk.writes.append((request.method, request.url.path, json.loads(body) if body else {}))
            fate = self.desk.lose()
        if fate in ("before", "refused", "busy", "dead_token", "lost_500", "dies_before"):
            return self._undone(fate)
        answer = self.wire.handle_request(request)
        if is_write and self.desk is not None and answer.status_code < 300:
            self.desk.ran.append(number)
        if fate == "after":
            raise httpx.ReadTimeout("the answer was lost")
        if fate == "dies_after":
            raise Crash("after the request, before the record")
        if fate == "ran_500":
            return httpx.Response(500, json={"code": "INTERNAL_ERROR", "message": "x", "status": "error"})
        return httpx.Response(200, html="<html>a proxy</html>") if fate == "ran_page" else answer

    def _undone(self, fate: str) -> httpx.Response:
        if fate == "before":
            raise httpx.ReadTimeout("the request was lost")
        if fate == "dies_before":
            raise Crash("after the intent, before the request")
        status, code = {
            "refused": (403, "NO_PERMISSION"),
            "busy": (429, "TOO_MANY_REQUESTS"),
            "dead_token": (401, "INVALID_TOKEN"),
        }.get(fate, (500, "INTERNAL_ERROR"))
        return httpx.Response(
            status, json={"code": code, "message": "permission denied", "details": {}, "status": "error"}
        )

    def close(self) -> None:
        return None


@pytest.fixture
def edit_desk(db: None, ada: User) -> Iterator[EditDesk]:
    """Seven rules, mirrored whole."""
    with opened_desk(ada) as desk:
        yield desk


@contextmanager
def opened_desk(person: User, *, syncs: bool = True) -> Iterator[EditDesk]:
    clock = SettableClock(BEGINNING)
    world = make_world(seed=11, clock=clock, flows=1, rules=7, executions=1, history_days=1)
    spy = Spy(Loopback(make_app(world, plan="unlimited"), clock))
    client = {"http": spy, "sleep": clock.advance, "now": clock}
    with (
        mock.patch.dict(Transport.__init__.__kwdefaults__, client),
        mock.patch.dict(DatabaseTokens.__init__.__kwdefaults__, {"pause": clock.advance}),
    ):
        desk = EditDesk(spy.wire, clock, connect_to("unlimited", KNOWN.refresh_token, clock), person)
        if syncs:
            desk.mirror()
        spy.desk = desk
        yield desk


def newest() -> Edit:
    return own(Edit).latest("pk")
