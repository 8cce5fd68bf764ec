"""Stuck runs, from rows of the mirror to alerts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitor.alerting.evaluate import evaluate_account
from monitor.models import Execution, Flow, SyncState
from tests import factories
from tests.alerting.conftest import MINUTE, Watch

pytestmark = pytest.mark.django_db
NOW = factories.NOON


@pytest.fixture
def stuck(watch: Watch) -> Watch:
    factories.make_alert_rule(watch.account, kind="stuck_run", name="Stuck")
    watch.ran([NOW - minutes * MINUTE for minutes in (30, 20)], "success")
    return watch


def begin(watch: Watch, **fields: Any) -> Execution:
    fields = {"started_time": NOW, "completed_time": None, "duration_ms": None} | fields
    row = factories.make_execution(watch.flow, "running", **fields)
    watch.count(row)
    return row


def end(watch: Watch, row: Execution, after: timedelta) -> None:
    assert row.started_time is not None
    row.status, row.completed_time, row.duration_ms = "success", row.started_time + after, 1000 * after.seconds
    row.save()
    watch.count(row)


def test_a_run_that_does_not_end_fires_without_a_further_run_and_recovers_when_it_ends(stuck: Watch) -> None:
    row = begin(stuck)
    assert stuck.at(NOW + MINUTE) == []
    assert stuck.state.again_at == NOW + 10 * MINUTE
    assert stuck.at(NOW + 9 * MINUTE) == []
    assert stuck.at(NOW + 10 * MINUTE) == ["firing"]
    assert (stuck.edges[0].began_at, stuck.state.runs) == (NOW, 0)
    end(stuck, row, 12 * MINUTE)
    assert stuck.at(NOW + 13 * MINUTE) == ["resolved"]
    assert stuck.at(NOW + timedelta(days=8)) == []


def test_a_mirror_that_is_old_is_no_sign_that_a_run_goes_on(stuck: Watch) -> None:
    begin(stuck)
    stuck.at(NOW + MINUTE)
    SyncState.objects.filter(account=stuck.account).update(state="unreachable")
    assert [edge.kind for edge in evaluate_account(stuck.account, NOW + 50 * MINUTE)] in ([], ["no_data"])
    assert not stuck.state.is_open
    assert stuck.state.is_resting


def test_a_flow_whose_newest_runs_are_not_read_is_no_sign_of_it_either(stuck: Watch) -> None:
    begin(stuck)
    stuck.at(NOW + MINUTE)
    Flow.objects.filter(pk=stuck.flow.pk).update(execution_count=9, success_count=9)
    stuck.at(NOW + 11 * MINUTE)
    assert (stuck.state.state, stuck.state.is_open) == ("no_data", False)


def test_a_run_that_zoho_lists_no_longer_does_not_go_on(stuck: Watch) -> None:
    row = begin(stuck)
    assert stuck.at(NOW + 11 * MINUTE) == ["firing"]
    Execution.objects.filter(pk=row.pk).update(unlisted_at=NOW)
    stuck.count(row)
    assert stuck.at(NOW + 12 * MINUTE) == ["resolved"]


def test_a_step_that_waits_is_no_stuck_run(stuck: Watch) -> None:
    begin(stuck)
    Flow.objects.filter(pk=stuck.flow.pk).update(may_wait=True)
    assert stuck.at(NOW + 60 * MINUTE) == []
    assert stuck.state.reason == "a step of the flow waits, so that its runs may go on for long"


def test_a_re_run_by_zoho_of_hours_ago_goes_on_since_it_was_seen_to(stuck: Watch) -> None:
    failed_at = NOW - timedelta(hours=3)
    begin(stuck, started_time=failed_at - MINUTE, first_status="failed", first_failed_at=failed_at, changed_at=NOW)
    assert stuck.at(NOW + MINUTE) == []
    assert stuck.at(NOW + 10 * MINUTE) == ["firing"]
    assert stuck.edges[0].began_at == NOW


def test_another_flows_run_and_other_statuses_are_none(stuck: Watch) -> None:
    cancelled = factories.make_execution(stuck.flow, "cancelled", started_time=NOW, completed_time=None)
    other = factories.make_execution(factories.make_flow(factories.make_account()), "running", started_time=NOW)
    stuck.count(cancelled, other)
    assert stuck.at(NOW + timedelta(hours=1)) == []


def test_no_evaluation_reads_a_raw_run(stuck: Watch) -> None:
    begin(stuck)
    with CaptureQueriesContext(connection) as statements:
        assert stuck.at(NOW + 11 * MINUTE) == ["firing"]
    assert [one["sql"] for one in statements if "monitor_execution" in one["sql"]] == []
