"""Every named place to die at is died at, and the next process makes the mirror equal Zoho."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from monitor.faultpoints import EXIT_CODE, POINTS
from tests.realprocess import ROOT, throw_away_database

# The first passing of each; more by hand: FAULT_PASSINGS=1,3,7.
PASSINGS = os.environ.get("FAULT_PASSINGS", "1").split(",")
WISHES = [f"{point}:{nth}" for point in sorted(POINTS) for nth in PASSINGS]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What became of each point, by a program that dies and goes on once for each."""
    with throw_away_database(tmp_path_factory.mktemp("crash")) as url:
        program = subprocess.run(
            [sys.executable, "-m", "tests.faults.crash", *WISHES],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": url, "DEBUG": "1", "DJANGO_SETTINGS_MODULE": "dashboard.settings"},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
    assert program.returncode == 0, program.stderr[-3000:]
    lines = [json.loads(line) for line in program.stdout.splitlines() if line.startswith("{")]
    return {line["point"]: line for line in lines}


@pytest.mark.deep
@pytest.mark.xdist_group("deaths")  # they share one program
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs fork without threads, as on Linux")
@pytest.mark.parametrize("wish", WISHES)
def test_after_a_death_at_this_point_the_next_process_makes_the_mirror_equal(played: dict[str, Any], wish: str) -> None:
    outcome = played[wish]

    assert outcome["code"] == EXIT_CODE, "this point is never passed by what tests/faults/crash.py does"
    assert outcome["left"] == []
