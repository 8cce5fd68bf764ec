"""What has outlived its age goes, is counted, and does not come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.ingest.base.quarantine import put_aside
from monitor.ingest.night.prune import BATCH, prune
from monitor.ingest.runs.store import store_page
from monitor.models import (
    Ages,
    DirtyHour,
    Execution,
    ExecutionEvent,
    Flow,
    FlowProgress,
    HourBucket,
    PrunedHour,
    Quarantine,
    Retention,
    RetryAttempt,
    RetryBatch,
    RetryItem,
    ZohoAccount,
)
from monitor.rollups.recount import rebuild_dirty
from monitor.zoho.shapes import ExecutionRow, Rejected
from tests import factories
from tests.bystander import own

pytestmark = pytest.mark.usefixtures("all_are_pruned")

AGES = Ages(payload=30, rows=180, hours=400)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def flow(account: ZohoAccount, now: datetime) -> Flow:
    return factories.make_flow(account, executions_read_at=now, history_read_at=now)


def row(number: int, at: datetime, status: str = "success", **fields: Any) -> ExecutionRow:
    """What Zoho lists of a run that began at a time."""
    final = status in ("success", "failed")
    values = dict.fromkeys(ExecutionRow.__dataclass_fields__) | {
        "execution_id": f"run-{number}",
        "status": status,
        "started_time": at,
        "completed_time": at + timedelta(seconds=2) if final else None,
        "duration_ms": 2000 if final else None,
        "error_code": "X" if status == "failed" else "",
        "error_message": "It failed" if status == "failed" else "",
        "error_details": "Jo Doe, jo@example.com" if status == "failed" else "",
        "error_action_id": "",
        "trigger_data": {"Email": "jo@example.com"},
        "raw": {},
    }
    return ExecutionRow(**(values | fields))


def counted(now: datetime) -> None:
    while rebuild_dirty(now):
        pass


@pytest.fixture
def mirrored(flow: Flow, now: datetime) -> Callable[..., None]:
    def store(*rows: ExecutionRow) -> None:
        store_page(flow, rows, [], now)
        counted(now)

    return store


def run(now: datetime, ages: Ages = AGES, go_on: Callable[[], bool] = lambda: True) -> Any:
    return prune(ages, now, go_on)


def ids() -> set[str]:
    return set(own(Execution).values_list("execution_id", flat=True))


def test_rows_go_by_whole_hours_and_are_counted_as_pruned(
    flow: Flow, mirrored: Callable[..., None], now: datetime
) -> None:
    edge = now - 180 * DAY
    mirrored(row(1, edge - HOUR), row(2, edge - HOUR, "failed"), row(3, edge - timedelta(minutes=1)), row(4, edge))

    assert run(now + timedelta(minutes=59)).rows == 3

    flow.refresh_from_db()
    assert ids() == {"run-4"}
    assert (flow.progress.pruned_success, flow.progress.pruned_failed, flow.progress.pruned_before) == (2, 1, edge)
    assert own(PrunedHour).count() == 1


def test_charts_stay_as_they_were(mirrored: Callable[..., None], now: datetime) -> None:
    mirrored(row(1, now - 200 * DAY), row(2, now - 200 * DAY, "failed"))
    before = list(own(HourBucket).values())

    run(now)
    DirtyHour.objects.mark((one.flow_id, one.hour) for one in own(HourBucket))
    counted(now)

    assert list(own(HourBucket).values()) == before
    assert not DirtyHour.objects.exists()


def test_what_zoho_lists_again_does_not_come_back(flow: Flow, mirrored: Callable[..., None], now: datetime) -> None:
    old = [row(1, now - 200 * DAY), row(2, now - 200 * DAY, "failed")]
    mirrored(*old)
    run(now)
    stale = Flow.objects.get(pk=flow.pk)
    stale.progress.pruned_before = None  # as a sweep has it that began before the pruning

    written = store_page(stale, [*old, row(3, now - DAY)], [], now)

    assert (written.new, ids()) == (1, {"run-3"})
    assert list(DirtyHour.objects.values_list("hour", flat=True)) == [now - DAY]


@pytest.mark.parametrize("days", [99, 100])
def test_a_run_as_young_as_any_setting_allows_is_asked_for(flow: Flow, now: datetime, days: int) -> None:
    FlowProgress.objects.filter(flow=flow).update(pruned_before=now - 99 * DAY)
    store_page(flow, [row(1, now - days * DAY)], [], now)
    assert own(Execution).exists() is (days == 99)


def test_an_hour_waits_while_it_is_to_be_counted_anew(flow: Flow, mirrored: Callable[..., None], now: datetime) -> None:
    at = now - 200 * DAY
    mirrored(row(1, at), row(2, at + HOUR))
    DirtyHour.objects.mark([(flow.pk, at)])

    assert run(now).rows == 1
    assert ids() == {"run-1"}
    counted(now)
    assert run(now).rows == 1


def test_an_hour_without_its_bucket_waits(mirrored: Callable[..., None], now: datetime) -> None:
    mirrored(row(1, now - 200 * DAY))
    own(HourBucket).delete()
    assert run(now).rows == 0


@pytest.mark.parametrize(
    "waits", [{"recheck_at": factories.NOON}, {"rerun_due_at": factories.NOON + HOUR}], ids=["running", "re-run"]
)
def test_an_hour_waits_as_a_whole_for_a_run_that_may_change(
    mirrored: Callable[..., None], now: datetime, waits: dict[str, Any]
) -> None:
    mirrored(row(1, now - 200 * DAY), row(2, now - 200 * DAY, "failed"))
    own(Execution).filter(execution_id="run-2").update(**waits)
    assert run(now).rows == 0
    own(Execution).update(recheck_at=None, rerun_due_at=None)
    assert run(now).rows == 2


def retry_of(execution_id: str, now: datetime, **fields: Any) -> RetryAttempt:
    execution = own(Execution).get(execution_id=execution_id)
    person = factories.make_user()
    return RetryAttempt.objects.create(
        account=execution.account, execution=execution, requested_by=person, requested_at=now, reason="mended", **fields
    )


def test_an_hour_waits_for_an_open_retry_and_what_people_retried_stays(
    mirrored: Callable[..., None], now: datetime
) -> None:
    at = now - 200 * DAY
    mirrored(row(1, at, "failed"), row(2, at), row(3, at + HOUR), row(4, at + HOUR))
    attempt = retry_of("run-1", now, state="accepted", new_execution_id="run-3")

    assert run(now).rows == 1
    assert ids() == {"run-1", "run-2", "run-3"}
    RetryAttempt.objects.filter(pk=attempt.pk).update(state="succeeded")
    assert run(now).rows == 1
    assert ids() == {"run-1", "run-3"}
    assert own(RetryAttempt).exists()


@pytest.mark.parametrize("state", RetryItem.State.values)
def test_what_was_in_a_batch_of_retries_stays_so_that_its_counts_and_reasons_do(
    mirrored: Callable[..., None], now: datetime, state: str
) -> None:
    mirrored(row(1, now - 200 * DAY, "failed"), row(2, now - 200 * DAY))
    run_1, person = own(Execution).get(execution_id="run-1"), factories.make_user()
    batch = RetryBatch.objects.create(
        account=run_1.account, requested_by=person, requested_at=now, reason="mended", seen_at=now, per_minute=30,
        client_token="form", state="finished", state_since=now,
    )  # fmt: skip
    RetryItem.objects.create(batch=batch, execution=run_1, position=1, state=state, code="x", note="It was skipped.")
    assert run(now).rows == 1
    assert ids() == {"run-1"}
    assert batch.items.count() == 1


def test_rows_of_an_unknown_status_and_without_a_start_stay(mirrored: Callable[..., None], now: datetime) -> None:
    mirrored(row(1, now - 200 * DAY, "skipped"), row(2, now - 200 * DAY))
    mirrored(row(3, now))
    own(Execution).update(recheck_at=None)
    own(Execution).filter(execution_id="run-3").update(started_time=None)
    assert run(now).rows == 1
    assert ids() == {"run-1", "run-3"}


def test_a_flow_that_was_never_read_to_its_end_keeps_its_rows(
    flow: Flow, mirrored: Callable[..., None], now: datetime
) -> None:
    mirrored(row(1, now - 200 * DAY))
    own(FlowProgress).update(executions_read_at=None)
    assert run(now).rows == 0


def test_events_of_a_run_go_with_it(mirrored: Callable[..., None], now: datetime) -> None:
    mirrored(row(1, now - 200 * DAY))
    ExecutionEvent.objects.create(
        execution=own(Execution).get(), kind="ended", from_status="running", to_status="success", seen_at=now
    )
    run(now)
    assert not own(ExecutionEvent).exists()


def test_an_hour_of_more_than_a_batch_goes_in_pieces_and_every_piece_adds_up(flow: Flow, now: datetime) -> None:
    at = now - 200 * DAY
    store_page(flow, [row(n, at, "success" if n % 3 else "failed") for n in range(2 * BATCH + 7)], [], now)
    counted(now)
    sums = []

    def one_batch() -> bool:
        flow.refresh_from_db()
        sums.append(
            (
                own(Execution).count() + flow.progress.pruned_success + flow.progress.pruned_failed,
                flow.progress.pruned_before,
            )
        )
        return len(sums) < 3  # payloads are looked at first

    first = run(now, go_on=one_batch)
    assert not first.is_done
    assert 0 < first.rows <= 2 * BATCH
    assert own(Retention).get().is_behind
    counted(now)
    rest = run(now)
    flow.refresh_from_db()

    assert (first.rows + rest.rows, rest.is_done, ids()) == (2 * BATCH + 7, True, set())
    assert {total for total, _ in sums} == {2 * BATCH + 7}
    assert flow.progress.pruned_success + flow.progress.pruned_failed == 2 * BATCH + 7
    assert own(HourBucket).get().succeeded == flow.progress.pruned_success


def test_rows_that_stay_do_not_keep_younger_ones_from_going(flow: Flow, now: datetime) -> None:
    at = now - 200 * DAY
    rows = [row(n, at, "skipped") for n in range(BATCH + 3)]
    store_page(flow, [*rows, row(9999, at + 5 * HOUR)], [], now)
    counted(now)
    assert run(now).rows == 1
    assert "run-9999" not in ids()


def test_a_payload_goes_after_its_age_and_the_row_says_so(mirrored: Callable[..., None], now: datetime) -> None:
    mirrored(row(1, now - 31 * DAY, "failed"), row(2, now - 29 * DAY, "failed"))

    assert run(now).payloads == 1

    old, young = own(Execution).order_by("execution_id")
    assert (old.trigger_data, old.error_details, old.error_message) == (None, "", "It failed")
    assert old.payload_removed_at == now
    assert (young.trigger_data, young.payload_removed_at) == ({"Email": "jo@example.com"}, None)
    assert own(Retention).get().payloads_removed == 1


def test_a_payload_that_went_does_not_come_back_but_a_new_status_does(
    flow: Flow, mirrored: Callable[..., None], now: datetime
) -> None:
    failed = row(1, now - 31 * DAY, "failed")
    mirrored(failed)
    run(now)
    mirrored(failed)
    assert own(Execution).get().changed_at == now

    again = replace(failed, completed_time=now, duration_ms=7, error_message="Otherwise", status="failed")
    store_page(flow, [again], [], now + HOUR)

    kept = own(Execution).get()
    assert (kept.trigger_data, kept.error_details, kept.error_message) == (None, "", "Otherwise")


def test_a_payload_that_comes_in_late_goes_too(flow: Flow, mirrored: Callable[..., None], now: datetime) -> None:
    mirrored(row(1, now - 31 * DAY))
    run(now)
    mirrored(row(2, now - 90 * DAY), row(3, now - 60 * DAY))
    assert run(now).payloads == 2
    assert not own(Execution).filter(trigger_data__isnull=False).exists()


def test_a_run_without_a_start_loses_its_payload_by_when_it_was_seen(
    mirrored: Callable[..., None], now: datetime
) -> None:
    mirrored(row(1, now))
    own(Execution).update(started_time=None)
    assert run(now + 29 * DAY).payloads == 0
    assert run(now + 31 * DAY).payloads == 1


def test_an_open_retry_keeps_its_payload_until_it_is_settled(mirrored: Callable[..., None], now: datetime) -> None:
    mirrored(row(1, now - 31 * DAY, "failed"), row(2, now - 31 * DAY, "failed"))
    attempt = retry_of("run-1", now, state="unknown")
    assert run(now).payloads == 1
    RetryAttempt.objects.filter(pk=attempt.pk).update(state="not_run")
    assert run(now).payloads == 1


def test_a_longer_age_later_lets_what_lies_between_wait(mirrored: Callable[..., None], now: datetime) -> None:
    mirrored(row(1, now - 31 * DAY))
    run(now)
    mirrored(row(2, now - 40 * DAY))
    longer = replace(AGES, payload=60)
    assert run(now, longer).payloads == 0
    assert run(now + 21 * DAY, longer).payloads == 1


def test_many_payloads_of_one_moment_go_in_batches(flow: Flow, now: datetime) -> None:
    store_page(flow, [row(n, now - 31 * DAY) for n in range(BATCH + 20)], [], now)
    assert run(now).payloads == BATCH + 20


def test_the_account_that_waits_longest_is_first(db: None, now: datetime) -> None:
    first, second = factories.make_account(), factories.make_account()
    looks = iter([True, True, False])  # an account's turn, its payloads, the next account's turn
    run(now, go_on=lambda: next(looks, False))
    assert list(own(Retention).values_list("account_id", flat=True)) == [first.pk]
    run(now + HOUR, go_on=iter([True, True, False, False]).__next__)
    assert Retention.objects.get(account=second).looked_at == now + HOUR


def test_what_a_refused_record_held_is_kept_no_longer_than_payloads_and_its_row_tells_that_there_was_one(
    flow: Flow, now: datetime
) -> None:
    edge = AGES.payload_edge(now)
    for seen_at in (edge - HOUR, edge + HOUR):
        put_aside(flow.account, "executions", [Rejected(f"seen {seen_at}", "no id")], seen_at)

    run(now)

    assert list(own(Quarantine).order_by("seen_at").values_list("raw_text", "reason")) == [
        ("", "no id"),
        (f"seen {edge + HOUR}", "no id"),
    ]
