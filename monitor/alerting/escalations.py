"""Begins and ends the escalations of incidents. A step is a notice with a due time, which `monitor.notify` claims.

All of it happens in a transaction that holds the account, with what brings it about: an escalation neither outlives an
acknowledgement nor is lost by a crash.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from monitor.alerting.escalate import EscalationFacts, EscalationTrigger, begins, due_times
from monitor.models import (
    AlertState,
    Escalation,
    EscalationPolicy,
    Incident,
    Notice,
    RunningStep,
    Transition,
)
from monitor.routing.decide import Reachable, who_hears
from monitor.routing.read import active_routes, routed

Notify = Callable[[Incident, str, datetime, datetime], Notice]
States = Transition.Dispatch


def begin(incident: Incident, trigger: EscalationTrigger, now: datetime, notify: Notify) -> list[Escalation]:
    """Begins the escalations that the routes of an incident's alerts ask for; returns those that began.

    Args:
        incident: as it is now; its account is held.
        trigger: what happened.
        now: the present.
        notify: adds a notice of a kind, which is due at a time.
    """
    routes = active_routes()
    if all(route.policy is None for route in routes):
        return []
    alerts = AlertState.objects.filter(incident_links__incident=incident, incident_links__left_at=None)
    loud = alerts.exclude(rule__severity="digest").select_related("rule").prefetch_related("rule__recipients")
    heard = who_hears(routed(list(loud.order_by("pk").distinct())), routes, Reachable(()))
    policies = EscalationPolicy.objects.prefetch_related("steps__people", "steps__channels").in_bulk(heard.policies)
    return [
        begun for key in heard.policies if (begun := _begin(incident, policies[key], trigger, now, notify)) is not None
    ]


def _begin(
    incident: Incident, policy: EscalationPolicy, trigger: EscalationTrigger, now: datetime, notify: Notify
) -> Escalation | None:
    running = incident.escalations.filter(policy=policy, ended_at=None).first()
    waiting = {}
    if running is not None:
        steps = running.steps.filter(notice__dispatch_state=States.NEW)
        waiting = dict(steps.values_list("position", "notice__due_at"))
    facts = EscalationFacts(
        incident.is_open, incident.acknowledged_at is not None, incident.severity, is_running=bool(waiting)
    )
    steps_of_policy = list(policy.steps.all())
    if not steps_of_policy or not begins(trigger, facts):
        return None
    if running is not None:
        _end([running], Escalation.Ended.ANEW, now)
    begun = Escalation.objects.create(incident=incident, policy=policy, policy_name=policy.name, began_at=now)
    due = due_times([step.after_minutes for step in steps_of_policy], now, waiting)
    for position, (step, due_at) in enumerate(zip(steps_of_policy, due, strict=True), start=1):
        RunningStep.objects.create(
            escalation=begun,
            notice=notify(incident, Notice.Kind.ESCALATE, now, due_at),
            position=position,
            after_minutes=step.after_minutes,
            people=sorted(person.pk for person in step.people.all()),
            to_owner=step.to_owner,
            channels=sorted(channel.pk for channel in step.channels.all()),
        )
    return begun


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
