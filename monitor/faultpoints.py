"""Names places at which a test lets a process die, as a power cut would: nothing is cleaned up or rolled back.

Set the environment variable `MONITOR_FAULTPOINT` to a name, or to `name:3` for its third passing. Without the
variable a point does nothing. The fault is docs/reference/faults.md, F34.
"""

from __future__ import annotations

import os
from collections import Counter

VARIABLE = "MONITOR_FAULTPOINT"
EXIT_CODE = 137  # what a shell shows for a process that got SIGKILL

POINTS = frozenset(
    {
        "lease-before-take",
        "lease-taken",
        "lease-before-renewal",
        "lease-renewed",
        "lease-before-release",
        "flows-before-rows",
        "flows-after-rows",
        "flows-committed",
        "page-before-rows",
        "page-after-rows",
        "page-committed",
        "run-before-row",
        "run-after-row",
        "checkpoint-before",
        "checkpoint-after",
        "reconcile-after-marks",
        "reconcile-before-cursor",
        "reconcile-after-cursor",
        "rollup-before-commit",
        "rollup-committed",
    }
)
_passed: Counter[str] = Counter()


def faultpoint(name: str) -> None:
    """Ends the process here and now if the environment names this point; else does nothing.

    Args:
        name: one of `POINTS`; tests/test_faultpoints.py holds the two against each other.
    """
    wish = os.environ.get(VARIABLE)
    if not wish:
        return
    wanted, _, nth = wish.partition(":")
    if wanted != name:
        return
    _passed[name] += 1
    if _passed[name] >= int(nth or 1):
        os._exit(EXIT_CODE)
