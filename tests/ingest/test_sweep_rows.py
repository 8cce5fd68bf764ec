"""What every sweep leaves behind, and values that no database takes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from monitor.models import Execution, FlowProgress, StageRun, WorkflowRule, ZohoAccount
from tests.bystander import own
from tests.fake_zoho import FakeFlow, Run, Zoho, a_rule, a_task, a_usage, hasty, sync
from tests.ingest.test_sweep import fail, state


def test_a_fault_of_ours_leaves_its_end_in_the_runs_and_is_not_repeated_at_once(
    account: ZohoAccount, busy: Zoho
) -> None:
    fail(busy, "flows", RuntimeError("a bug"))

    with pytest.raises(RuntimeError):
        sync(account, busy)

    run = own(StageRun).get()
    assert (run.outcome, run.error) == ("failed", "RuntimeError")
    assert run.finished_at is not None
    due = state(account).next_due_at
    assert due is not None
    assert due > busy.clock()
    assert state(account).lease_until is None


def test_every_sweep_leaves_a_row_also_when_nothing_changed(account: ZohoAccount, busy: Zoho) -> None:
    sync(account, busy)
    busy.clock.pause(60)
    sync(account, busy)

    latest = own(StageRun).first()
    assert own(StageRun).count() == 2
    assert latest is not None
    assert (latest.outcome, latest.summary["new"], latest.summary["changed"]) == ("ok", 0, 0)


NASTY: dict[str, Any] = {
    "nul": "a\x00b",
    "surrogate": "a\ud800b",
    "long": "x" * 30_000,
    "formula": "=1+1",
    "nan": float("nan"),
    "huge": 10**30,
    "deep": {"a": [[[[[{}]]]]], "1e300": 1e300},
}


@pytest.mark.parametrize("value", NASTY.values(), ids=NASTY.keys())
def test_no_value_of_zohos_stops_a_sync_or_moves_a_row_twice(account: ZohoAccount, busy: Zoho, value: Any) -> None:
    flow = busy.flows[0]
    for name in ("status", "duration_ms", "trigger_data", "started_time", "error", "actions_executed"):
        flow.runs.append(Run(busy.clock() - timedelta(minutes=1), over={name: value}))
    flow.runs.append(Run(busy.clock() - timedelta(minutes=1), payload={"k": value, "l": [value]}))
    flow.runs.append(Run(busy.clock() - timedelta(minutes=1), over={"execution_id": value}))
    good = Run(busy.clock() - timedelta(minutes=1))
    flow.runs.append(good)
    for name in ("flow_name", "status", "description", "trigger_app", "execution_count", "created_time", "extra"):
        busy.flows.append(FakeFlow(over={name: value}))
        busy.connections.append({"connection_id": f"88{name}", "status": "active", "app": "crm", name: value})
        busy.rules.append(a_rule(**{"name" if name == "flow_name" else name: value}))
    busy.rules.append(a_rule(execute_when={"type": value}, module={"api_name": value}, modified_by={"name": value}))
    busy.usage |= {rule["id"]: a_usage() for rule in busy.rules}
    beyond = busy.rules[0]["id"]  # a count that no column holds is no count
    busy.usage[beyond] = a_usage(success=2**62, failure=2**62)
    busy.usage[beyond]["conditions"] *= 4

    result = sync(account, busy)

    assert result.stopped is None
    assert own(Execution).filter(execution_id=good.execution_id).exists()
    unread = own(WorkflowRule).filter(usage_read_at=None)
    assert [rule.rule_id for rule in unread] == [beyond]
    before = list(own(Execution).order_by("pk").values_list("pk", "changed_at"))
    busy.clock.pause(120)
    own(FlowProgress).update(recheck_at=busy.clock(), history_read_at=None)
    sync(account, busy)
    assert list(own(Execution).order_by("pk").values_list("pk", "changed_at")) == before


@pytest.mark.deep
# Five statements a page of the list, and in the background one more: how full the minute is. One asks for the
# organisation, one whether it was asked for lately, and two for what is in quarantine.
@pytest.mark.parametrize(("patience", "most"), [(hasty, 179), (a_task, 178)])
def test_an_account_of_a_thousand_flows_that_stand_still_costs_few_statements(
    account: ZohoAccount, zoho: Zoho, django_assert_max_num_queries: Any, patience: Any, most: int
) -> None:
    zoho.flows = [FakeFlow(name=f"Flow {n}") for n in range(300)]
    sync(account, zoho)
    zoho.clock.pause(60)

    with django_assert_max_num_queries(most):
        sync(account, zoho, patience=patience(zoho))
