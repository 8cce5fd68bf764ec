"""Loads what coverage goes by: flows, their pace, the enabled rules and what those found last. Few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from monitor.alerting.coverage import CoverageFacts, CoveringRule, HearerCount
from monitor.alerting.kinds import condition_kinds, loader_of
from monitor.alerting.kinds.interface import at_pace
from monitor.alerting.kinds.usual import UsualPace
from monitor.alerting.marks import marks_of_flows, scope_of
from monitor.alerting.pace import paces
from monitor.alerting.scope import UNMARKED, RuleScope, cover
from monitor.models import AlertRule, AlertState, Flow
from monitor.routing.decide import RoutedAlert

NOBODY = HearerCount(0)  # at once: a digest waits


def read_coverage(
    account_id: int | None,
    now: datetime,
    hears: Callable[[RoutedAlert], HearerCount],
    held_back: Callable[[Mapping[str, Any]], timedelta],
) -> CoverageFacts:
    """Returns the facts of all active flows. Seven statements at most.

    Args:
        account_id: only of this account; None for all that are mirrored.
        now: the present.
        hears: tells how many would hear of an alert.
        held_back: tells for how long a rule's working hours keep a mail back, at the most.
    """
    rows = Flow.objects.filter(account__is_active=True, gone_at=None)
    rules = AlertRule.objects.filter(account__is_active=True, is_active=True).prefetch_related("recipients")
    if account_id is not None:
        rows, rules = rows.filter(account=account_id), rules.filter(account=account_id)
    flows: dict[int, list[int]] = defaultdict(list)
    for flow in rows.only("pk", "account", "status", "gone_at"):
        if flow.is_active:
            flows[flow.account_id].append(flow.pk)
    scopes: dict[int, list[RuleScope[int]]] = defaultdict(list)
    covering, named, severities = {}, {}, {}
    for rule in rules:
        if loader_of(rule.kind) is not None:  # it is about no flow
            continue
        scopes[rule.account_id].append(scope_of(rule))
        covering[rule.pk], severities[rule.pk] = _covering(rule, held_back), rule.severity
        named[rule.pk] = frozenset(person.pk for person in rule.recipients.all())
    by_flow: dict[int, list[int]] = defaultdict(list)
    marks = marks_of_flows(account_id)
    hearers = {}
    for account, of_account in flows.items():
        for place in sorted(cover(scopes[account], of_account, marks).wanted):
            by_flow[place.flow].append(place.rule)
            mine, severity = marks.get(place.flow, UNMARKED), severities[place.rule]
            alert = RoutedAlert(account, severity, mine.tags, mine.owner, named[place.rule])
            hearers[place.rule, place.flow] = NOBODY if severity == AlertRule.Severity.DIGEST else hears(alert)
    usual = paces(account_id, now)
    by_rule: dict[int, float] = defaultdict(float)
    for key, chosen in by_flow.items():
        for of in chosen:
            by_rule[of] += usual.get(key, UsualPace()).runs_a_month
    covering = {pk: replace(one, condition=at_pace(one.condition, by_rule[pk])) for pk, one in covering.items()}
    states = AlertState.objects.filter(rule__in=covering, flow__isnull=False).values_list(
        "rule_id", "flow_id", "numbers"
    )
    return CoverageFacts(
        {pk: usual.get(pk, UsualPace()) for of_account in flows.values() for pk in of_account},
        covering,
        by_flow,
        {(rule, flow): numbers for rule, flow, numbers in states if flow is not None},
        hearers,
    )


def _covering(rule: AlertRule, held_back: Callable[[Mapping[str, Any]], timedelta]) -> CoveringRule:
    try:
        condition = condition_kinds()[rule.kind](**rule.options)
    except (KeyError, TypeError, ValueError):  # the evaluator says so of each of its states
        condition = None
    pause = timedelta(0) if rule.severity == AlertRule.Severity.PAGE else held_back(rule.working_hours)
    wait = timedelta(minutes=rule.for_minutes)
    return CoveringRule(rule.pk, rule.name, condition, wait, held_back=pause)
