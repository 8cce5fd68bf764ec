"""Shows who would hear after how long that a flow fails or is silent, and what to do where nobody would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard import lists
from dashboard.alerts.forms import AlertFilterForm
from monitor.access import may
from monitor.alerting.coverage import FlowNotices, HearerCount, coverage
from monitor.alerting.marks import scope_of
from monitor.alerting.read_coverage import read_coverage
from monitor.alerting.scope import ScopeBreadth
from monitor.models import AlertRule, Flow, Notice, ZohoAccount
from monitor.notify.channels.routing import ChannelFacts, channels_for
from monitor.notify.channels.services import SERVICES
from monitor.notify.channels.standing import reachable_channels
from monitor.notify.hours import WorkingHours
from monitor.notify.recipients import recipients, refused_readers
from monitor.routing.decide import Reachable, RoutedAlert, who_hears
from monitor.routing.read import active_routes

FAILURE_KIND, SILENCE_KIND = "failing_now", "missed_run"  # the right ones for nearly every flow
LOUDEST = AlertRule.Severity.PAGE  # a channel may want nothing else


@dataclass(frozen=True)
class CoverageRow:
    """Holds a row of the page; `fix` is what to do in a word or three, and `fix_url` where, for those who may."""

    flow: Flow
    notices: FlowNotices
    fix: str = ""
    fix_url: str = ""


@require_safe
def alert_coverage(request: HttpRequest) -> HttpResponse:
    """Lists the flows with who would hear of what, those first of whom nobody would."""
    form, now = AlertFilterForm(request.GET), timezone.now()
    may_edit = may(request.user, "rules")

    def find(account_id: int | None) -> dict[str, Any]:
        hears = _hearers()
        facts = read_coverage(account_id, now, hears, lambda stored: _held_back(stored, now))
        found = coverage(facts)
        page = lists.numbered(found, form)
        page["rows"] = _rows(page["rows"], may_edit)
        unheard = sum(one.is_unheard for one in found)
        accounts = [] if not found else _accounts(account_id)
        nobody_hears = bool(found) and not any(any(hears(RoutedAlert(pk, LOUDEST))) for pk in accounts)
        return page | {"unheard": unheard, "nobody_hears": nobody_hears}

    return lists.show(request, "alerts/coverage.html", form, find, nouns="flows", may_edit=may_edit)


def _hearers() -> Callable[[RoutedAlert], HearerCount]:
    """Returns what tells how many would hear of an alert: by rules, routes and settings. Few statements for all."""
    people, refused = {person.pk for person in recipients()}, refused_readers()
    channels = [
        ChannelFacts(row.pk, row.account_id, row.severity, SERVICES[row.service].has_incidents, is_told=False)
        for row in reachable_channels().defer("address", "secrets")
    ]
    routes = active_routes()

    @cache
    def hears(alert: RoutedAlert) -> HearerCount:
        mine = {one.key for one in channels if one.account in (None, alert.account)}
        heard = who_hears([alert], routes, Reachable(people, mine, refused))
        told = set(heard.channels)
        if heard.every_channel:
            told |= {*channels_for(channels, account=alert.account, severity=alert.severity, kind=Notice.Kind.FIRING)}
        return HearerCount(len({*(people if heard.everybody else heard.people)} - refused), len(told))

    return hears


def _accounts(account_id: int | None) -> list[int]:
    mirrored = ZohoAccount.objects.filter(is_active=True).values_list("pk", flat=True)
    return list(mirrored) if account_id is None else [account_id]


def _held_back(stored: Mapping[str, Any], now: datetime) -> timedelta:
    hours = WorkingHours.read(stored)
    return timedelta(0) if hours is None else hours.longest_pause(now)


def _rows(found: list[FlowNotices], may_edit: bool) -> list[CoverageRow]:
    rows = Flow.objects.select_related("account").defer("raw", "account__client_secret")
    flows = rows.in_bulk([one.flow for one in found])
    accounts = {flow.account_id for flow in flows.values()}
    wanted = AlertRule.objects.filter(account__in=accounts, kind__in=(FAILURE_KIND, SILENCE_KIND))
    rules: dict[tuple[int, str], list[AlertRule]] = {}
    if may_edit:
        for rule in wanted.order_by("pk"):
            rules.setdefault((rule.account_id, rule.kind), []).append(rule)
    shown = []
    for one in found:
        fix, url = _fix(one, flows[one.flow], rules) if may_edit else ("", "")
        shown.append(CoverageRow(flows[one.flow], one, fix, url))
    return shown


def _fix(one: FlowNotices, flow: Flow, rules: Mapping[tuple[int, str], list[AlertRule]]) -> tuple[str, str]:
    """Returns what to do that somebody hears of the flow, and where: enable the rule there is, or add one."""
    if one.total is None and one.usual.runs_a_day:
        kind, of_what = FAILURE_KIND, "failures"
    elif one.silence is None and not one.is_learning:
        kind, of_what = SILENCE_KIND, "silence"
    else:
        return "", ""
    there = rules.get((flow.account_id, kind), [])
    for rule in there:
        if rule.flow_id == flow.pk or scope_of(rule).breadth is ScopeBreadth.ACCOUNT:
            # One that is enabled does not do: nobody gets its mails, or not at once.
            verb = "See" if rule.is_active else "Enable"
            return f"{verb} the rule for {of_what}", reverse("alert_rule_edit", args=[rule.pk])
    filled_in: dict[str, Any] = {"kind": kind, "account": flow.account_id}
    if there:  # each of them narrower: the others stay as they are
        filled_in["flow"] = flow.pk
    return f"Add a rule for {of_what}", reverse("alert_rule_add", query=filled_in)
