"""Loads what decides who hears of alerts: the routes, and whose alerts they are. Few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from django.db.models.functions import Coalesce

from monitor.models import AlertState, Failure, Problem, Route, RunningStep
from monitor.models.asking import Asking, answered, in_step
from monitor.ownership import NO_LABELS, Labels, ask_labels
from monitor.routing.decide import RoutedAlert, RouteFacts

FLOW, CRM_RULE, PROBLEM = "flow", "crm_rule", "problem"  # what alerts are about, in `AlertState.subject_kind`


def active_routes() -> list[RouteFacts]:
    """Returns the enabled routes in their order. One statement."""
    return answered(ask_active_routes())


def ask_active_routes() -> Asking[list[RouteFacts]]:
    """Asks for what `active_routes` returns."""
    names = Route.people.through.objects.filter(route__is_active=True).order_by()
    uses = Route.channels.through.objects.filter(route__is_active=True, channel__deleted_at=None).order_by()
    routes, people, channels = yield [
        Route.objects.filter(is_active=True),
        names.values_list("route", "user"),
        uses.values_list("route", "channel"),
    ]
    return [
        RouteFacts(
            key=route.pk,
            account=route.account_id,
            severity=route.severity,
            tag=route.tag_id,
            people=frozenset(person for of, person in people if of == route.pk),
            to_owner=route.to_owner,
            channels=frozenset(channel for of, channel in channels if of == route.pk),
            policy=route.policy_id,
            goes_on=route.goes_on,
        )
        for route in routes
    ]


def as_route(step: RunningStep) -> RouteFacts:
    """Returns the step of an escalation as a route that fits everything."""
    return RouteFacts(key=0, people=frozenset(step.people), to_owner=step.to_owner, channels=frozenset(step.channels))


def routed(alerts: Sequence[AlertState]) -> list[RoutedAlert]:
    """Returns what of some alerts decides who hears of them. Two statements at most.

    An alert about a problem has the problem's owner and the tags of the flows that failed by it. One about a
    connection, the mirror or the plan has neither.

    Args:
        alerts: with their rules, and those with their recipients.
    """
    return [
        RoutedAlert(
            account=alert.rule.account_id,
            severity=alert.rule.severity,
            tags=mine.tags,
            owner=mine.owner,
            chosen=frozenset(person.pk for person in alert.rule.recipients.all()),
        )
        for alert, mine in zip(alerts, labels_of_alerts(alerts), strict=True)
    ]


def labels_of_alerts(alerts: Sequence[AlertState]) -> list[Labels]:
    """Returns the tags and owners of what some alerts are about, in their order. Two statements at most."""
    return answered(ask_labels_of_alerts(alerts))


def ask_labels_of_alerts(alerts: Sequence[AlertState]) -> Asking[list[Labels]]:
    """Asks for what `labels_of_alerts` returns."""
    return ask_labels_of(
        [(alert.subject_kind, alert.subject_key if alert.flow_id is None else str(alert.flow_id)) for alert in alerts]
    )


def ask_labels_of(subjects: Sequence[tuple[str, str]]) -> Asking[list[Labels]]:
    """Asks for the tags and owners of what alerts are about, in their order. Two statements at most.

    Args:
        subjects: kind and key of each, as alerts keep them.
    """
    keys: defaultdict[str, set[int]] = defaultdict(set)
    for kind, key in subjects:
        if kind in (FLOW, CRM_RULE, PROBLEM):
            keys[kind].add(int(key))
    asking = ask_labels("flow", keys=keys[FLOW]), ask_labels("rule", keys=keys[CRM_RULE]), _of_problems(keys[PROBLEM])
    known: dict[str, Mapping[int, Labels]] = dict(
        zip((FLOW, CRM_RULE, PROBLEM), (yield from in_step(*asking)), strict=True)
    )
    return [known[kind].get(int(key), NO_LABELS) if kind in known else NO_LABELS for kind, key in subjects]


def _of_problems(keys: Collection[int]) -> Asking[dict[int, Labels]]:
    if not keys:
        return {}
    problem = Coalesce("group__problem__merged_into", "group__problem")
    # Each fate is named because the index has it before the rest.
    failed = Failure.objects.annotate(of=problem).filter(of__in=keys, fate__in=Failure.Fate.values).order_by()
    flows: defaultdict[int, set[int]] = defaultdict(set)
    pairs, owners = yield [
        failed.values_list("of", "flow_id").distinct(),
        Problem.objects.filter(pk__in=keys).order_by().values_list("pk", "owner"),
    ]
    for key, flow in pairs:
        flows[key].add(flow)
    of_flows = yield from ask_labels("flow", keys={flow for found in flows.values() for flow in found})
    return {
        key: Labels(frozenset().union(*(of_flows.get(flow, NO_LABELS).tags for flow in flows[key])), owner)
        for key, owner in owners
    }
