"""Pages while 200,000 rows are being pruned, beside the same pages while nothing else runs.

Run by `make bench`; it prints figures and asserts none but that the pruning did its work meanwhile.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from monitor.ingest.night.prune import prune
from monitor.models import Ages, Execution, Flow, HourBucket, ZohoAccount
from monitor.periods import CHOICES
from monitor.queries import executions, freshness, overview, problems, tallies
from tests.factories import make_account, make_flow

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True)]
ROWS = int(os.environ.get("PRUNE_ROWS", "200000"))
FLOWS = 50
AGES = Ages(payload=30, rows=180, hours=400)


def history(now: datetime) -> None:
    """A year of runs, half of them older than rows are kept, with the buckets of the old hours."""
    account = make_account("Bench")
    flows = [make_flow(account, executions_read_at=now, history_read_at=now) for _ in range(FLOWS)]
    step = timedelta(days=360) / (ROWS / FLOWS)
    made, hours = [], set()
    for number in range(ROWS):
        flow = flows[number % FLOWS]
        at = now - step * (number // FLOWS)
        hours.add((flow.pk, at.replace(minute=0, second=0, microsecond=0)))
        made.append(row_of(account, flow, number, at, now))
    Execution.objects.bulk_create(made, batch_size=1000)
    HourBucket.objects.bulk_create(
        [HourBucket(flow_id=flow, hour=hour, succeeded=1) for flow, hour in sorted(hours)], batch_size=1000
    )


def row_of(account: ZohoAccount, flow: Flow, number: int, at: datetime, now: datetime) -> Execution:
    failed = number % 20 == 0
    return Execution(
        account=account,
        flow=flow,
        execution_id=f"run-{number}",
        status="failed" if failed else "success",
        first_status="failed" if failed else "success",
        started_time=at,
        completed_time=at + timedelta(seconds=2),
        duration_ms=2000,
        error_details="No such record" if failed else "",
        trigger_data={"Email": "jo@example.com", "Stage": "New"},
        first_seen_at=now,
        changed_at=now,
    )


def questions(now: datetime) -> dict[str, Callable[[], object]]:
    """What the overview and the list of executions ask."""

    def first_page() -> object:
        mirror = freshness.mirror(now, {**tallies.in_menu(), **problems.to_count(now, UTC)})
        return overview.read(now, CHOICES[30], mirror)

    return {
        "overview": first_page,
        "executions": lambda: executions.page(executions.ExecutionFilter()),
        "executions, failed": lambda: executions.page(executions.ExecutionFilter(status="failed")),
    }


def p95(ask: Callable[[], object], until: Callable[[int], bool]) -> tuple[float, int]:
    """The 95th percentile in milliseconds, and how often it was asked."""
    took: list[float] = []
    while until(len(took)):
        began = time.perf_counter()
        ask()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.quantiles(took, n=20)[-1], len(took)


def test_pages_while_rows_are_pruned() -> None:
    now = timezone.now()
    history(now)
    alone = {name: p95(ask, lambda done: done < 60)[0] for name, ask in questions(now).items()}

    done = threading.Event()
    figures: dict[str, float] = {}

    def pruning() -> None:
        began = time.perf_counter()
        took = prune(AGES, now, lambda: not done.is_set())
        figures["seconds"], figures["rows"] = time.perf_counter() - began, took.rows
        figures["payloads"] = took.payloads
        connection.close()

    thread = threading.Thread(target=pruning)
    thread.start()
    beside: dict[str, list[float]] = {name: [] for name in alone}
    while thread.is_alive():
        for name, ask in questions(now).items():
            began = time.perf_counter()
            ask()
            beside[name].append((time.perf_counter() - began) * 1000)
    thread.join()

    print(f"\n{connection.vendor}: {ROWS} rows, {FLOWS} flows")
    print(f"pruned {figures['rows']:.0f} rows and {figures['payloads']:.0f} payloads in {figures['seconds']:.1f} s")
    for name, times in beside.items():
        while_pruning = statistics.quantiles(times, n=20)[-1] if len(times) > 1 else times[0]
        print(f"{name:<20} p95 alone {alone[name]:6.1f} ms, while pruning {while_pruning:6.1f} ms ({len(times)} times)")
    assert figures["rows"] > ROWS * 0.45
    pruned = sum(one.progress.pruned_success + one.progress.pruned_failed for one in Flow.objects.all())
    assert Execution.objects.count() + pruned == ROWS
