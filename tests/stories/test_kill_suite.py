"""Workers are killed with -9 again and again while runs come in: nothing is lost, doubled or invented.

12 kills here; `KILLS=200` (make sync-kills) is the figure of docs/benchmarks.md. What is killed is found in the
process tree of the worker that this test started: mostly workers, the busy ones first; every eighth time the
cluster's leader, every twelfth the supervisor, which is then started again as an init would.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.utils import timezone

from monitor.models import ApiCall, Execution, Flow, StageRun, WorkerBeat
from monitor.supervisor import processes
from monitor.zoho.shapes.executions import execution_row
from tests.faults.compare import buckets, fields_of
from tests.notify.sink import free_port
from tests.realprocess import ALIAS, Stage, rows, second_connection, throw_away_database, wait_for

pytestmark = [pytest.mark.kills, pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")]
KILLS = int(os.environ.get("KILLS", "12"))
SALVO = 6  # kills one after the other; a killer that never stops could hit every process that goes on
PROMISE = 60.0  # seconds from a kill to the next answered call, and from the last of a salvo to a sweep's end
QUIET = 240.0  # seconds that the mirror has to become equal when the killing ends
LEAST_TRIES = 4  # comparisons
SECRET, REFRESH, CONTROL = "kill-client-secret", "1000.kill.refresh", "kill-control"
SPEED = 0.05  # seconds that Zoho takes for an answer, so that a sweep lasts long enough to be hit


@dataclass
class Zoho:
    """The stand-in in its own process, spoken to over its socket."""

    url: str
    token: str = ""
    opener: Any = field(default_factory=lambda: urllib.request.build_opener(urllib.request.ProxyHandler({})))

    def control(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"X-Standin-Control": CONTROL, "Content-Type": "application/json"}
        return self._json(urllib.request.Request(f"{self.url}/_control/{path}", json.dumps(body).encode(), headers))

    def control_read(self, path: str) -> dict[str, Any]:
        return self._json(urllib.request.Request(f"{self.url}/_control/{path}", headers={"X-Standin-Control": CONTROL}))

    def sign_in(self) -> None:
        """One access token of our own for looking at the truth."""
        form = {"grant_type": "refresh_token", "client_id": "1000.KILL", "client_secret": SECRET,
                "refresh_token": REFRESH}  # fmt: skip
        body = urllib.parse.urlencode(form).encode()
        self.token = self._json(urllib.request.Request(f"{self.url}/oauth/v2/token", body))["access_token"]

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        address = f"{self.url}/api/v1{path}?{urllib.parse.urlencode(query)}"
        headers = {"Authorization": f"Zoho-oauthtoken {self.token}"}
        return self._json(urllib.request.Request(address, headers=headers))["data"]

    def flows(self) -> list[dict[str, Any]]:
        return self.get("/flows", per_page=200)["flows"]

    def executions(self, flow_id: str) -> Iterator[dict[str, Any]]:
        """All that Zoho lists of a flow."""
        for page in count(1):
            found = self.get(f"/flows/{flow_id}/executions", page=page, per_page=200)["executions"]
            if not found:
                return
            yield from found

    def _json(self, request: urllib.request.Request) -> dict[str, Any]:
        with self.opener.open(request, timeout=30) as answer:
            return json.load(answer)


@dataclass
class Load:
    """Runs are added all the time, and failed ones made good, until `stop`."""

    zoho: Zoho
    added: int = 0
    changed: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        dice = Random(3)
        flows = [flow["flow_id"] for flow in self.zoho.flows()]
        failed: list[tuple[str, str]] = []
        while not self.stopped.wait(dice.uniform(0.1, 0.5)):
            flow_id, status = dice.choice(flows), dice.choice(["success", "success", "failed", "running"])
            body = {"flow_id": flow_id, "count": dice.choice([1, 1, 1, 2, 10]), "status": status}
            made = self.zoho.control("do/add_executions", body)["result"]
            self.added += len(made)
            failed += [(flow_id, identity) for identity in made if status != "success"]
            if failed and dice.random() < 0.4:
                flow_id, identity = failed.pop(dice.randrange(len(failed)))
                body = {"flow_id": flow_id, "execution_id": identity, "status": "success"}
                self.zoho.control("do/change_execution", body)
                self.changed += 1


@dataclass
class Killer:
    """Kills processes of the worker that it started."""

    stage: Stage
    worker: subprocess.Popen[bytes]
    kills: list[tuple[str, datetime]] = field(default_factory=list)
    dice: Random = field(default_factory=lambda: Random(11))

    def strike(self) -> None:
        """One kill -9; what is killed hangs on how many there were."""
        number = len(self.kills) + 1
        if number % 12 == 0:
            self._kill("supervisor", self.worker.pid)
            self.worker.wait()
            # It takes its cluster along; whoever starts it again does not wait for that.
            self.worker = self.stage.start("worker")
        elif number % 8 == 4 and (leaders := children(self.worker.pid)):
            self._kill("leader", self.dice.choice(leaders))
        else:
            family = [pid for leader in children(self.worker.pid) for pid in descendants(leader)]
            busy = [pid for pid in busy_workers() if pid in family]
            if victims := busy or family:
                self._kill("busy worker" if busy else "worker", self.dice.choice(victims))

    def _kill(self, what: str, pid: int) -> None:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # it ended by itself in this moment: no kill to count
        self.kills.append((what, timezone.now()))


def children(pid: int) -> list[int]:
    """The living children of a process, by /proc."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [int(child) for child in listed if processes.alive(int(child))]


def descendants(pid: int) -> list[int]:
    found = children(pid)
    return found + [other for child in found for other in descendants(child)]


def busy_workers() -> list[int]:
    """Workers that are inside a sweep just now."""
    beats = rows(WorkerBeat, name__startswith="worker:", busy_since__isnull=False, task__contains="sync")
    return [beat.pid for beat in beats]


@pytest.fixture
def stage(tmp_path: Path, django_db_blocker: Any) -> Iterator[Stage]:
    with throw_away_database(tmp_path) as url, django_db_blocker.unblock():
        stage = Stage(tmp_path, url)
        stage.must("migrate", "-v0")
        with second_connection(url):
            try:
                yield stage
            finally:
                stage.close()
            # What was killed at the end may take a moment on a busy machine.
            wait_for("the last processes to end", lambda: not stage.left(), timeout=20)


@pytest.fixture
def zoho(stage: Stage) -> Zoho:
    """A stand-in without limits, slow enough to be caught in the act, and the account connected."""
    port = free_port()
    zoho = Zoho(f"http://127.0.0.1:{port}")
    stage.start(
        *("standin", "--port", str(port), "--flows", "12", "--rules", "3", "--executions", "600"),
        *("--history-days", "5", "--plan", "unlimited", "--client-id", "1000.KILL"),
        STANDIN_CLIENT_SECRET=SECRET,
        STANDIN_REFRESH_TOKEN=REFRESH,
        STANDIN_CONTROL_TOKEN=CONTROL,
    )
    wait_for("the stand-in", lambda: "listening" in stage.log("standin").read_text(), timeout=60)
    zoho.control("faults", {"path": "^/(api|crm)/", "kind": "delay", "times": 0, "args": {"seconds": SPEED}})
    urls = ("--accounts-url", zoho.url, "--flow-url", zoho.url, "--crm-url", zoho.url)
    stage.must(
        *("connect", "Kill Ltd", "--data-center", "custom", *urls, "--client-id", "1000.KILL"),
        *("--calls-per-minute", "100000", "--calls-per-day", "10000000"),
        ZOHO_CLIENT_SECRET=SECRET,
        ZOHO_REFRESH_TOKEN=REFRESH,
    )
    zoho.sign_in()
    return zoho


def different(zoho: Zoho) -> list[str]:
    """What Zoho lists and stands here otherwise, or the other way round."""
    there: dict[str, dict[str, Any]] = {}
    wrong: list[str] = []
    for flow in zoho.flows():
        here = rows(Flow, flow_id=flow["flow_id"]).first()
        names = ("execution_count", "success_count", "failure_count")
        if here is None or any(getattr(here, name) != flow[name] for name in names):
            wrong.append(f"flow {flow['flow_id']}: other counters")
        for record in zoho.executions(flow["flow_id"]):
            there[record["execution_id"]] = fields_of(execution_row(record)) | {"flow": flow["flow_id"]}
    mirrored = {
        row.execution_id: fields_of(row) | {"flow": row.flow.flow_id} for row in rows(Execution).select_related("flow")
    }
    wrong += [f"execution {identity}: missing here" for identity in there.keys() - mirrored.keys()]
    wrong += [f"execution {identity}: not at Zoho" for identity in mirrored.keys() - there.keys()]
    for identity in there.keys() & mirrored.keys():
        for name, value in there[identity].items():
            if value not in (None, "") and mirrored[identity][name] != value:
                wrong.append(f"execution {identity}.{name}: {mirrored[identity][name]!r} here, {value!r} there")
    return [*wrong, *buckets(ALIAS)]


def finished_sweeps() -> list[datetime]:
    ended = rows(StageRun, stage="ingest", outcome__in=("ok", "partial"), finished_at__isnull=False)
    return sorted(ended.values_list("finished_at", flat=True))


def answered_calls() -> list[datetime]:
    """When calls were begun that Zoho answered well: the work of whoever has the account then."""
    calls = rows(ApiCall, status=200, finished_at__isnull=False)
    return sorted(calls.values_list("started_at", flat=True))


def seconds_until(moments: list[datetime], kills: list[tuple[str, datetime]]) -> list[float]:
    """For each kill, how long until the first of the moments after it.

    Args:
        moments: in order, with one after the last kill.
    """
    return [(moments[bisect_right(moments, at)] - at) / timedelta(seconds=1) for _, at in kills]


def resumed(killer: Killer) -> float:
    """Waits for the end of the next sweep; the seconds from the last kill to it."""
    last = killer.kills[-1][1]

    def ended() -> datetime | None:
        return next((sweep for sweep in finished_sweeps() if sweep > last), None)

    try:
        at = wait_for("a sweep after the last kill", ended, timeout=QUIET)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{killer.stage.log('worker').read_text()[-4000:]}") from None
    return (at - last) / timedelta(seconds=1)


def kill_in_salvos(killer: Killer) -> list[float]:
    """Kills every 1 to 3 s, `SALVO` times, then waits until a sweep has ended; until there were `KILLS`."""
    waits = []
    while len(killer.kills) < KILLS:
        until = min(len(killer.kills) + SALVO, KILLS)
        deadline = time.monotonic() + QUIET
        while len(killer.kills) < until:
            assert time.monotonic() < deadline, f"nothing to kill:\n{killer.stage.log('worker').read_text()[-4000:]}"
            time.sleep(killer.dice.uniform(1, 3))
            killer.strike()
        waits.append(resumed(killer))
        print(f"{until} of {KILLS} kills; a sweep had ended after {waits[-1]:.0f} s", flush=True)
    return waits


def test_after_kills_under_load_nothing_is_lost_and_work_has_gone_on(stage: Stage, zoho: Zoho) -> None:
    killer, load = Killer(stage, stage.start("worker")), Load(zoho)
    wait_for("the first sweep", finished_sweeps, timeout=180)
    thread = threading.Thread(target=load.run)
    thread.start()
    try:
        waits = kill_in_salvos(killer)
    finally:
        load.stopped.set()
        thread.join()
    working = seconds_until(answered_calls(), killer.kills)
    kinds = {what: sum(1 for kind, _ in killer.kills if kind == what) for what, _ in killer.kills}
    print(f"{len(killer.kills)} kill -9 {kinds} under load: {load.added} runs added, {load.changed} changed meanwhile")
    print(f"after each kill, the next answered call: {spread(working)}")
    resumed_in = spread([working[at] for at in ends_of_salvos()])
    print(f"after the last of a salvo, the next answered call: {resumed_in}")
    print(f"after each kill, the next finished sweep: {spread(seconds_until(finished_sweeps(), killer.kills))}")
    print(f"after the last of a salvo ({len(waits)} salvos of {SALVO}), the next finished sweep: {spread(waits)}")
    quiet, wrong = until_equal(zoho)
    print(f"{len(wrong)} differences {quiet:.0f} s after the load's end; {rows(Execution).count()} executions")

    assert not wrong, "\n".join([*wrong[:20], *recent_sweeps(), stage.log("worker").read_text()[-4000:]])
    assert len(killer.kills) == KILLS
    assert max(working) <= PROMISE
    assert max(waits) <= PROMISE


def ends_of_salvos() -> list[int]:
    """Places of the kills that were the last of their salvo."""
    return sorted({min(first + SALVO, KILLS) - 1 for first in range(0, KILLS, SALVO)})


def until_equal(zoho: Zoho) -> tuple[float, list[str]]:
    """Compares again and again, at least `LEAST_TRIES` times: one comparison may take long on a busy machine.

    Returns:
        Seconds until the comparison that ended it was begun, and its differences.
    """
    ended, tried = time.monotonic(), 0
    while True:
        began, tried = time.monotonic() - ended, tried + 1
        wrong = different(zoho)
        if not wrong or (began > QUIET and tried >= LEAST_TRIES):
            return began, wrong
        time.sleep(2)


def recent_sweeps() -> list[str]:
    """The newest sweeps, for people who look for what went wrong."""
    newest = rows(StageRun, stage="ingest").order_by("-started_at")[:8]
    return [f"sweep {run.started_at:%X} to {run.finished_at}: {run.outcome} {run.error}" for run in newest]


def spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.1f} s (median), {max(seconds):.1f} s (at most)"
