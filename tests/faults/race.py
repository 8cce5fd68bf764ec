"""Several processes read one account at once, some of them with a clock that takes the others' leases for ended.

Run by `test_same_result.py` as a program of its own: `python -m tests.faults.race 1 2 8` writes, for each number of
processes, a line of JSON: how they ended, and a digest of the mirror.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.faults.house import House

SWEEPS = 2  # of a person that each process has to bring to an end
MOST_TRIES = 400
AHEAD = 61.0  # seconds between the clocks of every other pair of processes: longer than a lease


def main(numbers: list[int]) -> None:
    """Migrates, then races for each number of processes."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    for number in numbers:
        print(json.dumps({"workers": number} | _race(number)), flush=True)


def _race(number: int) -> dict[str, Any]:
    from django.db import connection

    from monitor.models import ZohoAccount
    from tests.faults.compare import differences, whole_mirror
    from tests.faults.house import house_of
    from tests.faults.steps import Schedule

    ZohoAccount.objects.all().delete()
    plan = Schedule(
        seed=1,
        world={"seed": 23, "flows": 4, "rules": 2, "executions": 120, "history_days": 3},
        habits={"dialect": "zoho"},
        cap=10,
        doubled=False,
        shuffled=False,
        latency=0.0,
        plan="unlimited",
        steps=(),
    )
    with house_of(plan) as house:
        # A Zoho at rest: what is mirrored hangs on the reading alone.
        house.end_faults()
        house.pass_time(timedelta(days=2).total_seconds())
        # Each process has a copy of this Zoho; a token that all of them know must still be good.
        house.reconnect()
        connection.close()
        forks = [_fork(house, place) for place in range(number)]
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in forks]
        house.pass_time(AHEAD * number + 61)
        house.person()
        digest = hashlib.sha256(json.dumps(whole_mirror()).encode()).hexdigest()
        return {"codes": codes, "digest": digest, "left": differences(house)[:5]}


def _fork(house: House, place: int) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        house.pass_time(AHEAD * (place // 2))
        code = 0 if _sweeps(house) else 2
    finally:
        os._exit(code)


def _sweeps(house: House) -> bool:
    """Background tasks and syncs of a person in turn, until the latter have come to an end often enough."""
    from monitor.ingest.base.mode import Mode, Patience
    from monitor.ingest.run import Busy, read_account

    done = 0
    for _ in range(MOST_TRIES):
        house.background()
        try:
            patience = Patience(Mode.SYNC, pause=time.sleep)
            result = read_account(house.account, clock=house.now, patience=patience)
            done += result.complete
        except Busy:
            time.sleep(0.02)
        house.recount()
        if done >= SWEEPS:
            return True
    return False


if __name__ == "__main__":
    main([int(number) for number in sys.argv[1:]])
