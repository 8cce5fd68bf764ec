"""Which due rows, marked flows and kept places a sweep goes by: those of others beside them change nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db.models import Q

from monitor.ingest.base.context import Context
from monitor.ingest.base.result import Written
from monitor.ingest.history.first_reading import read_up_to
from monitor.ingest.lists import notification_channels
from monitor.ingest.lists.flows import Round
from monitor.ingest.night import reconcile, statistics
from monitor.ingest.runs import due_runs, read_runs, reread, store, walk_pages
from monitor.ingest.runs.walk_pages import Walk, Walked
from monitor.ingest.steps import moved_flows
from monitor.models import Execution, Flow, Retention, StreamState, WatchChannel
from monitor.models import ZohoAccount as Account
from monitor.zoho.errors import NotAvailable
from monitor.zoho.reruns import LOOK_AFTER
from monitor.zoho.shapes.executions import execution_row
from tests.bystander import NAME
from tests.factories import make_account, make_execution, make_flow, make_rule
from tests.fake_zoho import Run
from tests.ingest.by_hand import Walks

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def beside(account: Account, now: datetime, status: str, **due: Any) -> None:
    """The same row in a flow that is gone, unlisted, and of another account."""
    make_execution(make_flow(account, gone_at=now), status, **due)
    make_execution(make_flow(account), status, unlisted_at=now, **due)
    make_execution(make_flow(), status, **due)


def test_the_next_look_is_at_the_accounts_listed_runs_of_living_flows(account: Account, now: datetime) -> None:
    flow = make_flow(account)
    beside(account, now, "running", recheck_at=now - HOUR)
    beside(account, now, "failed", rerun_due_at=now - HOUR, first_failed_at=now - 2 * HOUR)
    make_execution(flow, "success", rerun_due_at=now - HOUR, first_failed_at=now - 2 * HOUR)
    make_execution(flow, "failed", rerun_due_at=None)
    make_execution(flow, "failed", rerun_due_at=now - HOUR, first_failed_at=None)
    assert due_runs.next_look(account) is None

    make_execution(flow, "failed", rerun_due_at=now, first_failed_at=now - HOUR)
    looked = due_runs.next_look(account)
    assert looked is not None
    assert looked >= now
    make_execution(flow, "running", recheck_at=now - MINUTE)
    assert due_runs.next_look(account) == now - MINUTE


def test_the_oldest_failed_run_that_is_due_is_the_flows_own_listed_one(account: Account, now: datetime) -> None:
    flow, due = make_flow(account), {"rerun_due_at": now - LOOK_AFTER}
    since = now - 10 * HOUR

    def oldest(most: int = 50) -> datetime | None:
        return due_runs.oldest_due(flow, since, now, most)

    make_execution(make_flow(account), "failed", started_time=now - HOUR, **due)
    make_execution(flow, "failed", started_time=since - SECOND, **due)
    make_execution(flow, "success", started_time=now - 2 * HOUR, **due)
    make_execution(flow, "failed", started_time=now - 3 * HOUR, rerun_due_at=now - LOOK_AFTER + SECOND)
    make_execution(flow, "failed", started_time=now - 4 * HOUR, unlisted_at=now, **due)
    assert oldest() is None
    make_execution(flow, "failed", started_time=now - 2 * HOUR - MINUTE, **due)
    assert oldest() == now - 2 * HOUR - MINUTE
    assert oldest(3) == now - 2 * HOUR - MINUTE, "of two rows from there on"
    assert oldest(2) is None


def test_rows_that_were_seen_and_are_due_get_their_next_time_and_no_others(context: Context, now: datetime) -> None:
    flow = make_flow(context.account)
    seen = make_execution(flow, "running", recheck_at=now)
    later = make_execution(flow, "running", recheck_at=now + SECOND)
    unseen = make_execution(flow, "running", recheck_at=now)
    twin = make_execution(make_flow(), "running", recheck_at=now, execution_id=seen.execution_id)
    before = dict(Execution.objects.values_list("pk", "recheck_at"))

    due_runs.settle(context, flow, {seen.execution_id, later.execution_id}, now)

    after = dict(Execution.objects.values_list("pk", "recheck_at"))
    assert {pk for pk in after if after[pk] != before[pk]} == {seen.pk}
    assert after[unseen.pk] == after[twin.pk] == now


def test_pages_asked_for_out_of_turn_are_those_of_the_accounts_living_flows_that_are_wanted(
    context: Context, now: datetime
) -> None:
    make_flow(context.account, list_page=2, wanted_at=now)
    make_flow(context.account, list_page=3, wanted_at=now - SECOND)
    make_flow(context.account, list_page=4)
    make_flow(context.account, list_page=5, wanted_at=now, gone_at=now)
    make_flow(context.account, list_page=6, wanted_at=now, status="inactive")
    make_flow(list_page=7, wanted_at=now)
    reader: Any = SimpleNamespace(_context=context)
    assert moved_flows.Reader._pages(reader, "progress__wanted_at", Q(status="active")) == [3, 2]


def test_the_page_with_open_alerts_is_one_of_a_living_flow_and_none_that_is_asked_anyway(
    context: Context, now: datetime
) -> None:
    def alerting(page: int | None, age: int, **fields: Any) -> int:
        return make_flow(context.account, list_page=page, seen_at=now - age * MINUTE, **fields).pk

    make_flow(context.account, list_page=1, seen_at=now - DAY)
    keys = {alerting(2, 9), alerting(3, 5), alerting(4, 20, gone_at=now), alerting(None, 30)}
    reader: Any = SimpleNamespace(_alerting=keys)
    assert moved_flows.Reader.alerting_page(reader, []) == 2
    assert moved_flows.Reader.alerting_page(reader, [2]) == 3
    assert moved_flows.Reader.alerting_page(reader, [2, 3]) is None


def test_runs_are_read_up_to_the_flows_own_newest(account: Account, now: datetime) -> None:
    flow = make_flow(account)
    make_execution(flow, started_time=now - HOUR)
    make_execution(make_flow(account), started_time=now)
    assert read_up_to(flow)["newest_started"] == now - HOUR


def test_a_round_of_the_list_goes_on_with_what_its_own_account_had_listed_since_it_began(
    account: Account, now: datetime
) -> None:
    def left(of: Account, stream: str, page: int) -> None:
        cursor = {"began": (now - MINUTE).isoformat(), "page": page, "pages": 9, "rejected": 0}
        StreamState.objects.create(account=of, stream=stream, state="ok", since=now, cursor=cursor)

    left(make_account(), "flows", 7)
    left(account, "rules", 8)
    assert Round.load(account, now).page == 1
    left(account, "flows", 3)
    listed = make_flow(account, seen_at=now - MINUTE)
    make_flow(account, seen_at=now - MINUTE - SECOND)
    make_flow(seen_at=now)
    found = Round.load(account, now)
    assert (found.page, found.seen) == (3, {listed.flow_id})


def since_of_recent(flow: Flow, now: datetime, context: Context) -> datetime:
    reading: Any = SimpleNamespace(flow=flow, started=now, zoho_now=now, context=context)
    with pytest.raises(Walks) as caught:
        read_runs.read_recent(reading)
    assert caught.value.since is not None
    return caught.value.since


def test_new_runs_are_read_from_the_flows_own_newest_or_oldest_open_one_on(
    context: Context, walks: None, now: datetime
) -> None:
    flow = make_flow(context.account)
    make_execution(flow, started_time=now - HOUR)
    make_execution(flow, started_time=now + read_runs.AHEAD + SECOND)
    make_execution(flow, started_time=now - 20 * HOUR)
    make_execution(flow, "failed", started_time=now - 9 * HOUR)
    make_execution(make_flow(context.account), "running", started_time=now - 8 * HOUR, recheck_at=now)
    assert since_of_recent(flow, now, context) == now - HOUR - read_runs.LOOKBACK
    make_execution(flow, "running", started_time=now - read_runs.OVER_AFTER - SECOND, recheck_at=now)
    assert since_of_recent(flow, now, context) == now - HOUR - read_runs.LOOKBACK
    make_execution(flow, "running", started_time=now - 5 * HOUR, recheck_at=now)
    assert since_of_recent(flow, now, context) == now - 5 * HOUR - read_runs.LOOKBACK


@pytest.mark.parametrize("change", [{"status": "cancelled"}, {"changed_at": 1}, {}])
def test_a_row_that_changed_since_it_was_looked_at_is_not_decided_by_what_it_was(
    account: Account, now: datetime, change: dict[str, Any]
) -> None:
    flow = make_flow(account)
    have = make_execution(flow, "running", started_time=now - HOUR)
    neighbour = make_execution(flow, "running", started_time=now - HOUR)
    if "changed_at" in change:
        change = {"changed_at": have.changed_at + SECOND}
    Execution.objects.filter(pk=have.pk).update(**change)
    answer = Run(now - HOUR, "success", have.execution_id).row(flow.flow_id)

    written = store._update(have, execution_row(answer, flow.flow_id), now + MINUTE, [])

    stored = dict(Execution.objects.values_list("pk", "status"))
    assert written.changed == (not change)
    assert stored[have.pk] == change.get("status", "running" if change else "success")
    assert stored[neighbour.pk] == "running"


def test_a_late_payload_has_its_own_accounts_pruning_look_again_where_that_is_past_it(
    account: Account, now: datetime
) -> None:
    other = make_account()
    flow = make_flow(account)
    for of in (account, other):
        Retention.objects.create(account=of, payload_at=now - 5 * DAY, payload_key=9)
    retained = store.Retained(flow, [], now)

    def places() -> dict[int, datetime | None]:
        return dict(Retention.objects.filter(account__in=[account, other]).values_list("account", "payload_at"))

    retained._oldest_payload = now - 4 * DAY
    retained.close()
    assert places() == {account.pk: now - 5 * DAY, other.pk: now - 5 * DAY}
    retained._oldest_payload = now - 6 * DAY
    retained.close()
    assert places() == {account.pk: now - 6 * DAY, other.pk: now - 5 * DAY}


@pytest.mark.parametrize(("rows", "before", "full"), [(200, 0, 200), (50, 0, None), (50, 120, 120), (200, 120, 200)])
def test_a_full_page_is_one_with_rows_after_it_or_of_the_size_that_is_asked_for(
    context: Context, rows: int, before: int, full: int | None
) -> None:
    def page(size: int) -> Any:
        return SimpleNamespace(rows=[None] * size, rejected=[])

    context.pages.sizes[:] = [200, 50]
    walk: Any = SimpleNamespace(context=context, trust_short=False)
    assert Walk._note_full(walk, page(rows), page(before) if before else None) == full


def test_why_zoho_refuses_a_channel_is_kept_as_far_as_its_column_goes(context: Context, now: datetime) -> None:
    channel = WatchChannel.objects.create(
        account=context.account, module="Leads", channel_id="1", token="t", notify_url="https://m.example.com/1"
    )
    notification_channels._refused(context, [channel], "x" * 900)
    channel.refresh_from_db()
    assert channel.reason == "x" * 300
    assert channel.tries == 1
    for tries, then in ((4, 5), (notification_channels.NEW_TRIES, notification_channels.NEW_TRIES)):
        channel.tries = tries
        notification_channels._refused(context, [channel], "later")
        assert WatchChannel.objects.get(pk=channel.pk).tries == then


def test_a_channel_that_is_open_already_is_not_asked_for_again_when_another_is_opened(
    context: Context, now: datetime, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://monitor.example.com"
    Account.objects.filter(pk=context.account.pk).update(watches_records=True)
    Account.objects.exclude(pk=context.account.pk).update(watches_records=False)
    for module in ("Leads", "Deals"):
        make_rule(context.account, module=module)
    opened = WatchChannel.objects.create(
        account=context.account, module="Leads", channel_id="1", token="t", granted_at=now, expires_at=now + 6 * DAY,
        notify_url=notification_channels.notify_url("1"),
    )  # fmt: skip
    client: Any = SimpleNamespace(subscribe=refuse, replace_channels=refuse, cancel=refuse)
    try:
        notification_channels.keep_channels(context, client)
    finally:
        Account.objects.filter(name=NAME).update(watches_records=True)

    asked = dict(WatchChannel.objects.filter(account=context.account).values_list("module", "asked_at"))
    assert asked == {"Leads": opened.asked_at, "Deals": now}


def refuse(*channels: Any) -> None:
    raise NotAvailable("not in this plan")


def test_what_two_walks_saw_is_counted_once(now: datetime) -> None:
    first, second = Walked(seen={"1": now, "2": None}, count=5), Walked(seen={"2": now, "3": None, "4": None}, count=3)
    first.add_seen(second)
    assert first.count == 7
    assert first.seen == {"1": now, "2": now, "3": None, "4": None}


@pytest.mark.parametrize(("new", "changed", "pages", "doubtful"), [
    (1, 1, 2, True), (1, 0, 2, True), (0, 1, 2, True), (0, 0, 2, False), (1, 1, 1, False),
])  # fmt: skip
def test_a_walk_over_several_pages_that_moved_something_and_explains_nothing_is_doubtful(
    monkeypatch: pytest.MonkeyPatch, new: int, changed: int, pages: int, doubtful: bool
) -> None:
    reading: Any = SimpleNamespace(flow=SimpleNamespace(execution_count=9))
    walked = Walked(whole=False, pages=pages, written=Written(new=new, changed=changed))
    monkeypatch.setattr(read_runs, "explained", lambda reading: False)
    assert read_runs._is_doubtful(reading, walked) is doubtful
    monkeypatch.setattr(read_runs, "explained", lambda reading: True)
    assert not read_runs._is_doubtful(reading, walked)


def test_rows_that_came_again_just_as_they_are_are_dropped_and_changed_ones_are_not(now: datetime) -> None:
    def row(name: str, status: str) -> Any:
        return execution_row(Run(now - HOUR, status, name).row("1"), "1")

    before = [row("1", "running"), row("2", "success")]
    page = [row("1", "success"), row("2", "success"), row("3", "success")]
    assert walk_pages._without(page, before) == [page[0], page[2]]


def test_statistics_of_a_flow_whose_runs_of_that_time_are_pruned_are_asked_for_and_say_nothing(
    context: Context, now: datetime
) -> None:
    flow, votes = make_flow(context.account, pruned_before=now), {"rolling": 2}
    client: Any = SimpleNamespace(
        execution_stats=lambda *what: SimpleNamespace(total=9, successful=9, failed=0), last_server_date=now
    )
    assert statistics.check_statistics(context, client, flow, votes) == (1, votes)


def test_a_baseline_that_late_runs_bring_into_balance_stays_firm(account: Account, now: datetime) -> None:
    flow = make_flow(
        account, executions_read_at=now - SECOND, baseline_total=0, baseline_success=0, baseline_failed=0,
        baseline_firm=True, execution_count=1, success_count=1, failure_count=0,
    )  # fmt: skip
    make_execution(flow, started_time=now - DAY, changed_at=now)
    reconcile._unsettle(flow, now)
    assert Flow.objects.get(pk=flow.pk).progress.baseline_firm


def test_a_channel_that_zoho_did_not_open_is_tried_again_later_and_no_sooner(account: Account, now: datetime) -> None:
    channel = WatchChannel(account=account, module="Leads", channel_id="1", tries=2)
    refused = notification_channels.outcome(channel, None, now)
    assert refused["retry_at"] == now + notification_channels.retry_after(2) > now
    assert refused["tries"] == 3
    most = WatchChannel(account=account, module="Leads", channel_id="1", tries=notification_channels.NEW_TRIES)
    assert notification_channels.outcome(most, None, now)["tries"] == notification_channels.NEW_TRIES


def test_a_list_over_a_stretch_costs_a_call_a_page_and_at_least_one() -> None:
    assert [reread.pages_of(rows, 50) for rows in (0, 1, 50, 51)] == [1, 1, 1, 2]
    assert reread.pages_of(3, 0) == 3, "before any page was seen"


def test_a_page_is_as_long_as_its_rows_and_those_put_aside_together() -> None:
    assert walk_pages._size(SimpleNamespace(rows=[1, 2], rejected=[3])) == 3  # type: ignore[arg-type]
