"""Whatever the form of Zoho's pages, and however many read at once: the same mirror (S11)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction

from tests.faults.compare import whole_mirror
from tests.faults.house import House, house_of
from tests.faults.steps import Schedule
from tests.realprocess import ROOT, throw_away_database

# One group: the processes of `raced` are started once.
pytestmark = [pytest.mark.deep, pytest.mark.xdist_group("same result")]
WORKERS = (1, 2, 8)
PLAIN = Schedule(
    seed=3,
    world={"seed": 12, "flows": 4, "rules": 2, "executions": 90, "history_days": 3},
    habits={"dialect": "zoho"},
    cap=0,
    doubled=False,
    shuffled=False,
    latency=0.0,
    plan="unlimited",
    steps=(),
)
VARIANTS: dict[str, dict[str, Any]] = {
    "one row a page": {"cap": 1},
    "seven rows a page": {"cap": 7},
    "fifty rows a page": {"cap": 50},
    "pages shuffled": {"shuffled": True},
    "every row twice": {"doubled": True},
}


def read_all(plan: Schedule) -> list[Any]:
    """The mirror after a first reading, changes at Zoho, and what follows from them."""
    with transaction.atomic():
        with house_of(plan) as house:
            house.person()
            _changes(house)
            house.background()
            house.pass_time(3600)
            house.background()
            house.recount()
            mirror = whole_mirror()
        transaction.set_rollback(True)
    return mirror


def _changes(house: House) -> None:
    house.pass_time(900)
    for flow in (0.0, 0.3, 0.6, 0.9):
        house.add_rows(flow, 20, "success", 0)
        house.add_rows(flow, 3, "failed", 30)
        house.add_rows(flow, 1, "running", 60)
    house.change_row(0.3, 0.5)
    house.change_row(0.6, 0.1)
    house.delete_flow(0.99)
    house.pass_time(61)


@pytest.mark.django_db
def test_the_mirror_does_not_hang_on_the_form_of_zohos_pages() -> None:
    plain = read_all(PLAIN)
    assert any(plain)

    for what, changes in VARIANTS.items():
        assert read_all(replace(PLAIN, **changes)) == plain, what


@pytest.fixture(scope="module")
def raced(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Any]:
    """What one, two and eight processes made of the same Zoho."""
    with throw_away_database(tmp_path_factory.mktemp("race")) as url:
        program = subprocess.run(
            [sys.executable, "-m", "tests.faults.race", *map(str, WORKERS)],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": url, "DEBUG": "1", "DJANGO_SETTINGS_MODULE": "dashboard.settings"},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    assert program.returncode == 0, program.stderr[-3000:]
    lines = [json.loads(line) for line in program.stdout.splitlines() if line.startswith("{")]
    return {line["workers"]: line for line in lines}


@pytest.mark.parametrize("workers", WORKERS)
def test_processes_that_read_one_account_at_once_make_the_mirror_that_one_makes(
    raced: dict[int, Any], workers: int
) -> None:
    outcome = raced[workers]

    assert outcome["left"] == []
    assert outcome["codes"] == [0] * workers, "a process never came to an end of its sweeps"
    assert outcome["digest"] == raced[1]["digest"]
