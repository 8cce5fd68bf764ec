"""Shows the runs and changes of an incident: what failed while it was open, what was retried, what was changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import BigIntegerField, Case, Count, Max, Min, OuterRef, Q, QuerySet, Subquery, When
from django.db.models import Window as OverRows
from django.db.models.functions import Coalesce, RowNumber
from django.urls import reverse

from monitor.figures import number
from monitor.languages import gettext as _
from monitor.languages import ngettext
from monitor.models import AlertState, Execution, Failure, Flow, Incident, RetryAttempt, RetryBatch
from monitor.models.asking import Asking, answered, ask, in_step
from monitor.models.retries import ITEM_TOKEN, POLICY_TOKEN
from monitor.periods import Window
from monitor.privacy import mask_name, mask_text
from monitor.queries import links
from monitor.queries.incident_why import IncidentWhy, ask_failures, why_of
from monitor.recent_changes import FoundChange, ask_changes_near
from monitor.sentences import inside

FLOWS_TOLD = 10  # those that failed most often; the others are one line
FLOWS_WITH_RUNS = 3  # whose newest failure and first good run have a line of their own
RETRIES_TOLD = 10  # batches, and single retries, each the newest
BY_PEOPLE, DELETED = 0, -1  # stand for a policy where a person asked, and where it is deleted
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class IncidentLine:
    """Is a line of a timeline.

    Attributes:
        at: when.
        words: what happened, which is a link where `url` is given; that opens exactly what is counted in them.
        who: a person, or what it is about, masked; "" for the monitor.
        note: what a person wrote to it, with `people` who are hidden there.
        alert: which it is about.
        more: what stands behind the words, a link where `more_url` is given.
    """

    at: datetime
    words: str
    who: str = ""
    note: str = ""
    alert: AlertState | None = None
    people: tuple[str, ...] = ()
    url: str = ""
    more: str = ""
    more_url: str = ""


@dataclass(frozen=True)
class IncidentStory:
    """Holds what an incident's page tells beside what people did: its timeline's lines, and what speaks for a cause."""

    lines: list[IncidentLine]
    why: IncidentWhy


def story_of(incident: Incident, alerts: Sequence[AlertState], now: datetime) -> IncidentStory:
    """Returns what ran and what was changed around an incident, in no order, and why it is. Two statements.

    Args:
        incident: which.
        alerts: of the incident.
        now: the present.
    """
    return answered(ask_story(incident, alerts, now))


def ask_story(incident: Incident, alerts: Sequence[AlertState], now: datetime) -> Asking[IncidentStory]:
    """Asks for what `story_of` returns."""
    flows = {alert.flow_id for alert in alerts if alert.flow_id is not None}
    rules = {int(alert.subject_key) for alert in alerts if alert.subject_kind == "crm_rule"}
    open_for = _open_for(incident, now)
    of_flows = [_failed_runs(flows, open_for), _batches(flows, open_for), _retries(flows, open_for)] if flows else []
    changes, failures, *others = yield from in_step(
        ask_changes_near(incident, flows, open_for.end, rules), ask_failures(flows, open_for), *of_flows
    )
    found = [line_of_change(change) for change in changes]
    found += [line for lines in others for line in lines]
    return IncidentStory(found, why_of(incident, flows, open_for, changes, failures))


def _open_for(incident: Incident, now: datetime) -> Window:
    """Returns the time an incident was open, by Zoho's clock, in whole seconds as addresses have it, its end in it."""
    end = incident.closed_at or now
    begin = incident.began_at.replace(microsecond=0)
    return Window(begin, max(end.replace(microsecond=0), begin) + SECOND)


class _FailedOfFlow(NamedTuple):
    flow: int
    runs: int
    first_at: datetime
    newest_at: datetime


def _failed_runs(flows: Collection[int], open_for: Window) -> Asking[list[IncidentLine]]:
    failures = Failure.objects.filter(
        flow__in=flows, fate__in=Failure.Fate.values, failed_at__gte=open_for.start, failed_at__lt=open_for.end
    )
    counted = failures.values_list("flow_id").annotate(
        runs=Count("pk"), first_at=Min("failed_at"), newest_at=Max("failed_at")
    )
    rows = [_FailedOfFlow(*row) for row in (yield from ask(counted.order_by("-runs", "flow_id")))]
    told, others = rows[:FLOWS_TOLD], rows[FLOWS_TOLD:]
    if not told:
        return []
    named = {flow.pk: flow for flow in (yield from ask(_with_runs([row.flow for row in told], open_for)))}
    found: list[IncidentLine] = []
    for place, row in enumerate(told):
        found += _of_flow(row, named[row.flow], open_for, with_runs=place < FLOWS_WITH_RUNS)
    if others:
        words = _failed_in_all(sum(row.runs for row in others))
        found.append(IncidentLine(min(row.first_at for row in others), words, _more_flows(len(others))))
    return found


def _with_runs(flows: Sequence[int], open_for: Window) -> QuerySet[Flow]:
    """Makes the question for flows with their first and newest failed run, and the first good one after that."""
    mine = Failure.objects.filter(
        flow=OuterRef("pk"),
        fate__in=Failure.Fate.values,
        failed_at__gte=open_for.start,
        failed_at__lt=open_for.end,
    ).values("execution")
    good = Execution.objects.filter(
        flow=OuterRef("pk"),
        status=Execution.Status.SUCCESS,
        started_time__gt=OuterRef("newest_failed_at"),
        started_time__lt=open_for.end,
    ).order_by("started_time", "pk")
    newest = mine.order_by("-failed_at", "-pk")
    rows = Flow.objects.filter(pk__in=flows).annotate(
        first_failed=Subquery(mine.order_by("failed_at", "pk")[:1]),
        newest_failed=Subquery(newest[:1]),
        newest_failed_at=Subquery(newest.values("failed_at")[:1]),
    )
    rows = rows.annotate(good_run=Subquery(good.values("pk")[:1]), good_at=Subquery(good.values("started_time")[:1]))
    return rows.defer("raw").order_by()


def _of_flow(row: _FailedOfFlow, flow: Any, open_for: Window, *, with_runs: bool) -> list[IncidentLine]:
    name = flow.shown_name
    listed = links.failures(flow_id=flow.pk, failed_from=open_for.start, failed_before=open_for.end)
    first = _run_page(flow.first_failed)
    words = ngettext("%(n)s run failed", "%(n)s runs failed", row.runs) % {"n": number(row.runs)}
    found = [IncidentLine(row.first_at, words, name, url=listed, more=_("this was the first"), more_url=first)]
    if with_runs and row.runs > 1:
        found.append(IncidentLine(row.newest_at, _("newest failed run"), name, url=_run_page(flow.newest_failed)))
    if with_runs and flow.good_run is not None:
        words = _("first good run after its newest failure")
        found.append(IncidentLine(flow.good_at, words, name, url=_run_page(flow.good_run)))
    return found


def _batches(flows: Collection[int], open_for: Window) -> Asking[list[IncidentLine]]:
    mine = RetryBatch.objects.filter(
        pk__in=RetryBatch.objects.filter(
            requested_at__gte=open_for.start, requested_at__lt=open_for.end, items__execution__flow__in=flows
        ).values("pk")
    )
    rows = mine.select_related("requested_by").annotate(count=Count("items")).order_by("-requested_at", "-pk")
    return [
        IncidentLine(
            row.requested_at,
            ngettext("asked for retries of %(n)s run", "asked for retries of %(n)s runs", row.count)
            % {"n": number(row.count)},
            row.requested_by.get_username(),
            url=row.get_absolute_url(),
            more=inside(row.get_state_display()),
        )
        for row in (yield from ask(rows[:RETRIES_TOLD]))
    ]


def _retries(flows: Collection[int], open_for: Window) -> Asking[list[IncidentLine]]:
    """Asks for the newest single retries, and how many each policy asked for."""
    rows = RetryAttempt.objects.filter(
        execution__flow__in=flows, requested_at__gte=open_for.start, requested_at__lt=open_for.end
    ).exclude(client_token__startswith=ITEM_TOKEN)
    whose = When(
        client_token__startswith=POLICY_TOKEN, then=Coalesce("policy", DELETED, output_field=BigIntegerField())
    )
    rows = rows.annotate(whose=Case(whose, default=BY_PEOPLE, output_field=BigIntegerField())).annotate(
        place=OverRows(RowNumber(), partition_by="whose", order_by=["-requested_at", "-pk"]),
        count=OverRows(Count("pk"), partition_by="whose"),
        first_at=OverRows(Min("requested_at"), partition_by="whose"),
    )
    by_people = Q(whose=BY_PEOPLE, place__lte=RETRIES_TOLD)
    rows = rows.filter(by_people | ~Q(whose=BY_PEOPLE) & Q(place=1)).select_related(
        "requested_by", "policy", "execution__flow"
    )
    shown = rows.only(
        "requested_at", "requested_by__username", "state", "policy__name", "execution__flow__flow_name"
    ).order_by("-requested_at", "-pk")
    found = yield from ask(shown[: 2 * RETRIES_TOLD])
    return [_by_person(row) if row.whose == BY_PEOPLE else _by_policy(row) for row in found]


def _by_person(row: RetryAttempt) -> IncidentLine:
    return IncidentLine(
        row.requested_at,
        _("retried a run of %(flow)s") % {"flow": row.execution.flow.shown_name},
        row.requested_by.get_username(),
        url=row.get_absolute_url(),
        more=inside(row.get_state_display()),
    )


def _by_policy(row: Any) -> IncidentLine:
    policy = row.policy
    return IncidentLine(
        row.first_at,
        ngettext("retried %(n)s run", "retried %(n)s runs", row.count) % {"n": number(row.count)},
        _("Retry policy"),
        more=policy.name if policy is not None else _("deleted by now"),
        more_url=policy.get_absolute_url() if policy is not None else "",
    )


def line_of_change(change: FoundChange) -> IncidentLine:
    """Puts a change into a line of a timeline. Pure."""
    name = mask_name(change.name)
    if change.thing == "connection":
        page = reverse("connection", args=[change.key])
        words = _("became %(status)s") % {"status": mask_text(change.status)}
        return IncidentLine(change.at, words, _("Connection %(name)s") % {"name": name}, url=page)
    page = reverse(f"{change.thing}_version", args=[change.key, change.number])
    words = _("was changed (version %(number)s)") % {"number": change.number}
    return IncidentLine(change.at, words, name, url=page)


def _run_page(key: int | None) -> str:
    return reverse("execution", args=[key]) if key is not None else ""


def _failed_in_all(runs: int) -> str:
    return ngettext("%(n)s run failed in all", "%(n)s runs failed in all", runs) % {"n": number(runs)}


def _more_flows(count: int) -> str:
    return ngettext("%(n)s more flow", "%(n)s more flows", count) % {"n": number(count)}
