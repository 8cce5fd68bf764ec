"""Says why a flow fails: the problems that its runs of a time failed with, the most frequent first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q

from monitor.models import Connection, Failure, Flow, Problem
from monitor.models.asking import Asking, answered, ask, in_step
from monitor.periods import Window
from monitor.privacy import mask_text
from monitor.queries.problems import ask_connections_to

SHOWN = 5


@dataclass(frozen=True)
class CauseOfFlow:
    """Holds a problem with the runs of one flow that failed with it in some time.

    Attributes:
        title: of the problem, masked.
        state: one of `Problem.State`.
        remedy: class of what helps.
        runs: how many failed, however they ended.
        open: how many of them are open still.
        last_failed_at: when the newest failed.
    """

    problem_id: int
    title: str
    state: str
    remedy: str
    runs: int
    open: int
    last_failed_at: datetime

    @property
    def is_unresolved(self) -> bool:
        """Returns whether somebody has to look at the problem."""
        return self.state in Problem.UNRESOLVED


@dataclass(frozen=True)
class FailureCauses:
    """Holds why runs of a flow failed in some time.

    Attributes:
        rows: the most frequent causes.
        causes: how many there are in all.
        broken: connections to its apps that do not work; none where nothing failed.
    """

    rows: list[CauseOfFlow]
    causes: int
    broken: list[Connection]

    @property
    def more(self) -> int:
        """Returns how many causes are not among the rows."""
        return self.causes - len(self.rows)


def causes(flow: Flow, window: Window) -> FailureCauses:
    """Returns why runs of a flow failed in a time, by the ledger. One statement.

    Args:
        flow: any.
        window: when they failed.
    """
    return answered(ask_causes(flow, window))


def ask_causes(flow: Flow, window: Window) -> Asking[FailureCauses]:
    """Asks for what `causes` returns."""
    # Each fate by itself is a stretch of the index by flow.
    of_it = Failure.objects.filter(
        flow=flow, fate__in=Failure.Fate.values, failed_at__gte=window.start, failed_at__lt=window.end
    )
    by = ("group__problem", "group__problem__title", "group__problem__state", "group__problem__remedy")
    counted = (
        of_it.order_by()
        .values_list(*by)
        .annotate(runs=Count("pk"), open=Count("pk", filter=Q(fate=Failure.Fate.OPEN)), last=Max("failed_at"))
    )
    rows, linked = yield from in_step(ask(counted), ask_connections_to(flow.account_id, flow.apps.split()))
    found = [CauseOfFlow(key, mask_text(title), *more) for key, title, *more in rows]
    found.sort(key=lambda one: (-one.runs, -one.last_failed_at.timestamp(), one.problem_id))
    connections = linked if found else []
    return FailureCauses(found[:SHOWN], len(found), [one for one in connections if one.is_broken])
