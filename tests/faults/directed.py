"""Schedules for what chance brings about too seldom: each leads straight to the place where one rule of ours matters.

A scenario returns what is wrong at the moment at which the rule has to have worked, before anything else (the
nights' checks, the next movement of a counter) mends it. Where counters would tell of the runs anyway, Zoho gives
none: "counters may be absent" (docs/reference/faults.md, F25).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest import mock

from django.db import transaction

from tests.faults.compare import buckets, executions, gone_backwards, statuses
from tests.faults.house import House, house_of
from tests.faults.steps import Schedule, Step

Scenario = Callable[[], list[str]]
MINUTE, HOUR = 60, 3600


@contextmanager
def quiet_house(*, counters: bool = True) -> Iterator[House]:
    """A read account of a Zoho in which nothing happens by itself, without the nights' checks.

    Args:
        counters: whether Zoho's list of flows has counters of executions.
    """
    plan = Schedule(
        seed=1,
        world={"seed": 7, "flows": 3, "rules": 0, "executions": 30, "history_days": 2},
        habits={"dialect": "zoho", "auto_reruns": False, "list_stats": "life" if counters else "none"},
        cap=0,
        doubled=False,
        shuffled=False,
        latency=0.0,
        plan="unlimited",
        steps=(),
    )
    with mock.patch("monitor.ingest.night.checks.go_on_with_checks", return_value=None), transaction.atomic():
        with house_of(plan) as house:
            house.wire.hides_counters = not counters
            for flow_id in house.wire.app.world.flows:
                house.do("switch_flow", flow_id=flow_id, on=False)
            for seconds in (2 * HOUR, MINUTE, MINUTE):
                house.pass_time(seconds)
                house.background()
            yield house
        transaction.set_rollback(True)


def add(house: House, status: str, *, ago: float = 0, late: float = 0) -> str:
    """A run of the first flow that began `ago` seconds ago and is listed `late` seconds after its start; its id."""
    started: datetime = (house.clock() - timedelta(seconds=ago)).replace(microsecond=0)
    made: list[str] = house.do(
        "add_executions", flow_id=_first(house), status=status, kind="503", started=started.isoformat(),
        late_seconds=max(late, ago),
    )  # fmt: skip
    return made[0]


def end_well(house: House, execution_id: str) -> None:
    """A running run ends, a failed one is made good by Zoho itself."""
    house.do("change_execution", flow_id=_first(house), execution_id=execution_id, status="success")


def _first(house: House) -> str:
    return next(iter(house.wire.app.world.flows))


def _sweep(house: House, after: float = 2 * MINUTE) -> None:
    house.pass_time(after)
    house.background()


def an_old_answer_after_a_new_one() -> list[str]:
    """Pages come from a server of Zoho's that lags behind: runs that have ended are shown running or failed again."""
    with quiet_house() as house:
        ran, failed = add(house, "running"), add(house, "failed")
        _sweep(house)
        end_well(house, ran)
        end_well(house, failed)
        _sweep(house)
        had = statuses(house)
        house.wire.lags = True
        add(house, "success")
        _sweep(house)
        return [*gone_backwards(had, statuses(house)), *executions(house)]


def killed_at_every_call() -> list[str]:
    """New runs, and the sweep that would read them dies before or after one of its calls; the next one reads them."""
    wrong: list[str] = []
    for call in (1, 2, 3):
        for answered in (False, True):
            with quiet_house() as house:
                add(house, "success")
                add(house, "failed")
                house.pass_time(2 * MINUTE)
                house.killed(person=False, call=call, answered=answered)
                _sweep(house)
                _sweep(house)
                wrong += [f"killed at call {call}: {line}" for line in executions(house)]
    return wrong


def an_old_failure_made_good() -> list[str]:
    """A failure older than any window turns into a success: nothing but the counters tells of it."""
    with quiet_house() as house:
        failed = add(house, "failed", ago=30 * HOUR)
        _sweep(house)
        end_well(house, failed)
        _sweep(house)
        return [*executions(house)]


def new_runs_in_a_new_hour() -> list[str]:
    """Runs come in an hour that has not been counted before, and another status into one that has."""
    with quiet_house() as house:
        failed = add(house, "failed")
        _sweep(house)
        end_well(house, failed)
        _sweep(house)
        return [*buckets()]


def late_in_the_same_second() -> list[str]:
    """A run that began in the very second of the newest one that is known, and is listed only later."""
    with quiet_house(counters=False) as house:
        add(house, "success")
        add(house, "success", late=3 * MINUTE)
        _sweep(house)
        _sweep(house)
        return [*executions(house)]


def late_from_before_the_newest() -> list[str]:
    """A run that is listed only after one that began later was read, as a long run is."""
    with quiet_house(counters=False) as house:
        add(house, "success", ago=5 * MINUTE, late=8 * MINUTE)
        add(house, "success")
        _sweep(house)
        _sweep(house)
        return [*executions(house)]


def an_end_long_after_the_start() -> list[str]:
    """A run that still runs when later ones have long been read ends."""
    with quiet_house(counters=False) as house:
        ran = add(house, "running")
        _sweep(house)
        house.pass_time(HOUR)
        add(house, "success")
        _sweep(house)
        end_well(house, ran)
        _sweep(house, after=2 * HOUR)
        return [*executions(house)]


def stalled_six_times() -> list[str]:
    """Sweeps that stand still in a call for longer than their lease, while another one takes over."""
    with quiet_house() as house:
        for call in range(1, 7):
            for _ in range(5):
                add(house, "success")
            house.pass_time(400)
            house.crossed(call=call, person=False, stall=70, by=[Step("background")])
        return house.wrong


SCENARIOS: dict[str, Scenario] = {
    "an old answer after a new one": an_old_answer_after_a_new_one,
    "killed at every call": killed_at_every_call,
    "an old failure made good": an_old_failure_made_good,
    "new runs in a new hour": new_runs_in_a_new_hour,
    "late in the same second": late_in_the_same_second,
    "late from before the newest": late_from_before_the_newest,
    "an end long after the start": an_end_long_after_the_start,
    "stalled six times": stalled_six_times,
}
