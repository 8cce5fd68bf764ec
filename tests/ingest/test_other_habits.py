"""Habits of a Zoho that our stand-in does not have, and that the documents allow."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from monitor.ingest.runs.merge import COPIED, Stored, merge
from monitor.models import Execution, Flow, FlowProgress, Quarantine, StreamState, SyncState, ZohoAccount
from monitor.queries.freshness import mirror
from monitor.queries.status import status
from monitor.zoho.errors import AnswerLost, DaysRefused, NotAvailable, NotFound, Refused
from monitor.zoho.shapes import ExecutionRow
from tests import factories
from tests.bystander import own
from tests.fake_zoho import FakeFlow, Run, Zoho, a_rule, a_task, a_usage, sync
from tests.ingest.mirror import mirrored, upstream


def flows(zoho: Zoho, count: int) -> None:
    at = zoho.clock() - timedelta(hours=2)
    zoho.flows += [FakeFlow(runs=[Run(at + timedelta(minutes=n))]) for n in range(count)]


@pytest.mark.parametrize(
    "beyond", [NotFound("no such page", status=404), Refused("no such page", code="INVALID_REQUEST", status=400)]
)
def test_an_error_beyond_the_last_page_of_flows_is_the_end_of_the_list(
    account: ZohoAccount, zoho: Zoho, beyond: Exception
) -> None:
    flows(zoho, 25)

    def refuse(number: int, what: str) -> None:
        if what.startswith("flows page") and int(what.split()[2]) > len(zoho.flows) // 20 + 1:
            raise beyond

    zoho.before_call = refuse
    zoho.tells_total = False

    result = sync(account, zoho)

    assert result.complete
    assert own(Flow).count() == 25
    assert mirrored(account) == upstream(zoho)


def test_a_flow_that_was_listed_and_never_read_makes_the_account_incomplete(account: ZohoAccount) -> None:
    flow = factories.make_flow(account)
    now = timezone.now()
    SyncState.objects.filter(account=account).update(state="ok", last_finished_at=now, last_complete_at=now)
    assert not mirror(now).accounts[0].is_complete

    counted = {"read_execution_count": 0, "read_success_count": 0, "read_failure_count": 0}
    FlowProgress.objects.filter(flow=flow).update(executions_read_at=now, **counted)
    assert mirror(now).accounts[0].is_complete


def test_a_list_that_is_refused_after_it_was_read_is_neither_healthy_nor_young(
    account: ZohoAccount, zoho: Zoho
) -> None:
    flows(zoho, 2)
    assert sync(account, zoho).complete
    read = own(SyncState).get().last_complete_at
    zoho.clock.pause(600)

    def refuse(number: int, what: str) -> None:
        if what.startswith("flows"):
            raise NotAvailable("permission denied", code="NO_PERMISSION", status=403)

    zoho.before_call = refuse

    assert sync(account, zoho).complete, "what Zoho does not offer is not missing"
    state = own(SyncState).get()
    assert state.state == SyncState.State.INCOMPLETE
    assert "can no longer be read" in state.reason
    assert state.last_complete_at == read
    assert own(StreamState).get(stream="flows").state == StreamState.State.NOT_AVAILABLE


def test_a_re_run_without_a_time_of_its_end_still_turns_a_failure_into_a_success(account: ZohoAccount) -> None:
    now = timezone.now()
    row = factories.make_execution(factories.make_flow(account), "failed")
    stored = Stored("failed", "failed", 0, row.first_failed_at, {name: getattr(row, name) for name in COPIED})
    fields = dict.fromkeys(COPIED) | {"error_code": "", "error_message": "", "error_details": "", "error_action_id": ""}
    rerun = ExecutionRow(execution_id="1", flow_id="2", status="success", raw={}, **fields)  # type: ignore[arg-type]
    assert merge(stored, rerun, now)["status"] == "success"

    done = Stored("success", "failed", 1, row.first_failed_at, stored.values)
    late = ExecutionRow(execution_id="1", flow_id="2", status="failed", raw={}, **fields)  # type: ignore[arg-type]
    assert merge(done, late, now) == {}


def test_a_mismatch_by_status_that_the_listed_rows_do_not_explain_is_a_hole(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.flows.append(FakeFlow(runs=[Run(zoho.clock() - timedelta(hours=2), "failed")]))
    sync(account, zoho)
    sync(account, zoho)
    zoho.clock.pause(600)
    # The mirror knows of a later end, so the success that is listed is taken for an old answer, and not believed.
    own(Execution).update(completed_time=zoho.clock() + timedelta(days=1))
    zoho.flows[0].runs[0].status = "success"

    result = sync(account, zoho)

    assert not result.complete
    assert "against what it lists" in own(Flow).get().progress.hole_reason


def test_a_pause_that_zoho_asks_for_with_a_503_is_kept(account: ZohoAccount, zoho: Zoho) -> None:
    flows(zoho, 1)
    asked = []

    def busy(number: int, what: str) -> None:
        if what.startswith("flows") and not asked:
            asked.append(zoho.clock())
            raise AnswerLost("busy", status=503, retry_after=8)

    zoho.before_call = busy
    assert sync(account, zoho).complete
    assert timedelta(seconds=8) <= zoho.clock() - asked[0] < timedelta(seconds=30)


def test_a_usage_report_is_asked_for_fewer_days_where_zohos_calendar_is_ahead(account: ZohoAccount, zoho: Zoho) -> None:
    rule = a_rule()
    zoho.rules.append(rule)
    zoho.usage[str(rule["id"])] = a_usage()
    spans = []

    def ahead(number: int, what: str) -> None:
        if what.startswith("usage") and len(spans) < 1:
            spans.append(what)
            raise DaysRefused("DATE_RANGE_EXCEEDS", code="INVALID_REQUEST", status=400)

    zoho.before_call = ahead
    assert sync(account, zoho).complete
    assert spans


def test_pages_of_uneven_length_lose_no_run(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.ragged, zoho.cap = True, 50
    at = zoho.clock() - timedelta(days=2)
    for _ in range(3):
        zoho.flows.append(FakeFlow(runs=[Run(at + timedelta(minutes=n)) for n in range(170)], before=(900, 30)))

    assert sync(account, zoho).complete
    assert mirrored(account) == upstream(zoho)


def test_a_total_without_the_running_ones_makes_no_hole_when_they_end(account: ZohoAccount, zoho: Zoho) -> None:
    running = Run(zoho.clock() - timedelta(minutes=1), "running")
    flow = FakeFlow(counters="finished", runs=[Run(zoho.clock() - timedelta(hours=2)), running], before=(40, 2))
    zoho.flows.append(flow)
    sync(account, zoho)
    sync(account, zoho)
    zoho.clock.pause(120)
    running.succeed()

    assert sync(account, zoho).complete
    assert own(Flow).get().progress.hole_reason == ""
    assert mirrored(account) == upstream(zoho)
    (shown,) = status(zoho.clock())["accounts"][0]["completeness"]["flows"]
    assert all(shown[name]["missing"] == shown[name]["newer"] == 0 for name in ("total", "success", "failed"))


def test_records_put_aside_are_told_of_whatever_they_are(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.connections = [{"status": "active"}, {"connection_id": "1", "connection_name": "CRM", "status": "active"}]
    sync(account, zoho)
    assert own(Quarantine).get().stream == "connections"


def test_a_flow_without_a_name_still_has_a_link_with_a_text(account: ZohoAccount) -> None:
    assert factories.make_flow(account, flow_name="").shown_name == "(without a name)"


@pytest.mark.parametrize(("dates", "calls"), [("any", 1), ("time", 1), ("day", 2), ("none", 3)])
def test_new_runs_come_in_whatever_form_of_dates_zoho_takes(
    account: ZohoAccount, zoho: Zoho, *, dates: str, calls: int
) -> None:
    """Which form worked is found once a sweep, not once a flow."""
    flows(zoho, 2)
    sync(account, zoho)
    zoho.dates = dates
    zoho.clock.pause(60)
    for flow in zoho.flows:
        flow.runs.append(Run(zoho.clock() - timedelta(seconds=1)))
    zoho.calls.clear()

    result = sync(account, zoho, patience=a_task(zoho))

    assert result.missing == []
    assert mirrored(account) == upstream(zoho)
    asked = [call for call in zoho.calls if call.startswith("executions")]
    assert len({call for call in asked if "of 200" in call}) == 2
    assert sum("of 200" in call for call in asked) == calls + 1


def test_a_flow_that_is_refused_for_another_reason_has_the_others_asked_as_before(
    account: ZohoAccount, zoho: Zoho
) -> None:
    flows(zoho, 3)
    sync(account, zoho)
    zoho.clock.pause(60)
    for flow in zoho.flows:
        flow.runs.append(Run(zoho.clock() - timedelta(seconds=1)))
    refused = min(zoho.flows, key=lambda flow: flow.flow_id)
    zoho.windows.clear()

    def refuse(number: int, what: str) -> None:
        if what.startswith(f"executions {refused.flow_id}"):
            raise Refused("this flow is locked", code="INVALID_REQUEST", status=400)

    zoho.before_call = refuse
    sync(account, zoho, patience=a_task(zoho))

    assert [since is not None for since, _ in zoho.windows] == [True, True]
    left = {key: row for key, row in upstream(zoho).items() if row["flow"] != refused.flow_id}
    assert left.items() <= mirrored(account).items()
