"""The organisation: repeatable, lifelike, moved by its clock."""

import json
from collections import Counter
from datetime import timedelta

import pytest

from standin.build import JournalError, SettableClock, make_app, make_world
from tests.standin.client import BEGINNING, Client, flow_id


def history(world):
    world.advance(world.now())
    return {
        flow.flow_id: [(row.execution_id, row.status(world.now())) for row in flow.between(None, None)]
        for flow in world.flows.values()
    }


def test_two_worlds_of_one_seed_have_the_same_history_whatever_is_asked_first():
    once = make_world(seed=3, clock=SettableClock(BEGINNING), flows=6)
    stepped = SettableClock(BEGINNING)
    again = make_world(seed=3, clock=stepped, flows=6)
    for flow in reversed([*again.flows.values()]):
        again.flow(flow.flow_id)
    assert history(once) == history(again)

    once.clock.advance(7200)
    for _ in range(8):
        stepped.advance(900)
        again.flow([*again.flows][2])
    assert history(once) == history(again)


def test_another_seed_gives_other_ids():
    one, other = (make_world(seed=seed, clock=SettableClock(BEGINNING), flows=2) for seed in (1, 2))
    assert not set(one.flows) & set(other.flows)


def test_a_month_holds_about_the_wished_number_of_executions_and_failures_of_several_kinds():
    world = make_world(seed=1, clock=SettableClock(BEGINNING))
    rows = [row for ids in history(world).values() for row in ids]
    assert 5000 < len(rows) < 7000
    assert len({identity for identity, _ in rows}) == len(rows)
    details = {
        attempt.failure.details.split(":")[0].split(" from ")[0]
        for flow in world.flows.values()
        for row in flow.by_id.values()
        for attempt in row.attempts
        if attempt.failure
    }
    assert {"HTTP 503", "HTTP 429", "HTTP 401", "Invalid email format"} <= details


def test_more_runs_begin_by_day_than_by_night():
    world = make_world(seed=1, clock=SettableClock(BEGINNING))
    hours = [row.started.hour for flow in world.flows.values() for row in world.flow(flow.flow_id).between(None, None)]
    assert sum(9 <= hour < 17 for hour in hours) > 3 * sum(hour < 5 for hour in hours)


def test_the_silent_flow_ran_hourly_and_stopped_five_days_ago(client, app, clock):
    silent = flow_id(app, "silent")
    newest = client.rows(silent, per_page=2)
    assert newest[0]["started_time"].startswith("2025-05-29T09:07")
    assert newest[1]["started_time"].startswith("2025-05-29T08:07")
    clock.advance(86_400)
    assert client.rows(silent, per_page=1)[0] == newest[0]
    assert client.flow(f"/flows/{silent}")["status"] == "active"


def test_a_run_is_running_before_it_is_finished(client, app, clock):
    flow = flow_id(app, "sick")
    made = client.do("add_executions", flow_id=flow, duration_ms=90_000)[0]
    before = client.flow(f"/flows/{flow}/executions/{made}")
    assert (before["status"], before["completed_time"], before["duration_ms"]) == ("running", None, None)
    count = client.flow(f"/flows/{flow}")
    clock.advance(91)
    after = client.flow(f"/flows/{flow}/executions/{made}")
    assert (after["status"], after["duration_ms"]) == ("success", 90_000)
    assert client.flow(f"/flows/{flow}")["execution_count"] >= count["execution_count"]


def test_life_counters_are_larger_than_the_history_and_move_with_it(client, app, clock):
    flow = flow_id(app, "sick")
    before = client.flow(f"/flows/{flow}")
    assert before["execution_count"] > len(client.rows(flow, per_page=200))
    client.do("add_executions", flow_id=flow, count=3, status="failed", duration_ms=0)
    after = client.flow(f"/flows/{flow}")
    assert after["failure_count"] == before["failure_count"] + 3
    assert after["execution_count"] == before["execution_count"] + 3
    assert after["success_count"] == before["success_count"]


def test_zoho_runs_a_transient_failure_again_after_five_minutes_under_the_same_id(client, app, clock):
    flow = flow_id(app, "sick")
    made = client.do("add_executions", flow_id=flow, count=40, status="failed", kind="503", duration_ms=2000)
    clock.advance(60)
    failed = client.flow(f"/flows/{flow}")
    row = client.flow(f"/flows/{flow}/executions/{made[0]}")
    assert row["status"] == "failed"
    clock.advance(300)
    rows = [client.flow(f"/flows/{flow}/executions/{identity}") for identity in made]
    well = [row for row in rows if row["status"] == "success"]
    assert 20 < len(well) < 40
    assert well[0]["completed_time"] > row["completed_time"]
    healed = client.flow(f"/flows/{flow}")
    assert failed["failure_count"] - healed["failure_count"] >= len(well) - 1
    assert client.ledger()["reruns_by_zoho"] >= 40


def test_zoho_gives_up_after_eight_re_runs_in_a_day(app, world, clock):
    flow = world.flow(flow_id(app, "sick"))
    identity = world.do("add_executions", flow_id=flow.flow_id, status="failed", kind="503", duration_ms=0)[0]
    flow.by_id[identity].luck = (False,) * 8
    clock.advance(25 * 3600)
    world.flow(flow.flow_id)
    times = [attempt.started - BEGINNING for attempt in flow.by_id[identity].attempts[1:]]
    assert times == [timedelta(minutes=m) for m in (5, 10, 30, 60, 180, 360, 720, 1440)]
    assert flow.by_id[identity].status(world.now()) == "failed"


def test_permanent_failures_are_not_run_again_by_zoho(client, app, clock):
    row = client.failed(flow_id(app, "sick"))
    clock.advance(86_400 * 2)
    assert client.flow(f"/flows/{row['flow_id']}/executions/{row['execution_id']}") == row


def test_one_flow_goes_bad_ninety_seconds_after_the_start_and_trips_a_rule_within_minutes(clock):
    world = make_world(seed=7, clock=clock, goes_bad_after=90)
    with Client(make_app(world)) as client:
        sick = world.role("sick").flow_id
        before = client.rows(sick, per_page=200)
        clock.advance(89)
        assert not [row for row in client.rows(sick, per_page=200) if row["status"] == "failed"]
        clock.advance(240)
        week = client.rows(sick, per_page=200, from_date=(clock() - timedelta(days=7)).isoformat())
        finished = [row for row in week if row["status"] != "running"]
        failed = [row for row in finished if row["status"] == "failed"]
        assert len(finished) >= 20
        assert len(failed) >= 10
        assert (len(finished) - len(failed)) / len(finished) < 0.95
        assert before


def test_a_retry_mends_the_sick_flow_and_so_does_healing_it(clock):
    world = make_world(seed=7, clock=clock, goes_bad_after=0)
    with Client(make_app(world)) as client:
        sick = world.role("sick").flow_id
        clock.advance(120)
        failed = client.rows(sick, status="failed")[0]["execution_id"]
        client.flow(f"/flows/{sick}/executions/{failed}/retry", "POST")
        begun = clock().isoformat()
        clock.advance(180)
        newer = [row["status"] for row in client.rows(sick, from_date=begun)]
        assert newer.count("success") >= 5
        assert "failed" not in newer
        client.do("break_flow", flow_id=sick, kind="503", fixed_by_retry=False)
        clock.advance(60)
        assert client.rows(sick, status="failed")[0]["error"]["details"] == "HTTP 503 from Zoho Books"
        client.do("heal_flow", flow_id=sick)
        healed = clock().isoformat()
        clock.advance(120)
        assert {row["status"] for row in client.rows(sick, from_date=healed)} <= {"success", "running"}


def test_whatever_failed_while_the_flow_was_bad_runs_well_once_it_is_repaired_and_all_else_has_its_luck(clock):
    world = make_world(seed=7, clock=clock, goes_bad_after=0)
    with Client(make_app(world)) as client:
        sick = world.role("sick").flow_id

        def again(runs):
            caused = [client.flow(f"/flows/{sick}/executions/{run}/retry", "POST")["execution_id"] for run in runs]
            clock.advance(10)
            return Counter(client.flow(f"/flows/{sick}/executions/{run}")["status"] for run in caused)

        own = client.do("add_executions", flow_id=sick, count=40, status="failed", started="2025-05-01T09:00:00Z")
        clock.advance(300)
        failed = [row["execution_id"] for row in client.rows(sick, per_page=200, status="failed")]
        bad = [run for run in failed if run not in own and world.flow(sick).bad.at(world.flow(sick).by_id[run].started)]
        assert len(bad) >= 20
        assert again(bad) == {"success": len(bad)}
        assert again(own).keys() == {"success", "failed"}


def test_a_broken_connection_fails_its_flow_until_it_is_repaired(client, app, clock):
    flow = flow_id(app, "broken")
    client.do("add_executions", flow_id=flow)
    newest = client.rows(flow, status="failed")[0]
    assert newest["error"]["code"] == "CONNECTION_FAILED"
    broken = [one for one in client.flow("/connections")["connections"] if one["status"] == "expired"]
    assert [one["app"] for one in broken] == ["mailchimp"]
    retry = f"/flows/{flow}/executions/{newest['execution_id']}/retry"
    again = client.flow(retry, "POST")["execution_id"]
    clock.advance(10)
    assert client.flow(f"/flows/{flow}/executions/{again}")["status"] == "failed"
    client.do("repair_connection", connection_id=broken[0]["connection_id"])
    app.world.habits = app.world.habits.changed(retries="succeed")
    again = client.flow(retry, "POST")["execution_id"]
    clock.advance(10)
    assert client.flow(f"/flows/{flow}/executions/{again}")["status"] == "success"


def test_a_restart_on_the_same_file_gives_the_same_world(tmp_path, clock):
    state = tmp_path / "state.jsonl"
    world = make_world(seed=7, clock=clock, flows=5, state=state, goes_bad_after=30)
    with Client(make_app(world)) as client:
        row = client.failed(flow_id(client.app, "broken"))
        clock.advance(100)
        client.flow(f"/flows/{row['flow_id']}/executions/{row['execution_id']}/retry", "POST")
        client.flow(f"/flows/{flow_id(client.app, 'flaky') if world.role('flaky') else row['flow_id']}/disable", "POST")
        clock.advance(500)
        before, header = history(world), client.headers["Authorization"]
    world.close()
    state.write_bytes(state.read_bytes() + b'{"at": "cut o')

    again = make_world(seed=7, clock=clock, flows=5, state=state, goes_bad_after=30)
    assert history(again) == before
    assert again.anchor == BEGINNING
    with Client(make_app(again), headers={"Authorization": header}) as client:
        assert client.flow(f"/flows/{row['flow_id']}")["status"] == "inactive"
    again.close()
    assert all(json.loads(line) for line in state.read_text().splitlines())


def test_a_state_file_of_another_world_is_refused_in_one_line(tmp_path, clock):
    state = tmp_path / "state.jsonl"
    make_world(seed=7, clock=clock, flows=2, state=state).close()
    with pytest.raises(JournalError, match="made with seed=7, not seed=8"):
        make_world(seed=8, clock=clock, flows=2, state=state)
    state.write_text("no journal\n")
    with pytest.raises(JournalError, match="line 1"):
        make_world(clock=clock, state=state)


def test_a_state_file_of_another_version_is_refused_in_one_line(tmp_path, clock):
    state = tmp_path / "state.jsonl"
    world = make_world(seed=7, clock=clock, flows=2, state=state)
    world.do("break_flow", flow_id=world.role("sick").flow_id, kind="503", fixed_by_retry=False)
    world.close()
    state.write_text(state.read_text().replace("fixed_by_retry", "an_argument_of_before"))
    with pytest.raises(JournalError, match="a change of another version: break_flow"):
        make_world(seed=7, clock=clock, flows=2, state=state)


def test_a_disabled_flow_does_not_run(client, app, clock):
    flow = flow_id(app, "sick")
    client.flow(f"/flows/{flow}/disable", "POST")
    rows = client.rows(flow)
    clock.advance(86_400 * 3)
    assert client.rows(flow) == rows
    client.flow(f"/flows/{flow}/enable", "POST")
    clock.advance(86_400 * 3)
    assert client.rows(flow)[0]["started_time"] > rows[0]["started_time"]


def test_people_in_trigger_data_are_invented(client, app):
    for flow in client.flow("/flows")["flows"]:
        for row in client.rows(flow["flow_id"], per_page=20):
            assert "@example.com" in json.dumps(row["trigger_data"])
