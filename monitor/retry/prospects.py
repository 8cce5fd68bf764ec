"""Reads what tells whether retries are likely to help, for many runs at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Max, OuterRef, Q, Subquery

from monitor.models import Execution, Failure, Flow, HourBucket, RetryAttempt
from monitor.retry.prospect import CauseFacts, Prospect, prospect

MOST_LOOKED_AT = 5_000  # retries of an account, the newest: what came before tells nothing any more
_GOOD = Q(state=RetryAttempt.State.SUCCEEDED)
_BAD = Q(state=RetryAttempt.State.FAILED_AGAIN)
_Times = dict[int, datetime | None]
T = TypeVar("T")
_Remember = Callable[[Hashable, Callable[[], Any]], Any]


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
            self._retries |= retries_of(account, some)
        self._good_runs |= good_runs_of({cause.flow_id for cause in causes} - self._good_runs.keys())
        return [prospect(self._facts(cause)) for cause in causes]

    def _facts(self, cause: Cause) -> CauseFacts:
        good, bad = self._retries[cause.group]
        good_run = self._good_runs[cause.flow_id]
        return CauseFacts(cause.remedy, cause.failed_at, good, bad, good_run, cause.flow_changed_at)


def retries_of(account: int, groups: Collection[int]) -> dict[int, tuple[datetime | None, datetime | None]]:
    """Returns, of some groups of failures of an account, when the last retry was sent that helped, and that did not."""
    newest = RetryAttempt.objects.filter(account=account).order_by("-requested_at", "-pk").values("pk")
    looked_at = RetryAttempt.objects.filter(pk__in=newest[:MOST_LOOKED_AT]).order_by()
    rows = looked_at.filter(_GOOD | _BAD, execution__failure__group__in=groups)
    found = rows.values_list("execution__failure__group").annotate(
        good=Max("sent_at", filter=_GOOD), bad=Max("sent_at", filter=_BAD)
    )
    return dict.fromkeys(groups, (None, None)) | {group: (good, bad) for group, good, bad in found}


def good_runs_of(flows: Collection[int]) -> _Times:
    """Returns the last hour in which a run of each flow succeeded; None where none did."""
    if not flows:
        return {}
    # The newest of each flow alone is read, from the end of its index: years of hours cost nothing.
    newest = HourBucket.objects.filter(flow=OuterRef("pk"), succeeded__gt=0).order_by("-hour").values("hour")[:1]
    rows = Flow.objects.filter(pk__in=flows).annotate(newest=Subquery(newest)).order_by()
    return dict(rows.values_list("pk", "newest"))


def _anew(_: Hashable, read: Callable[[], T]) -> T:
    return read()


def prospect_of(
    execution: Execution, remember: Callable[[Hashable, Callable[[], Any]], Any] = _anew
) -> Prospect | None:
    """Returns what a retry of one run is worth; None while the run has no entry in the ledger.

    Args:
        execution: with its entry in the ledger and its flow.
        remember: gives what was read under a key a moment ago, or else reads it: runs of one cause and flow are looked
            at one after the other.
    """
    failure: Failure | None = getattr(execution, "failure", None)
    if failure is None:
        return None
    group, flow, account = failure.group, execution.flow, execution.account_id
    good, bad = remember(("retries of a group", group.pk), lambda: retries_of(account, [group.pk])[group.pk])
    good_run = remember(("good run of a flow", flow.pk), lambda: good_runs_of([flow.pk])[flow.pk])
    return prospect(CauseFacts(group.remedy, failure.failed_at, good, bad, good_run, flow.modified_time))
