"""Do the schedules notice faults in our code? Each mutant has to be found, by a directed one or the first random ones.

The nights' checks are switched off here: they find and mend what the faults leave behind, within a day.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.faults.directed import SCENARIOS
from tests.faults.mutants import DIRECTED, MUTANTS, mutated
from tests.faults.play import play
from tests.faults.steps import schedule

# Whether a schedule sees a fault of ours is the schedule's doing, on whichever database it is played.
pytestmark = [pytest.mark.deep, pytest.mark.one_database, pytest.mark.xdist_group("mutants")]
BUDGET = int(os.environ.get("MUTANT_SCHEDULES", "20"))


@pytest.fixture(scope="module")
def table() -> Iterator[dict[str, str]]:
    """Mutant → by what it was found; printed at the end."""
    rows: dict[str, str] = {}
    yield rows
    print("\n" + "\n".join(f"{name:<40} red by {how}" for name, how in sorted(rows.items())))
    print(f"{sum(how != SURVIVES for how in rows.values())} of {len(rows)} mutants found")


SURVIVES = "nothing: it survives"


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_fault_in_our_code_is_found(name: str, table: dict[str, str]) -> None:
    with mutated(name):
        table[name] = _directed(DIRECTED[name]) if name in DIRECTED else _random()

    assert table[name] != SURVIVES


def _directed(scenario: str) -> str:
    # That the scenario is green without the fault, test_directed.py shows.
    wrong = SCENARIOS[scenario]()
    return f'"{scenario}": {wrong[0][:80]}' if wrong else SURVIVES


def _random() -> str:
    for seed in range(1, BUDGET + 1):
        if wrong := play(schedule(seed), nightly=False).wrong:
            return f"seed {seed}: {wrong[0].strip()[:80]}"
    return SURVIVES
