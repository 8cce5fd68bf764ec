"""What a person waits for before 5,000 failed runs are retried at once, and what the batch holds in memory.

Run by `make bench-retry`; the preview's time is printed beside a bare read of the same rows in the same run.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from monitor import garbage
from monitor.models import Execution, Failure, Problem, RetryAttempt, RetryBatch, RetryItem, User, ZohoAccount
from monitor.retry.batches import request_batch
from monitor.retry.preview import preview
from monitor.retry.run_batches import run_batches
from tests import factories
from tests.benchmarks.stopwatch import memory

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True)]
ROWS = int(os.environ.get("RETRY_ROWS", "1000000"))
FAILED = int(os.environ.get("RETRY_FAILED", "5000"))
FLOWS = 1000
TIMES = 15
WANTED_MS = 500
ERRORS = (
    ("ACTION_FAILED", "Failed to create the invoice", "No tax 'VAT 19' exists"),
    ("ACTION_FAILED", "Mandatory field Last_Name is missing", "Lead 5000000123"),
    ("INTERNAL_ERROR", "The app answered 502 Bad Gateway", ""),
)


@pytest.fixture
def mirror() -> tuple[ZohoAccount, Problem]:
    """A year of runs of one account; its failed ones belong to one problem."""
    now = timezone.now()
    account = factories.make_account("Bench", flow_url="https://www.zohoapis.example.com")
    flows = [factories.make_flow(account).pk for _ in range(FLOWS)]
    model = factories.make_execution(account.flows.all()[0], "success", started_time=now - timedelta(days=365))
    _multiply(model.pk, flows, now)
    model.delete()
    every = max(ROWS // FAILED, 1)
    for number, (code, message, details) in enumerate(ERRORS):
        some = Execution.objects.alias(rest=F("id") % (every * len(ERRORS))).filter(rest=number * every)
        error = {"error_code": code, "error_message": message, "error_details": details}
        some.update(status="failed", first_status="failed", **error)
    return account, _ledger(account)


def _multiply(model: int, flows: list[int], now: datetime) -> None:
    """Copies a run often, evenly over a year and the flows: by the database itself, a million in seconds."""
    columns = [field.column for field in Execution._meta.concrete_fields if field.column != "id"]
    given = {
        "execution_id": "'run-' || n",
        "flow_id": "(%s::bigint[])[1 + n %% %s]",
        "started_time": "%s::timestamptz - n * (interval '365 days' / %s)",
        "completed_time": "%s::timestamptz - n * (interval '365 days' / %s) + interval '2 seconds'",
    }
    taken = ", ".join(given.get(column, f"e.{column}") for column in columns)
    values = {"flow_id": [flows, FLOWS], "started_time": [now, ROWS], "completed_time": [now, ROWS]}
    parameters = [value for column in columns for value in values.get(column, [])]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO monitor_execution ({', '.join(columns)}) "  # noqa: S608 - our own columns and numbers
            f"SELECT {taken} FROM monitor_execution e, generate_series(1, {ROWS}) n WHERE e.id = {model}",
            parameters,
        )
        cursor.execute("ANALYZE")


def _ledger(account: ZohoAccount) -> Problem:
    failed = list(account.executions.filter(status="failed").order_by("started_time"))
    group = factories.make_failure(failed[0]).group
    entries = (
        Failure(
            execution=run,
            account=account,
            flow_id=run.flow_id,
            group=group,
            failed_at=run.completed_time,
            fate_at=run.completed_time,
        )
        for run in failed[1:]
    )
    Failure.objects.bulk_create(entries, batch_size=1000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return group.problem


def milliseconds(ask: Callable[[], object]) -> tuple[list[float], list[float]]:
    """How long each of several askings took, and for how much of that this process worked.

    The first, which warms what is cached, is left out.
    """
    took, worked = [], []
    for _ in range(TIMES + 1):
        began, before = time.perf_counter(), time.process_time()
        ask()
        took.append((time.perf_counter() - began) * 1000)
        worked.append((time.process_time() - before) * 1000)
    return took[1:], worked[1:]


def bare(keys: list[int]) -> None:
    """Reads the rows whose verdicts a preview gives, with their flows and earlier retries, and judges nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.id, e.status, e.error_code, e.error_message, e.error_details, e.first_failed_at, e.started_time,"
            " e.completed_time, f.id, f.gone_at, x.fate FROM monitor_execution e"
            " JOIN monitor_flow f ON f.id = e.flow_id"
            " LEFT JOIN monitor_failure x ON x.execution_id = e.id WHERE e.id = ANY(%s)",
            [keys],
        )
        cursor.fetchall()
        cursor.execute("SELECT * FROM monitor_retryattempt WHERE execution_id = ANY(%s)", [keys])
        cursor.fetchall()


def test_the_preview_of_many_failures_beside_a_bare_read(
    mirror: tuple[ZohoAccount, Problem], ada: User, signed_in: Callable[[User], Client]
) -> None:
    _, problem = mirror
    keys = list(Failure.objects.filter(group__problem=problem).values_list("pk", flat=True))
    client = signed_in(ada)
    now = timezone.now()
    garbage.settle()  # as the web server does

    def page(**chosen: str) -> None:
        answer = client.post(reverse("batch_preview"), chosen)
        assert answer.status_code == 200, answer.content

    asked: dict[str, Callable[[], object]] = {
        "bare read of the same rows": lambda: bare(keys),
        "verdicts": lambda: preview(keys, now),
        "page, by problem": lambda: page(problem=str(problem.pk)),
        "page, all that match": lambda: page(which="matching", query="status=failed&outcome=open"),
    }
    took = {name: milliseconds(ask) for name, ask in asked.items()}
    bound = statistics.median(took["bare read of the same rows"][0])
    print(f"\n{connection.vendor}: {len(keys)} failures among {ROWS} executions")
    for name, (times, work) in took.items():
        median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
        own = f"own work {statistics.median(work):4.0f} ms"
        print(f"{name:<28} median {median:6.0f} ms, p95 {p95:6.0f} ms, {median / bound:5.1f} x the bare read, {own}")
    print(f"wanted: {WANTED_MS} ms at most")
    assert abs(len(keys) - FAILED) <= 1


def test_memory_while_a_batch_runs(mirror: tuple[ZohoAccount, Problem], ada: User) -> None:
    account, problem = mirror
    keys = list(Failure.objects.filter(group__problem=problem).values_list("pk", flat=True))
    now = timezone.now()
    batch = request_batch(
        account=account,
        executions=keys,
        user=ada,
        reason="The tax is there again.",
        client_token="bench",
        now=now,
        accept_risk=True,
        per_minute=600,
    )
    garbage.settle()
    held: list[float] = []
    passes = 0
    while RetryBatch.objects.filter(pk=batch.pk, state__in=RetryBatch.OPEN_STATES).exists():
        run_batches(now)
        # Zoho's answers, without Zoho: each started run is good.
        for attempt in RetryAttempt.objects.filter(item__batch=batch, state=RetryAttempt.State.REQUESTED):
            attempt.state = RetryAttempt.State.SUCCEEDED
            attempt.save(update_fields=["state"])
        now += timedelta(seconds=10)
        passes += 1
        held.append(memory())
        assert passes < FAILED * 4, "the batch does not end"
    tenth = max(len(held) // 10, 1)
    print(f"\n{len(keys)} items in {passes} passes: {held[tenth]:.0f} MiB after a tenth, {held[-1]:.0f} MiB at the end")
    print(f"{held[-1] / held[tenth]:.3f} x")
    assert RetryItem.objects.filter(batch=batch, state=RetryItem.State.SUCCEEDED).count() == len(keys)
