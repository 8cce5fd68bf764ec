"""Do the schedules notice faults in our code? Each mutant has to be found by one of the first schedules.

The nights' checks are switched off here: they find and mend what the faults leave behind, within a day.
"""

from __future__ import annotations

import os

import pytest

from tests.faults.mutants import MUTANTS, mutated
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
    found = ""
    with mutated(name):
        for seed in range(1, BUDGET + 1):
            wrong = play(schedule(seed), nightly=False).wrong
            if wrong:
                found = f"seed {seed}: {wrong[0][:90]}"
                break
    print(f"\n{name:<42} {found or f'survives {BUDGET} schedules'}")

    assert found or name in MASKED
