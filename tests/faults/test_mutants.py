"""Do the schedules notice faults in our code? Each mutant has to be found by one of the first schedules.

The nights' checks are switched off here: they find and mend what the faults leave behind, within a day.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.mutants import DIRECTED, MUTANTS, mutated
from tests.faults.play import play
from tests.faults.steps import schedule

pytestmark = pytest.mark.bench
BUDGET = int(os.environ.get("MUTANT_SCHEDULES", "40"))
# What the counters make good: they tell of the runs that a narrow window leaves out, and all is read again. These
# cost calls and no rows, so that no schedule can see them.
MASKED = {"> for >= at the window's beginning", "the lookback is dropped", "running rows are not asked for again"}


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_fault_in_our_code_turns_a_schedule_red(name: str) -> None:
    found, plans = "", [schedule(seed) for seed in range(1, BUDGET + 1)]
    if name in DIRECTED:
        plain: dict[str, Any] = {"cap": 0, "doubled": False, "shuffled": False, "latency": 0.0, "plan": "unlimited"}
        plans.insert(0, replace(schedule(2), steps=DIRECTED[name], **plain))
        assert play(plans[0], nightly=False).wrong == []
    with mutated(name):
        for plan in plans:
            wrong = play(plan, nightly=False).wrong
            if wrong:
                found = f"seed {plan.seed}: {wrong[0][:90]}"
                break
    print(f"\n{name:<42} {found or f'survives {BUDGET} schedules'}")

    assert found or name in MASKED
