"""Finds the people of some runs whom a person's words name: they are hidden there as on the pages of these runs."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.models import Execution, Failure, User
from monitor.privacy_people import MOST_SAID, names_in

CHUNK = 500  # runs whose data is in memory
MOST_RUNS = 2_000  # of a problem or a flow, the newest ones


def people_named(said: str, runs: Iterable[int], *, but: Iterable[User] = ()) -> list[str]:
    """Returns the names of people that stand in a text, the longest first. One statement for each `CHUNK` runs.

    Args:
        said: a person's words about the runs.
        runs: primary keys.
        but: people of ours whom the text mentions: their usernames are nobody's of the runs.
    """
    found: set[str] = set()
    keys = list(dict.fromkeys(runs)) if said else []
    for start in range(0, len(keys), CHUNK):
        rows = Execution.objects.filter(pk__in=keys[start : start + CHUNK]).values_list("trigger_data", "said_names")
        for data, known in rows:
            found.update(names_in([said], data, known.splitlines()))
    ours = {person.get_username().casefold() for person in but}
    kept = (name for name in found if name.casefold() not in ours)
    return sorted(kept, key=lambda name: (-len(name), name))[: MOST_SAID + 1]


def newest_failed(**scope: object) -> list[int]:
    """Returns the runs that a person's words about a problem or a flow are of: primary keys. One statement.

    Args:
        scope: condition on `Failure`.
    """
    rows = Failure.objects.filter(**scope).order_by("-failed_at", "-pk")
    return list(rows.values_list("pk", flat=True)[:MOST_RUNS])
