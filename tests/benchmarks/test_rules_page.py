"""What the pages of workflow rules cost over HTTP with the most rules that Zoho allows and years of their usage.

Run by `make bench-rules` on PostgreSQL; RULES=2500 and RULES_DAYS=1000 say how many there are. Beside each page stand
the server's own processor time and a bare SQL statement that reads the rows that the page shows. Times are of a whole
answer on an open connection, asked alone; "anew" is what a page costs of which nothing is remembered.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import cycle
from operator import le
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import pytest
from django.db import connections

from dashboard.health import LIVE
from tests.benchmarks.test_pages import Client, alone, anew, bare, keep_fresh
from tests.realprocess import ALIAS, ROOT, Stage, second_connection, throw_away_database, wait_for

pytestmark = [pytest.mark.bench]
RULES = int(os.environ.get("RULES", "2500"))
DAYS = int(os.environ.get("RULES_DAYS", "1000"))
WANTED = (40, 80)  # ms, median and 95 %: the list and the page of one rule
_COLUMNS = "r.id, r.name, r.module, r.execute_when, r.action_kinds, r.active, r.last_executed_time, r.failure_count"
_ROWS = f"""
SELECT {_COLUMNS}, sum(s.succeeded), sum(s.failed) FROM (SELECT * FROM monitor_workflowrule ORDER BY %s, id LIMIT 50) r
LEFT JOIN monitor_usagesnapshot s ON s.rule_id = r.id AND s.day >= %s GROUP BY {_COLUMNS}
"""  # noqa: S608 - our own names
_ONE = "SELECT day, triggered, succeeded, failed, actions FROM monitor_usagesnapshot WHERE rule_id = %s AND day >= %s"


class RuleSite:
    """The product's web server on a database of rules, and what is asked of it."""

    def __init__(self, port: int, pid: int, world: dict[str, Any]) -> None:
        self.port, self.server = port, pid
        self._sessions = cycle(world["sessions"])
        month, year = ((datetime.now(UTC) - timedelta(days=days)).date() for days in (60, 730))
        by_name, page = _ROWS.replace("%s", "name", 1), f"/rules/{world['rule']}/"
        by_failures = _ROWS.replace("%s", "failure_count DESC NULLS LAST, name", 1)
        self.pages: dict[str, tuple[str, str, list[Any]]] = {
            "health": (LIVE, "", []),
            "rules by name": ("/rules/", by_name, [month]),
            "rules by failures": ("/rules/?order=failures", by_failures, [month]),
            "active, fail, page 5": ("/rules/?state=failing&page=5", by_name, [month]),
            "that mail, a year": ("/rules/?action=email_notifications&days=365", by_name, [year]),
            "a name": ("/rules/?text=rule+19", by_name, [month]),
            "a rule, 30 d": (f"{page}?days=30", _ONE, [world["rule"], month]),
            "a rule, 12 months": (f"{page}?days=365", _ONE, [world["rule"], year]),
        }

    def client(self) -> Client:
        return Client(self.port, next(self._sessions))


def fill(stage: Stage) -> dict[str, Any]:
    filled = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.rules_world", f"--rules={RULES}", f"--days={DAYS}"],
        cwd=ROOT,
        env=stage.environ | {"DJANGO_SETTINGS_MODULE": "dashboard.settings"},
        check=False,
        capture_output=True,
        text=True,
        timeout=3600,
    )
    assert filled.returncode == 0, filled.stderr[-3000:]
    world: dict[str, Any] = json.loads(filled.stdout.splitlines()[-1])
    return world


def table(site: RuleSite) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    print(f"{'page':<24}{'median':>8}{'p95':>7}{'anew':>8}{'own ms':>8}{'bare SQL':>10}{'kB':>6}")
    cold = anew(site)  # type: ignore[arg-type]
    for name, (path, sql, parameters) in site.pages.items():
        keep_fresh()
        times, worked, size = alone(site, path)  # type: ignore[arg-type]
        found[name] = median(times), quantiles(times, n=20)[-1]
        words = "" if name == "health" else "  met" if all(map(le, found[name], WANTED)) else "  missed"
        print(
            f"{name:<24}{found[name][0]:8.1f}{found[name][1]:7.1f}{cold[name]:8.1f}{worked:8.1f}"
            f"{bare(sql, parameters):10.2f}{size / 1000:6.0f}{words}"
        )
    return found


def test_pages_of_rules_over_http(tmp_path: Path, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock(), throw_away_database(tmp_path) as url, second_connection(url):
        stage = Stage(tmp_path, url)
        stage.migrate()
        began = time.perf_counter()
        world = fill(stage)
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM monitor_usagesnapshot")
            (readings,) = cursor.fetchone()
        print(
            f"\n{RULES:,} rules, {readings:,} readings of {DAYS:,} days, filled in {time.perf_counter() - began:.0f} s"
        )
        print(f"wanted: {WANTED[0]} ms, 95 % {WANTED[1]} ms")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        server = stage.start("web", "--port", str(port))
        try:
            wait_for("the server", lambda: "serving on" in stage.log("web").read_text(), timeout=40)
            assert table(RuleSite(port, server.pid, world))
        finally:
            stage.close()
