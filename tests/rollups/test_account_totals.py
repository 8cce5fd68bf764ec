"""The sums of an account are those of its flows' buckets, whatever happened to them and in whatever order."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.models import (
    AccountDay,
    AccountHour,
    Ages,
    DayBucket,
    DirtyHour,
    Execution,
    Flow,
    HourBucket,
    PrunedHour,
    ZohoAccount,
)
from monitor.quarters import unpack
from monitor.rollups import recount
from monitor.rollups.account_totals import SUMMED
from monitor.rollups.prune import prune_hours
from tests import factories
from tests.bystander import own
from tests.depth import tried

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
YOUNG = Ages(payload=1, rows=2, hours=3)


def rebuild_all(now: datetime) -> None:
    while recount.rebuild_dirty(now):
        pass


def mark(*runs: Execution) -> None:
    DirtyHour.objects.mark((run.flow_id, run.started_time) for run in runs)


def parts_of(row: Any) -> Counter[tuple[int, str]]:
    """The counts of a row by quarter and name; what is nothing is left out."""
    found: Counter[tuple[int, str]] = Counter()
    for part in unpack(row.quarters, *(getattr(row, name) for name in SUMMED)):
        found.update({(part.quarter, name): getattr(part, name) for name in SUMMED})
    return +found


def summed(model: Any, when: str) -> dict[tuple[int, Any], tuple[int, ...]]:
    """Sums the buckets of flows up by account and time: their number, then their counts."""
    found: dict[tuple[int, Any], tuple[int, ...]] = {}
    for account, at, *counts in own(model).values_list("flow__account", when, *SUMMED):
        before = found.get((account, at), (0,) * (1 + len(SUMMED)))
        found[account, at] = tuple(a + b for a, b in zip(before, (1, *counts), strict=True))
    return found


def stored(model: Any, when: str) -> dict[tuple[int, Any], tuple[int, ...]]:
    rows = own(model).values_list("account", when, "buckets", *SUMMED)
    return {(account, at): tuple(counts) for account, at, *counts in rows}


def assert_sums() -> None:
    assert stored(AccountHour, "hour") == summed(HourBucket, "hour")
    assert stored(AccountDay, "day") == summed(DayBucket, "day")
    quarters: dict[tuple[int, datetime], Counter[tuple[int, str]]] = {}
    for bucket in own(HourBucket).select_related("flow"):
        quarters.setdefault((bucket.flow.account_id, bucket.hour), Counter()).update(parts_of(bucket))
    assert {(row.account_id, row.hour): parts_of(row) for row in own(AccountHour)} == quarters


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["run", "run", "run", "change", "delete", "count", "count a little", "prune"]),
        st.integers(0, 2),
        st.sampled_from(["success", "failed", "running", "odd"]),
        st.integers(0, 3000),
    ),
    min_size=3,
    max_size=16,
)


@pytest.mark.property
@tried(10, 100)
@given(steps=STEPS)
def test_they_are_the_sum_of_the_flows_after_any_recounts_deletions_and_pruning(
    steps: list[tuple[str, int, str, int]],
) -> None:
    for model in (AccountHour, AccountDay, DayBucket, HourBucket, DirtyHour, PrunedHour, Execution):
        own(model).delete()
    account, now = factories.make_account(), factories.NOON
    flows = [factories.make_flow(account), factories.make_flow(account), factories.make_flow()]
    for what, which, status, minutes in steps:
        runs = list(own(Execution).order_by("pk"))
        if what == "run":
            started = now - 5 * DAY + timedelta(minutes=minutes)
            mark(factories.make_execution(flows[which], status, started_time=started))
        elif what == "change" and runs:
            Execution.objects.filter(pk=runs[minutes % len(runs)].pk).update(status=status)
            mark(runs[minutes % len(runs)])
        elif what == "delete" and runs:
            mark(runs[minutes % len(runs)])
            runs[minutes % len(runs)].delete()
        elif what == "prune":
            close(flows[which], now)
            prune_hours(YOUNG, now, lambda: True)
        elif what == "count a little":
            recount.rebuild_dirty(now, limit=2)
        elif what == "count":
            rebuild_all(now)
        assert_sums()
    rebuild_all(now)
    assert_sums()


def close(flow: Flow, now: datetime) -> None:
    """Takes the old runs of a flow away, as pruning does; their buckets stay."""
    edge = YOUNG.rows_edge(now)
    DirtyHour.objects.filter(flow=flow, hour__lt=edge).delete()
    for hour in own(HourBucket).filter(flow=flow, hour__lt=edge).values_list("hour", flat=True):
        PrunedHour.objects.get_or_create(flow=flow, hour=hour)
    own(Execution).filter(flow=flow, started_time__lt=edge).delete()
    factories.change_flow(flow, pruned_before=edge)


def test_an_hour_that_several_flows_ran_in_is_one_row(account: ZohoAccount, now: datetime) -> None:
    one, two = factories.make_flow(account), factories.make_flow(account)
    mark(
        factories.make_execution(one, started_time=now),
        factories.make_execution(two, "failed", started_time=now + timedelta(minutes=50)),
        factories.make_execution(factories.make_flow(), started_time=now),
    )
    rebuild_all(now)
    row = AccountHour.objects.get(account=account)
    assert (row.hour, row.buckets, row.succeeded, row.failed) == (now, 2, 1, 1)
    assert parts_of(row) == {(0, "succeeded"): 1, (0, "first_succeeded"): 1, (3, "failed"): 1}
    day = AccountDay.objects.get(account=account)
    assert (day.day, day.buckets, day.succeeded, day.failed) == (now.date(), 2, 1, 1)


def test_a_sum_that_is_less_than_what_goes_is_summed_up_anew(account: ZohoAccount, now: datetime) -> None:
    flow = factories.make_flow(account)
    runs = [factories.make_execution(flow, started_time=now) for _ in range(3)]
    mark(*runs)
    rebuild_all(now)
    AccountHour.objects.filter(account=account).update(succeeded=0)
    AccountDay.objects.filter(account=account).update(succeeded=0)
    runs[0].delete()
    mark(*runs[1:])
    rebuild_all(now)
    assert AccountHour.objects.get(account=account).succeeded == 2
    assert_sums()


def test_an_hour_counted_again_to_the_same_writes_no_sum(account: ZohoAccount, now: datetime) -> None:
    run = factories.make_execution(factories.make_flow(account), started_time=now)
    mark(run)
    rebuild_all(now)
    AccountHour.objects.filter(account=account).update(succeeded=7)
    mark(run)
    rebuild_all(now)
    assert AccountHour.objects.get(account=account).succeeded == 7


def test_the_last_run_of_an_hour_takes_its_sum_along_and_no_other(account: ZohoAccount, now: datetime) -> None:
    flow = factories.make_flow(account)
    gone = factories.make_execution(flow, started_time=now)
    kept = factories.make_execution(flow, started_time=now - DAY)
    beside = factories.make_execution(factories.make_flow(), started_time=now)
    mark(gone, kept, beside)
    rebuild_all(now)
    gone.delete()
    mark(gone)
    rebuild_all(now)
    assert {(row.account_id, row.hour) for row in own(AccountHour)} == {
        (account.pk, now - DAY),
        (beside.account_id, now),
    }
    assert {row.day for row in own(AccountDay).filter(account=account)} == {(now - DAY).date()}


@pytest.mark.usefixtures("nobody_else")
def test_a_day_of_one_flow_that_goes_for_its_age_is_taken_from_the_sum(account: ZohoAccount, now: datetime) -> None:
    flows = [factories.make_flow(account), factories.make_flow(account)]
    old = [factories.make_execution(flow, started_time=now - 9 * DAY) for flow in flows]
    young = factories.make_execution(flows[0], started_time=now - DAY)
    mark(*old, young)
    rebuild_all(now)
    DayBucket.objects.filter(flow=flows[1]).update(day=now.date())
    AccountDay.objects.update(buckets=1, succeeded=1, first_succeeded=1)
    factories.sum_up_day(account.pk, now.date())
    prune_hours(Ages(payload=1, rows=2, hours=3, days=4), now, lambda: True)
    assert stored(AccountDay, "day") == summed(DayBucket, "day")
    assert {day.day for day in AccountDay.objects.all()} == {(now - DAY).date(), now.date()}


def test_an_account_that_is_removed_takes_its_sums_along(account: ZohoAccount, now: datetime) -> None:
    run = factories.make_execution(factories.make_flow(account), started_time=now)
    beside = factories.make_execution(started_time=now)
    mark(run, beside)
    rebuild_all(now)
    account.delete()
    assert own(AccountHour).get().account_id == own(AccountDay).get().account_id == beside.account_id
