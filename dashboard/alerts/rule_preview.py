"""Shows what a rule would have done, on the page of its form, before it is saved."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.utils import timezone

from dashboard import charts, slots, time_limit
from dashboard.alerts.rule_forms import AlertRuleForm
from dashboard.context import age_of
from monitor.alerting.kinds.interface import at_pace
from monitor.alerting.preview import USUAL_DAYS, RulePreview, TriedRule, preview
from monitor.alerting.steps import AlertPatience
from monitor.models import Flow
from monitor.periods import Window
from monitor.queries import holes, overview

DAYS = (7, 30, 90)  # that can be chosen
FIRINGS_SHOWN, FLOWS_SHOWN, PROBLEMS_SHOWN = 50, 20, 20


def preview_of(form: AlertRuleForm, asked: str) -> dict[str, Any]:
    """Returns what the page shows of a rule tried on its history: nothing of it is saved.

    Args:
        form: valid, of a kind about a flow's runs.
        asked: the days that were asked for, as they came in; the usual ones where they cannot be had.
    """
    days = next((days for days in DAYS if str(days) == asked), USUAL_DAYS)
    rule, now, zone = form.instance, timezone.now(), timezone.get_current_timezone()
    flow, scope = form.flow, form.scope
    tried = TriedRule(
        account=rule.account,
        condition=at_pace(form.condition(), form.usual.runs_a_month),
        flow_id=None if flow is None else flow.pk,
        tag_id=scope.tag,
        owner_id=scope.owner,
        rule_id=rule.pk,
        patience=AlertPatience(timedelta(minutes=rule.for_minutes), timedelta(minutes=rule.keep_firing_minutes)),
        reruns=timedelta(minutes=rule.patience_minutes) if rule.waits_for_reruns else None,
    )
    with time_limit.limited(time_limit.PAGE_SECONDS):
        found = preview(tried, days, now, zone)
        return age_of(rule.account_id) | {
            "preview": found,
            "preview_days": days,
            "firings": found.firings[:FIRINGS_SHOWN],
            "firing_flows": found.by_flow[:FLOWS_SHOWN],
            "missed": found.missed[:PROBLEMS_SHOWN],
            "chart": _chart(rule.account_id, flow, found, days, now, zone),
        }


def _chart(
    account_id: int, flow: Flow | None, found: RulePreview, days: int, now: datetime, zone: tzinfo
) -> charts.Chart:
    age = age_of(account_id)
    scope: dict[str, Any] = {"account_id": account_id, "flow_id": None if flow is None else flow.pk}
    if flow is None:  # what a narrower rule has is no part of it
        scope["flows"] = found.flows
    figures = overview.period(now, days, slot_hours=6 if days <= 7 else 24, zone=zone, **scope)
    start = figures.window.start
    if flow is None:
        unknown = holes.of_mirror(age["mirror"], start, now)
    else:
        unknown = holes.of_flow(flow, age["freshness"], start, now)
    firings = [Window(one.fired_at, one.over_at or now) for one in found.firings]
    link = slots.link(figures, flow_id=flow.pk) if flow is not None else charts.no_link
    return charts.success_rate(slots.of_figures(figures, unknown), zone, unknown, link, firings)
