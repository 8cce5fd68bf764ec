"""Shows who would hear after how long that a flow fails or is silent, and what to do where nobody would."""

from __future__ import annotations

from collections.abc import Mapping
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
from monitor.alerting.coverage import CoverageFacts, FlowNotices, HearerCount, coverage
from monitor.alerting.marks import scope_of
from monitor.alerting.read_coverage import Hears, ask_coverage
from monitor.alerting.scope import ScopeBreadth
from monitor.models import AlertRule, Delivery, Flow, Notice, ZohoAccount
from monitor.models.asking import Asking, answered, ask, in_step
from monitor.notify.channels.routing import ChannelFacts, channels_for
from monitor.notify.channels.services import SERVICES
from monitor.notify.channels.standing import reachable_channels
from monitor.notify.hours import WorkingHours
from monitor.notify.recipients import entitled, one_of_each
from monitor.routing.decide import Reachable, RoutedAlert, who_hears
from monitor.routing.read import ask_active_routes

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
        facts, hears, accounts = answered(_ask(account_id, now))
        found = coverage(facts)
        page = lists.numbered(found, form)
        page["rows"] = answered(_ask_rows(page["rows"], may_edit))
        unheard = sum(one.is_unheard for one in found)
        nobody_hears = bool(found) and not any(any(hears(RoutedAlert(pk, LOUDEST))) for pk in accounts)
        return page | {"unheard": unheard, "nobody_hears": nobody_hears}

    return lists.show(request, "alerts/coverage.html", form, find, nouns="flows", may_edit=may_edit)


def _ask(account_id: int | None, now: datetime) -> Asking[tuple[CoverageFacts, Hears, list[int]]]:
    """Asks for the facts, for what tells how many would hear, and for the accounts that are looked at."""
    told: list[Hears] = []

    def hearers() -> Asking[Hears]:
        told.append((yield from _ask_hearers()))
        return told[0]

    facts, accounts = yield from in_step(
        ask_coverage(account_id, now, hearers(), lambda stored: _held_back(stored, now)),
        ask(ZohoAccount.objects.filter(is_active=True).order_by().values_list("pk", flat=True)),
    )
    return facts, told[0], accounts if account_id is None else [account_id]


def _ask_hearers() -> Asking[Hears]:
    """Asks for what tells how many would hear of an alert: by rules, routes and settings."""
    readers, bounced, reachable, routes = yield from in_step(
        ask(entitled()),
        ask(Delivery.objects.bounced().values_list("recipient", flat=True)),
        ask(reachable_channels().defer("address", "secrets")),
        ask_active_routes(),
    )
    people, refused = {person.pk for person in one_of_each(readers)}, set(bounced)
    channels = [
        ChannelFacts(row.pk, row.account_id, row.severity, SERVICES[row.service].has_incidents, is_told=False)
        for row in reachable
    ]

    @cache
    def hears(alert: RoutedAlert) -> HearerCount:
        mine = {one.key for one in channels if one.account in (None, alert.account)}
        heard = who_hears([alert], routes, Reachable(people, mine, refused))
        told = set(heard.channels)
        if heard.every_channel:
            told |= {*channels_for(channels, account=alert.account, severity=alert.severity, kind=Notice.Kind.FIRING)}
        return HearerCount(len({*(people if heard.everybody else heard.people)} - refused), len(told))

    return hears


def _held_back(stored: Mapping[str, Any], now: datetime) -> timedelta:
    hours = WorkingHours.read(stored)
    return timedelta(0) if hours is None else hours.longest_pause(now)


def _ask_rows(found: list[FlowNotices], may_edit: bool) -> Asking[list[CoverageRow]]:
    keys = [one.flow for one in found]
    shown_flows = Flow.objects.filter(pk__in=keys).select_related("account").defer("raw", "account__client_secret")
    of_these = Flow.objects.filter(pk__in=keys).order_by().values("account")
    wanted = AlertRule.objects.filter(account__in=of_these, kind__in=(FAILURE_KIND, SILENCE_KIND))
    read, of_accounts = yield [shown_flows, wanted.order_by("pk") if may_edit else AlertRule.objects.none()]
    flows = {flow.pk: flow for flow in read}
    rules: dict[tuple[int, str], list[AlertRule]] = {}
    for rule in of_accounts:
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
