"""Says which tests a run on a second database plays again: those that a database can decide otherwise."""

from __future__ import annotations

import os

import pytest

# Set by scripts/test.py where it runs the suite on two databases: on the second one; which half of what is shared out.
AGAIN, SHARE = "SECOND_DATABASE", "SHARE"
REAL = "tests.realprocess"  # its processes open the database that the environment names, without a fixture
# They open it without a fixture, too.
WHOLE = ("story", "kills", "browser", "bench")
FIXTURES = {"db", "transactional_db", "live_server"}


def is_of_the_database(item: pytest.Item) -> bool:
    """Tells whether what a test shows can be otherwise on another database.

    Args:
        item: a collected test. With the mark `one_database` it shows what is decided above the database, on a page
            or by a command whose reading of that database another test shows.
    """
    if item.get_closest_marker("one_database"):
        return False
    if any(item.get_closest_marker(name) for name in ("django_db", *WHOLE)):
        return True
    if FIXTURES & set(getattr(item, "fixturenames", ())):
        return True
    classes = getattr(getattr(item, "cls", None), "__mro__", ())
    if any(one.__module__.startswith("django.test") for one in classes):
        return True
    return any(getattr(value, "__module__", "") == REAL for value in vars(getattr(item, "module", None)).values())


def leave_out_what_was_shown(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects, on a second database, what the first has shown for all."""
    if not os.environ.get(AGAIN):
        return
    kept = [item for item in items if is_of_the_database(item)]
    config.hook.pytest_deselected(items=[item for item in items if not is_of_the_database(item)])
    items[:] = kept
