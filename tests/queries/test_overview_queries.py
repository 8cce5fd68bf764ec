"""The figures of the overview."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import Connection, Flow, FlowProgress, ZohoAccount
from monitor.queries import counts, overview
from monitor.queries.incidents import first_open_incidents, open_incidents
from monitor.standing import silence
from tests import factories
from tests.bystander import own

HOUR = timedelta(hours=1)
# Zoho's counters are those of the last complete read: nothing ran since.
READ = {
    "executions_read_at": factories.NOON,
    "read_execution_count": 0,
    "read_success_count": 0,
    "read_failure_count": 0,
}


@pytest.fixture
def flow(account: ZohoAccount, now: datetime) -> Flow:
    return factories.make_flow(account, **READ, seen_at=now)


def test_a_period_stands_beside_the_one_before(flow: Flow, now: datetime, bucket: Any) -> None:
    bucket(flow, now, 8, 2, first_succeeded=7)
    bucket(flow, now - timedelta(days=7) + HOUR, 10)
    bucket(flow, now - timedelta(days=7), 4, 4)
    bucket(flow, now - timedelta(days=14), 1)
    found = overview.period(now, 7)
    assert (found.totals.finished, found.totals.rate, found.totals.first_rate) == (20, 90, 85)
    assert (found.before.finished, found.before.rate) == (8, 50)
    assert [piece.counts.finished for piece in found.pieces] == [10, 10]


def test_a_period_of_one_flow_holds_no_other(flow: Flow, now: datetime, bucket: Any) -> None:
    bucket(flow, now, 1)
    bucket(factories.make_flow(flow.account), now, 5)
    bucket(factories.make_flow(), now, 7)
    assert overview.period(now, 7, flow_id=flow.pk).totals.succeeded == 1
    assert overview.period(now, 7, account_id=flow.account_id).totals.succeeded == 6


def test_how_far_back_one_account_reaches_says_nothing_of_another(flow: Flow, now: datetime, bucket: Any) -> None:
    start = now - timedelta(days=40)
    FlowProgress.objects.filter(flow=flow).update(baseline_total=9)
    flow.refresh_from_db()
    other = factories.make_flow()
    bucket(other, start - HOUR, 1)
    factories.make_day(flow=other, day=start.date() - timedelta(days=1), succeeded=1)
    assert not overview.is_known_since(start, flow=flow)
    assert not overview.is_known_since(start)
    bucket(flow, start - HOUR, 1)
    assert overview.is_known_since(start, flow=flow)
    assert overview.is_known_since(start)


def test_what_zoho_forgot_before_the_first_reading_is_not_known_rather_than_none(
    flow: Flow, now: datetime, bucket: Any
) -> None:
    bucket(flow, now - timedelta(days=29), 3)
    start = now - timedelta(days=60)
    assert overview.why_unknown(start, is_read=True) == "", "Zoho counts no run that is not here"
    FlowProgress.objects.filter(flow=flow).update(baseline_total=1218)
    assert overview.why_unknown(start, is_read=True) == "the time before is not known"
    assert overview.why_unknown(start, is_read=True, flow=factories.make_flow(flow.account)) == ""
    assert overview.why_unknown(now - timedelta(days=14), is_read=True) == ""
    assert overview.why_unknown(start, is_read=False) == "the time before is not read yet"


def test_the_time_before_is_known_by_days_whose_hours_are_gone(flow: Flow, now: datetime) -> None:
    FlowProgress.objects.filter(flow=flow).update(baseline_total=1)
    start = now - timedelta(days=500)
    assert not overview.is_known_since(start)
    factories.make_day(flow=flow, day=start.date(), succeeded=1)
    assert overview.is_known_since(start)


def test_where_nothing_ran_there_is_no_rate(flow: Flow, now: datetime) -> None:
    totals = overview.period(now, 7).totals
    assert (totals.rate, totals.first_rate, totals.finished) == (None, None, 0)


def regular(flow: Flow, last: datetime, bucket: Any, every: int = 4) -> None:
    for n in range(40):
        bucket(flow, last - timedelta(hours=every * n), 1)


def test_a_flow_that_pauses_longer_than_ever_is_silent(flow: Flow, now: datetime, bucket: Any) -> None:
    regular(flow, now - timedelta(hours=30), bucket)
    (found,) = silence.silent_flows(now)
    assert (found.flow, found.pause, found.longest_before) == (flow, timedelta(hours=30), timedelta(hours=4))


def test_a_flow_that_pauses_each_weekend_is_not_silent_on_sunday(flow: Flow, now: datetime, bucket: Any) -> None:
    for day in range(2, 20):
        at = now - timedelta(days=day)
        if at.weekday() < 5:
            bucket(flow, at, 1)
    assert silence.silent_flows(now) == []


def test_our_own_outage_is_not_its_silence(flow: Flow, now: datetime, bucket: Any) -> None:
    regular(flow, now - timedelta(hours=30), bucket)
    own(Flow).update(seen_at=now - timedelta(hours=29))
    assert silence.silent_flows(now) == []


def test_a_flow_whose_counters_moved_is_not_silent(flow: Flow, now: datetime, bucket: Any) -> None:
    regular(flow, now - timedelta(hours=30), bucket)
    own(Flow).update(execution_count=1)
    assert silence.silent_flows(now) == []


@pytest.mark.parametrize(
    "fields", [{"status": "inactive"}, {"gone_at": factories.NOON}, {"hole_reason": "rows missing"}]
)
def test_a_flow_that_cannot_run_or_is_not_known_is_not_called_silent(
    flow: Flow, now: datetime, bucket: Any, fields: dict[str, Any]
) -> None:
    regular(flow, now - timedelta(hours=30), bucket)
    factories.change_flow(flow, **fields)
    assert silence.silent_flows(now) == []


def test_a_connection_that_is_not_active_is_broken(account: ZohoAccount, now: datetime) -> None:
    for name, status, gone in (("a", "active", None), ("b", "expired", None), ("c", "error", now)):
        Connection.objects.create(
            account=account,
            connection_id=name,
            connection_name=name,
            status=status,
            status_since=now,
            first_seen_at=now,
            seen_at=now,
            gone_at=gone,
        )
    assert [one.connection_id for one in overview.broken_connections()] == ["b"]


def test_a_connection_of_a_word_that_nobody_knows_is_not_called_broken(account: ZohoAccount, now: datetime) -> None:
    since = {"connected": 9, "": 8, "revoked": 1, "expired": 2}
    for status, days in since.items():
        times = {"status_since": now - timedelta(days=days), "first_seen_at": now, "seen_at": now}
        Connection.objects.create(account=account, connection_id=status, connection_name="x", status=status, **times)
    found = [(one.status, one.is_broken) for one in overview.broken_connections()]
    assert found == [("expired", True), ("revoked", True), ("connected", False), ("", False)]


def test_unacknowledged_incidents_come_first(flow: Flow, now: datetime) -> None:
    rule = factories.make_alert_rule(flow.account)
    fields = {"rule": rule, "state": "firing", "evaluated_at": now}
    known = flow.alert_states.create(**fields, is_open=True, since=now, episode=2)
    seen = factories.make_incident(known, acknowledged_at=now)
    other = factories.make_flow(flow.account)
    fresh = other.alert_states.create(**fields, is_open=True, since=now - timedelta(days=2), episode=1)
    old = factories.make_incident(fresh, opened_at=now - timedelta(days=2))
    factories.make_flow(flow.account).alert_states.create(**fields, is_open=False, since=now)
    mine = open_incidents(flow.account_id)
    assert [row.incident for row in mine] == [old, seen]
    own_ones = [row.incident for row in first_open_incidents(99) if row.incident.account_id == flow.account_id]
    assert own_ones == [old, seen]
    assert [row.incident for row in first_open_incidents(1)] == [old]


def test_a_year_is_summed_up_from_days_so_that_hours_may_be_gone(flow: Flow, now: datetime) -> None:
    for ago, succeeded in ((0, 1), (200, 10), (364, 100), (366, 1000), (729, 10_000), (731, 100_000)):
        factories.make_day(
            flow=flow,
            day=(now - timedelta(days=ago)).date(),
            succeeded=succeeded,
            failed=1,
            duration_count=1,
            durations=[0, 1],
            errors={"data": 1},
        )
    factories.make_day(flow=factories.make_flow(), day=now.date(), succeeded=7)

    year = overview.period(now, 365, flow_id=flow.pk)

    assert (year.totals.succeeded, year.before.succeeded) == (111, 11_000)
    assert [piece.at for piece in year.pieces][-1] == now.replace(hour=0)
    details = counts.details(year.window, year.begins, flow_id=flow.pk)
    assert [one.at for one in details] == [piece.at for piece in year.pieces]
    assert [one.durations for one in details] == [[0, 1]] * 3
    assert counts.by_flow(year.window)[flow.pk].failed == 3


def test_a_quarter_is_summed_up_from_hours_so_that_a_day_is_the_viewers(flow: Flow, now: datetime, bucket: Any) -> None:
    bucket(flow, now, 3, 1, errors={"rate": 1})
    factories.make_day(flow=flow, day=now.date(), succeeded=99, failed=9, errors={"data": 9})
    quarter = overview.period(now, 90)
    assert quarter.totals.succeeded == 3
    assert [one.errors for one in counts.details(quarter.window, (), flow_id=flow.pk)] == [{"rate": 1}]
