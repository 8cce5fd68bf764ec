"""Says why an incident is: what its failures have in common, and what was changed just before it began."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max

from monitor.models import Failure, Incident
from monitor.models.asking import Asking, ask, ask_count
from monitor.periods import Window
from monitor.privacy import mask_text
from monitor.queries import links
from monitor.recent_changes import FoundChange

ERRORS_SHOWN = 3
MOST_READ = 50  # problems; where there are more, their failures are counted apart
SUSPECT_WITHIN = timedelta(hours=24)
# Zoho tells when a definition was saved by the minute, and a run may fail before we have read the change.
LATE = timedelta(minutes=2)


@dataclass(frozen=True)
class CommonError:
    """Holds a problem that failures of an incident are of.

    Attributes:
        title: masked.
        problem_id: its key.
        remedy: the class of what helps.
        runs: how many failed of it meanwhile.
        url: of these runs.
    """

    title: str
    problem_id: int
    remedy: str
    runs: int
    url: str


@dataclass(frozen=True)
class IncidentWhy:
    """Holds what speaks for a cause.

    Attributes:
        failed: runs that failed while it was open.
        url: of these; "" where no list shows just them.
        errors: the commonest.
        others: how many failed of none of these.
        suspects: what was changed within a day before it began, what came last first.
    """

    failed: int
    url: str
    errors: list[CommonError]
    suspects: list[FoundChange]

    @property
    def others(self) -> int:
        return self.failed - sum(one.runs for one in self.errors)

    @property
    def is_one(self) -> bool:
        """Returns whether nearly all failures are of one problem: then it is what to look at."""
        return bool(self.errors) and self.errors[0].runs * 10 >= self.failed * 9


@dataclass(frozen=True)
class FailuresOf:
    """Holds of which problems runs failed in a time, the commonest first, and how many failed at all."""

    failed: int
    problems: list[tuple[int, str, str, int]]


def ask_failures(flows: Collection[int], open_for: Window) -> Asking[FailuresOf]:
    """Asks of which problems runs of some flows failed in a time. Once; twice where there are many problems."""
    if not flows:
        return FailuresOf(0, [])
    failures = Failure.objects.filter(
        flow__in=flows, fate__in=Failure.Fate.values, failed_at__gte=open_for.start, failed_at__lt=open_for.end
    )
    counted = failures.values_list("group__problem", "group__problem__title", "group__problem__remedy").annotate(
        runs=Count("pk"), newest=Max("failed_at")
    )
    rows = yield from ask(counted.order_by("-runs", "-newest", "group__problem")[:MOST_READ])
    failed = sum(row[3] for row in rows) if len(rows) < MOST_READ else (yield from ask_count(failures))
    return FailuresOf(failed, [tuple(row[:4]) for row in rows])


def why_of(
    incident: Incident,
    flows: Collection[int],
    open_for: Window,
    changes: Iterable[FoundChange],
    failures: FailuresOf,
) -> IncidentWhy:
    """Returns what speaks for a cause of an incident. Pure.

    Args:
        incident: which.
        flows: keys of its flows.
        open_for: the time in which its failures count, in whole seconds.
        changes: as `changes_near` found them.
        failures: of its flows, as `ask_failures` found them.
    """
    suspects = [one for one in changes if is_suspect(one.at, incident.began_at)]
    if not flows:
        return IncidentWhy(0, "", [], suspects)
    errors = [
        CommonError(mask_text(title), problem, remedy, runs, _listed(flows, open_for, problem))
        for problem, title, remedy, runs in failures.problems[:ERRORS_SHOWN]
    ]
    return IncidentWhy(failures.failed, _listed(flows, open_for), errors, suspects)


def is_suspect(changed_at: datetime, began_at: datetime) -> bool:
    """Returns whether a change may be the cause of what began at a time: it came within a day before. Pure."""
    return began_at - SUSPECT_WITHIN <= changed_at <= began_at + LATE


def _listed(flows: Collection[int], open_for: Window, problem_id: int | None = None) -> str:
    """Returns the address of the failures that are counted; "" where a list would show other flows' too."""
    if len(flows) != 1:
        return ""
    (flow,) = flows
    return links.failures(problem_id=problem_id, flow_id=flow, failed_from=open_for.start, failed_before=open_for.end)
