"""Lets a process die at named points, one after the other, and looks whether the next process mends it.

Run by `test_crash_points.py` as a program of its own, on a database that is thrown away:
`python -m tests.faults.crash POINT...` writes one line of JSON for each point. The processes that die are forks
of this one, which holds Zoho's world; a fork has everything but the later mutations of it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.faults.house import House

DAY = 86_400


def main(points: list[str]) -> None:
    """Migrates, then plays every point."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    for point in points:
        print(json.dumps({"point": point} | _play(point)), flush=True)


def _play(point: str) -> dict[str, Any]:
    from monitor.models import ZohoAccount
    from tests.faults.compare import differences
    from tests.faults.house import house_of
    from tests.faults.steps import Schedule

    ZohoAccount.objects.all().delete()
    plan = Schedule(
        seed=1,
        world={"seed": 7, "flows": 3, "rules": 1, "executions": 12, "history_days": 1},
        habits={"dialect": "zoho", "auto_reruns": False},
        cap=5,
        doubled=False,
        shuffled=False,
        latency=2.0,
        plan="unlimited",
        steps=(),
    )
    with house_of(plan) as house:
        died = 0
        for prepare, work in PHASES:
            _remember(house)
            prepare(house)
            _remember(house)
            code = _in_a_fork(house, point, work)
            # What the fork's clock had come to is not known here; its lease has to end too.
            house.pass_time(3600)
            if code:
                died = code
                break
        left: list[str] = []
        if died:
            house.end_faults()
            began = house.clock()
            for seconds in (0, 61, 61, 3700, 3700, DAY, DAY, 7 * DAY, DAY):
                house.pass_time(seconds)
                house.work_off()
                left = differences(house)
                if not left:
                    break
            return {"code": died, "left": left[:5], "seconds": (house.clock() - began) / timedelta(seconds=1)}
    return {"code": died, "left": [], "seconds": 0}


def _remember(house: House) -> None:
    """Notes what Zoho gives out, as the forks' calls are not seen here."""
    from standin.flow.rows import execution_row
    from tests.faults.house import zoho_rows

    for flow, row in zoho_rows(house):
        shown = execution_row(flow, row, house.clock(), failed_rows_whole=True)
        house.wire.given[row.execution_id].append(shown)


def _in_a_fork(house: House, point: str, work: Callable[[House], None]) -> int:
    """The exit code of a process that works until it dies."""
    from django.db import connection

    from monitor.faultpoints import VARIABLE

    connection.close()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        os.environ[VARIABLE] = point
        work(house)
        code = 0
    finally:
        # As a process that ends: nothing of the parent's (files, exit handlers) is touched.
        os._exit(code)


def _nothing(house: House) -> None:
    return None


def _changes(house: House) -> None:
    for flow in (0.0, 0.4, 0.8):
        house.add_rows(flow, 7, "success", 0)
        house.add_rows(flow, 1, "failed", 0, kind="503")
        house.add_rows(flow, 1, "running", 90)
    house.change_row(0.4, 0.1)
    house.delete_row(0.8, 0.5)


def _first_reading(house: House) -> None:
    house.background()
    house.work_off()


def _ordinary(house: House) -> None:
    house.background()
    house.refresh(0.0, 0.5)
    house.person()
    house.refresh(0.4, 0.99)


def _deletes(house: House) -> None:
    house.delete_row(0.0, 0.9)  # read before, and of a flow that stays: the night finds it gone
    house.delete_flow(0.99)
    house.delete_rule(0.0)
    house.delete_connection(0.0)
    house.pass_time(2 * DAY)


def _a_week(house: House) -> None:
    for hours in (1, 25, 8 * 24):
        house.pass_time(hours * 3600)
        house.work_off()
    house.person()
    # The nights' checks go on with a few calls an hour.
    for _ in range(36):
        house.pass_time(2 * 3600)
        house.background()


PHASES: tuple[tuple[Callable[[House], None], Callable[[House], None]], ...] = (
    (_nothing, _first_reading),
    (_changes, _ordinary),
    (_deletes, _a_week),
)

if __name__ == "__main__":
    main(sys.argv[1:])
