"""24 hours on each plan at its full volume: how much of the budget is used, and how fresh the mirror is by it.

Run by `make bench-sync`. Beside the planner stand the lower bound that the plan allows (nothing but the list
of flows, with the whole background allowance, evenly) and a poller that asks each flow in turn at the same
budget. The days run on the planner's and the gate's decisions in memory, on a simulated clock; then the real
sweep, gate and database go on for a stretch from where the day ended. A run that ends well moves a flow's
counters like one that fails, so that every run's end counts as a sample.
"""

from __future__ import annotations

import time

import pytest

from tests.benchmarks import day_real
from tests.benchmarks.day_load import (
    DAY,
    HOUR,
    LOADS,
    PlanLoad,
    StrictZoho,
    between,
    happenings,
    percentile,
    poller_delays,
)
from tests.benchmarks.day_model import Model

pytestmark = [pytest.mark.bench, pytest.mark.django_db]
SEED = 7
# A day in which an account is connected and its history read comes first, and is shown too. Small plans have
# few runs: they are watched for longer.
DAYS = {"free": 7, "standard": 1, "professional": 1, "enterprise": 1}
REAL = {"free": 2 * HOUR, "standard": 0.5 * HOUR, "professional": 0.25 * HOUR, "enterprise": 0.1 * HOUR}
WITHIN, TIMES = 1.25, 5.0


@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.name)
def test_a_day_at_full_volume_stays_within_the_limits_and_near_the_bound(load: PlanLoad) -> None:
    end = (1 + DAYS[load.name]) * DAY
    what = happenings(load, end + REAL[load.name], SEED)
    zoho = StrictZoho(load.per_minute, load.per_day)
    model = Model(load, what, zoho)
    began = time.perf_counter()
    model.run(end)
    first = [wait for at, wait in model.delays if at < DAY]
    ours = [wait for at, wait in model.delays if DAY <= at < end - 2 * load.bound]
    theirs = poller_delays(load, between(what, DAY, end))
    bound = load.bound / 2
    print(
        f"\n{load.name}: {load.flows} flows = {load.pages} pages, {load.runs_a_month} runs a month; "
        f"{DAYS[load.name] + 1} days in {time.perf_counter() - began:.0f} s"
        f"\n  refused by Zoho (429):      {zoho.refused}; stops by our own gate {model.stops}"
        f"\n  calls in the fullest 24 h:  {zoho.most_of_a_day} of {load.per_day}; "
        f"left for people at least {model.least_left / load.per_day:.1%}"
        f"\n  from a run's end to its row: median {percentile(ours, 0.5):.1f} s, p95 {percentile(ours, 0.95):.1f} s "
        f"({len(ours)} runs; on the day of the first reading {percentile(first, 0.5):.1f} s)"
        f"\n  lower bound of the plan:     median {bound:.1f} s, p95 {load.bound * 0.95:.1f} s; "
        f"ratio {percentile(ours, 0.5) / bound:.2f}"
        f"\n  a poller flow by flow:       median {percentile(theirs, 0.5):.1f} s, "
        f"p95 {percentile(theirs, 0.95):.1f} s; {percentile(theirs, 0.5) / percentile(ours, 0.5):.1f} x ours"
    )
    assert (zoho.refused, model.stops) == (0, 0)
    assert model.least_left >= 0.1 * load.per_day
    assert percentile(ours, 0.5) <= WITHIN * bound
    if load.name == "professional":
        assert percentile(theirs, 0.5) >= TIMES * percentile(ours, 0.5)
    _the_real_one_goes_on(load, model, what)


def _the_real_one_goes_on(load: PlanLoad, model: Model, what: list) -> None:
    account, upstream = day_real.prepare(load, model.slots(), what, model.now)
    began = time.perf_counter()
    found = day_real.go(account, upstream, REAL[load.name])
    median = f"{percentile(found.delays, 0.5):.1f} s" if found.delays else "none ended"
    worst = f"{max(found.delays):.1f} s" if found.delays else "none ended"
    print(
        f"  real sweep, gate, database, {REAL[load.name] / HOUR:g} h on in {time.perf_counter() - began:.0f} s: "
        f"{found.sweeps} sweeps, {found.calls} calls, {found.refused} refused, {found.stops} stops"
        f"\n    from a run's end to its row: median {median}, longest {worst} ({len(found.delays)} runs)"
    )
    assert (found.refused, found.stops) == (0, 0)
