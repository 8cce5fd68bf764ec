"""Dirty hours → buckets."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from monitor.models import DirtyHour, Execution, Flow, HourBucket, RetryAttempt, User
from monitor.rollups import read, recount
from monitor.rollups.read import lineage_of, rows_of
from monitor.rollups.recount import COUNT_FIELDS, rebuild_dirty
from monitor.rollups.write import write
from tests import factories
from tests.bystander import own
from tests.depth import tried

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def flow() -> Flow:
    return factories.make_flow()


def mark(*executions: Execution) -> None:
    DirtyHour.objects.mark((e.flow_id, e.started_time) for e in executions if e.started_time is not None)


def make_retry(execution: Execution, state: str, new: Execution | None = None) -> RetryAttempt:
    user = User.objects.filter(username="ada").first() or factories.make_user("ada", "admin")
    return RetryAttempt.objects.create(
        account=execution.account,
        execution=execution,
        requested_by=user,
        requested_at=factories.NOON,
        reason="again",
        client_token=f"token-{own(RetryAttempt).count()}",
        state=state,
        new_execution_id=new.execution_id if new else "",
    )


def buckets() -> list[dict[str, Any]]:
    return list(own(HourBucket).order_by("flow", "hour").values("flow", "hour", *COUNT_FIELDS))


def sums() -> Counter[str]:
    total: Counter[str] = Counter()
    for bucket in buckets():
        total.update({name: bucket[name] for name in COUNT_FIELDS if isinstance(bucket[name], int)})
    return total


def rebuild_all(now: datetime) -> None:
    while rebuild_dirty(now):
        pass


def test_an_hour_is_counted_and_no_longer_dirty(flow: Flow, now: datetime) -> None:
    rows = [factories.make_execution(flow, status) for status in ("success", "success", "failed", "running")]
    mark(*rows)
    assert rebuild_dirty(now) == 1
    bucket = own(HourBucket).get()
    assert (bucket.hour, bucket.succeeded, bucket.failed, bucket.running) == (now - HOUR, 2, 1, 1)
    assert bucket.duration_sum_ms == 6000
    assert not DirtyHour.objects.exists()


def test_hours_that_are_not_dirty_are_left_alone(flow: Flow, now: datetime) -> None:
    mark(factories.make_execution(flow, started_time=now - HOUR))
    factories.make_execution(flow, started_time=now - 2 * HOUR)
    mark(factories.make_execution(flow, started_time=now - 3 * HOUR))
    rebuild_dirty(now)
    assert [bucket.hour for bucket in own(HourBucket).order_by("hour")] == [now - 3 * HOUR, now - HOUR]


def test_rows_without_a_start_time_are_in_no_hour(flow: Flow, now: datetime) -> None:
    mark(factories.make_execution(flow))
    factories.make_execution(flow, started_time=now - HOUR, duration_ms=1)
    own(Execution).filter(duration_ms=1).update(started_time=None)
    rebuild_dirty(now)
    assert sums()["succeeded"] == 1


def test_an_hour_that_lost_its_rows_loses_its_bucket(flow: Flow, now: datetime) -> None:
    row = factories.make_execution(flow)
    mark(row)
    rebuild_dirty(now)
    mark(row)
    row.delete()
    rebuild_dirty(now)
    assert not own(HourBucket).exists()


def test_a_time_with_an_offset_marks_the_hour_it_lies_in(flow: Flow, now: datetime) -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    row = factories.make_execution(flow, started_time=datetime(2026, 11, 22, 12, 10, tzinfo=UTC))
    DirtyHour.objects.mark([(flow.pk, datetime(2026, 11, 22, 17, 40, tzinfo=india))])
    rebuild_dirty(now)
    assert own(HourBucket).get().hour == row.started_time.replace(minute=0)


def test_a_retry_that_succeeded_makes_its_original_a_success_in_the_hour_it_began(flow: Flow, now: datetime) -> None:
    original = factories.make_execution(flow, "failed", started_time=now - 5 * HOUR)
    retry = factories.make_execution(flow, "success", started_time=now - HOUR)
    make_retry(original, "accepted", retry)
    mark(original, retry)
    rebuild_all(now)
    first, second = own(HourBucket).order_by("hour")
    assert (first.succeeded, first.failed, first.first_succeeded, first.retried) == (1, 0, 0, 0)
    assert (second.succeeded, second.failed, second.retried) == (0, 0, 1)


@pytest.mark.parametrize("status", ["running", "failed"])
def test_while_its_retry_runs_or_when_it_failed_the_original_counts_as_failed(
    flow: Flow, now: datetime, status: str
) -> None:
    original = factories.make_execution(flow, "failed")
    retry = factories.make_execution(flow, status)
    make_retry(original, "accepted", retry)
    mark(original)
    rebuild_all(now)
    assert (sums()["succeeded"], sums()["failed"], sums()["retried"], sums()["running"]) == (0, 1, 1, 0)


def test_a_retrys_row_that_changes_later_recounts_the_hour_of_its_original(flow: Flow, now: datetime) -> None:
    root = factories.make_execution(flow, "failed", started_time=now - 50 * HOUR)
    middle = factories.make_execution(flow, "failed", started_time=now - 20 * HOUR)
    last = factories.make_execution(flow, "failed", started_time=now - 2 * HOUR)
    make_retry(root, "failed_again", middle)
    make_retry(middle, "failed_again", last)
    mark(root, middle, last)
    rebuild_all(now)
    assert (sums()["succeeded"], sums()["failed"], sums()["retried"]) == (0, 1, 2)
    last.status = "success"
    last.save()
    mark(last)
    rebuild_all(now)
    assert (sums()["succeeded"], sums()["failed"], sums()["retried"]) == (1, 0, 2)


def test_another_accounts_execution_of_the_same_id_is_no_retry(flow: Flow, now: datetime) -> None:
    original = factories.make_execution(flow, "failed")
    retry = factories.make_execution(flow, "success")
    make_retry(original, "accepted", retry)
    other = factories.make_execution(factories.make_flow(), "success", execution_id=retry.execution_id)
    mark(original, other)
    rebuild_all(now)
    assert HourBucket.objects.get(flow=other.flow).succeeded == 1


def test_an_hour_marked_again_during_its_recount_stays_dirty(
    flow: Flow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = factories.make_execution(flow)
    mark(row)
    read_rows = recount.read.rows_of

    def read_and_be_overtaken(hours: set[Any]) -> list[Any]:
        rows = read_rows(hours)
        mark(factories.make_execution(flow))
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(recount.read, "rows_of", read_and_be_overtaken)
        recount._rebuild_batch(10, now)
    assert DirtyHour.objects.count() == 1
    rebuild_dirty(now)
    assert own(HourBucket).get().succeeded == 2


class Deadlock(Exception):  # noqa: N818 - as PostgreSQL's driver has it
    sqlstate = "40P01"


def test_a_recount_that_was_chosen_to_end_a_deadlock_is_done_again(
    flow: Flow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark(factories.make_execution(flow))
    failures = [Deadlock(), Deadlock()]

    def write_or_fail(*args: Any) -> None:
        if failures:
            raise OperationalError("deadlock detected") from failures.pop()
        write(*args)

    monkeypatch.setattr(recount, "write", write_or_fail)

    assert rebuild_dirty(now) == 1
    assert own(HourBucket).get().succeeded == 1


def test_another_trouble_of_the_database_ends_a_recount_and_the_hour_stays_dirty(
    flow: Flow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark(factories.make_execution(flow))

    def fail(*args: Any) -> None:
        raise OperationalError("disk full")

    monkeypatch.setattr(recount, "write", fail)

    with pytest.raises(OperationalError):
        rebuild_dirty(now)
    assert DirtyHour.objects.exists()


def test_a_run_takes_no_more_than_its_limit_and_the_newest_first(flow: Flow, now: datetime) -> None:
    mark(*[factories.make_execution(flow, started_time=now - hours * HOUR) for hours in range(1, 6)])
    assert rebuild_dirty(now, limit=2) == 2
    assert {bucket.hour for bucket in own(HourBucket)} == {now - HOUR, now - 2 * HOUR}
    assert rebuild_dirty(now) == 3
    assert rebuild_dirty(now) == 0


@pytest.mark.property
@tried(10, 50)
@given(data=st.data())
def test_the_buckets_are_a_recount_of_the_rows_and_a_second_run_changes_nothing(data: st.DataObject) -> None:
    now = factories.NOON
    for model in (HourBucket, DirtyHour, RetryAttempt, Execution):
        own(model).delete()
    flows = [factories.make_flow(factories.make_account()) for _ in range(2)]
    kinds = st.tuples(st.integers(0, 1), st.sampled_from(["success", "failed", "running", "odd"]), st.integers(0, 240))
    rows = [
        factories.make_execution(flows[flow], status, started_time=now - timedelta(minutes=minutes))
        for flow, status, minutes in data.draw(st.lists(kinds, min_size=1, max_size=12))
    ]
    places = st.integers(0, len(rows) - 1)
    links = st.tuples(places, places, st.sampled_from(["failed_again", "succeeded"]))
    for original, new, state in data.draw(st.lists(links, max_size=6, unique_by=lambda link: link[1])):
        make_retry(rows[original], state, rows[new])
    mark(*rows)
    rebuild_all(now)
    expected = count_again(rows)
    assert {name: sums()[name] for name in expected} == expected
    before = buckets()
    mark(*[rows[place] for place in data.draw(st.lists(places))])
    rebuild_all(now)
    assert buckets() == before


def count_again(rows: list[Execution]) -> dict[str, int]:
    """The definition said a second time, row by row and slowly."""
    counts = dict.fromkeys(("succeeded", "failed", "first_succeeded", "running", "other", "retried"), 0)
    children: dict[int, list[RetryAttempt]] = {}
    retries: set[int] = set()
    by_name = {(row.account_id, row.execution_id): row for row in rows}
    parents: dict[int, set[int]] = {}
    for attempt in own(RetryAttempt).order_by("pk"):
        children.setdefault(attempt.execution_id, []).append(attempt)
        new = by_name.get((attempt.account_id, attempt.new_execution_id))
        if new is not None and new.pk not in reach(attempt.execution_id, parents):
            parents.setdefault(new.pk, set()).add(attempt.execution_id)
            retries.add(new.pk)

    def rescued(row: Execution, seen: tuple[int, ...] = ()) -> bool:
        for attempt in children.get(row.pk, []):
            new = by_name.get((row.account_id, attempt.new_execution_id))
            if attempt.state == "succeeded" or (new is not None and new.status == "success"):
                return True
            if new is not None and new.pk not in (*seen, row.pk) and rescued(new, (*seen, row.pk)):
                return True
        return False

    for row in rows:
        if row.pk in retries:
            counts["retried"] += 1
        elif row.status in ("success", "failed"):
            counts["succeeded" if row.status == "success" or rescued(row) else "failed"] += 1
            counts["first_succeeded"] += row.first_status == "success"
        else:
            counts["running" if row.status == "running" else "other"] += 1
    return counts


def reach(start: int, parents: dict[int, set[int]]) -> set[int]:
    found = {start}
    for parent in parents.get(start, ()):
        found |= reach(parent, parents)
    return found


def test_ten_days_of_24_flows_are_recounted_in_few_statements(now: datetime) -> None:
    account = factories.make_account()
    flows = [factories.make_flow(account) for _ in range(24)]
    hours = [now - timedelta(hours=hours) for hours in range(10 * 24)]
    rows = [
        Execution(
            account=account,
            flow=flow,
            execution_id=f"{flow.pk}-{number}-{part}",
            status="failed" if number % 9 == 0 else "success",
            first_status="success",
            started_time=hour + timedelta(minutes=20 * part),
            duration_ms=1500 + number,
            first_seen_at=now,
            changed_at=now,
        )
        for flow in flows
        for number, hour in enumerate(hours)
        for part in range(2)
    ]
    Execution.objects.bulk_create(rows, batch_size=5000)
    DirtyHour.objects.bulk_create(
        [DirtyHour(flow=flow, hour=hour) for flow in flows for hour in hours], batch_size=5000
    )
    started = time.perf_counter()
    with CaptureQueriesContext(
        connection,
    ) as statements:
        rebuild_dirty(now, limit=20_000)
    took = time.perf_counter() - started
    print(f"{len(rows)} rows, {len(statements)} statements, {took:.1f} s")
    assert sums()["succeeded"] + sums()["failed"] == len(rows)
    assert len(statements) < 10 * 24 * 24 / 10


def test_an_attempt_of_another_run_that_has_no_new_run_links_nothing(flow: Flow, now: datetime) -> None:
    original = factories.make_execution(flow, "failed", started_time=now - HOUR)
    also = factories.make_execution(flow, "success", started_time=now - HOUR)
    other = factories.make_execution(flow, "failed", started_time=now - 9 * HOUR)
    make_retry(other, "succeeded")
    links, hours = lineage_of(rows_of({(flow.pk, now - HOUR)}))
    assert hours == {}
    for run in (original, also):
        key = (run.account_id, run.execution_id)
        assert (links.is_retry(key), links.is_rescued(key)) == (False, False)


def test_no_run_without_an_id_is_ever_asked_for(flow: Flow, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    original = factories.make_execution(flow, "failed", started_time=now - HOUR)
    others = [factories.make_execution(flow, "failed", started_time=now - 9 * HOUR) for _ in range(3)]
    for run in (original, *others):
        make_retry(run, "failed_again")
    asked: list[set[Any]] = []
    attempts_of = read._attempts_of

    def noted(keys: Any) -> Any:
        asked.append(set(keys))
        return attempts_of(keys)

    monkeypatch.setattr(read, "_attempts_of", noted)
    links, _ = lineage_of(rows_of({(flow.pk, now - HOUR)}))
    assert asked == [{(flow.account_id, original.execution_id)}]
    assert not any(links.is_retry((run.account_id, run.execution_id)) for run in (original, *others))


@pytest.mark.parametrize("more_attempts", [0, 4])
def test_a_retry_chain_is_found_from_its_end_within_one_account(flow: Flow, now: datetime, more_attempts: int) -> None:
    original = factories.make_execution(flow, "failed", started_time=now - 9 * HOUR)
    retry = factories.make_execution(flow, "success", started_time=now - HOUR)
    make_retry(original, "accepted", retry)
    for _ in range(more_attempts):
        make_retry(factories.make_execution(flow, "failed", started_time=now - 20 * HOUR), "failed_again")
    twin = factories.make_flow()
    for run in (original, retry):
        factories.make_execution(twin, "success", execution_id=run.execution_id, started_time=now - 3 * HOUR)
    make_retry(factories.make_execution(twin, "failed"), "succeeded")
    links, hours = lineage_of(rows_of({(flow.pk, now - HOUR)}))
    keys = [(flow.account_id, run.execution_id) for run in (original, retry)]
    assert hours == {keys[0]: (flow.pk, now - 9 * HOUR), keys[1]: (flow.pk, now - HOUR)}
    assert [links.is_retry(key) for key in keys] == [False, True]
    assert links.is_rescued(keys[0])
    assert links.roots(keys[1]) == {keys[0]}


@pytest.mark.parametrize("others", [0, 9])
def test_attempts_of_another_account_with_the_same_ids_are_none_of_this_one(
    flow: Flow, now: datetime, others: int
) -> None:
    original, new = factories.make_execution(flow, "failed"), factories.make_execution(flow)
    asked = {(flow.account_id, run.execution_id) for run in (original, new)}
    asked |= {(flow.account_id, f"{number}") for number in range(others)}
    elsewhere = factories.make_flow()
    twin = factories.make_execution(elsewhere, "failed", execution_id=original.execution_id)
    make_retry(twin, "succeeded", factories.make_execution(elsewhere))
    make_retry(factories.make_execution(elsewhere, "failed"), "succeeded", new)

    assert list(read._attempts_of(asked)) == []


def test_hours_that_are_marked_are_counted_each_once(flow: Flow, now: datetime) -> None:
    assert DirtyHour.objects.mark([]) == 0
    assert DirtyHour.objects.mark([(flow.pk, now), (flow.pk, now + timedelta(minutes=59)), (flow.pk, now + HOUR)]) == 2
