"""What holds after any sequence of happenings."""

import random

from hypothesis import given
from hypothesis import strategies as st

from standin.build import SettableClock, make_app, make_world
from tests.depth import tried
from tests.standin.client import BEGINNING, Client

HAPPENINGS = (
    "wait", "wait long", "add", "add failed", "add 503", "add running", "retry", "retry same", "break", "heal",
    "off", "on", "delete", "look",
)  # fmt: skip


def happen(world, clock, name, dice):
    """One step; what is chosen depends on `dice` only."""
    flow = [*world.flows.values()][dice.randrange(len(world.flows))]
    flow.advance(world.now())
    rows = [row for row in flow.by_id.values() if row.status(world.now()) == "failed"]
    if name.startswith("wait"):
        clock.advance(dice.randint(1, 100_000 if "long" in name else 900))
    elif name.startswith("add"):
        status = {"add": "success", "add running": "running"}.get(name, "failed")
        kind = "503" if "503" in name else "email"
        world.do("add_executions", flow_id=flow.flow_id, count=dice.randint(1, 3), status=status, kind=kind)
    elif name.startswith("retry") and rows:
        row = rows[dice.randrange(len(rows))].execution_id
        world.do("retry", flow_id=flow.flow_id, execution_id=row, same_id="same" in name, luck="likely")
    elif name == "break":
        world.do("break_flow", flow_id=flow.flow_id, kind="503", fixed_by_retry=False)
    elif name == "heal":
        world.do("heal_flow", flow_id=flow.flow_id)
    elif name in {"on", "off"}:
        world.do("switch_flow", flow_id=flow.flow_id, on=name == "on")
    elif name == "delete" and flow.by_id:
        world.do("delete_execution", flow_id=flow.flow_id, execution_id=next(reversed(flow.by_id)))


def picture(world):
    """Everything that can be seen of the flows."""
    now = world.now()
    world.advance(now)
    return {
        flow.flow_id: (
            flow.counters(now),
            [(row.execution_id, row.status(now), row.shown(now).ended) for row in flow.between(None, None)],
        )
        for flow in world.flows.values()
    }


@tried(10, 30)
@given(names=st.lists(st.sampled_from(HAPPENINGS), max_size=30), seed=st.integers(0, 10_000))
def test_counters_are_the_rows_and_a_restart_changes_nothing(names, seed, tmp_path):
    state = tmp_path / f"state-{seed}-{len(names)}-{hash(tuple(names))}"
    clock, dice = SettableClock(BEGINNING), random.Random(seed)
    options = {"seed": seed, "flows": 4, "rules": 0, "executions": 60, "history_days": 4, "state": state}
    world = make_world(clock=clock, **options)
    deleted = dict.fromkeys(world.flows, 0)
    before = {flow.flow_id: flow.base for flow in world.flows.values()}
    for name in names:
        world.advance(world.now())
        count = {flow.flow_id: len(flow.by_id) for flow in world.flows.values()}
        happen(world, clock, name, dice)
        for flow in world.flows.values():
            deleted[flow.flow_id] += name == "delete" and len(flow.by_id) < count[flow.flow_id]
    seen = picture(world)
    world.close()

    for flow_id, (counters, rows) in seen.items():
        assert counters.executions == before[flow_id].executions + len(rows) + deleted[flow_id]
        running = sum(status == "running" for _, status, _ in rows)
        assert counters.executions == counters.successes + counters.failures + running
        assert len({identity for identity, _, _ in rows}) == len(rows)

    again = make_world(clock=clock, **options)
    assert picture(again) == seen
    again.close()
    state.unlink()


@tried(40, 120)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    path=st.sampled_from([
        "/api/v1/flows", "/api/v1/connections", "/api/v1/webhooks", "/crm/v8/coql", "/crm/v8/actions/watch",
        "/crm/v8/settings/automation/workflow_rules", "/crm/v8/settings/automation/webhooks",
        "/crm/v8/settings/connected_workflows", "/crm/v8/__composite_requests", "/crm/bulk/v8/read", "/oauth/v2/token",
    ]),
    query=st.dictionaries(
        st.sampled_from(["page", "per_page", "module", "filter", "ids", "status_active"]), st.text(max_size=9)
    ),
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["watch", "workflow_rules", "webhooks", "connected_workflows", "name", "module", "query",
                             "select_query", "flow_name", "trigger", "actions", "events", "primary_module", "api_name",
                             "__composite_requests", "conditions", "execute_when", "type", "url", "channel_id"]),
            inner, max_size=4),
        max_leaves=12),
)  # fmt: skip
def test_nothing_that_is_sent_makes_the_stand_in_fall_over(client, method, path, query, body):
    answer = client.request(method, path, params=query, json=body)
    assert answer.status_code in {200, 201, 204, 207, 400, 401, 404, 405}


def test_pages_of_any_size_hold_the_same_flows_in_the_same_order():
    world = make_world(seed=3, clock=SettableClock(BEGINNING), flows=60, rules=0, executions=600)
    with Client(make_app(world)) as other:
        for size in (7, 20, 50):
            found = []
            for page in range(1, 12):
                found += [
                    one["flow_id"] for one in other.flow("/flows", params={"page": page, "per_page": size})["flows"]
                ]
            assert found == [*world.flows]
