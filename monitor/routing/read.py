"""Loads what decides who hears of alerts: the routes, and whose alerts they are. Few statements."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.models import AlertState, Route, RunningStep
from monitor.ownership import NO_LABELS, Labels, labels
from monitor.routing.decide import RoutedAlert, RouteFacts

CRM_RULE = "crm_rule"  # what alerts about a workflow rule are about, in `AlertState.subject_kind`


def active_routes() -> list[RouteFacts]:
    """Returns the enabled routes in their order. Three statements, one where there are none."""
    rows = Route.objects.filter(is_active=True).prefetch_related("people", "channels")
    return [facts_of(row) for row in rows]


def facts_of(route: Route) -> RouteFacts:
    """Returns a route as it is decided by."""
    return RouteFacts(
        key=route.pk,
        account=route.account_id,
        severity=route.severity,
        tag=route.tag_id,
        people=frozenset(person.pk for person in route.people.all()),
        to_owner=route.to_owner,
        channels=frozenset(channel.pk for channel in route.channels.all()),
        policy=route.policy_id,
        goes_on=route.goes_on,
    )


def as_route(step: RunningStep) -> RouteFacts:
    """Returns the step of an escalation as a route that fits everything."""
    return RouteFacts(key=0, people=frozenset(step.people), to_owner=step.to_owner, channels=frozenset(step.channels))


def routed(alerts: Sequence[AlertState]) -> list[RoutedAlert]:
    """Returns what of some alerts decides who hears of them. Four statements at most.

    Args:
        alerts: with their rules, and those with their recipients.
    """
    flows = {alert.flow_id for alert in alerts if alert.flow_id is not None}
    rules = {int(alert.subject_key) for alert in alerts if alert.subject_kind == CRM_RULE}
    of_flows, of_rules = labels("flow", keys=flows), labels("rule", keys=rules)
    found = []
    for alert in alerts:
        mine: Labels = NO_LABELS
        if alert.flow_id is not None:
            mine = of_flows.get(alert.flow_id, NO_LABELS)
        elif alert.subject_kind == CRM_RULE:
            mine = of_rules.get(int(alert.subject_key), NO_LABELS)
        found.append(
            RoutedAlert(
                account=alert.rule.account_id,
                severity=alert.rule.severity,
                tags=mine.tags,
                owner=mine.owner,
                chosen=frozenset(person.pk for person in alert.rule.recipients.all()),
            )
        )
    return found
