"""What a walk found to stand here as Zoho lists it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.ingest.runs.store import store_page
from monitor.models import Execution, Flow
from monitor.zoho.shapes.executions import ExecutionRow, execution_row
from tests.bystander import own
from tests.factories import make_execution, make_flow

pytestmark = pytest.mark.django_db


def a_row(identity: str, status: str, began: datetime, ended: datetime | None) -> ExecutionRow:
    """A run as Zoho lists it."""
    record: dict[str, Any] = {"execution_id": identity, "status": status, "started_time": began.isoformat()}
    return execution_row(record | {"completed_time": ended.isoformat() if ended else None})


@pytest.mark.parametrize(("began", "here"), [(timedelta(seconds=-1), 0), (timedelta(seconds=1), 1)])
def test_a_run_that_began_before_the_edge_of_pruning_is_not_missed_though_it_ended_after_it(
    now: datetime, *, began: timedelta, here: int
) -> None:
    """Pruning goes by the start, and so does what is looked for."""
    edge = now - timedelta(days=200)
    flow = make_flow(pruned_before=edge)

    written = store_page(flow, [a_row("1", "success", edge + began, edge + timedelta(minutes=2))], [], now)

    assert (written.new, written.apart) == (here, 0)


def test_rows_that_stand_here_with_another_status_than_they_are_listed_with_are_counted(now: datetime) -> None:
    flow, began = make_flow(), now - timedelta(hours=1)
    make_execution(flow, "success", execution_id="ended", started_time=began, completed_time=now)
    make_execution(flow, "running", execution_id="running", started_time=began)
    make_execution(make_flow(flow.account, flow_id="other"), "failed", execution_id="elsewhere", started_time=began)
    listed = [
        a_row("ended", "running", began, None),  # an answer from before it ended
        a_row("running", "success", began, now),
        a_row("elsewhere", "success", began, now),
        a_row("new", "failed", began, now),
    ]

    written = store_page(flow, listed, [], now)

    assert (written.new, written.changed, written.apart) == (1, 1, 2)
    assert set(Execution.objects.filter(flow=flow).values_list("execution_id", "status")) == {
        ("ended", "success"),
        ("running", "success"),
        ("new", "failed"),
    }


def test_a_row_that_the_database_refuses_stands_apart(now: datetime) -> None:
    flow, began = make_flow(), now - timedelta(hours=1)
    good, bad = a_row("1", "success", began, now), a_row("2", "success", began, now)
    object.__setattr__(bad, "duration_ms", 2**70)

    written = store_page(flow, [good, bad], [], now)

    assert (written.new, written.quarantined, written.apart) == (1, 1, 1)
    assert own(Flow).get().executions.count() == 1
