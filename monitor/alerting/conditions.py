"""Compares success rates with a rule's threshold. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Holds what a rule asks for; rates in per cent."""

    threshold: float
    recover_at: float
    min_runs: int


@dataclass(frozen=True, slots=True)
class Reading:
    """Finished runs of one flow in one window: by final result, and by first attempt."""

    runs: int = 0
    succeeded: int = 0
    first_succeeded: int = 0

    @property
    def failed(self) -> int:
        return self.runs - self.succeeded

    @property
    def rate(self) -> float | None:
        """Success rate in per cent, a retried or re-run success included; None without runs."""
        return _per_cent(self.succeeded, self.runs)

    @property
    def first_attempt_rate(self) -> float | None:
        """Success rate of the first attempts in per cent; None without runs."""
        return _per_cent(self.first_succeeded, self.runs)


def is_breached(reading: Reading, limits: Limits) -> bool:
    """Returns whether there are enough runs to go by and too few of them succeeded."""
    return reading.rate is not None and reading.runs >= limits.min_runs and reading.rate < limits.threshold


def is_recovered(reading: Reading, limits: Limits) -> bool:
    """Returns whether the rate is back where the rule calls it good, however few the runs."""
    return reading.rate is not None and reading.rate >= limits.recover_at


def _per_cent(part: int, whole: int) -> float | None:
    # One division of whole numbers is rounded correctly: 999 of 1,000 is exactly the 99.9 that a person typed.
    return 100 * part / whole if whole else None
