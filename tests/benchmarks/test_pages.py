"""What people wait for: each page over HTTP, alone, with ten clients at once, and beside twenty viewers.

What is the same for everybody is remembered for some seconds (`dashboard.remembered`): "anew" is what a page costs of
which nothing is, the median of three.

Run by `make bench-pages`; PAGES_ROWS="50000 1000000 5000000" says how many runs the mirror has, PAGES_ONLY="flow" which
pages are asked. Beside each page stand the floor of the server (its page of health) and a bare SQL statement that reads
the rows that the page shows, both of the same run. Times are of a whole answer on an open connection.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from dashboard.executions.forms import encode_key
from dashboard.health import LIVE
from monitor.models import Execution, StreamState, SyncState, WorkerBeat
from monitor.queries.executions import Key
from tests.benchmarks.pages_world import WORD
from tests.realprocess import ALIAS, ROOT, Stage, rows, second_connection, throw_away_database, wait_for

pytestmark = [pytest.mark.bench]
ROWS = [int(text) for text in os.environ.get("PAGES_ROWS", "1000000").split()]
FLOWS = int(os.environ.get("PAGES_FLOWS", "1000"))
ONLY = os.environ.get("PAGES_ONLY", "")
DEEP = min(10_000, min(ROWS) // 2)
ASKED, CLIENTS, BUSY_SECONDS = 40, 10, 4.0
SECONDS_REMEMBERED = 3.0  # by the server under test; in this process nothing is
VIEWERS, VIEWER_PAUSE, VIEWED_SECONDS = 20, 3.0, 30.0
WANTED_OF_VIEWERS = 250  # ms, 95 %
GROWTH = 1.3
# Median and 95 % alone (ms), requests a second with ten clients: at 1,000,000 runs on PostgreSQL.
WANTED = {
    "executions, newest 50": (25, 50, 50),
    "failed of one flow": (25, 50, 50),
    "one day, 80 days back": (25, 50, 50),
    "10,000 deep": (25, 50, 50),
    "overview, 24 h": (40, 80, 35),
    "overview, 7 d": (40, 80, 35),
    "overview, 30 d": (40, 80, 35),
    "overview with its grid": (40, 80, 35),
    "flows": (40, 80, 35),
    "one flow, 30 d": (35, 70, 40),
    "one run": (12, 25, 100),
    "search, a seldom word": (40, 80, 30),
}
_RUNS = (
    "SELECT e.id, e.started_time, e.status, e.duration_ms, e.error_code, e.error_message, e.error_details,"
    " f.flow_name, x.fate FROM monitor_execution e JOIN monitor_flow f ON f.id = e.flow_id"
    " LEFT JOIN monitor_failure x ON x.execution_id = e.id"
)
_NEWEST = " ORDER BY e.started_time DESC, e.id DESC LIMIT 51"
_SUMS = (
    "SELECT flow_id, sum(succeeded), sum(failed), sum(duration_sum_ms), sum(duration_count) FROM monitor_daybucket"
    " WHERE day >= %s GROUP BY flow_id"
)


class Client:
    """Asks for pages on one open connection, as a browser does, with a session."""

    def __init__(self, port: int, session: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Cookie": f"monitor_session={session}"}

    def get(self, path: str) -> tuple[float, int]:
        """Milliseconds until the whole answer is there, and its bytes."""
        began = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        took = (time.perf_counter() - began) * 1000
        assert answer.status == 200, (path, answer.status, answer.headers.get("Location"))
        return took, len(body)

    def close(self) -> None:
        self._connection.close()


class Site:
    """The product's web server on a filled database, and what is asked of it."""

    def __init__(self, port: int, pid: int, world: dict[str, Any]) -> None:
        self.port, self.server = port, pid
        self._sessions = cycle(world["sessions"])
        deep = rows_at(DEEP)
        day = (datetime.now(UTC) - timedelta(days=80)).replace(hour=0, minute=0, second=0, microsecond=0)
        start, end = f"{day:%Y-%m-%dT%H:%M}", f"{day + timedelta(days=1):%Y-%m-%dT%H:%M}"
        busiest, flow, run = world["busiest"], world["flow"], rows_at(20).pk
        self.pages: dict[str, tuple[str, str, list[Any]]] = {
            "health": (LIVE, "", []),
            "executions, newest 50": ("/executions/", _RUNS + _NEWEST, []),
            "failed of one flow": (
                f"/executions/?flow={busiest}&status=failed",
                f"{_RUNS} WHERE e.flow_id = %s AND e.status = 'failed'{_NEWEST}",
                [busiest],
            ),
            "one day, 80 days back": (
                f"/executions/?start={start}&end={end}",
                f"{_RUNS} WHERE e.started_time >= %s AND e.started_time < %s{_NEWEST}",
                [day, day + timedelta(days=1)],
            ),
            "10,000 deep": (
                f"/executions/?after={encode_key(deep)}",
                f"{_RUNS} WHERE (e.started_time, e.id) < (%s, %s){_NEWEST}",
                [deep.started, deep.pk],
            ),
            **{
                f"overview, {words}": (f"/?days={days}", _SUMS, [(datetime.now(UTC) - timedelta(days=days)).date()])
                for words, days in (("24 h", 1), ("7 d", 7), ("30 d", 30))
            },
            "overview with its grid": (
                "/?days=7&grid=yes",
                _SUMS,
                [(datetime.now(UTC) - timedelta(days=30)).date()],
            ),
            "flows": ("/flows/", _SUMS, [(datetime.now(UTC) - timedelta(days=30)).date()]),
            "one flow, 30 d": (
                f"/flows/{flow}/?days=30",
                "SELECT * FROM monitor_daybucket WHERE flow_id = %s AND day >= %s",
                [flow, (datetime.now(UTC) - timedelta(days=30)).date()],
            ),
            "one run": (f"/executions/{run}/", f"{_RUNS} WHERE e.id = %s", [run]),
            "search, a seldom word": (
                f"/executions/?text={WORD}",
                f"{_RUNS} WHERE e.search_text LIKE %s{_NEWEST}",
                [f"%{WORD}%"],
            ),
        }
        if ONLY:
            self.pages = {name: page for name, page in self.pages.items() if ONLY in name or name == "health"}

    def client(self) -> Client:
        return Client(self.port, next(self._sessions))


def rows_at(place: int) -> Key:
    """The key of the run that stands at a place of the whole list."""
    started, pk = rows(Execution).order_by("-started_time", "-id").values_list("started_time", "id")[place]
    return Key(started, pk)


def keep_fresh() -> None:
    """Moves the mirror's and the worker's signs of life to the present: pages are asked of a product at work."""
    now = timezone.now()
    moment = now - timedelta(seconds=10)
    read = {"last_started_at": moment, "last_finished_at": moment, "last_fresh_at": moment, "last_complete_at": moment}
    rows(SyncState).update(**read)
    rows(StreamState).update(last_read_at=moment, last_tried_at=moment)
    for name in ("supervisor", "canary"):
        WorkerBeat.objects.using(ALIAS).update_or_create(name=name, defaults={"beat_at": now, "detail": {}})


def alone(site: Site, path: str) -> tuple[list[float], float, int]:
    """Milliseconds of each asking, of them the server's own processor time, and the page's bytes."""
    client = site.client()
    for _ in range(4):
        client.get(path)
    before = server_seconds(site.server)
    asked = [client.get(path) for _ in range(ASKED)]
    worked = (server_seconds(site.server) - before) * 1000 / ASKED
    client.close()
    return [took for took, _ in asked], worked, asked[0][1]


def anew(site: Site) -> dict[str, float]:
    """Milliseconds of each page of whose own nothing is remembered, the median of three rounds."""
    found: dict[str, list[float]] = {name: [] for name in site.pages}
    client = site.client()
    for number in range(3):
        time.sleep(SECONDS_REMEMBERED * 1.1)
        asked = list(site.pages)
        for name in asked[number:] + asked[:number]:  # the first pays for the frame that all have
            found[name].append(client.get(site.pages[name][0])[0])
    client.close()
    return {name: median(times) for name, times in found.items()}


def server_seconds(leader: int) -> float:
    """Seconds that the web server's processes have worked so far."""
    family, found = {leader}, [leader]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent in family:
                found.append(int(entry.name))
    return sum(threads_of(pid) for pid in found)


def threads_of(pid: int) -> float:
    total = 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0]) / 1e9
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def bare(sql: str, parameters: list[Any]) -> float:
    """Median milliseconds of the statement alone, from this process."""
    if not sql:
        return 0.0
    times = []
    adapt = connections[ALIAS].ops.adapt_datetimefield_value
    given = [adapt(value) if isinstance(value, datetime) else value for value in parameters]
    for _ in range(11):
        began = time.perf_counter()
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(sql, given)
            cursor.fetchall()
        times.append((time.perf_counter() - began) * 1000)
    return median(times[1:])


def at_once(number: int, work: Callable[[Client, list[float]], None], site: Site) -> list[float]:
    """Runs so many clients in threads; all their times. What fails in one fails here."""
    found: list[float] = []

    def one(_number: int) -> None:
        client = site.client()
        try:
            work(client, found)
        finally:
            client.close()

    with ThreadPoolExecutor(number) as threads:
        list(threads.map(one, range(number)))
    return found


def throughput(site: Site, path: str) -> float:
    """Answers a second with ten clients that ask again as soon as they are answered."""
    began = time.perf_counter()
    until = began + BUSY_SECONDS

    def work(client: Client, found: list[float]) -> None:
        while time.perf_counter() < until:
            found.append(client.get(path)[0])

    times = at_once(CLIENTS, work, site)
    return len(times) / (time.perf_counter() - began)


def viewers(site: Site) -> list[float]:
    """Times of twenty people, each of whom opens a page every three seconds."""
    paths = [path for name, (path, _, _) in site.pages.items() if name != "health"]
    until = time.perf_counter() + VIEWED_SECONDS
    seeds = iter(range(VIEWERS))

    def work(client: Client, found: list[float]) -> None:
        rng = random.Random(next(seeds))
        time.sleep(rng.random() * VIEWER_PAUSE)  # people do not begin together
        while time.perf_counter() < until:
            began = time.perf_counter()
            found.append(client.get(rng.choice(paths))[0])
            time.sleep(max(VIEWER_PAUSE - (time.perf_counter() - began), 0))

    return at_once(VIEWERS, work, site)


def measure(folder: Path, number: int) -> dict[str, float]:
    """Prints the table of one size of the mirror; gives each page's median."""
    with throw_away_database(folder) as url, second_connection(url):
        stage = Stage(folder, url)
        stage.migrate()
        began = time.perf_counter()
        filled = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.pages_world", f"--rows={number}", f"--flows={FLOWS}"],
            cwd=ROOT,
            env=stage.environ | {"DJANGO_SETTINGS_MODULE": "dashboard.settings"},
            check=False,
            capture_output=True,
            text=True,
            timeout=7200,
        )
        assert filled.returncode == 0, filled.stderr[-3000:]
        world = json.loads(filled.stdout.splitlines()[-1])
        vendor = connections[ALIAS].vendor
        print(f"\n{vendor}: {number:,} runs of {FLOWS:,} flows, filled in {time.perf_counter() - began:.0f} s")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        server = stage.start("web", "--port", str(port))
        try:
            wait_for("the server", lambda: "serving on" in stage.log("web").read_text(), timeout=40)
            return table(Site(port, server.pid, world))
        finally:
            stage.close()


def table(site: Site) -> dict[str, float]:
    medians: dict[str, float] = {}
    print(
        f"{'page':<24}{'median':>8}{'p95':>7}{'req/s':>8}{'anew':>8}{'own ms':>8}"
        f"{'bare SQL':>10}{'x health':>10}{'kB':>6}   wanted: median, p95, req/s"
    )
    cold = anew(site)
    for name, (path, sql, parameters) in site.pages.items():
        keep_fresh()
        times, worked, size = alone(site, path)
        rate = throughput(site, path)
        medians[name] = median(times)
        p95 = quantiles(times, n=20)[-1]
        wanted = WANTED.get(name)
        is_met = wanted and medians[name] <= wanted[0] and p95 <= wanted[1] and rate >= wanted[2]
        words = f"{wanted[0]}, {wanted[1]}, {wanted[2]}: {'met' if is_met else 'missed'}" if wanted else ""
        print(
            f"{name:<24}{medians[name]:8.1f}{p95:7.1f}{rate:8.1f}{cold[name]:8.1f}{worked:8.1f}"
            f"{bare(sql, parameters):10.2f}{medians[name] / medians['health']:10.1f}{size / 1000:6.0f}   {words}"
        )
    keep_fresh()
    seen = viewers(site)
    print(
        f"{VIEWERS} viewers, a page every {VIEWER_PAUSE:.0f} s: {len(seen)} pages, median {median(seen):.0f} ms,"
        f" p95 {quantiles(seen, n=20)[-1]:.0f} ms (wanted {WANTED_OF_VIEWERS})"
    )
    return medians


def test_pages_over_http(tmp_path: Path, django_db_blocker: Any) -> None:
    found: dict[int, dict[str, float]] = {}
    for number in ROWS:
        folder = tmp_path / str(number)
        folder.mkdir()
        with django_db_blocker.unblock():
            found[number] = measure(folder, number)
    least, most = found[min(ROWS)], found[max(ROWS)]
    if len(found) > 1:
        print(f"\nmedian at {max(ROWS):,} runs by that at {min(ROWS):,} (wanted {GROWTH} at most):")
        for name in most:
            print(f"{name:<24}{most[name] / least[name]:8.2f}")
    assert all(pages for pages in found.values())
