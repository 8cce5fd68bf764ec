"""Zoho's counters against the mirror's rows: what has been read, what is missing. Pure.

Counters are for a flow's life, history is not: the first complete read sets *baseline = counter − rows*, and
from then on *counter = baseline + mirrored + pruned*, per status (issue 2, point 9).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counters:
    """Numbers of executions of one flow; None where Zoho does not say."""

    total: int | None
    success: int | None
    failed: int | None

    @property
    def known(self) -> bool:
        """Whether all three were given."""
        return None not in (self.total, self.success, self.failed)


@dataclass(frozen=True, slots=True)
class Rows:
    """Numbers of mirrored executions of one flow, pruned ones included."""

    total: int
    success: int
    failed: int


@dataclass(frozen=True, slots=True)
class Baseline:
    """What Zoho counts but had forgotten when the flow was first read completely."""

    total: int
    success: int
    failed: int


@dataclass(frozen=True, slots=True)
class Balance:
    """Counter − (baseline + mirrored): above zero something is missing here, below zero rows came later."""

    total: int
    success: int
    failed: int

    @property
    def accounted(self) -> bool:
        """Nothing that Zoho counted is missing."""
        return self.total <= 0 and self.success <= 0 and self.failed <= 0

    @property
    def even(self) -> bool:
        """Zoho and the mirror agree exactly."""
        return self.total == self.success == self.failed == 0


def baseline_of(counters: Counters, rows: Rows) -> Baseline | None:
    """The baseline after a complete read; None without counters."""
    if counters.total is None or counters.success is None or counters.failed is None:
        return None
    return Baseline(counters.total - rows.total, counters.success - rows.success, counters.failed - rows.failed)


def balance(counters: Counters, baseline: Baseline | None, rows: Rows) -> Balance | None:
    """How far the two are apart; None where it cannot be said (no counters, no baseline yet)."""
    if baseline is None or counters.total is None or counters.success is None or counters.failed is None:
        return None
    return Balance(
        counters.total - baseline.total - rows.total,
        counters.success - baseline.success - rows.success,
        counters.failed - baseline.failed - rows.failed,
    )


def were_reset(counters: Counters, read: Counters) -> bool:
    """Whether Zoho's counters fell, which a life-long counter only does when it is reset.

    The one of failures falls when a failed run succeeds at last; the other two never.
    """
    pairs = ((counters.total, read.total), (counters.success, read.success))
    return any(now is not None and then is not None and now < then for now, then in pairs)


def hole_text(gap: Balance) -> str:
    """One line for people about what is missing."""
    if gap.total > 0:
        return f"Zoho counts {gap.total} more run{'s' if gap.total != 1 else ''} than it lists"
    return f"Zoho counts {gap.success:+d} successes and {gap.failed:+d} failures against what it lists"
