"""Reads what tells whether retries are likely to help, for many runs at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, OuterRef, Q, Subquery

from monitor.models import Execution, Failure, Flow, HourBucket, RetryAttempt
from monitor.retry.prospect import CauseFacts, Prospect, prospect

MOST_LOOKED_AT = 5_000  # retries of an account, the newest: what came before tells nothing any more
_GOOD = Q(state=RetryAttempt.State.SUCCEEDED)
_BAD = Q(state=RetryAttempt.State.FAILED_AGAIN)
_Times = dict[int, datetime | None]


@dataclass(frozen=True, slots=True)
class Cause:
    """Holds where a failed run belongs.

    Attributes:
        account_id: the account's primary key.
        group: primary key of its group of failures.
        remedy: class of what helps.
        failed_at: when it failed.
        flow_id: the flow's primary key.
        flow_changed_at: when the flow was last edited, by Zoho's clock.
    """

    account_id: int
    group: int
    remedy: str
    failed_at: datetime
    flow_id: int
    flow_changed_at: datetime | None


class Prospects:
    """Answers what retries are worth. Each group and flow is read once, however many runs are asked for."""

    def __init__(self) -> None:
        self._retries: dict[int, tuple[datetime | None, datetime | None]] = {}
        self._good_runs: _Times = {}

    def of(self, causes: Collection[Cause]) -> list[Prospect]:
        """Returns the prospects, in the order of the causes."""
        groups: dict[int, set[int]] = defaultdict(set)
        for cause in causes:
            if cause.group not in self._retries:
                groups[cause.account_id].add(cause.group)
        for account, some in groups.items():
            self._read_retries(account, some)
        self._read_runs({cause.flow_id for cause in causes} - self._good_runs.keys())
        return [prospect(self._facts(cause)) for cause in causes]

    def _facts(self, cause: Cause) -> CauseFacts:
        good, bad = self._retries[cause.group]
        good_run = self._good_runs[cause.flow_id]
        return CauseFacts(cause.remedy, cause.failed_at, good, bad, good_run, cause.flow_changed_at)

    def _read_retries(self, account: int, groups: Collection[int]) -> None:
        newest = RetryAttempt.objects.filter(account=account).order_by("-requested_at", "-pk").values("pk")
        looked_at = RetryAttempt.objects.filter(pk__in=newest[:MOST_LOOKED_AT]).order_by()
        rows = looked_at.filter(_GOOD | _BAD, execution__failure__group__in=groups)
        found = rows.values_list("execution__failure__group").annotate(
            good=Max("sent_at", filter=_GOOD), bad=Max("sent_at", filter=_BAD)
        )
        self._retries |= dict.fromkeys(groups, (None, None)) | {group: (good, bad) for group, good, bad in found}

    def _read_runs(self, flows: Collection[int]) -> None:
        if not flows:
            return
        # The newest of each flow alone is read, from the end of its index: years of hours cost nothing.
        newest = HourBucket.objects.filter(flow=OuterRef("pk"), succeeded__gt=0).order_by("-hour").values("hour")[:1]
        rows = Flow.objects.filter(pk__in=flows).annotate(newest=Subquery(newest)).order_by()
        self._good_runs |= dict(rows.values_list("pk", "newest"))


def prospect_of(execution: Execution) -> Prospect | None:
    """Returns what a retry of one run is worth; None while the run has no entry in the ledger."""
    failure: Failure | None = getattr(execution, "failure", None)
    if failure is None:
        return None
    group, flow = failure.group, execution.flow
    cause = Cause(execution.account_id, group.pk, group.remedy, failure.failed_at, flow.pk, flow.modified_time)
    return Prospects().of([cause])[0]
