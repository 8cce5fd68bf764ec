"""How many examples a property is tried with, and what Hypothesis is told in general.

`quick` is what one commit waits for (`make test`), `deep` what `make test-deep` tries, `ci` a quarter of that: the same
examples every time, so that a red run can be repeated and is never somebody else's bad luck. `nightly` looks for new
ones.
"""

from __future__ import annotations

import os

import hypothesis
from hypothesis import HealthCheck, settings

from tests.databases import AGAIN, SHARE

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "quick")
# On a second database a property shows that the database agrees; what it decides, the first has shown at length.
IS_SECOND = bool(os.environ.get(AGAIN))


def fewer(examples: int, least: int = 40) -> int:
    """A quarter of the examples on a second database, but no fewer than `least`."""
    return min(examples, max(examples // 4, least)) if IS_SECOND else examples


def shared_out(first: int, count: str | None, *, usual: int) -> range:
    """The schedules to be played: where two databases share them out, the first or second half of the usual ones.

    `.ci/run` plays half of the usual ones.

    Args:
        first: the first schedule.
        count: how many were asked for; None: the usual ones.
        usual: how many these are.
    """
    half = os.environ.get(SHARE)
    usual = usual // 2 if PROFILE == "ci" else usual
    if count is not None or not half:
        return range(first, first + int(count or usual))
    middle = first + usual // 2
    return range(first, middle) if half == "first" else range(middle, first + usual)


def register() -> None:
    """Sets the profile of HYPOTHESIS_PROFILE for every property that says nothing else."""
    for name, examples in (("quick", 40), ("ci", 50), ("deep", fewer(200))):
        settings.register_profile(name, derandomize=True, deadline=None, max_examples=examples, print_blob=True)
    settings.register_profile("nightly", derandomize=False, deadline=None, max_examples=2_000, print_blob=True)
    settings.load_profile(PROFILE)


def tried(quick: int, deep: int, *, nightly: int = 2_000, **more: object) -> settings:
    """The settings of a property that lives long: each example is a whole sync, some years or a whole retry.

    Args:
        quick: examples in `make test`.
        deep: examples in `make test-deep`; a quarter of them on a second database. `.ci/run` tries a quarter of
            them, and on a second database as many as `make test`.
        nightly: examples with HYPOTHESIS_PROFILE=nightly, new ones each time.
        more: other settings of Hypothesis.

    Returns:
        Settings with which no example is too slow or too large, and fixtures last for all examples.
    """
    in_ci = quick if IS_SECOND else max(deep // 4, quick)
    examples = {"quick": quick, "ci": in_ci, "deep": fewer(deep, quick), "nightly": nightly}[PROFILE]
    return hypothesis.settings(
        max_examples=examples,
        derandomize=PROFILE != "nightly",
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
        **more,  # type: ignore[arg-type]
    )
