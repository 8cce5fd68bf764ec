"""Reads thousands of executions for their verdicts: no more of each than a verdict hangs on, and no model of a row.

To make a model of a row costs more than to read the row and to judge it (docs/benchmarks.md, "A preview of 5,000
retries").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, F, When
from django.db.models.functions import NullIf

from monitor.models import Execution, Flow, ZohoAccount
from monitor.retry.prospects import Cause

CHUNK = 1000
# A time that is the same as another one is not read twice: to read it costs as much as all else of a row.
_COLUMNS: dict[str, Any] = {
    "pk": F("id"),
    "account_id": F("account_id"),
    "flow_id": F("flow_id"),
    "execution_id": F("execution_id"),
    "status": F("status"),
    "rerun_count": F("rerun_count"),
    "error_code": F("error_code"),
    "error_message": F("error_message"),
    "error_details": F("error_details"),
    "error_action_id": F("error_action_id"),
    "completed_time": F("completed_time"),
    "first_failed_at": NullIf("first_failed_at", "completed_time"),
    "started_time": Case(When(completed_time=None, then="started_time")),
    "fate": F("failure__fate"),
    "superseded": F("failure__superseded_by__execution_id"),
    "group": F("failure__group"),
    "problem": F("failure__group__problem"),
    "remedy": F("failure__group__remedy"),
    "failed_at": NullIf("failure__failed_at", "completed_time"),
}
_OF_A_FLOW = (
    *("account_id", "gone_at", "modified_time", "definition_read_at"),
    *("account__is_active", "account__flow_url"),
)


@dataclass(slots=True, eq=False)
class RunRead:
    """Holds of an execution what a verdict on its retry hangs on, by the names of `Execution`, and its ledger entry.

    Attributes:
        flow: with what the verdict hangs on.
        completed_time: when it ended.
        first_failed_at: when it first failed; None where that is `completed_time`, too.
        started_time: only where it has no end.
        fate: as in the ledger; None where it has no entry, as are the five after it.
        superseded: Zoho's id of the later success for its record.
        group: primary key of its group of failures.
        problem: primary key of the problem that it belongs to.
        remedy: class of what helps.
        failed_at: by the ledger; None where that is `completed_time`, too.
    """

    flow: Flow
    pk: int
    account_id: int
    flow_id: int
    execution_id: str
    status: str
    rerun_count: int
    error_code: str
    error_message: str
    error_details: str
    error_action_id: str
    completed_time: datetime | None
    first_failed_at: datetime | None
    started_time: datetime | None
    fate: str | None
    superseded: str | None
    group: int | None
    problem: int | None
    remedy: str | None
    failed_at: datetime | None

    @property
    def account(self) -> ZohoAccount:
        return self.flow.account

    @property
    def cause(self) -> Cause | None:
        """Returns where it belongs; None where it has no entry in the ledger yet."""
        at = self.failed_at or self.completed_time
        if self.group is None or self.remedy is None or at is None:
            return None
        return Cause(self.account_id, self.group, self.remedy, at, self.flow_id, self.flow.modified_time)


def read_runs(keys: Sequence[int]) -> Iterator[list[RunRead]]:
    """Yields executions in the order of their primary keys, a thousand at a time; what is gone is left out.

    Flows and their accounts are read once: with each row they would cost more than the row.

    Args:
        keys: primary keys.
    """
    flows: dict[int, Flow] = {}
    place = list(_COLUMNS).index("flow_id")
    wanted = sorted(keys)
    for start in range(0, len(wanted), CHUNK):
        among = Execution.objects.filter(pk__among=wanted[start : start + CHUNK])
        rows: list[tuple[Any, ...]] = list(among.order_by("pk").values_list(*_COLUMNS.values()))
        if missing := {row[place] for row in rows} - flows.keys():
            flows |= Flow.objects.select_related("account").only(*_OF_A_FLOW).in_bulk(missing)
        yield [RunRead(flows[row[place]], *row) for row in rows]
