"""Loads what coverage goes by: flows, their pace, the enabled rules and what those found last. Few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from monitor.alerting.coverage import CoverageFacts, CoveringRule
from monitor.alerting.kinds import condition_kinds, loader_of
from monitor.alerting.kinds.interface import at_pace
from monitor.alerting.kinds.usual import UsualPace
from monitor.alerting.marks import are_needed, marks_of_flows, scope_of
from monitor.alerting.pace import paces
from monitor.alerting.scope import RuleScope, cover
from monitor.models import AlertRule, AlertState, Flow


def read_coverage(
    account_id: int | None,
    now: datetime,
    reads: Callable[[Collection[int] | None], int],
    held_back: Callable[[Mapping[str, Any]], timedelta],
) -> CoverageFacts:
    """Returns the facts of all active flows. Seven statements at most.

    Args:
        account_id: only of this account; None for all that are mirrored.
        now: the present.
        reads: tells how many of some chosen people (None: of all) get mails of alerts.
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
    covering = {}
    for rule in rules:
        if loader_of(rule.kind) is not None:  # it is about no flow
            continue
        scopes[rule.account_id].append(scope_of(rule))
        covering[rule.pk] = _covering(rule, reads, held_back)
    by_flow: dict[int, list[int]] = defaultdict(list)
    is_marked = are_needed(scope for of_account in scopes.values() for scope in of_account)
    marks = marks_of_flows(account_id) if is_marked else {}
    for account, of_account in flows.items():
        for place in sorted(cover(scopes[account], of_account, marks).wanted):
            by_flow[place.flow].append(place.rule)
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
    )


def _covering(
    rule: AlertRule,
    reads: Callable[[Collection[int] | None], int],
    held_back: Callable[[Mapping[str, Any]], timedelta],
) -> CoveringRule:
    try:
        condition = condition_kinds()[rule.kind](**rule.options)
    except (KeyError, TypeError, ValueError):  # the evaluator says so of each of its states
        condition = None
    chosen = [person.pk for person in rule.recipients.all()]
    readers = 0 if rule.severity == AlertRule.Severity.DIGEST else reads(chosen or None)
    pause = timedelta(0) if rule.severity == AlertRule.Severity.PAGE else held_back(rule.working_hours)
    return CoveringRule(rule.pk, rule.name, condition, timedelta(minutes=rule.for_minutes), readers, pause)
