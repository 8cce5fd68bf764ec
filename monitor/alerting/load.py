"""Loads what a evaluation needs, in few statements however many flows and rules there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum

from monitor.alerting.conditions import Limits, Reading
from monitor.alerting.state_machine import RuleStanding
from monitor.freshness import facts_of, why_unfit
from monitor.models import AlertRule, AlertState, DirtyHour, Flow, HourBucket, StreamState, SyncState, ZohoAccount
from monitor.periods import last_hours

Pair = tuple[int, int]  # primary keys of rule and flow


@dataclass(frozen=True, slots=True)
class Case:
    """Holds one rule and flow to evaluate; the last three as `states.decide` takes them. `row` may be unsaved yet."""

    row: AlertState
    limits: Limits
    reading: Reading
    stale: str
    ended: str

    @property
    def standing(self) -> RuleStanding:
        row = self.row
        return RuleStanding(row.state, row.is_open, row.episode, row.since, is_new=row.version == 0)


def cases(account: ZohoAccount, now: datetime) -> Iterator[Case]:
    """Yields what is to be evaluated at an account.

    That is each active rule for each of its active flows, and whatever was evaluated before and is to be no longer.
    """
    rules = {rule.pk: rule for rule in AlertRule.objects.filter(account=account)}
    flows = {flow.pk: flow for flow in Flow.objects.filter(account=account).select_related("progress")}
    stale = _why_stale(account, now)
    rows = {
        (row.rule_id, row.watched_flow.pk): row
        for row in AlertState.objects.filter(rule__account=account).select_related("flow")
    }
    wanted = _wanted(rules, flows)
    if not stale:
        rows |= _unevaluated(wanted - rows.keys(), flows, rules, now)
    readings = {hours: _readings(account, now, hours) for hours in {rules[rule].window_hours for rule, _ in wanted}}
    for (rule_id, flow_id), row in sorted(rows.items()):
        rule, flow = rules[rule_id], flows.get(flow_id)
        ended = "" if (rule_id, flow_id) in wanted else _why_ended(rule, flow)
        yield Case(
            row=row,
            limits=Limits(rule.threshold, rule.recover_at, rule.min_runs),
            reading=readings.get(rule.window_hours, {}).get(flow_id, Reading()),
            stale=stale or (_why_unread(flow, last_hours(now, rule.window_hours).start) if flow else ""),
            ended=ended,
        )


def _wanted(rules: dict[int, AlertRule], flows: dict[int, Flow]) -> set[Pair]:
    active = [flow.pk for flow in flows.values() if flow.is_active]
    return {
        (rule.pk, flow)
        for rule in rules.values()
        if rule.is_active
        for flow in active
        if rule.flow_id is None or rule.flow_id == flow
    }


def _why_ended(rule: AlertRule, flow: Flow | None) -> str:
    if not rule.is_active:
        return "the rule is switched off"
    if flow is None or flow.gone_at is not None:
        return "the flow is deleted in Zoho"
    if not flow.is_active:
        return "the flow is not active in Zoho"
    return "the rule does not cover the flow any more"


def _why_unread(flow: Flow, start: datetime) -> str:
    """Says why a window that begins at `start` cannot be evaluated by what is mirrored; empty where it can.

    While a flow's history is read for the first time, newest first, a window is evaluated from the moment on when all
    its runs are in: none of them would say that nothing failed, and its newest alone that all is as it is now.
    A flow that Zoho gives no longer loses its runs to the window's end, one by one, which is no recovery.
    """
    if flow.progress.is_refused:
        return "the flow's executions cannot be read: Zoho does not give them"
    if flow.covers(start) or (flow.execution_count == 0 and not flow.progress.history_order):
        return ""
    if flow.progress.covered_from is None:
        return "the flow's history is still being read"
    return f"the flow's history is still being read, so far back to {flow.progress.covered_from:%Y-%m-%d %H:%M} UTC"


def _why_stale(account: ZohoAccount, now: datetime) -> str:
    sync = SyncState.objects.filter(account=account).first()
    streams = {row.stream: row for row in StreamState.objects.filter(account=account)}
    return why_unfit(facts_of(sync, streams, is_mirrored=account.is_active), now)


def _unevaluated(
    missing: set[Pair], flows: dict[int, Flow], rules: dict[int, AlertRule], now: datetime
) -> dict[Pair, AlertState]:
    """Rows, not saved yet, for what was never evaluated. A flow whose window is not read yet, or with hours not counted
    yet, waits for its turn: it would be evaluated by a part of its runs."""
    starts = {rule.pk: last_hours(now, rule.window_hours).start for rule in rules.values()}
    ready = {(rule, flow) for rule, flow in missing if not _why_unread(flows[flow], starts[rule])}
    if not ready:
        return {}
    oldest = last_hours(now, max(rules[rule].window_hours for rule, _ in ready)).start
    dirty = DirtyHour.objects.filter(flow__account=rules[min(ready)[0]].account_id, hour__gte=oldest)
    uncounted = set(dirty.values_list("flow_id", flat=True))
    return {
        (rule, flow): AlertState(
            rule_id=rule,
            flow_id=flow,
            state=AlertState.State.NO_DATA,
            reason="not evaluated yet",
            since=now,
            evaluated_at=now,
        )
        for rule, flow in ready
        if flow not in uncounted
    }


def _readings(account: ZohoAccount, now: datetime, window_hours: int) -> dict[int, Reading]:
    """Returns the runs of each flow of an account in a window, by one statement."""
    window = last_hours(now, window_hours)
    buckets = HourBucket.objects.filter(flow__account=account, hour__gte=window.start, hour__lt=window.end)
    sums = buckets.order_by().values_list("flow").annotate(Sum("succeeded"), Sum("failed"), Sum("first_succeeded"))
    return {flow: Reading(succeeded + failed, succeeded, first) for flow, succeeded, failed, first in sums}
