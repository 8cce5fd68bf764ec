"""Plays a schedule to its end and says what is wrong: nothing, as it should be."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from unittest import mock

from django.db import transaction

from tests.faults.compare import differences, fingerprint, gone_backwards, statuses
from tests.faults.house import House, house_of, mirrored_ids
from tests.faults.steps import Schedule, schedule

# Late rows appear up to 56 h after their start, and Zoho's own re-runs end after 24 h.
STILL = timedelta(hours=58)
MOST_MINUTES = 60  # that first readings may take when nothing disturbs them
# How long until the mirror has to be equal, in seconds after the sweep before: what a hole, a vanished flow, the
# nightly reconcile takes, and a round of seven nights that reads everything.
LADDER = (0, 61, 61, 300, 600, 1800, 3700, 3700, 21_700, 21_700, 43_200, 86_400, 86_400, 259_200, 604_800, 90_000)


@dataclass
class Report:
    """How a schedule ended; `equal_after` is the time that Zoho stood still before the mirror was equal."""

    seed: int
    wrong: list[str] = field(default_factory=list)
    equal_after: timedelta | None = None
    calls: int = 0
    at_once: bool = False


def play(plan: Schedule, *, nightly: bool = True) -> Report:
    """Plays a schedule in a transaction that is taken back.

    Args:
        plan: what happens.
        nightly: whether the nights' checks take place; without them the ordinary reading has to be right by itself.
    """
    report = Report(plan.seed)
    checks = (
        nullcontext() if nightly else mock.patch("monitor.ingest.night.checks.go_on_with_checks", return_value=None)
    )
    try:
        with checks, transaction.atomic():
            _play(plan, report)
            transaction.set_rollback(True)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is reported with the schedule
        report.wrong.append("".join(traceback.format_exception(error)[-4:]))
    return report


def _play(plan: Schedule, report: Report) -> None:
    with house_of(plan) as house:
        had = statuses(house)
        for number, step in enumerate(plan.steps):
            house.carry_out(step)
            have = statuses(house)
            report.wrong += [f"step {number} {step}: {line}" for line in gone_backwards(had, have)]
            if invented := mirrored_ids(house) - house.wire.given.keys():
                report.wrong.append(f"step {number} {step}: invented {sorted(invented)[:3]}")
            report.wrong += [f"step {number} {step}: {line}" for line in house.wrong]
            house.wrong.clear()
            had = have
        _settle(house, report)
        report.calls = house.wire.count


def _read_to_the_end(house: House) -> bool:
    """Whether every first reading comes to its end: the rows may all be there before that is known."""
    for _ in range(MOST_MINUTES):
        if not house.reads_history():
            return True
        house.pass_time(60)
        house.work_off()
    return False


def _settle(house: House, report: Report) -> None:
    """The faults end, Zoho comes to rest, and the mirror has to become equal and stay so."""
    house.end_faults()
    house.work_off()
    report.at_once = not differences(house)
    house.pass_time(STILL.total_seconds())
    house.work_off()
    began = house.clock()
    for seconds in LADDER:
        house.pass_time(seconds)
        house.work_off()
        wrong = differences(house)
        if not wrong:
            report.equal_after = house.clock() - began
            break
    else:
        report.wrong += wrong
        return
    if not _read_to_the_end(house):
        report.wrong.append("a first reading never ends")
        return
    before = fingerprint(house)
    house.pass_time(700)
    house.work_off()
    house.person()
    report.wrong += [f"later: {line}" for line in differences(house)]
    if fingerprint(house) != before:
        report.wrong.append("sweeps of a Zoho at rest changed rows")


def shortest(plan: Schedule) -> Schedule:
    """The same schedule with fewer steps and a plainer world, as long as something is still wrong."""
    plain: dict[str, Any] = {"cap": 0, "doubled": False, "shuffled": False, "latency": 0.0, "plan": "unlimited"}
    for name, value in plain.items():
        tried = replace(plan, **{name: value})
        if getattr(plan, name) != value and play(tried).wrong:
            plan = tried
    size = max(len(plan.steps) // 2, 1)
    while True:
        for start in range(len(plan.steps) - size, -1, -size):
            tried = replace(plan, steps=plan.steps[:start] + plan.steps[start + size :])
            if play(tried).wrong:
                plan = tried
        if size == 1:
            return plan
        size //= 2


def verdict(report: Report, plan: Schedule) -> str:
    """What a red test shows: what is wrong and how to repeat it."""
    lines = "\n".join(f"    {line}" for line in report.wrong[:12])
    more = f"\n    … and {len(report.wrong) - 12} more" if len(report.wrong) > 12 else ""
    again = f"\nrepeat it: FAULT_SEED={plan.seed} pytest tests/faults/test_schedules.py (FAULT_SHRINK=1: shortest)"
    shown = shortest(plan) if os.environ.get("FAULT_SHRINK") else plan
    return f"{lines}{more}\n{shown.lines()}{again}"


def play_seed(seed: int) -> Report:
    """Plays the schedule of a seed and writes to stderr what is wrong."""
    plan = schedule(seed)
    report = play(plan)
    if report.wrong:
        print(verdict(report, plan), file=sys.stderr, flush=True)
    return report
