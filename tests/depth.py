"""How many examples a property is tried with, and what Hypothesis is told in general.

`quick` is what one commit waits for (`make test`), `deep` what `make test-deep` tries: the same examples every time, so
that a red run can be repeated and is never somebody else's bad luck. `nightly` looks for new ones.
"""

from __future__ import annotations

import os

import hypothesis
from hypothesis import HealthCheck, settings

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "quick")


def register() -> None:
    """Sets the profile of HYPOTHESIS_PROFILE for every property that says nothing else."""
    for name, examples in (("quick", 40), ("deep", 200)):
        settings.register_profile(name, derandomize=True, deadline=None, max_examples=examples, print_blob=True)
    settings.register_profile("nightly", derandomize=False, deadline=None, max_examples=2_000, print_blob=True)
    settings.load_profile(PROFILE)


def tried(quick: int, deep: int, *, nightly: int = 2_000, **more: object) -> settings:
    """The settings of a property that lives long: each example is a whole sync, some years or a whole retry.

    Args:
        quick: examples in `make test`.
        deep: examples in `make test-deep`.
        nightly: examples with HYPOTHESIS_PROFILE=nightly, new ones each time.
        more: other settings of Hypothesis.

    Returns:
        Settings with which no example is too slow or too large, and fixtures last for all examples.
    """
    examples = {"quick": quick, "deep": deep, "nightly": nightly}[PROFILE]
    return hypothesis.settings(
        max_examples=examples,
        derandomize=PROFILE != "nightly",
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
        **more,  # type: ignore[arg-type]
    )
