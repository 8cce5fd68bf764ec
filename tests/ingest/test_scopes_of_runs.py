"""Which runs, flows and rules a reading is about: those of others beside them change nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.ingest import sweep
from monitor.ingest.base.context import Context
from monitor.ingest.history.backfill import Backfill
from monitor.ingest.history.first_reading import OVER_AFTER, FirstReading
from monitor.ingest.history.newest_first import OVERLAP, Pages
from monitor.ingest.lists import flows, gone_flows, notification_channels
from monitor.ingest.night import prune, reconcile
from monitor.ingest.runs import holes, read_runs
from monitor.ingest.runs.walk_pages import Walked
from monitor.ingest.steps import sync_states
from monitor.models import (
    Execution,
    Flow,
    FlowProgress,
    RetryAttempt,
    Stream,
    StreamState,
    User,
    WatchChoice,
    WorkflowRule,
)
from monitor.models import ZohoAccount as Account
from monitor.zoho.errors import NotAvailable, NotFound
from tests.factories import NOON, change_flow, make_account, make_execution, make_flow, make_rule
from tests.ingest.by_hand import Walks

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def refusing(error: Exception) -> Any:
    """A client that gives no flow and no run, and remembers which it was asked for."""
    asked: list[str] = []

    def refuse(*ids: str) -> None:
        asked.append(ids[-1])
        raise error

    return SimpleNamespace(get_flow=refuse, get_execution=refuse, asked=asked)


def rechecks() -> dict[int, datetime | None]:
    return dict(Execution.objects.values_list("pk", "recheck_at"))


def test_a_run_that_zoho_has_no_more_is_awaited_no_longer_and_no_other_is_forgotten(
    context: Context, now: datetime
) -> None:
    flow = make_flow(context.account)
    asked = make_execution(flow, "running", recheck_at=now)
    make_execution(flow, "running", recheck_at=now)
    make_execution(make_flow(), "running", recheck_at=now, execution_id=asked.execution_id)
    before = rechecks()

    assert not read_runs.read_one(context, refusing(NotFound("gone", status=404)), flow, asked.execution_id)

    assert rechecks() == before | {asked.pk: None}


def test_a_run_that_is_not_to_be_had_by_itself_is_put_off_where_it_was_awaited(context: Context, now: datetime) -> None:
    flow = make_flow(context.account)
    awaited, settled = make_execution(flow, "running", recheck_at=now), make_execution(flow)
    before = rechecks()
    for run in (awaited, settled):
        assert read_runs.read_one(context, refusing(NotAvailable("not in this plan")), flow, run.execution_id)
    put_off = rechecks()[awaited.pk]
    assert put_off is not None
    assert put_off > now
    assert rechecks() == before | {awaited.pk: put_off}


def test_a_baseline_is_made_firm_where_no_run_of_the_flow_was_under_way_lately(
    context: Context, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    firmed: list[int] = []
    monkeypatch.setattr(holes, "firm_up", lambda context, flow: firmed.append(flow.pk))
    counted = {"execution_count": 5, "success_count": 5, "failure_count": 0}
    read = {f"read_{name}": number for name, number in counted.items()} | {"executions_read_at": now}

    def still() -> Flow:
        return make_flow(context.account, baseline_total=0, baseline_firm=False, **counted, **read)

    quiet, old, ended, busy = (still() for _ in range(4))
    make_execution(old, "running", started_time=now - holes.UNDER_WAY - SECOND, recheck_at=now)
    make_execution(ended, started_time=now - SECOND)
    make_execution(busy, "running", started_time=now - SECOND, recheck_at=now)

    holes.settle_still(context, [quiet, old, ended, busy])

    assert sorted(firmed) == sorted([quiet.pk, old.pk, ended.pk])


def test_a_baseline_that_another_made_firm_meanwhile_is_left_as_it_is(context: Context) -> None:
    counted = {"execution_count": 5, "success_count": 5, "failure_count": 0}
    flow = make_flow(context.account, baseline_total=0, baseline_firm=False, **counted)
    neighbour = make_flow(context.account, baseline_total=0, baseline_firm=False, **counted)
    FlowProgress.objects.filter(flow=flow).update(baseline_firm=True, baseline_total=77)

    holes.firm_up(context, flow)

    rows = {row.flow_id: (row.baseline_total, row.baseline_firm) for row in FlowProgress.objects.all()}
    assert (rows[flow.pk], rows[neighbour.pk]) == ((77, True), (0, False))
    assert not flow.progress.baseline_firm


def test_living_flows_are_the_accounts_that_are_not_gone_all_or_the_named(context: Context, now: datetime) -> None:
    first, second = make_flow(context.account), make_flow(context.account)
    gone, other = make_flow(context.account, gone_at=now), make_flow()
    assert {flow.pk for flow in flows.living(context)} == {first.pk, second.pk}
    named = [first.flow_id, gone.flow_id, other.flow_id]
    assert [flow.pk for flow in flows.living(context, named)] == [first.pk]


def test_only_living_flows_that_two_lists_did_not_have_are_asked_for_and_a_count_stays_within_its_column(
    context: Context, now: datetime
) -> None:
    seen = {make_flow(context.account).flow_id for _ in range(30)}
    once, twice = make_flow(context.account), make_flow(context.account, missed_sweeps=1)
    most = make_flow(context.account, missed_sweeps=gone_flows.MOST_MISSED)
    gone = make_flow(context.account, missed_sweeps=1, gone_at=now - DAY)
    client = refusing(NotFound("gone", status=404))

    gone_flows.mark_gone(context, client, seen, now)

    rows = {flow.pk: (flow.missed_sweeps, flow.gone_at) for flow in Flow.objects.filter(account=context.account)}
    assert client.asked == [twice.flow_id]
    assert rows[once.pk] == (1, None)
    assert rows[twice.pk] == (2, now)
    assert rows[most.pk] == (gone_flows.MOST_MISSED, None)
    assert rows[gone.pk] == (1, now - DAY)


def test_of_many_that_vanish_at_once_those_are_asked_for_that_two_lists_and_an_hour_did_not_have(
    context: Context, now: datetime
) -> None:
    long_ago, lately = now - gone_flows.PATIENCE - SECOND, now - gone_flows.PATIENCE
    make_flow(context.account, missed_sweeps=0, seen_at=long_ago)
    make_flow(context.account, missed_sweeps=5, seen_at=lately)
    lost = make_flow(context.account, missed_sweeps=4, seen_at=long_ago)
    client = refusing(NotFound("gone", status=404))

    gone_flows.mark_gone(context, client, set(), now)

    assert client.asked == [lost.flow_id]


def test_the_pages_of_the_rules_are_those_of_the_accounts_rules_that_are_there(context: Context, now: datetime) -> None:
    other = make_account()
    for account, gone_at, count in ((context.account, now, 2), (other, None, 199), (context.account, None, 199)):
        WorkflowRule.objects.bulk_create(
            WorkflowRule(
                account=account, rule_id=f"{account.pk}{gone_at}{n}", name="x", first_seen_at=now, seen_at=now,
                gone_at=gone_at,
            )
            for n in range(count)
        )  # fmt: skip
    assert sweep._pages_of_rules(SimpleNamespace(context=context)) == 1  # type: ignore[arg-type]
    make_rule(context.account)
    assert sweep._pages_of_rules(SimpleNamespace(context=context)) == 2  # type: ignore[arg-type]


def test_whether_a_list_is_read_is_said_by_the_accounts_row_of_that_list(context: Context, now: datetime) -> None:
    def row(account: Account, stream: str, state: str) -> None:
        StreamState.objects.create(account=account, stream=stream, state=state, since=now)

    row(make_account(), "flows", "ok")
    row(context.account, "rules", "ok")
    row(context.account, "flows", "failing")
    taken: Any = SimpleNamespace(context=context, _listed={})
    assert not sweep._Sweep.is_listed(taken, Stream.FLOWS)
    assert sweep._Sweep.is_listed(taken, Stream.RULES)
    assert not sweep._Sweep.is_listed(taken, Stream.CONNECTED)


def test_first_readings_go_on_with_the_accounts_living_unread_flows_whose_time_has_come(
    context: Context, now: datetime
) -> None:
    account = context.account
    plain, due = make_flow(account), make_flow(account, recheck_at=now)
    wanted = make_flow(account, recheck_at=now + HOUR, wanted_at=now)
    make_flow(account, recheck_at=now + SECOND)
    make_flow(account, executions_read_at=now)
    make_flow(account, gone_at=now)
    make_flow()

    courses = Backfill(context, SimpleNamespace())._refreshed()  # type: ignore[arg-type]

    assert {course.flow.pk for course in courses} == {plain.pk, due.pk, wanted.pk}


def since_of_catch_up(flow: Flow, now: datetime, *, failed: bool) -> datetime:
    reading: Any = SimpleNamespace(flow=Flow.objects.select_related("progress").get(pk=flow.pk), started=now)
    with pytest.raises(Walks) as caught:
        FirstReading.catch_up(SimpleNamespace(), reading, SimpleNamespace(), failed=failed)  # type: ignore[arg-type]
    assert caught.value.since is not None
    return caught.value.since


def test_what_is_newer_than_the_mirror_is_newer_than_the_flows_own_newest_run(
    account: Account, walks: None, now: datetime
) -> None:
    flow = make_flow(account)
    make_execution(flow, started_time=now - 2 * HOUR)
    make_execution(flow, started_time=now + read_runs.AHEAD + SECOND)
    make_execution(make_flow(account), started_time=now - HOUR)
    assert since_of_catch_up(flow, now, failed=False) == now - 2 * HOUR - read_runs.LOOKBACK


def test_what_may_have_changed_while_a_history_was_read_begins_with_its_oldest_open_or_failed_run(
    account: Account, walks: None, now: datetime
) -> None:
    began = now - DAY
    flow = make_flow(account, history_began_at=began)
    make_execution(flow, started_time=now - HOUR)
    make_execution(flow, started_time=now - 20 * HOUR)
    make_execution(flow, "failed", started_time=began - OVER_AFTER - SECOND)
    make_execution(make_flow(account), "failed", started_time=now - 9 * HOUR)
    assert since_of_catch_up(flow, now, failed=True) == now - HOUR - read_runs.LOOKBACK
    make_execution(flow, "failed", started_time=now - 5 * HOUR)
    assert since_of_catch_up(flow, now, failed=True) == now - 5 * HOUR - read_runs.LOOKBACK
    make_execution(flow, "running", started_time=now - 6 * HOUR, recheck_at=now)
    assert since_of_catch_up(flow, now, failed=True) == now - 6 * HOUR - read_runs.LOOKBACK


def test_holes_that_are_told_are_those_of_the_accounts_living_flows(context: Context, now: datetime) -> None:
    hole = {"hole_reason": "1 more run", "executions_read_at": now}
    make_flow(context.account, flow_name="Mine", **hole)
    make_flow(context.account, flow_name="Whole", executions_read_at=now)
    make_flow(context.account, flow_name="Gone", gone_at=now, **hole)
    make_flow(flow_name="Theirs", **hole)
    assert sync_states._holes(context) == ["Mine: 1 more run"]


def test_a_run_is_taken_back_where_its_own_flows_list_has_it_again(context: Context, now: datetime) -> None:
    flow = make_flow(context.account)
    again = make_execution(flow, unlisted_at=now - DAY)
    twin = make_execution(make_flow(), execution_id=again.execution_id, unlisted_at=now - DAY)
    walked: Any = SimpleNamespace(seen={again.execution_id: None})

    reconcile._compare(context, None, flow, walked, (None, now), reconcile.Found())  # type: ignore[arg-type]

    marks = dict(Execution.objects.values_list("pk", "unlisted_at"))
    assert (marks[again.pk], marks[twin.pk]) == (None, now - DAY)


def test_payloads_that_a_walk_by_time_does_not_meet_are_old_ones_without_a_time_and_of_settled_retries(
    context: Context, otto: User, now: datetime
) -> None:
    edge = now - 30 * DAY
    flow = make_flow(context.account)

    def run(at: datetime | None, *, seen: datetime = edge - DAY, retry: str = "", **fields: Any) -> int:
        made = make_execution(flow, started_time=at, first_seen_at=seen, **{"trigger_data": {"a": 1}} | fields)
        if retry:
            RetryAttempt.objects.create(
                account=context.account, execution=made, requested_by=otto, requested_at=NOON, reason="try",
                client_token=f"{made.pk}", state=retry, not_before=NOON,
            )  # fmt: skip
        return made.pk

    untimed = run(None, status="running")
    run(None, status="running", seen=edge)
    run(None, status="running", payload_removed_at=now)
    run(None, status="running", trigger_data=None)
    run(edge - DAY)
    run(edge - DAY, retry="unknown")
    run(edge, retry="succeeded")
    settled = run(edge - SECOND, retry="succeeded")
    run(edge - SECOND, retry="succeeded", payload_removed_at=now)

    rows = Execution.objects.filter(account=context.account)
    assert prune._beside_the_walk(rows, edge) == [untimed, settled]


def test_the_modules_that_are_watched_are_those_of_the_accounts_living_active_rules(
    account: Account, now: datetime, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://monitor.example.com"
    make_rule(account, module="Leads")
    make_rule(account, module="Gone", gone_at=now)
    make_rule(account, module="Off", active=False)
    make_rule(account, module="")
    theirs = make_rule(module="Theirs").account
    WatchChoice.objects.create(account=theirs, module="Chosen", is_wanted=True, at=now)
    WatchChoice.objects.create(account=theirs, module="Leads", is_wanted=False, at=now)
    assert notification_channels._wanted(account, is_on=True) == {"Leads"}
    assert notification_channels._wanted(account, is_on=False) == set()


@pytest.mark.parametrize(("of", "joins"), [("the flow", True), ("another flow", False), ("off the page", False)])
def test_a_page_joins_what_is_mirrored_by_a_run_of_its_own_flow_at_its_edge(
    account: Account, now: datetime, of: str, joins: bool
) -> None:
    flow = make_flow(account)
    row = SimpleNamespace(execution_id="4711", started_time=now + OVERLAP)
    make_execution(make_flow(account) if of == "another flow" else flow,
                   execution_id="4712" if of == "off the page" else "4711")  # fmt: skip
    pages: Any = SimpleNamespace(flow=flow)
    answer: Any = SimpleNamespace(rows=[row])
    assert Pages._meets(pages, answer, now, Walked()) is joins


def test_an_hour_is_pruned_by_what_is_known_of_this_flow_and_hour(account: Account, now: datetime) -> None:
    flow = make_flow(account)
    hour = now - 200 * DAY
    make_execution(flow, "running", started_time=hour + MINUTE, recheck_at=now)
    make_execution(flow, "running", started_time=hour + HOUR, recheck_at=now)
    make_execution(flow, "running", started_time=hour - SECOND, recheck_at=now)
    make_execution(make_flow(account), "running", started_time=hour + 2 * MINUTE, recheck_at=now)
    make_execution(flow, "failed", started_time=hour + 3 * MINUTE, rerun_due_at=now)
    change_flow(flow)
    assert prune._hours(flow.pk, {hour}, now).awaited == {hour}
    Execution.objects.filter(started_time=hour + MINUTE).update(recheck_at=None)
    assert prune._hours(flow.pk, {hour}, now).awaited == set()
