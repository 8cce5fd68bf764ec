"""Finds runs that fail one after the other. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from monitor.alerting.kinds import limits
from monitor.alerting.kinds.interface import AlertStanding, ConditionState, Evaluation, Runs, moment

# Rare flows are what the kind is for: their last runs may lie weeks back. Older ones are no news.
LOOK_BACK = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class FailedInARow:
    """Asks that not so many runs fail one after the other; the next one that succeeds ends it.

    Attributes:
        count: how many; runs that Zoho will run again by itself neither count nor break the row.
    """

    kind: ClassVar[str] = "in_a_row"

    count: int = 3

    def __post_init__(self) -> None:
        limits.whole("count", self.count, 1, 10_000)

    def needs_from(self, at: datetime, standing: AlertStanding) -> datetime:
        return standing.anchor if standing.anchor is not None else at - LOOK_BACK

    def evaluate(self, runs: Runs, at: datetime, standing: AlertStanding) -> Evaluation:
        last = runs.until(at)
        first = runs.until(at - LOOK_BACK)
        since = max(first, runs.newest_succeeded(last) + 1)
        failed = runs.counts(since, last)[1]
        numbers = {"failed_in_a_row": failed, "needed": self.count}
        if first == last:
            return Evaluation(ConditionState.NO_DATA, numbers)
        began = runs.first_failed(since, last)
        # What waits for Zoho may count later, and belongs to the row then.
        anchor = moment(runs.ends[min(since, last - 1)])
        found = ConditionState.CLEAR
        if failed >= self.count or (standing.is_open and failed):
            found = ConditionState.BREACHED
        if not failed:
            good = runs.counts(max(runs.newest_failed(last) + 1, first), last)[0]
            return Evaluation(found, numbers, None, good, anchor=anchor)
        began_at = moment(runs.ends[began])
        if found is ConditionState.CLEAR:
            return Evaluation(found, numbers, anchor=anchor)
        return Evaluation(found, numbers, began_at, last - began, anchor=anchor)


CONDITION = FailedInARow
