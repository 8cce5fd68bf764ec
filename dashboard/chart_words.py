"""Says in words what a chart shows, for those who do not see it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard import formats
from dashboard.slots import Slot
from monitor.queries.counts import Counts

NOT_KNOWN = "Whether anything ran is not known: this time was not read completely."


def duration_summary(slots: Sequence[Slot], slowest: float) -> str:
    """Says how long runs took."""
    if slowest:
        return f"The slowest 95th percentile is {formats.duration(slowest)}."
    return NOT_KNOWN if any(not s.is_known for s in slots) else "No run was timed."


def outcome_summary(slots: Sequence[Slot]) -> str:
    """Says how runs ended."""
    total, failed = sum(s.counts.total for s in slots), sum(s.counts.failed for s in slots)
    if any(not s.is_known for s in slots):
        return f"At least {total:,} runs, {failed:,} failed; some of this time is not known." if total else NOT_KNOWN
    return f"{total:,} runs, {failed:,} failed."


def failure_summary(slots: Sequence[Slot], counted: list[str]) -> str:
    """Says of which kinds the failures are."""
    if any(not s.is_known for s in slots):
        return f"At least {'; '.join(counted)}; some of this time is not known." if counted else NOT_KNOWN
    return "; ".join(counted) or "No run failed in this time."


def rate_summary(slots: Sequence[Slot]) -> str:
    """Says how many runs succeeded."""
    finished = sum(s.counts.finished for s in slots)
    if not finished:
        return NOT_KNOWN if any(not s.is_known for s in slots) else "No run finished in this time."
    whole = sum((s.counts for s in slots), Counts())
    rates = [s.counts.rate for s in slots if s.counts.rate is not None]
    left_out = f" {whole.left_out:,} are left out by corrections." if whole.left_out else ""
    if not rates:
        return f"No rate of {finished:,} finished runs.{left_out}"
    return (
        f"{formats.rate(whole.rate)} of {whole.rated:,} finished runs succeeded in the end; "
        f"the lowest column is at {formats.rate(min(rates))}.{left_out}"
    )


def rate_words(counts: Counts) -> str:
    """Writes a rate with the runs that it is of."""
    left_out = f", {counts.left_out:,} left out" if counts.left_out else ""
    return f"{formats.rate(counts.rate)} ({counts.rated - counts.rated_failed:,} of {counts.rated:,}{left_out})"
