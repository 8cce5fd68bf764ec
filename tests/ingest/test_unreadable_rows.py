"""A run that cannot be read is in quarantine, told and counted there; once it can be read it is counted once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from monitor.ingest.steps import read_everything
from monitor.ingest.steps.moved_flows import read_flow
from monitor.models import Execution, Flow, Quarantine, StreamState, ZohoAccount
from monitor.queries.status import status
from tests.bystander import own
from tests.fake_zoho import ABSENT, FakeFlow, Run, Zoho, a_rule, a_task, a_usage, a_webhook_failure, stamp, sync
from tests.ingest.adds_up import faults, report
from tests.ingest.mirror import stream

UNREADABLE = [ABSENT, None, "", "soon", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59Z", -5, 0, [], {}, True, 10**30,
              "05-11-2026 10:05", "2062-05-05T10:00:00Z"]  # fmt: skip


def ten(zoho: Zoho, spoiled: int = 0, **over: Any) -> FakeFlow:
    """A flow with ten runs, the newest `spoiled` ones with other fields."""
    runs = [Run(zoho.clock() - timedelta(minutes=n + 1), over=over if n < spoiled else {}) for n in range(10)]
    zoho.flows = [FakeFlow(runs=runs)]
    return zoho.flows[0]


@pytest.mark.parametrize(
    ("start", "spoiled"),
    [*((start, 1) for start in UNREADABLE), (ABSENT, 10), ("soon", 10), (10**30, 10)],
    ids=lambda value: "absent" if value is ABSENT else repr(value),
)
def test_a_run_without_a_start_that_can_be_read_is_in_quarantine_and_said_so(
    account: ZohoAccount, zoho: Zoho, start: Any, spoiled: int
) -> None:
    ten(zoho, spoiled, started_time=start)

    result = sync(account, zoho)

    assert (result.complete, result.written.quarantined >= spoiled) == (False, True)
    found = report(account, zoho)
    runs = found["runs"]
    assert (runs["zoho_counts"], runs["counted"], runs["quarantined"]) == (10, 10 - spoiled, spoiled)
    assert (runs["holes"], runs["newer"], runs["before_our_time"]) == (0, 0, 0)
    assert (found["state"], found["complete"]) == ("incomplete", False)
    assert f"{spoiled} run" in found["reason"]
    assert "quarantine" in found["reason"]
    assert list(faults(account, zoho)) == []


@pytest.mark.parametrize(
    "spelled",
    [
        lambda at: at.strftime("%d-%b-%Y %H:%M:%S"),
        lambda at: at.strftime("%b %d, %Y %I:%M:%S %p"),
        lambda at: int(at.timestamp()),
        lambda at: str(int(at.timestamp() * 1000)),
        lambda at: at.strftime("%d-%m-%Y %H:%M:%S"),
    ],
)
def test_a_start_in_a_local_form_or_as_a_number_is_counted_like_any(
    account: ZohoAccount, zoho: Zoho, spelled: Any
) -> None:
    flow = ten(zoho)
    for run in flow.runs:
        run.over = {"started_time": spelled(run.started)}

    result = sync(account, zoho)

    assert result.complete
    assert report(account, zoho)["runs"]["counted"] == 10
    assert {stamp(at) for at in own(Execution).values_list("started_time", flat=True) if at} == {
        stamp(run.started) for run in flow.runs
    }


def test_what_can_be_read_at_last_leaves_quarantine_and_is_counted_once(account: ZohoAccount, zoho: Zoho) -> None:
    flow = ten(zoho, 3, started_time="soon")
    sync(account, zoho)
    for run in flow.runs:
        run.over = {}

    assert sync(account, zoho).complete

    runs = report(account, zoho)["runs"]
    assert (runs["counted"], runs["quarantined"], runs["holes"]) == (10, 0, 0)
    assert own(Quarantine).filter(left_at=None).count() == 0
    assert own(Quarantine).count() == 3
    assert Flow.objects.get(account=account).progress.hole_reason == ""


def test_the_worker_looks_by_itself_whether_it_can_be_read_by_now(account: ZohoAccount, zoho: Zoho) -> None:
    flow = ten(zoho, 1, started_time=None)
    sync(account, zoho)
    flow.runs[0].over = {}
    zoho.clock.pause(601)

    sync(account, zoho, patience=a_task(zoho))

    assert report(account, zoho)["runs"]["quarantined"] == 0
    assert own(Execution).count() == 10


def test_it_does_not_cost_a_reading_of_all_history_in_each_sweep(account: ZohoAccount, zoho: Zoho) -> None:
    ten(zoho, 1, started_time=None)
    sync(account, zoho)
    zoho.clock.pause(60)
    zoho.calls.clear()

    sync(account, zoho, patience=a_task(zoho))

    assert zoho.asked("executions") == 0


def test_a_known_run_that_comes_without_its_start_keeps_it_and_the_rest_is_believed(
    account: ZohoAccount, zoho: Zoho
) -> None:
    flow = ten(zoho)
    flow.runs[0].status = "running"
    sync(account, zoho)
    flow.runs[0].status, flow.runs[0].over = "failed", {"started_time": "soon"}
    zoho.clock.pause(60)

    assert sync(account, zoho).complete

    run = Execution.objects.get(execution_id=flow.runs[0].execution_id)
    assert (run.status, run.started_time) == ("failed", flow.runs[0].started)


def test_a_run_in_quarantine_that_ends_is_still_one(account: ZohoAccount, zoho: Zoho) -> None:
    flow = ten(zoho)
    flow.runs[0].status, flow.runs[0].over = "running", {"started_time": None}
    flow.runs[1].status, flow.runs[1].over = "running", {"execution_id": None}
    sync(account, zoho)
    for run in flow.runs[:2]:
        run.status = "failed"
    zoho.clock.pause(60)

    sync(account, zoho)

    found = report(account, zoho)
    assert found["runs"]["quarantined"] == 2
    assert found["completeness"]["failed"]["quarantined"] == 2
    assert list(faults(account, zoho)) == []


def test_what_zoho_no_longer_lists_is_no_more_in_quarantine_but_missing(account: ZohoAccount, zoho: Zoho) -> None:
    flow = ten(zoho, 1, started_time=None)
    sync(account, zoho)
    flow.before, flow.runs = (1, 0), flow.runs[1:]
    zoho.clock.pause(60)

    sync(account, zoho)

    runs = report(account, zoho)["runs"]
    assert (runs["counted"], runs["quarantined"], runs["holes"]) == (9, 0, 1)


def test_runs_that_began_when_nobody_lives_say_that_clocks_differ(account: ZohoAccount, zoho: Zoho) -> None:
    ten(zoho, 1, started_time="2062-01-01T00:00:00Z")

    sync(account, zoho)

    assert "ahead of Zoho's clock and of ours" in own(Quarantine).get().reason


@pytest.mark.parametrize(
    "name", [None, ABSENT, True, "", [], {}, {"$oid": 5}], ids=lambda name: "absent" if name is ABSENT else repr(name)
)
@pytest.mark.parametrize("more", [{}, {"started_time": None}], ids=["with a start", "without a start"])
def test_runs_of_one_unreadable_id_are_as_many_as_zoho_lists(
    account: ZohoAccount, zoho: Zoho, name: Any, more: dict[str, Any]
) -> None:
    ten(zoho, 4, execution_id=name, trigger_data=None, **more)
    for _ in range(2):  # a second reading finds the same ones
        sync(account, zoho)

        runs = report(account, zoho)["runs"]
        assert (runs["counted"], runs["quarantined"], runs["before_our_time"]) == (6, 4, 0)
        zoho.clock.pause(60)


def test_a_run_with_the_id_of_another_flows_run_is_put_aside_and_changes_nothing_of_that_one(
    account: ZohoAccount, zoho: Zoho
) -> None:
    """A server numbers the runs of each flow by themselves: one row an id is kept, none is in no count."""
    first = ten(zoho)
    for number, run in enumerate(first.runs):
        run.over = {"execution_id": f"run-{number}"}
    second = FakeFlow(
        runs=[
            Run(run.started - timedelta(days=1), "failed", over={"execution_id": f"run-{number + 7}"})
            for number, run in enumerate(first.runs)
        ]
    )
    zoho.flows.append(second)

    sync(account, zoho)

    runs = report(account, zoho)["runs"]
    assert (runs["zoho_counts"], runs["counted"], runs["quarantined"], runs["before_our_time"]) == (20, 17, 3, 0)
    aside = own(Quarantine).filter(left_at=None)
    assert {row.reason for row in aside} == {"its id is that of a run of another flow (execution_id)"}
    shared = own(Execution).filter(execution_id__in=["run-7", "run-8", "run-9"])
    assert len(set(shared.values_list("flow_id", flat=True))) == 1
    zoho.clock.pause(60)
    sync(account, zoho)
    assert report(account, zoho)["runs"]["quarantined"] == 3


def test_rows_without_an_id_do_not_end_the_walk_over_a_history(account: ZohoAccount, zoho: Zoho) -> None:
    flow = ten(zoho)
    zoho.cap = 2
    flow.runs += [
        Run(zoho.clock() - timedelta(hours=2, minutes=n), over={"execution_id": None, "trigger_data": n})
        for n in range(12)
    ]
    flow.runs += [Run(zoho.clock() - timedelta(hours=5, minutes=n)) for n in range(6)]

    sync(account, zoho)

    assert own(Execution).count() == 16
    assert list(faults(account, zoho)) == []


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, 10**19 + 7, 10**22 + 3])
def test_what_is_put_aside_is_kept_to_the_last_digit(account: ZohoAccount, zoho: Zoho, number: int) -> None:
    ten(zoho, 1, started_time=None, trigger_data={"Invoice": number, "Note": "a\x00b\ud800", "Sum": "1,10"})

    sync(account, zoho)

    kept = json.loads(own(Quarantine).get().raw_text)
    assert kept["trigger_data"] == {"Invoice": number, "Note": "a\x00b\ud800", "Sum": "1,10"}
    assert own(Quarantine).get().raw_text.isascii()


def test_a_status_that_nobody_knows_is_told_in_its_own_words(account: ZohoAccount, zoho: Zoho) -> None:
    ten(zoho, 2, status="Paused by policy")

    assert sync(account, zoho).complete

    found = report(account, zoho)["runs"]
    assert found["unknown_statuses"] == {"paused by policy": 2}
    assert found["counted"] == 10


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("flows", lambda zoho: zoho.flows.append(FakeFlow(over={"flow_id": None}))),
        ("rules", lambda zoho: zoho.rules.append({"name": "Big deals"})),
        ("connections", lambda zoho: zoho.connections.append({"connection_name": "CRM"})),
        ("connected", lambda zoho: zoho.connected.append({"name": "Onboarding"})),
        ("webhook_failures", lambda zoho: zoho.webhook_failures.append(a_webhook_failure(id=None))),
        (
            "webhook_failures",
            lambda zoho: zoho.webhook_failures.append(a_webhook_failure(failure_time="2026-11-21T99:00:00Z")),
        ),
    ],
)
def test_a_record_of_any_list_that_cannot_be_read_leaves_the_list_incomplete_and_the_rest_goes_on(
    account: ZohoAccount, busy: Zoho, name: str, spoil: Any
) -> None:
    spoil(busy)

    result = sync(account, busy)

    assert (result.complete, result.missing) == (False, [])
    found = report(account, busy)
    assert found["streams"][name]["state"] == "incomplete"
    assert "1 record is in quarantine" in found["streams"][name]["reason"]
    assert (found["streams"][name]["quarantined"], found["quarantine"]) == (1, {name: 1})
    assert (found["complete"], found["state"]) == (False, "incomplete")
    assert found["data_age_seconds"] == 0, "all that can be read is read"
    busy.flows[0].runs.append(Run(busy.clock()))
    busy.clock.pause(120)
    sync(account, busy, patience=a_task(busy))
    assert own(Execution).count() == sum(len(flow.runs) for flow in busy.flows[:5])


def test_a_list_that_can_be_read_again_is_complete_again(account: ZohoAccount, busy: Zoho) -> None:
    busy.rules.append({"name": "Big deals"})
    sync(account, busy)
    busy.rules[-1] = a_rule("Big deals")
    busy.usage[busy.rules[-1]["id"]] = a_usage()
    busy.clock.pause(60)

    assert sync(account, busy).complete

    assert stream(account, "rules").state == StreamState.State.OK
    assert status(busy.clock(), account.name)["accounts"][0]["quarantined"] == 0


def test_a_flow_that_can_be_read_by_the_second_list_of_a_sync_leaves_quarantine_at_once(
    account: ZohoAccount, busy: Zoho, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(account, busy)
    seen = []

    def put_aside_until_flows_are_read(*args: Any) -> None:
        seen.append(own(Quarantine).filter(left_at=None).count())
        busy.flows[5:] = []
        busy.clock.pause(1)
        read_flow(*args)

    monkeypatch.setattr(read_everything, "read_flow", put_aside_until_flows_are_read)
    busy.flows[0].runs.append(Run(busy.clock()))
    busy.flows.append(FakeFlow(over={"flow_id": None}))
    busy.clock.pause(60)

    assert sync(account, busy).complete

    assert seen == [1]
    assert own(Quarantine).filter(left_at=None).count() == 0


@pytest.mark.parametrize("count", ["many", -1, 10**30])
def test_a_usage_report_with_a_counter_that_cannot_be_read_is_not_taken_for_zero(
    account: ZohoAccount, busy: Zoho, count: Any
) -> None:
    action = {"type": "field_updates", "success_count": 3, "failure_count": count}
    busy.usage[busy.rules[0]["id"]] = a_usage() | {"conditions": [{"instant_actions": {"actions": [action]}}]}

    result = sync(account, busy)

    assert [line for line in result.missing if "failure_count" in line]
    rule = account.rules.get(rule_id=busy.rules[0]["id"])
    assert "failure_count" in rule.usage_problem
    assert rule.failure_count is None
