"""The sweep against the stand-in over a real socket, through connecting, tokens, gate and client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.connection.budget import limits_in_force
from monitor.connection.connect import Wanted, connect
from monitor.ingest.base.mode import Mode, Patience
from monitor.ingest.base.result import Result
from monitor.ingest.run import read_account
from monitor.models import (
    ApiBudget,
    ApiCall,
    ApiToken,
    Connection,
    Execution,
    Flow,
    Quarantine,
    StreamState,
    SyncState,
    WebhookFailure,
    WorkflowRule,
    ZohoAccount,
    system_user,
)
from monitor.queries.status import status
from monitor.zoho.datacenters import Origins
from monitor.zoho.shapes import executions as shapes
from monitor.zoho.transport import Transport
from standin.build import App, Credentials, Habits, SettableClock, make_app, make_world, serving
from standin.crm.failures_api import FailuresApi
from standin.flow.rows import execution_row
from standin.web.wire import Request
from tests.bystander import own

BEGINNING = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
KNOWN = Credentials()


@dataclass
class House:
    """A connected account and the Zoho behind it, on one clock."""

    app: App
    clock: SettableClock
    account: ZohoAccount

    def sync(self, mode: Mode = Mode.SYNC) -> Result:
        patience = Patience(mode, pause=self.clock.advance)
        return read_account(self.account, clock=self.clock, patience=patience)

    def fault(self, path: str, kind: str, times: int = 1, skip: int = 0, **args: Any) -> None:
        self.app.faults.push({"path": path, "kind": kind, "times": times, "skip": skip, "args": args})

    def upstream(self) -> dict[str, dict[str, Any]]:
        """Every execution within Zoho's history, by the client's own parser."""
        now, found = self.clock(), {}
        self.app.world.advance(now)
        for flow in self.app.world.flows.values():
            for run in flow.between(now - timedelta(days=90), now):
                shown = execution_row(flow, run, now, failed_rows_whole=True)
                row = shapes.execution_row(shown, flow.flow_id)
                found[row.execution_id] = fields(row) | {"flow": flow.flow_id}
        return found

    def mirrored(self) -> dict[str, dict[str, Any]]:
        rows = Execution.objects.filter(account=self.account).select_related("flow")
        return {row.execution_id: fields(row) | {"flow": row.flow.flow_id} for row in rows}

    def stream(self, name: str) -> StreamState:
        return StreamState.objects.get(account=self.account, stream=name)


def fields(row: Any) -> dict[str, Any]:
    names = ("status", "started_time", "completed_time", "duration_ms", "trigger_data", "actions_failed")
    errors = ("error_code", "error_message", "error_details", "error_action_id")
    return {name: getattr(row, name) for name in (*names, *errors)}


def open_house(app: App, clock: SettableClock, base: str, **limits: Any) -> House:
    wanted = Wanted(
        name="Acme",
        data_center="custom",
        origins=Origins(base, base, base),
        client_id=KNOWN.client_id,
        client_secret=KNOWN.client_secret,
        refresh_token=KNOWN.refresh_token,
        **({"plan": "enterprise"} | limits),
    )
    return House(app, clock, connect(wanted, actor=system_user(), clock=clock, now=clock()))


@pytest.fixture
def house(db: None) -> Iterator[House]:
    """25 flows and 12 rules."""
    clock = SettableClock(BEGINNING)
    world = make_world(seed=11, clock=clock, flows=25, rules=12, executions=900, history_days=12)
    app = make_app(world)
    with serving(app) as base:
        yield open_house(app, clock, base)


@pytest.fixture
def small(db: None) -> Iterator[House]:
    """Four flows and three rules."""
    clock = SettableClock(BEGINNING)
    app = make_app(make_world(seed=5, clock=clock, flows=4, rules=3, executions=120, history_days=3))
    with serving(app) as base:
        yield open_house(app, clock, base)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's pauses between repeats take no time."""
    monkeypatch.setitem(Transport.__init__.__kwdefaults__, "sleep", lambda seconds: None)


def freeze(house: House) -> dict[str, Any]:
    return {
        "executions": sorted(own(Execution).values_list("pk", "changed_at")),
        "rules": sorted(own(WorkflowRule).values_list("rule_id", "usage_read_at", "gone_at")),
        "flows": sorted(
            own(Flow).values_list("flow_id", "progress__executions_read_at", "gone_at", "progress__hole_reason")
        ),
        "connections": sorted(own(Connection).values_list("connection_id", "status_since")),
    }


def test_the_first_sync_mirrors_everything_field_by_field(house: House) -> None:
    result = house.sync()

    assert result.complete, result.missing
    assert house.mirrored() == house.upstream()
    world = house.app.world
    assert set(own(Flow).values_list("flow_id", "flow_name")) == {(f.flow_id, f.name) for f in world.flows.values()}
    assert own(Connection).count() == len(world.connections)
    assert own(WorkflowRule).exclude(usage_read_at=None).count() == 12
    assert own(SyncState).get().state == "ok"


def test_a_second_sync_of_25_unchanged_flows_and_12_rules_costs_at_most_12_calls_and_changes_nothing(
    house: House,
) -> None:
    house.sync()
    house.sync()  # what was running has ended, and what moved has been followed
    before = freeze(house)
    house.app.ledger.clear()
    ours = own(ApiCall).count()

    result = house.sync()

    assert result.complete
    assert len(house.app.ledger.calls) <= 12
    assert own(ApiCall).count() - ours == len(house.app.ledger.calls)
    assert freeze(house) == before


@pytest.mark.deep
def test_what_happens_in_a_day_is_found_by_the_next_sync(house: House) -> None:
    house.sync()
    for _ in range(3):
        house.clock.advance(8 * 3600)

        assert house.sync().complete
        assert house.mirrored() == house.upstream()


def test_a_rerun_by_zoho_is_found_in_the_same_sync(small: House) -> None:
    house = small
    flow_id = next(iter(house.app.world.flows))
    house.app.world.habits = house.app.world.habits.changed(auto_reruns=False)
    (failed,) = house.app.world.do("add_executions", flow_id=flow_id, status="failed", kind="503")
    house.clock.advance(60)
    house.sync()
    assert own(Execution).get(execution_id=failed).status == "failed"
    house.clock.advance(1200)
    house.app.world.do("change_execution", flow_id=flow_id, execution_id=failed, status="success")

    assert house.sync().complete

    row = own(Execution).get(execution_id=failed)
    assert (row.status, row.first_status, row.rerun_count) == ("success", "failed", 1)


def test_a_retry_after_is_obeyed_and_nothing_is_lost(small: House) -> None:
    house = small
    house.fault("/executions", "rate_limited", times=2, skip=3, retry_after=120)
    began = house.clock()

    result = house.sync()

    assert result.complete
    assert house.clock() - began >= timedelta(seconds=120)
    assert house.mirrored() == house.upstream()


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        ("status", {"status": 500}),
        ("status", {"status": 502, "html": True}),
        ("status", {"status": 503, "code": "EXECUTION_FAILED"}),
        ("cut_length", {}),
        ("cut_unsized", {}),
        ("reset", {}),
    ],
)
def test_a_burst_of_faults_is_outlived(small: House, kind: str, args: dict[str, Any]) -> None:
    house = small
    house.fault("/executions", kind, times=2, skip=2, **args)

    assert house.sync().complete
    assert house.mirrored() == house.upstream()


REFUSED_ROW = {"code": "RULE_IS_ASLEEP", "details": {}, "message": "come back tomorrow", "status": "error"}
ODD = {
    "empty-object": ("shape", {"shape": "empty_object"}),
    "data-null": ("shape", {"shape": "data_null"}),
    "rows-missing": ("shape", {"shape": "rows_missing"}),
    "failure-with-200": ("shape", {"shape": "failure_with_200"}),
    "refused-row": ("shape", {"content": {"data": [REFUSED_ROW]}}),
    "refused-object": ("shape", {"content": {"data": REFUSED_ROW}}),
    "html": ("html", {}),
    "no-content": ("no_content", {}),
    "nested": ("odd_json", {"what": "nested"}),
    "utf16": ("encoding", {"how": "utf16"}),
    "bad-gzip": ("bad_gzip", {}),
}


STRANGE = [("/executions", name) for name in ODD] + [
    (path, name)
    for path in ("/api/v1/flows", "/connections", "/workflow_rules")
    for name in ("data-null", "no-content", "refused-row")
]


@pytest.mark.parametrize(("path", "name"), STRANGE)
def test_an_answer_of_another_shape_is_never_taken_for_nothing_there(small: House, path: str, name: str) -> None:
    house, (kind, args) = small, ODD[name]
    house.sync()
    had = set(own(Execution).values_list("pk", flat=True))
    house.clock.advance(3600)
    house.fault(path, kind, times=0, **args)

    result = house.sync(Mode.SYNC_WITHOUT_WAITING)

    assert not result.complete
    assert had <= set(own(Execution).values_list("pk", flat=True))
    for model in (Flow, Connection, WorkflowRule):
        assert not model.objects.exclude(gone_at=None).exists()
    assert not own(Quarantine).exists()
    assert own(SyncState).get().state in ("schema", "incomplete", "unreachable")


@pytest.mark.parametrize(("number", "code"), [(400, "LICENSE_EXPIRED"), (402, "PAYMENT_DUE"), (403, "NO_PERMISSION")])
def test_where_the_list_of_flows_is_refused_no_flow_is_called_healthy(small: House, number: int, code: str) -> None:
    house = small
    house.sync()
    (told,) = status(house.clock(), house.account.name)["accounts"]
    assert told["standings"]["healthy"] > 0
    house.clock.advance(3600)
    house.fault("/api/v1/flows", "status", times=0, status=number, code=code, message="come back tomorrow")

    house.sync(Mode.SYNC_WITHOUT_WAITING)

    (told,) = status(house.clock(), house.account.name)["accounts"]
    assert f"{code}: come back tomorrow" in told["reason"]
    assert (told["standings"]["healthy"], told["standings"]["unknown"] > 0) == (0, True)


def test_an_account_without_crm_is_complete_without_it(small: House) -> None:
    house = small
    house.app.world.habits = house.app.world.habits.changed(crm=False)

    result = house.sync()

    assert result.complete
    assert house.stream("rules").state == "not_available"


def test_a_token_without_scope_for_one_product_leaves_the_other_going(small: House) -> None:
    house = small
    house.fault("/api/v1/flows", "narrow_scope", scope="ZohoFlow.flows.ALL,ZohoFlow.connections.ALL")

    result = house.sync()

    assert not result.complete
    assert house.stream("rules").state == "failing"
    assert house.mirrored() == house.upstream()


def test_a_token_that_expires_between_two_pages_costs_one_new_one(small: House) -> None:
    house = small
    house.fault("/executions", "expire_tokens", skip=4)
    posts = house.app.ledger.token_posts.total()

    assert house.sync().complete

    assert house.app.ledger.token_posts.total() == posts + 1
    assert house.mirrored() == house.upstream()


def test_a_revoked_refresh_token_ends_the_asking_until_a_person_does(small: House) -> None:
    house = small
    house.app.world.do("token_expire_all")
    house.fault("/oauth/v2/token", "oauth_error", error="invalid_code")

    house.sync(Mode.TASK)
    house.sync(Mode.TASK)

    assert own(SyncState).get().state == "revoked"
    assert own(ApiToken).get().refused_code == "invalid_code"
    posts = house.app.ledger.token_posts.total()
    house.sync(Mode.TASK)
    assert house.app.ledger.token_posts.total() == posts
    assert house.sync().complete


@pytest.mark.deep
@pytest.mark.parametrize("dialect", ["seed", "zoho"])
@pytest.mark.parametrize("plan", ["free", "standard"])
def test_our_own_calls_never_exceed_the_limit(db: None, dialect: Any, plan: str) -> None:
    """Without a plan said: ten a minute until Zoho's header tells, and never a 429."""
    clock = SettableClock(BEGINNING)
    habits = Habits(dialect=dialect)
    world = make_world(seed=3, clock=clock, flows=25, rules=12, executions=300, history_days=5, habits=habits)
    app = make_app(world, plan=plan)
    with serving(app) as base:
        house = open_house(app, clock, base, plan="")
        result = house.sync()

    assert result.complete
    assert not [call for call in app.ledger.calls if call.status == 429]
    assert house.mirrored() == house.upstream()


def test_our_clock_may_be_an_hour_off(small: House) -> None:
    """Windows and limits go by Zoho's clock where it matters."""
    house = small

    def ours() -> datetime:
        return house.clock() - timedelta(hours=1)

    patience = Patience(Mode.SYNC, pause=house.clock.advance)
    for _ in range(3):
        house.clock.advance(1800)
        result = read_account(house.account, clock=ours, patience=patience)
        assert result.complete, result.missing
        assert house.mirrored() == house.upstream()


@pytest.mark.parametrize("form", ["desk", "mail", "books", "number", "list", "empty", "html"])
def test_a_token_refused_in_other_words_is_renewed_and_everything_is_read(small: House, form: str) -> None:
    house = small
    house.app.world.habits = house.app.world.habits.changed(refused_token_words=form)
    house.fault("/executions", "expire_tokens", times=1, skip=2)

    result = house.sync()

    assert result.complete, result.missing
    assert house.mirrored() == house.upstream()
    assert own(SyncState).get().state == "ok"


@pytest.mark.parametrize("code", ["PERMISSION_DENIED", "AUTHORIZATION_ERROR", "RULE_IS_ASLEEP"])
def test_a_401_that_refuses_an_act_does_not_revoke_the_account(small: House, code: str) -> None:
    house = small
    house.fault("/settings/connected_workflows", "status", times=0, status=401, code=code, message="Not for you")

    house.sync()

    told = house.stream("connected")
    assert f"{code}: Not for you" in told.reason
    assert own(SyncState).get().state != SyncState.State.REVOKED
    assert house.stream("rules").state == house.stream("executions").state == StreamState.State.OK
    assert house.mirrored() == house.upstream()


@pytest.mark.parametrize(
    ("habits", "source"),
    [
        ({"paid_type": "zohooneenterprise"}, "edition zohooneenterprise, 3 users"),
        ({"trial_type": "enterprise"}, "edition enterprise (trial), 3 users"),
        ({"paid_type": "galactic"}, "edition “galactic” is not known here"),
    ],
)
def test_the_limits_of_crm_name_the_edition_in_its_own_word(small: House, habits: dict[str, str], source: str) -> None:
    small.app.world.habits = small.app.world.habits.changed(**habits)
    small.sync()
    budget = ApiBudget.objects.get(account=small.account, product="crm")
    assert limits_in_force(small.account, budget).source.startswith(source)


@pytest.mark.parametrize("way", ["refuse", "clamp", "range"])
def test_failures_of_webhooks_are_whole_whatever_zoho_does_with_old_days(house: House, way: str) -> None:
    house.app.world.habits = house.app.world.habits.changed(failures_from=way)
    house.sync()
    today = house.clock().date()
    known: set[str] = set()
    for back in range(0, 90, 30):
        first, last = today - timedelta(days=back + 29), today - timedelta(days=back)
        request = Request.build("GET", f"/crm/v8/x?from={first}&to={last}&per_page=200", {}, b"")
        reply = FailuresApi(house.app.world).failures(request)
        known |= {row["id"] for row in reply.json()["webhook_failures"]} if reply.body else set()
    assert known
    assert set(own(WebhookFailure).values_list("failure_id", flat=True)) == known
