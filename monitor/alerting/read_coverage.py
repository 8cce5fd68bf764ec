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
from monitor.alerting.marks import ask_marks_of_flows, scope_of
from monitor.alerting.pace import ask_paces
from monitor.alerting.scope import UNMARKED, RuleScope, cover
from monitor.models import AlertRule, AlertState, Flow
from monitor.models.asking import Asking, answered, ask, in_step
from monitor.routing.decide import RoutedAlert

Hears = Callable[[RoutedAlert], HearerCount]
NOBODY = HearerCount(0)  # at once: a digest waits


def read_coverage(
    account_id: int | None,
    now: datetime,
    hears: Hears,
    held_back: Callable[[Mapping[str, Any]], timedelta],
) -> CoverageFacts:
    """Returns the facts of all active flows. Two statements.

    Args:
        account_id: only of this account; None for all that are mirrored.
        now: the present.
        hears: tells how many would hear of an alert.
        held_back: tells for how long a rule's working hours keep a mail back, at the most.
    """
    return answered(ask_coverage(account_id, now, _known(hears), held_back))


def ask_coverage(
    account_id: int | None,
    now: datetime,
    hearers: Asking[Hears],
    held_back: Callable[[Mapping[str, Any]], timedelta],
) -> Asking[CoverageFacts]:
    """Asks for what `read_coverage` returns, and for what tells how many would hear of an alert."""
    rows = Flow.objects.filter(account__is_active=True, gone_at=None)
    rules = AlertRule.objects.filter(account__is_active=True, is_active=True)
    if account_id is not None:
        rows, rules = rows.filter(account=account_id), rules.filter(account=account_id)
    named_by_rules = AlertRule.recipients.through.objects.filter(alertrule__in=rules).order_by()
    hears, found, of_flows, recipients, marks, usual = yield from in_step(
        hearers,
        ask(rules),
        ask(rows.only("pk", "account", "status", "gone_at")),
        ask(named_by_rules.values_list("alertrule", "user")),
        ask_marks_of_flows(account_id),
        ask_paces(account_id, now),
    )
    flows: dict[int, list[int]] = defaultdict(list)
    for flow in of_flows:
        if flow.is_active:
            flows[flow.account_id].append(flow.pk)
    scopes: dict[int, list[RuleScope[int]]] = defaultdict(list)
    covering, named, severities = {}, {}, {}
    for rule in found:
        if loader_of(rule.kind) is not None:  # it is about no flow
            continue
        scopes[rule.account_id].append(scope_of(rule))
        covering[rule.pk], severities[rule.pk] = _covering(rule, held_back), rule.severity
        named[rule.pk] = frozenset(person for of, person in recipients if of == rule.pk)
    by_flow: dict[int, list[int]] = defaultdict(list)
    heard = {}
    for account, of_account in flows.items():
        for place in sorted(cover(scopes[account], of_account, marks).wanted):
            by_flow[place.flow].append(place.rule)
            mine, severity = marks.get(place.flow, UNMARKED), severities[place.rule]
            alert = RoutedAlert(account, severity, mine.tags, mine.owner, named[place.rule])
            heard[place.rule, place.flow] = NOBODY if severity == AlertRule.Severity.DIGEST else hears(alert)
    by_rule: dict[int, float] = defaultdict(float)
    for key, chosen in by_flow.items():
        for of in chosen:
            by_rule[of] += usual.get(key, UsualPace()).runs_a_month
    covering = {pk: replace(one, condition=at_pace(one.condition, by_rule[pk])) for pk, one in covering.items()}
    of_rules = AlertState.objects.filter(rule__in=covering, flow__isnull=False)
    states = yield from ask(of_rules.values_list("rule_id", "flow_id", "numbers"))
    return CoverageFacts(
        {pk: usual.get(pk, UsualPace()) for of_account in flows.values() for pk in of_account},
        covering,
        by_flow,
        {(rule, flow): numbers for rule, flow, numbers in states if flow is not None},
        heard,
    )


def _known(hears: Hears) -> Asking[Hears]:
    yield from ()
    return hears


def _covering(rule: AlertRule, held_back: Callable[[Mapping[str, Any]], timedelta]) -> CoveringRule:
    try:
        condition = condition_kinds()[rule.kind](**rule.options)
    except (KeyError, TypeError, ValueError):  # the evaluator says so of each of its states
        condition = None
    pause = timedelta(0) if rule.severity == AlertRule.Severity.PAGE else held_back(rule.working_hours)
    wait = timedelta(minutes=rule.for_minutes)
    return CoveringRule(rule.pk, rule.name, condition, wait, held_back=pause)
