"""100,000 executions through ingest and rollups, beside a bare loop that fetches, parses and COPYs the same pages.

As in the product one worker sweeps, and another counts every two seconds what the first has marked; at the end the
first counts what is left. A ratio is printed and none is asserted: a figure of one machine is no bound for another.
What is asserted is that both did the whole work. THROUGHPUT_ROWS and THROUGHPUT_FLOWS make it smaller.
"""

from __future__ import annotations

import cProfile
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import orjson
import pytest
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from monitor import garbage, pipeline
from monitor.connection import utc_now
from monitor.connection.budget import Gate
from monitor.ingest.base.mode import Mode, Patience
from monitor.ingest.run import read_account
from monitor.ingest.runs import store, walk_pages
from monitor.models import DayBucket, DirtyHour, Execution, Flow, HourBucket, Role, ZohoAccount, bulk
from monitor.rollups import recount
from monitor.zoho import Origins, protocol
from monitor.zoho.shapes import executions as shapes
from monitor.zoho.transport import Transport
from tests.benchmarks.page_server import PAGE, PER_PAGE, serving
from tests.benchmarks.stopwatch import Stopwatch, memory, processor
from tests.factories import make_flow, make_user

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True)]
ROWS = int(os.environ.get("THROUGHPUT_ROWS", "100000"))
FLOWS = int(os.environ.get("THROUGHPUT_FLOWS", "50"))
SAMPLE_EVERY = 10  # pages between two looks at the memory
TABLE = "bench_execution"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def zoho() -> Iterator[str]:
    with serving(ROWS, FLOWS) as url:
        yield url


def connect(zoho: str, name: str) -> ZohoAccount:
    return pipeline.connect_account(
        name=name,
        data_center="custom",
        origins=Origins(zoho, zoho, None),
        client_id=f"1000.{name.upper()}",
        client_secret="bench-secret",
        refresh_token="1000.bench.refresh",
        calls_per_minute=1_000_000,
        calls_per_day=100_000_000,
        actor=make_user(f"connector of {name}", Role.ADMIN),
        now=timezone.now(),
    )


def pages(zoho: str) -> Iterator[tuple[str, bytes]]:
    """(flow id, body) of every page that has rows: as many as the sync asks for."""
    with httpx.Client(base_url=zoho, trust_env=False, headers={"Authorization": "Zoho-oauthtoken x"}) as http:
        listed: list[dict[str, Any]] = []
        while len(listed) < FLOWS:
            listed += http.get("/api/v1/flows", params={"page": len(listed) // 20 + 1}).json()["data"]["flows"]
        for flow in listed:
            for page in range(1, -(-flow["execution_count"] // PER_PAGE) + 1):
                yield (
                    flow["flow_id"],
                    http.get(PAGE.format(flow["flow_id"], f"page={page}&per_page={PER_PAGE}")).content,
                )


def throw_away(zoho: str) -> int:
    """What the server itself costs, with the client's reading of the bytes."""
    return sum(1 for _ in pages(zoho))


def copy_shape() -> None:
    """An empty table with the columns, indexes and foreign keys of executions."""
    drop_shape()
    name = Execution._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"CREATE TABLE {TABLE} (LIKE {name} INCLUDING ALL)")
            for column, model in (("account_id", ZohoAccount), ("flow_id", Flow)):  # what LIKE does not take over
                cursor.execute(
                    f"ALTER TABLE {TABLE} ADD FOREIGN KEY ({column}) "
                    f"REFERENCES {model._meta.db_table} (id) DEFERRABLE INITIALLY DEFERRED"
                )
            return
        cursor.execute("SELECT sql FROM sqlite_master WHERE tbl_name = %s AND sql IS NOT NULL", [name])
        for (sql,) in cursor.fetchall():
            cursor.execute(
                sql.replace(f'"{name}"', f'"{TABLE}"').replace('INDEX "', 'INDEX "bench_').replace("%", "%%")
            )


def drop_shape() -> None:
    """Its foreign keys would keep the tables from being emptied after the test."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")


COLUMNS = [
    *("account_id", "flow_id", "execution_id", "status", "first_status", "started_time", "completed_time"),
    *("duration_ms", "error_code", "error_message", "error_details", "error_action_id", "trigger_data"),
    *("actions_executed", "actions_successful", "actions_failed", "rerun_count", "first_failed_at"),
    *("first_seen_at", "changed_at"),
]


def bare_loop(zoho: str, account: ZohoAccount, loads: Callable[[bytes], Any], dumps: Callable[[object], str]) -> int:
    """Fetch, parse, COPY a page, a transaction each: nothing is compared, cleaned, guarded or counted."""
    flows = dict(Flow.objects.filter(account=account).values_list("flow_id", "pk"))
    now, count = utc_now().isoformat(), 0
    for flow_id, body in pages(zoho):
        rows = [bare_row(row, account.pk, flows[flow_id], now, dumps) for row in loads(body)["data"]["executions"]]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {TABLE} ({', '.join(COLUMNS)}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
            else:
                marks = ", ".join(["%s"] * len(COLUMNS))
                statement = f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) VALUES ({marks})"  # noqa: S608 - our own names
                cursor.executemany(statement, rows)
        count += len(rows)
    return count


def bare_row(row: dict[str, Any], account: int, flow: int, now: str, dumps: Callable[[object], str]) -> tuple[Any, ...]:
    error = row.get("error") or {}
    failed_at = row["completed_time"] if row["status"] == "failed" else None
    return (
        *(account, flow, row["execution_id"], row["status"], row["status"], row["started_time"], row["completed_time"]),
        *(row["duration_ms"], error.get("code", ""), error.get("message", ""), error.get("details", "")),
        *(error.get("action_id", ""), dumps(row.get("trigger_data")), row["actions_executed"]),
        *(row["actions_successful"], row["actions_failed"], 0, failed_at, now, now),
    )


def sync_and_count(account: ZohoAccount) -> None:
    """The whole way: a person's sync, and every dirty hour of it counted."""
    result = read_account(account, clock=utc_now, patience=Patience(Mode.SYNC, pause=time.sleep))
    assert result.complete, result.missing
    while recount.rebuild_dirty(utc_now()):
        pass


@dataclass(frozen=True)
class Cost:
    """Seconds on the wall, and of the processor: this process's and that of its server process of PostgreSQL."""

    wall: float
    own: float
    database: float

    @property
    def processor(self) -> float:
        return self.own + self.database

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.wall + other.wall, self.own + other.own, self.database + other.database)

    def half(self) -> Cost:
        return Cost(self.wall / 2, self.own / 2, self.database / 2)

    def line(self, what: str) -> str:
        rate = f"{ROWS / self.wall:8,.0f} rows/s"
        return f"{what:20}{self.wall:7.2f} s,{rate}; processor: ours {self.own:.2f} s, database {self.database:.2f} s"


def timed(work: Callable[[], Any]) -> tuple[Cost, Any]:
    """What some work cost, and what came of it."""
    database, began, cpu = database_processor(), time.perf_counter(), time.process_time()
    gave = work()
    return Cost(time.perf_counter() - began, time.process_time() - cpu, database_processor() - database), gave


def database_processor() -> float:
    """Seconds that our connection's server process has worked; 0 where it cannot be seen."""
    if connection.vendor != "postgresql":
        return 0.0
    connection.ensure_connection()
    return processor(connection.connection.info.backend_pid)


def profiled(work: Callable[[], None]) -> None:
    """Leaves a file for `python -m pstats`, where THROUGHPUT_PROFILE names one; it makes the run slower."""
    path = os.environ.get("THROUGHPUT_PROFILE")
    if not path:
        work()
        return
    with cProfile.Profile() as profile:
        work()
    profile.dump_stats(path)


def watch(patch: pytest.MonkeyPatch, watch: Stopwatch) -> None:
    for name in ("store_page", "store_new_page"):
        watch.watch(patch, walk_pages, name, "store: rest")
    watch.watch(patch, store, "_stored", "store: look-up")
    watch.watch(patch, bulk, "_table_form", "rows for COPY")
    watch.watch(patch, bulk, "_copy", "COPY")
    watch.watch(patch, BaseDatabaseWrapper, "commit", "commits with foreign keys")
    watch.watch(patch, Transport, "_exchange", "HTTP")
    watch.watch(patch, protocol, "parse_json", "JSON")
    watch.watch(patch, shapes, "execution_page", "read and clean rows")
    watch.watch(patch, Gate, "before", "gate and ledger: before")
    watch.watch(patch, Gate, "after", "gate and ledger: after")
    watch.watch(patch, DirtyHour.objects.__class__, "mark", "dirty hours")
    watch.watch(patch, recount, "rebuild_dirty", "rollups: take and settle")
    watch.watch(patch, recount.read, "rows_of", "rollups: read rows")
    watch.watch(patch, recount.read, "lineage_of", "rollups: read lineage")
    watch.watch(patch, recount, "_count", "rollups: count")
    watch.watch(patch, recount, "write", "rollups: write")


def remembering(patch: pytest.MonkeyPatch) -> list[float]:
    """What this process has in memory, MiB, at every `SAMPLE_EVERY`th call."""
    exchange, samples, calls = Transport._exchange, list[float](), count()

    def sampling(*args: Any, **kwargs: Any) -> Any:
        if next(calls) % SAMPLE_EVERY == 0:
            samples.append(memory())
        return exchange(*args, **kwargs)

    patch.setattr(Transport, "_exchange", sampling)
    return samples


@contextmanager
def second_worker() -> Iterator[list[Cost]]:
    """The worker that counts while this process sweeps; yields a list that its cost is in at the end.

    The tests' SQLite lives in this process's memory: there nobody counts beside it.
    """
    if connection.vendor != "postgresql":
        yield [Cost(0.0, 0.0, 0.0)]
        return
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    environment = os.environ | {"DATABASE_URL": urlunsplit(url), "PYTHONPATH": str(ROOT), "DEBUG": "1"}
    environment["DJANGO_SETTINGS_MODULE"] = "dashboard.settings"
    program = [sys.executable, str(ROOT / "tests/benchmarks/recounter.py")]
    costs: list[Cost] = []
    with subprocess.Popen(
        program, env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        yield costs
        worker.stdin.close()
        _, own, database = map(float, worker.stdout.read().split())
    costs.append(Cost(0.0, own, database))


def test_100_000_executions_beside_a_bare_loop_that_copies_the_same_pages(
    zoho: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    garbage.settle()  # as every worker does
    account, rival = connect(zoho, "Bench"), connect(zoho, "Bare")
    for flow_id in dict(pages(zoho)):
        make_flow(rival, flow_id=flow_id)
    ZohoAccount.objects.filter(pk=rival.pk).update(is_active=False)
    served, asked = timed(lambda: throw_away(zoho))
    # Once before and once after: the machine is not equally fast all the time.
    bare = bare_cost(zoho, rival)
    with monkeypatch.context() as patch, second_worker() as counting:
        samples = remembering(patch)
        sweeping, _ = timed(lambda: profiled(lambda: sync_and_count(account)))
    samples.append(memory())
    bare = (bare + bare_cost(zoho, rival)).half()
    quicker = bare_cost(zoho, rival, orjson.loads, lambda value: orjson.dumps(value).decode())
    ours = sweeping + counting[0]
    hours, days = HourBucket.objects.count(), DayBucket.objects.count()
    assert Execution.objects.count() == ROWS
    assert sum(hour.succeeded + hour.failed for hour in HourBucket.objects.all()) == ROWS

    print(f"\n{connection.vendor}: {ROWS} executions of {FLOWS} flows, {asked} pages, {hours} hours, {days} days")
    print(served.line("server, thrown away"))
    print(bare.line("bare loop"))
    print(quicker.line("bare loop, orjson"))
    print(ours.line("ingest and rollups"), f"(of it the second worker {counting[0].processor:.2f})")
    for name, cost in (("bare loop", bare), ("bare loop with orjson", quicker)):
        print(f"{name}: ratio {ours.wall / cost.wall:.2f}; of processor time {ours.processor / cost.processor:.2f}")
    print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    parts = [samples[part * (len(samples) - 1) // 8] for part in range(9)]
    print(f"memory, MiB, at each eighth of the run: {' '.join(f'{size:.0f}' for size in parts)}")
    print(where_it_goes(zoho, monkeypatch, bare))


def bare_cost(
    zoho: str,
    account: ZohoAccount,
    loads: Callable[[bytes], Any] = json.loads,
    dumps: Callable[[object], str] = json.dumps,
) -> Cost:
    copy_shape()
    try:
        cost, inserted = timed(partial(bare_loop, zoho, account, loads, dumps))
    finally:
        drop_shape()
    assert inserted == ROWS
    return cost


def where_it_goes(zoho: str, monkeypatch: pytest.MonkeyPatch, bare: Cost) -> str:
    """The same work for another account in one process, under watch: that costs a little more."""
    account, watched = connect(zoho, "Watched"), Stopwatch(database_processor)
    with monkeypatch.context() as patch:
        watch(patch, watched)
        cost, _ = timed(lambda: sync_and_count(account))
    table = watched.table(cost.wall, cost.own, cost.database)
    return f"\nin one process, under watch: {cost.wall:.2f} s, {cost.wall / bare.wall:.2f} x the bare loop\n{table}"
