"""Finds the people of some runs whom a person's words name: they are hidden there as on the pages of these runs."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.models import Execution
from monitor.privacy_people import MOST_SAID, names_in

CHUNK = 500  # runs whose data is in memory


def people_named(said: str, runs: Sequence[int]) -> list[str]:
    """Returns the names of people that stand in a text, the longest first. One statement for each `CHUNK` runs.

    Args:
        said: a person's words about the runs.
        runs: primary keys.
    """
    found: set[str] = set()
    for start in range(0, len(runs), CHUNK):
        rows = Execution.objects.filter(pk__in=runs[start : start + CHUNK]).values_list("trigger_data", "said_names")
        for data, known in rows:
            found.update(names_in([said], data, known.splitlines()))
    return sorted(found, key=lambda name: (-len(name), name))[: MOST_SAID + 1]
