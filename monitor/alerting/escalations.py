"""Begins and ends the escalations of incidents. A step is a notice with a due time, which `monitor.notify` claims.

All of it happens in a transaction that holds the account, with what brings it about: an escalation neither outlives an
acknowledgement nor is lost by a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import QuerySet

from monitor.alerting.escalate import EscalationFacts, EscalationTrigger, begins, due_times
from monitor.models import (
    AlertRule,
    AlertState,
    Escalation,
    EscalationPolicy,
    EscalationStep,
    Incident,
    Notice,
    RunningStep,
    Transition,
)
from monitor.routing.decide import Reachable, RouteFacts, who_hears
from monitor.routing.read import active_routes, routed

Notify = Callable[[Incident, str, datetime, datetime], Notice]
States = Transition.Dispatch


STRENGTHS = {EscalationTrigger.FLAPS: 0, EscalationTrigger.FIRED_ANEW: 2}  # of the others, between


class EscalationCause(NamedTuple):
    """Holds what may begin an incident's escalations.

    Attributes:
        trigger: what happened.
        alert: to which; None for all that fire.
        wait: how much later the steps count.
    """

    trigger: EscalationTrigger
    alert: AlertState | None = None
    wait: timedelta = timedelta(0)


def begin(incident: Incident, causes: Sequence[EscalationCause], now: datetime, notify: Notify) -> list[Escalation]:
    """Begins the escalations that the routes of an incident's alerts ask for; returns those that began.

    Args:
        incident: as it is now; its account is held.
        causes: what happened.
        now: the present.
        notify: adds a notice of a kind, which is due at a time.
    """
    routes = active_routes()
    if all(route.policy is None for route in routes):
        return []
    named = _policies_of(list(_loud(incident)), routes)
    policies = EscalationPolicy.objects.prefetch_related("steps__people", "steps__channels").in_bulk(named)
    reasons: dict[int, EscalationCause] = {}
    for cause in sorted(causes, key=lambda cause: STRENGTHS.get(cause.trigger, 1)):
        keys = named if cause.alert is None else _policies_of([cause.alert], routes)
        reasons |= dict.fromkeys(keys, cause)
    begun = (_begin(incident, policies[key], reasons.get(key), now, notify) for key in named)
    return [one for one in begun if one is not None]


def end_unnamed(incident: Incident, now: datetime) -> None:
    """Ends what runs of an incident by policies that no route of an alert which still fires names.

    What runs by a policy that is deleted goes on while anything that is mailed fires.

    Args:
        incident: its account is held.
        now: the present.
    """
    running = list(incident.escalations.filter(ended_at=None))
    if not running:
        return
    firing = list(_loud(incident))
    named = _policies_of(firing, active_routes())
    over = [one for one in running if one.policy_id not in named and (one.policy_id is not None or not firing)]
    _end(over, Escalation.Ended.OVER, now)


def _loud(incident: Incident) -> QuerySet[AlertState]:
    """Reads the alerts of an incident that fire and are mailed."""
    firing = AlertState.objects.filter(incident_links__incident=incident, incident_links__left_at=None)
    loud = firing.exclude(rule__severity=AlertRule.Severity.DIGEST)
    return loud.select_related("rule").prefetch_related("rule__recipients").order_by("pk").distinct()


def _policies_of(alerts: Sequence[AlertState], routes: Sequence[RouteFacts]) -> tuple[int, ...]:
    return who_hears(routed(alerts), routes, Reachable(())).policies


def _begin(
    incident: Incident, policy: EscalationPolicy, cause: EscalationCause | None, now: datetime, notify: Notify
) -> Escalation | None:
    known = list(incident.escalations.filter(policy=policy).order_by("pk"))
    running = next((one for one in known if one.ended_at is None), None)
    waiting = {}
    if running is not None:
        left = running.steps.filter(notice__dispatch_state=States.NEW)
        waiting = dict(left.values_list("position", "notice__due_at"))
    facts = EscalationFacts(
        is_open=incident.is_open,
        is_acknowledged=incident.acknowledged_at is not None,
        severity=incident.severity,
        is_running=bool(waiting),
        has_run=bool(known) and known[-1].ended_how != Escalation.Ended.OVER,
    )
    steps = [_fields(step) for step in policy.steps.all()]
    if not steps or not begins(cause.trigger if cause is not None else None, facts):
        return None
    if running is not None:
        # Where the policy was changed, a step of the same place is another one, with a time of its own.
        if steps != [_fields(step) for step in running.steps.order_by("position")]:
            waiting = {}
        _end([running], Escalation.Ended.ANEW, now)
    begun = Escalation.objects.create(incident=incident, policy=policy, policy_name=policy.name, began_at=now)
    begins_at = now if cause is None else now + cause.wait
    due = due_times([fields["after_minutes"] for fields in steps], begins_at, waiting)
    for position, (fields, due_at) in enumerate(zip(steps, due, strict=True), start=1):
        notice = notify(incident, Notice.Kind.ESCALATE, now, due_at)
        RunningStep.objects.create(escalation=begun, notice=notice, position=position, **fields)
    return begun


def _fields(step: EscalationStep | RunningStep) -> dict[str, Any]:
    """Returns what a step says, of a policy or of what runs by it."""
    if isinstance(step, RunningStep):
        people, channels = step.people, step.channels
    else:
        people, channels = [one.pk for one in step.people.all()], [one.pk for one in step.channels.all()]
    return {
        "after_minutes": step.after_minutes,
        "people": sorted(people),
        "to_owner": step.to_owner,
        "channels": sorted(channels),
    }


def end(incident: Incident, how: str, now: datetime) -> None:
    """Ends what runs of an incident: no step of it is taken any more.

    Args:
        incident: its account is held.
        how: one of `Escalation.Ended`.
        now: the present.
    """
    _end(list(incident.escalations.filter(ended_at=None)), how, now)


def _end(running: list[Escalation], how: str, now: datetime) -> None:
    if not running:
        return
    Escalation.objects.filter(pk__in=[one.pk for one in running]).update(ended_at=now, ended_how=how)
    waiting = Notice.objects.filter(step__escalation__in=running, dispatch_state=States.NEW)
    waiting.update(dispatch_state=States.SILENT, dispatched_at=now, why_silent=how, recipients=0)
