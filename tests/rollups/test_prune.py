"""Counts by the hour go once their day is counted; what is closed is never counted anew."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import Ages, DayBucket, DirtyHour, Flow, HourBucket, PrunedHour, ZohoAccount
from monitor.rollups.prune import BATCH, Hour, closed_hours, may_go, prune_hours
from monitor.rollups.recount import rebuild_dirty
from tests import factories
from tests.bystander import own

AGES = Ages(payload=30, rows=180, hours=400)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def flow(account: ZohoAccount, now: datetime) -> Flow:
    return factories.make_flow(account, pruned_before=now - 181 * DAY)


def make_day(flow: Flow, at: datetime, hours: int = 3, *, closed: bool = True, **day: Any) -> None:
    """A day with `hours` hours of two runs each, as rollups and pruning leave it."""
    start = at.replace(hour=0)
    for number in range(hours):
        HourBucket.objects.create(flow=flow, hour=start + number * HOUR, succeeded=1, failed=1)
        if closed:
            PrunedHour.objects.create(flow=flow, hour=start + number * HOUR)
    DayBucket.objects.create(flow=flow, day=start.date(), **({"succeeded": hours, "failed": hours} | day))


def prune(now: datetime, ages: Ages = AGES) -> int:
    return prune_hours(ages, now, lambda: True)


def test_hours_go_by_whole_days_and_the_day_stays(flow: Flow, now: datetime) -> None:
    make_day(flow, now - 401 * DAY)
    make_day(flow, now - 400 * DAY)
    assert prune(now) == 3
    assert own(HourBucket).count() == 3
    assert own(DayBucket).count() == 2


def test_a_day_that_is_not_counted_keeps_its_hours(flow: Flow, now: datetime) -> None:
    make_day(flow, now - 410 * DAY)
    own(DayBucket).delete()
    assert prune(now) == 0


def test_a_day_that_counts_otherwise_than_its_hours_keeps_them(flow: Flow, now: datetime) -> None:
    make_day(flow, now - 410 * DAY, failed=2)
    assert prune(now) == 0


def test_hours_whose_rows_are_still_here_wait(flow: Flow, now: datetime) -> None:
    make_day(flow, now - 410 * DAY, closed=False)
    assert prune(now) == 0


def test_a_dirty_hour_keeps_its_day(flow: Flow, now: datetime) -> None:
    make_day(flow, now - 410 * DAY)
    DirtyHour.objects.mark([(flow.pk, now - 410 * DAY)])
    assert prune(now) == 0
    DirtyHour.objects.all().delete()
    assert prune(now) == 3


def test_days_go_where_an_age_is_set_for_them(flow: Flow, now: datetime) -> None:
    make_day(flow, now - 1000 * DAY)
    make_day(flow, now - 700 * DAY)
    prune(now)
    assert own(DayBucket).count() == 2
    prune(now, Ages(payload=30, rows=180, hours=400, days=800))
    assert [one.day for one in own(DayBucket)] == [(now - 700 * DAY).date()]


def test_many_flows_of_one_day_go_in_batches(account: ZohoAccount, now: datetime) -> None:
    for _ in range(BATCH // 24 + 3):
        make_day(factories.make_flow(account), now - 500 * DAY, hours=24)
    assert prune(now) == 24 * (BATCH // 24 + 3)
    assert not own(HourBucket).exists()


def test_it_stops_when_its_time_is_up(flow: Flow, now: datetime) -> None:
    make_day(flow, now - 410 * DAY)
    assert prune_hours(AGES, now, lambda: False) == 0


def test_a_closed_hour_is_not_counted_anew(flow: Flow, now: datetime) -> None:
    at = now - 300 * DAY
    make_day(flow, at)
    hour = at.replace(hour=1)
    DirtyHour.objects.mark([(flow.pk, hour)])
    rebuild_dirty(now)
    assert HourBucket.objects.get(flow=flow, hour=hour).succeeded == 1
    assert not DirtyHour.objects.exists()


def test_an_old_hour_that_kept_its_rows_is_counted_anew(flow: Flow, now: datetime) -> None:
    at = (now - 300 * DAY).replace(hour=1)
    HourBucket.objects.create(flow=flow, hour=at, running=1)
    factories.make_execution(flow, "failed", started_time=at)
    DirtyHour.objects.mark([(flow.pk, at)])
    rebuild_dirty(now)
    bucket = own(HourBucket).get()
    assert (bucket.running, bucket.failed) == (0, 1)


def test_an_hour_before_the_pruned_ones_without_a_bucket_is_closed_for_good(flow: Flow, now: datetime) -> None:
    old, young = (flow.pk, now - 300 * DAY), (flow.pk, now - DAY)
    assert closed_hours({old, young}) == {old}


def test_nothing_is_asked_of_flows_that_were_never_pruned(
    account: ZohoAccount, now: datetime, django_assert_num_queries: Any
) -> None:
    flow = factories.make_flow(account)
    with django_assert_num_queries(1):
        assert closed_hours({(flow.pk, now - 300 * DAY)}) == set()


@pytest.mark.parametrize(
    ("closed", "day_runs", "dirty", "goes"),
    [(2, 7, False, True), (1, 7, False, False), (2, 6, False, False), (2, None, False, False), (2, 7, True, False)],
)
def test_the_decision(now: datetime, closed: int, day_runs: int | None, dirty: bool, goes: bool) -> None:
    hours = [Hour(1, now, 3), Hour(2, now + HOUR, 4)]
    assert may_go(hours, [h.hour for h in hours[:closed]], day_runs, is_dirty=dirty) is goes


def test_what_another_day_counts_or_waits_for_holds_no_day_of_the_same_flow_up(flow: Flow, now: datetime) -> None:
    make_day(flow, now - 410 * DAY)
    make_day(flow, now - 420 * DAY, hours=2)
    for day in (409, 411):
        DayBucket.objects.create(flow=flow, day=(now - day * DAY).date(), succeeded=7)
        DirtyHour.objects.create(flow=flow, hour=now - day * DAY)
    assert prune(now) == 5


def test_an_hour_that_is_closed_on_another_day_closes_none_of_this_one(flow: Flow, now: datetime) -> None:
    make_day(flow, now - 410 * DAY)
    make_day(flow, now - 409 * DAY, closed=False)
    assert prune(now) == 3


def test_flows_that_have_to_wait_are_passed_by_the_next_batch(
    account: ZohoAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.rollups.prune.BATCH", 4)
    for number in range(3):
        make_day(factories.make_flow(account, pruned_before=now), now - 410 * DAY, closed=number == 2)
    batches: list[int] = []

    def go_on() -> bool:
        batches.append(1)
        return len(batches) < 20

    assert prune_hours(AGES, now, go_on) == 3
    assert len(batches) < 20


@pytest.mark.parametrize("column", ["succeeded", "failed", "running", "other", "retried"])
def test_a_days_count_is_the_sum_of_all_that_its_runs_became(flow: Flow, now: datetime, column: str) -> None:
    make_day(flow, now - 410 * DAY, **{"succeeded": 0, "failed": 0, column: 6})
    assert prune(now) == 3
