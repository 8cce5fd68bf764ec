"""Real processes: a run fails at Zoho, the flow's error branch calls, the failure is mirrored within seconds."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.models import Execution, Flow, PushEvent, StreamState, SyncState, WatchChannel
from tests.notify.sink import free_port
from tests.realprocess import Stage, rows, second_connection, throw_away_database, wait_for

pytestmark = pytest.mark.story
SECRET, REFRESH, CONTROL = "story-client-secret", "1000.story.refresh", "story-control"
PUBLIC = "https://monitor.example.com"
LIMITS = ("--calls-per-minute", "60", "--calls-per-day", "1000")


@dataclass
class Scene:
    """The stand-in, the web server behind what stands for a proxy, the worker."""

    stage: Stage
    zoho: str
    web: str

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.zoho}/_control/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Standin-Control": CONTROL, "Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=20) as answer:
            return json.load(answer)


@pytest.fixture
def scene(tmp_path: Path, django_db_blocker) -> Iterator[Scene]:
    zoho, web = free_port(), free_port()
    with throw_away_database(tmp_path) as url, django_db_blocker.unblock():
        stage = Stage(
            tmp_path,
            url,
            PUBLIC_URL=PUBLIC,
            TRUST_PROXY="true",
            ALLOWED_HOSTS="monitor.example.com,127.0.0.1",
            EMAIL_URL="mailbox:",
        )
        with second_connection(url):
            scene = Scene(stage, f"http://127.0.0.1:{zoho}", f"http://127.0.0.1:{web}")
            try:
                open_scene(scene, zoho, web)
                yield scene
            finally:
                stage.close()
        assert stage.left() == []


def open_scene(scene: Scene, zoho: int, web: int) -> None:
    stage = scene.stage
    stage.must("migrate", "-v0")
    stage.start(
        *("standin", "--port", str(zoho), "--flows", "3", "--rules", "3", "--executions", "60", "--history-days", "2"),
        *("--plan", "unlimited", "--client-id", "1000.STORY"),
        STANDIN_CLIENT_SECRET=SECRET,
        STANDIN_REFRESH_TOKEN=REFRESH,
        STANDIN_CONTROL_TOKEN=CONTROL,
    )
    wait_for("the stand-in", lambda: "listening" in stage.log("standin").read_text(), timeout=120)
    urls = ("--accounts-url", scene.zoho, "--flow-url", scene.zoho, "--crm-url", scene.zoho)
    stage.must(
        *("connect", "Story Ltd", "--data-center", "custom", *urls, "--client-id", "1000.STORY", *LIMITS),
        ZOHO_CLIENT_SECRET=SECRET,
        ZOHO_REFRESH_TOKEN=REFRESH,
    )
    stage.must("hooks", "watch", "Story Ltd", "on")
    stage.must("sync", "Story Ltd")
    stage.start("web", "--port", str(web))
    stage.start("worker")
    wait_for("the web server", lambda: "serving" in stage.log("web").read_text(), timeout=120)
    wait_for("the worker", lambda: "is ready" in stage.log("worker").read_text(), timeout=120)


def cadence() -> float:
    """Seconds between two lists of flows, by what the last reading planned."""
    row = rows(StreamState, stream="flows").get()
    return (row.next_due_at - row.last_read_at).total_seconds()


def stream_read(stream: str) -> datetime:
    return rows(StreamState, stream=stream).values_list("last_read_at", flat=True).get()


def test_a_failure_is_mirrored_within_seconds_of_its_callback(scene: Scene):
    printed = dict(line.split(": ", 1) for line in scene.stage.must("hooks", "create", "Story Ltd", "E").splitlines())
    wish = {"url": printed["address"], "secret": printed["secret"], "header": "x-zoho-signature", "proxy": scene.web}
    scene.control("PUT", "callbacks", wish)
    flow = rows(Flow).order_by("pk").first()

    began = time.monotonic()
    made = scene.control("POST", "do/add_executions", {"flow_id": flow.flow_id, "status": "failed", "duration_ms": 0})
    failed = made["result"][0]
    wait_for("the mirrored failure", lambda: rows(Execution, execution_id=failed, status="failed").exists(), timeout=60)
    waited, planned = time.monotonic() - began, cadence()
    print(f"\nfrom the failure to its row: {waited:.1f} s; the list of flows is read every {planned:.0f} s")
    assert waited < planned / 4
    (told,) = [one for one in scene.control("GET", "ledger")["callbacks"] if one.get("execution_id") == failed]
    assert told["status"] == 202
    assert rows(PushEvent, execution_id=failed).get().endpoint_id is not None

    before, began = stream_read("rules"), time.monotonic()
    module = rows(WatchChannel).filter(expires_at__isnull=False).values_list("module", flat=True).first()
    scene.control("POST", "do/change_record", {"module": module, "operation": "edit"})
    wait_for("the rules to be read", lambda: stream_read("rules") > before, timeout=90)
    print(f"from a changed record to the rules read again: {time.monotonic() - began:.1f} s; else every 864 s")
    assert rows(SyncState).get().state == "ok"
