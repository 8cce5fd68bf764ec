"""How often conditions of alerts fire falsely, and how soon they find what is wrong, beside rivals in the same run.

Rivals are what others do: the upper end of Wilson's interval of the last 20 runs below the threshold, and a silence
longer than 99 of 100 gaps of the last four weeks. Everything is seeded: the figures are the same on any machine.
"""

from __future__ import annotations

import math
import os
from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from statistics import mean

import pytest

from monitor.alerting.kinds.failing_now.condition import FailingNow
from monitor.alerting.kinds.failing_now.run_length import CusumChart, chart_for
from monitor.alerting.kinds.interface import EndedRun, RunResult, Runs
from monitor.alerting.kinds.missed_run.condition import MissedRun
from monitor.alerting.replay import replay
from tests.alerting.kinds.traffic import BERLIN, SHAPES, runs_of, starts

pytestmark = pytest.mark.bench

FLOWS = int(os.environ.get("ALERT_FLOWS", "40"))
SEEDS = int(os.environ.get("ALERT_SEEDS", "6"))
ALARMS = 1_500
HISTORY_RUNS, AFTER_RUNS = 1_500, 120
RULE = FailingNow()


def simulated(chart: CusumChart, share: float, random: Random) -> float:
    """The mean number of runs until an alarm, counted."""
    total = runs = 0
    for _ in range(ALARMS):
        total = 0
        while total < chart.bound:
            runs += 1
            total = total + chart.weight if random.random() < share else max(total - 1, 0)
    return runs / ALARMS


def test_the_exact_run_length_is_what_a_simulation_counts() -> None:
    random = Random(11)
    print("\n  share   chart      exact  counted")
    for healthy in (0.01, 0.03, 0.08, 0.15, 0.3):
        chart = chart_for(healthy, max(0.3, healthy + 0.2), 400)
        for share in (healthy, 0.3, 0.5, 1.0):
            exact, counted = chart.mean_runs(share), simulated(chart, share, random)
            print(f"  {share:5.2f}  {chart.weight:3d} {chart.bound:4d}  {exact:8.1f} {counted:8.1f}")
            assert counted == pytest.approx(exact, rel=0.1)


def history(random: Random, *parts: tuple[int, float]) -> list[EndedRun]:
    """Runs at random times, about two an hour: so many of which a share fails, part by part."""
    at, found = 1.75e9, []
    for count, share in parts:
        for _ in range(count):
            at = round(at + random.expovariate(1 / 1800), 3)
            result = RunResult.FAILED if random.random() < share else RunResult.SUCCEEDED
            found.append(EndedRun(at, result, at - 2, 2_000))
    return found


def fired_by_us(runs: list[EndedRun]) -> list[float]:
    return [edge.at.timestamp() for edge in replay(RULE, Runs(runs)) if edge.edge.value == "firing"]


def fired_by_wilson(runs: list[EndedRun]) -> list[float]:
    """Fires where the upper end (95 %, one-sided) of the rate of the last 20 runs is below 95 %, until it is not."""
    z, found, is_open = 1.645, [], False
    for place, run in enumerate(runs):
        last = runs[max(place - 19, 0) : place + 1]
        count, good = len(last), sum(one.result is RunResult.SUCCEEDED for one in last)
        share = good / count
        middle, spread = share + z * z / (2 * count), z * math.sqrt((share * (1 - share) + z * z / (4 * count)) / count)
        is_low = count >= 10 and (middle + spread) / (1 + z * z / count) < 0.95
        if is_low and not is_open:
            found.append(run.ended)
        is_open = is_low
    return found


def delays(fired: Iterable[tuple[list[EndedRun], list[float]]], before: int) -> float:
    """The mean number of runs from the change on to the first alarm after it; all of them where there was none."""
    found = []
    for runs, alarms in fired:
        ends = [run.ended for run in runs[before:]]
        first = next((alarm for alarm in alarms if alarm >= ends[0]), ends[-1])
        found.append(bisect_right(ends, first))
    return mean(found)


def test_failing_now_finds_outages_soon_and_keeps_its_budget() -> None:
    print(f"\n  of {FLOWS} flows  runs between false alarms   total outage   half failing   30 % failing")
    for healthy in (0.001, 0.01, 0.03, 0.08, 0.15):
        random = Random(f"healthy {healthy}")
        quiet = [history(random, (4 * HISTORY_RUNS, healthy)) for _ in range(FLOWS)]
        broken = {
            share: [history(random, (HISTORY_RUNS, healthy), (AFTER_RUNS, share)) for _ in range(FLOWS)]
            for share in (1.0, 0.5, 0.3)
        }
        for name, fired in (("ours", fired_by_us), ("Wilson", fired_by_wilson)):
            false = sum(len(fired(runs)) for runs in quiet)
            between = FLOWS * 4 * HISTORY_RUNS / max(false, 1)
            late = [delays(((runs, fired(runs)) for runs in of), HISTORY_RUNS) for of in broken.values()]
            said = f"{between:12,.0f} ({false:3d})" + "".join(f"{one:15.1f}" for one in late)
            print(f"  {100 * healthy:5.1f} %  {name:7} {said}")
            if name == "ours" and healthy <= 0.03:
                assert between >= 15_000
                assert late[0] <= 4
                assert late[1] <= 9
    exact = RULE.chart(0.03)
    assert exact.mean_runs(0.03) >= 15_000
    assert exact.mean_runs(1.0) <= 4
    assert exact.mean_runs(0.5) <= 9


BEGIN = datetime(2026, 6, 1, tzinfo=BERLIN)
LEARNED = BEGIN + timedelta(days=28)
OUTAGE = datetime(2026, 9, 22, 10, tzinfo=BERLIN)  # a Tuesday
MOST_HOURS = {"steady": 6, "office hours": 6, "bursty": 7}


def silent_by_us(found: list[float], until: datetime) -> list[float]:
    rule = MissedRun(zone="Europe/Berlin")
    return [edge.at.timestamp() for edge in replay(rule, Runs(runs_of(found)), until=until) if edge.edge == "firing"]


def silent_by_gaps(found: list[float], until: datetime) -> list[float]:
    """Fires after a silence longer than 99 of 100 gaps of the four weeks before, and than an hour."""
    alarms = []
    gaps = [later - earlier for earlier, later in pairwise(found)]
    longest, learned = 0.0, -math.inf
    for place, start in enumerate(found):
        if start < LEARNED.timestamp():
            continue
        if start > learned + 86_400:
            known = sorted(gaps[bisect_right(found, start - 28 * 86_400) : place])
            longest, learned = max(known[int(len(known) * 0.99)], 3_600.0), start
        following = found[place + 1] if place + 1 < len(found) else until.timestamp()
        if following - start > longest:
            alarms.append(start + longest)
    return alarms


def test_a_silence_is_found_soon_and_seldom_seen_where_there_is_none() -> None:
    print(f"\n  of {SEEDS} flows             false in a quarter      an outage is found after (h)")
    for shape in SHAPES:
        histories = [starts(shape, seed, BEGIN, 28 + 91 + 1) for seed in range(SEEDS)]
        for name, silent in (("ours", silent_by_us), ("p99 gap", silent_by_gaps)):
            end = LEARNED + timedelta(days=91)
            false = [len(silent([at for at in found if at < end.timestamp()], end)) for found in histories]
            late = []
            for found in histories:
                before = [at for at in found if at < OUTAGE.timestamp()]
                alarms = silent(before, OUTAGE + timedelta(days=21))
                late += [at - OUTAGE.timestamp() for at in alarms if at > before[-1]][:1]
            hours = mean(late) / 3_600
            print(f"  {shape:16} {name:8} {mean(false):10.2f} (most {max(false)}) {hours:20.1f}")
            if name == "ours":
                assert mean(false) <= 2
                assert hours <= MOST_HOURS.get(shape, 24)
