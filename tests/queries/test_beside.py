"""Figures of one flow or account, with others beside it whose rows would show in them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.connection.backfill_budget import with_calls
from monitor.models import (
    AccountDay,
    AccountHour,
    ApiCall,
    Connection,
    Flow,
    HourBucket,
    Quarantine,
    RetryAttempt,
    StreamState,
    SyncState,
    User,
    ZohoAccount,
)
from monitor.periods import Window, last_days
from monitor.privacy import HIDDEN
from monitor.queries import (
    accounts,
    backfill,
    counts,
    execution,
    executions,
    flows,
    freshness,
    hooks,
    overview,
    status,
    versions,
)  # fmt: skip
from monitor.queries.counts import Counts, Detail
from monitor.queries.flows import FlowFilter
from monitor.standing import silence
from tests import factories
from tests.queries.listed_flows import listed
from tests.queries.test_overview_queries import READ, regular

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def flow(account: ZohoAccount, now: datetime) -> Flow:
    return factories.make_flow(account, flow_name="Lead sync", **READ, seen_at=now)


@pytest.fixture
def twin(flow: Flow, now: datetime) -> Flow:
    """Another account's flow."""
    return factories.make_flow(flow_name="Twin", **READ, seen_at=now)


# -- the overview


def test_each_silent_flow_is_held_against_its_own_hours(flow: Flow, twin: Flow, now: datetime, bucket: Any) -> None:
    regular(flow, now - 30 * HOUR, bucket)
    regular(twin, now - 40 * HOUR, bucket, every=6)
    busy = factories.make_flow(flow.account, **READ, seen_at=now)
    regular(busy, now, bucket, every=1)
    found = {one.flow: (one.last_run, one.pause, one.longest_before) for one in silence.silent_flows(now)}
    assert found == {
        flow: (now - 30 * HOUR, 30 * HOUR, 4 * HOUR),
        twin: (now - 40 * HOUR, 40 * HOUR, 6 * HOUR),
    }
    assert [one.flow for one in silence.silent_flows(now)] == [flow, twin]  # 7.5 times as long, 6.7 times as long
    assert [one.flow for one in silence.silent_flows(now, among=[flow.pk])] == [flow]


def test_pauses_of_more_than_four_weeks_ago_are_no_habit(flow: Flow, now: datetime, bucket: Any) -> None:
    regular(flow, now - 30 * HOUR, bucket)
    bucket(flow, now - 28 * DAY - HOUR, 1)
    (found,) = silence.silent_flows(now)
    assert found.longest_before == 4 * HOUR
    HourBucket.objects.filter(flow=flow, hour=now - 28 * DAY - HOUR).update(hour=now - 28 * DAY)
    assert silence.silent_flows(now) == []


@pytest.mark.parametrize(("hours", "silent"), [(4, False), (5, True)])
def test_a_flow_that_hardly_ever_runs_is_not_called_silent(
    flow: Flow, now: datetime, bucket: Any, hours: int, silent: bool
) -> None:
    for place in range(hours):
        bucket(flow, now - (30 + 4 * place) * HOUR, 1)
    assert bool(silence.silent_flows(now)) is silent


@pytest.mark.parametrize(("hours", "silent"), [(23, False), (24, False), (25, True)])
def test_a_silence_lasts_for_more_than_a_day(flow: Flow, now: datetime, bucket: Any, hours: int, silent: bool) -> None:
    regular(flow, now - hours * HOUR, bucket, every=1)
    assert bool(silence.silent_flows(now)) is silent


@pytest.mark.parametrize(("every", "silent"), [(20, True), (21, False)])
def test_a_silence_is_half_as_long_again_as_any_pause(
    flow: Flow, now: datetime, bucket: Any, every: int, silent: bool
) -> None:
    for place in range(6):
        bucket(flow, now - (30 + every * place) * HOUR, 1)
    assert bool(silence.silent_flows(now)) is silent


def test_flows_of_an_account_that_is_switched_off_are_not_called_silent(flow: Flow, now: datetime, bucket: Any) -> None:
    regular(flow, now - 30 * HOUR, bucket)
    ZohoAccount.objects.filter(pk=flow.account_id).update(is_active=False)
    assert silence.silent_flows(now) == []


def test_the_time_before_is_known_of_each_account_by_its_own_buckets(
    flow: Flow, twin: Flow, now: datetime, bucket: Any
) -> None:
    start = now - 60 * DAY
    factories.change_flow(flow, baseline_total=5)
    flow.refresh_from_db()
    bucket(twin, start, 1)
    factories.make_day(flow=twin, day=start.date(), succeeded=1)
    assert not overview.is_known_since(start)
    assert not overview.is_known_since(start, flow=flow)
    assert overview.is_known_since(start, flow=twin)
    assert overview.why_unknown(start, is_read=True, flow=flow) == "the time before is not known"
    bucket(flow, start + HOUR, 1)
    assert not overview.is_known_since(start)
    neighbour = factories.make_flow(flow.account)
    bucket(neighbour, start, 1)
    assert overview.is_known_since(start)
    assert overview.is_known_since(start, flow=flow)
    factories.change_flow(twin, baseline_total=5, gone_at=now)
    for model in (AccountHour, AccountDay):
        model.objects.filter(account=twin.account_id).delete()
    assert overview.is_known_since(start), "a flow that is gone is not missed"
    factories.change_flow(twin, gone_at=None)
    assert not overview.is_known_since(start)


def test_days_after_the_beginning_do_not_reach_back_to_it(flow: Flow, now: datetime) -> None:
    factories.change_flow(flow, baseline_total=5)
    factories.make_day(flow=flow, day=(now - 59 * DAY).date(), succeeded=1)
    assert not overview.is_known_since(now - 60 * DAY)


def test_the_sums_of_flows_are_those_of_the_period(flow: Flow, twin: Flow, now: datetime, bucket: Any) -> None:
    bucket(flow, now, 0, 2)
    bucket(twin, now, 5, 2)
    bucket(twin, now - 7 * DAY, 5, 20)
    week, month = counts.by_flow(last_days(now, 7)), counts.by_flow(last_days(now, 30))
    assert [(week[one.pk].failed, week[one.pk].succeeded) for one in (flow, twin)] == [(2, 0), (2, 5)]
    assert [month[one.pk].failed for one in (flow, twin)] == [2, 22]


def test_the_longest_broken_connection_is_first(flow: Flow, twin: Flow, now: datetime) -> None:
    for name, account, since in (("young", flow.account, now), ("old", twin.account, now - DAY)):
        values = {"connection_id": name, "connection_name": name, "status": "expired", "status_since": since}
        Connection.objects.create(account=account, **values, first_seen_at=now, seen_at=now)
    assert [one.connection_id for one in overview.broken_connections()] == ["old", "young"]
    assert [one.connection_id for one in overview.broken_connections(limit=1)] == ["old"]


# -- sums


def test_a_window_holds_its_first_hour_and_not_the_one_it_ends_at(flow: Flow, now: datetime, bucket: Any) -> None:
    window = Window(now - 3 * HOUR, now)
    for hours, runs in ((4, 1), (3, 10), (1, 100), (0, 1000)):
        bucket(flow, now - hours * HOUR, runs)
    assert counts.total(window).succeeded == 110
    assert [piece.at for piece in counts.pieces(window)] == [now - 3 * HOUR, now - HOUR]


def test_an_hour_of_several_flows_is_one_and_each_narrowing_leaves_the_others_out(
    flow: Flow, twin: Flow, now: datetime, bucket: Any
) -> None:
    neighbour = factories.make_flow(flow.account)
    for one, runs in ((flow, 1), (neighbour, 10), (twin, 100)):
        bucket(one, now, runs, 2 * runs, running=3 * runs, other=4 * runs, first_succeeded=runs)
    window = Window(now - HOUR, now + HOUR)
    assert counts.total(window) == Counts(111, 222, 111, 333, 444)
    assert counts.total(window, account_id=flow.account_id) == Counts(11, 22, 11, 33, 44)
    assert counts.total(window, flow_id=flow.pk) == Counts(1, 2, 1, 3, 4)
    assert [piece.counts.total for piece in counts.pieces(window)] == [111 + 222 + 333 + 444]


def test_histograms_and_errors_come_of_the_hours_that_have_some_the_oldest_first(
    flow: Flow, now: datetime, bucket: Any
) -> None:
    bucket(flow, now, 1, 1, duration_count=1, durations=[1], errors={"data": 1})
    bucket(flow, now - 2 * HOUR, 1, 2, duration_count=1, durations=[2], errors={"rate": 2})
    bucket(flow, now - HOUR, 1, durations=[], errors={})
    assert counts.details(Window(now - DAY, now + HOUR), (), flow_id=flow.pk) == [
        Detail(now - 2 * HOUR, [2], {"rate": 2}),
        Detail(now, [1], {"data": 1}),
    ]


@pytest.mark.parametrize(("days", "by_hour"), [(92, True), (93, False)])
def test_a_quarter_is_summed_up_by_hours_and_what_is_longer_by_days(
    flow: Flow, now: datetime, bucket: Any, days: int, by_hour: bool
) -> None:
    bucket(flow, now, 1)
    factories.make_day(flow=flow, day=now.date(), succeeded=10)
    end = now.replace(hour=0) + DAY
    assert counts.total(Window(end - days * DAY, end)).succeeded == (1 if by_hour else 10)


# -- the list of flows


def test_the_figures_of_a_flow_are_its_own(flow: Flow, twin: Flow, now: datetime, bucket: Any) -> None:
    bucket(flow, now, 3, 1)
    bucket(flow, now - 7 * DAY, 50, 50)
    bucket(twin, now, 0, 7)
    factories.make_execution(flow, started_time=now - 2 * HOUR)
    factories.make_execution(flow, started_time=now - 9 * HOUR)
    factories.make_execution(twin, started_time=now)
    rows = {row.flow_name: (row.runs, row.failures, row.counts.rate, row.last_run) for row in listed(FlowFilter(), now)}
    assert rows == {"Lead sync": (4, 1, 75.0, now - 2 * HOUR), "Twin": (7, 7, 0.0, now)}


def test_where_the_rows_are_pruned_the_last_run_is_the_newest_hour_of_the_flow(
    flow: Flow, twin: Flow, now: datetime, bucket: Any
) -> None:
    for hours in (9, 2, 5):
        bucket(flow, now - hours * HOUR, 1)
    bucket(twin, now, 1)
    rows = {row.flow_name: row.last_run for row in listed(FlowFilter(), now)}
    assert rows == {"Lead sync": now - 2 * HOUR, "Twin": now}


def test_the_list_can_be_narrowed_to_one_account_a_state_or_an_id(flow: Flow, twin: Flow, now: datetime) -> None:
    factories.make_flow(flow.account, flow_name="Gone", gone_at=now)
    factories.make_flow(flow.account, flow_name="Off", status="inactive")
    factories.make_flow(flow.account, flow_name="Gone and off", gone_at=now, status="inactive")

    def names(**wanted: Any) -> list[str]:
        return [row.flow_name for row in listed(FlowFilter(sort="name", **wanted), now)]

    assert names() == ["Lead sync", "Off", "Twin"]
    assert names(account_id=flow.account_id) == ["Lead sync", "Off"]
    assert names(account_id=flow.account_id, status="active") == ["Lead sync"]
    assert names(status="inactive") == ["Off"]
    assert names(status="gone") == ["Gone", "Gone and off"]
    assert names(text=twin.flow_id) == ["Twin"]
    assert names(text=twin.flow_id[:-1]) == []


@pytest.mark.parametrize("sort", flows.SORTS)
def test_what_is_equal_is_listed_in_the_same_order_each_time(account: ZohoAccount, now: datetime, sort: str) -> None:
    made = [factories.make_flow(account, flow_name="Same") for _ in range(3)]
    assert list(listed(FlowFilter(sort=sort), now)) == made


def test_a_sparkline_has_a_pair_for_each_day_of_the_flow_the_oldest_first(
    flow: Flow, twin: Flow, now: datetime, bucket: Any
) -> None:
    bucket(flow, now, 1, 2)
    bucket(flow, now - HOUR, 10, 20)
    bucket(flow, now - 25 * HOUR, 3)
    bucket(flow, now - 3 * DAY, 100, 100)
    bucket(twin, now, 7, 7)
    third = factories.make_flow()
    bucket(third, now, 9, 9)
    found = flows.daily_results([flow.pk, twin.pk], now, days=3)
    assert found == {flow.pk: [(0, 0), (3, 0), (11, 22)], twin.pk: [(0, 0), (0, 0), (7, 7)]}


def test_what_an_account_uses_of_its_limits_is_of_that_account_product_and_minute(
    account: ZohoAccount, now: datetime
) -> None:
    def call(of: ZohoAccount, product: str, at: datetime) -> None:
        ApiCall.objects.create(account=of, product=product, method="GET", path="/", started_at=at, finished_at=at)

    for of, product in ((account, "flow"), (account, "crm"), (account, "crm"), (factories.make_account(), "flow")):
        call(of, product, now - timedelta(seconds=30))
        call(of, product, now - HOUR)
    used = {one.product: (one.last_minute, one.last_day) for one in accounts.budgets(account, now)}
    assert used == {"flow": (1, 2), "crm": (2, 4)}


def test_the_runs_of_retries_are_those_of_the_executions_own_account(
    flow: Flow, twin: Flow, otto: User, now: datetime
) -> None:
    failed, new = factories.make_execution(flow, "failed"), factories.make_execution(flow)
    factories.make_execution(twin, "failed", execution_id=new.execution_id)
    for number, named in enumerate((new.execution_id, "")):
        RetryAttempt.objects.create(
            account=flow.account, execution=failed, requested_by=otto, requested_at=now, reason="try",
            client_token=f"{number}", state="succeeded", not_before=now, new_execution_id=named,
        )  # fmt: skip
    page = execution.detail(execution.executions().get(pk=failed.pk))
    assert {attempt.new_run for attempt in page.attempts} == {new, None}


def test_beside_a_version_are_the_next_older_and_the_next_newer_one(flow: Flow, twin: Flow) -> None:
    for number in range(1, 6):
        factories.make_version(flow, number=number)
        factories.make_version(twin, number=number)
    shown = versions.detail(flow, 3)
    assert shown is not None
    assert (shown.older, shown.version.flow, shown.newer) == (2, flow, 4)


def test_a_run_was_retried_where_a_retry_of_it_was_sent(flow: Flow, otto: User, now: datetime) -> None:
    sent, asked, plain = (factories.make_execution(flow, "failed") for _ in range(3))
    for run, at in ((sent, now), (asked, None)):
        RetryAttempt.objects.create(
            account=flow.account, execution=run, requested_by=otto, requested_at=now, reason="try",
            client_token=f"{run.pk}", state="requested", not_before=now, sent_at=at,
        )  # fmt: skip
    shown = {run.pk: run.was_retried for run in executions.recent(flow.pk)}  # type: ignore[attr-defined]
    assert shown == {sent.pk: True, asked.pk: False, plain.pk: False}


def test_the_state_of_an_account_is_told_by_its_own_rows(account: ZohoAccount, now: datetime) -> None:
    """The other account is the older one, and so the first to be found."""
    mine = factories.make_account("Mine")
    for of, at in ((account, now - DAY), (mine, now - HOUR)):
        SyncState.objects.filter(account=of).update(last_finished_at=at, next_due_at=at)
    Quarantine.objects.create(
        account=account, stream="flows", fingerprint="a" * 64, reason="odd", raw_text="{}",
        first_seen_at=now, seen_at=now,
    )  # fmt: skip
    factories.make_flow(account, flow_name="Theirs")
    factories.make_flow(mine, flow_name="Gone", gone_at=now)
    kept = factories.make_flow(mine, flow_name="Kept")
    told = status._account(mine, freshness.mirror(now).of(mine.pk), now)
    assert (told["last_sync_finished_at"], told["next_due_at"]) == (status._time(now - HOUR), status._time(now - HOUR))
    assert told["quarantined"] == 0
    assert [flow["flow_id"] for flow in told["completeness"]["flows"]] == [kept.flow_id]


def test_the_state_of_channels_is_that_of_the_accounts_own_stream(account: ZohoAccount, now: datetime) -> None:
    mine = factories.make_account("Mine")
    for of, stream in ((account, "channels"), (mine, "flows")):
        StreamState.objects.create(account=of, stream=stream, state="ok", since=now, reason="another's")
    assert hooks.push_state(mine, now).trouble == ""
    StreamState.objects.create(account=mine, stream="channels", state="ok", since=now, reason="its own")
    assert hooks.push_state(mine, now).trouble == "its own"


def test_when_history_ends_is_told_by_what_the_account_itself_has_spent_of_its_day(
    account: ZohoAccount, now: datetime
) -> None:
    mine = factories.make_account("Mine", plan="", calls_per_minute=100, calls_per_day=1_000)
    flow = factories.make_flow(mine, execution_count=900_000, history_order="newest", covered_from=now - DAY)
    factories.make_execution(flow)
    before = backfill.of_account(mine, now).ends_at
    SyncState.objects.filter(account=account).update(history_calls=with_calls({}, 700, now))
    assert backfill.of_account(mine, now).ends_at == before


def test_what_a_change_of_a_private_value_was_is_hidden_where_it_was_anything() -> None:
    change = {"before": "lea@example.com"}
    assert versions._value(change, "before", is_private=True) == HIDDEN
    assert versions._value(change, "after", is_private=True) == ""
    assert versions._value({"after": "on"}, "after", is_private=False) == "on"
