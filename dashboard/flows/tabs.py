"""Reads what each tab of a flow's page shows: the first one is cheap, and none asks for what stands on another."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from django.http import HttpRequest

from dashboard import charts, remembered, slots
from dashboard.flows import strip
from dashboard.flows.forms import PinForm, RecordFieldForm
from dashboard.flows.listed import SILENT_FLOWS
from dashboard.ownership import shown
from dashboard.reasons import ReasonForm
from dashboard.slots import Slot
from monitor.access import may
from monitor.edits.webhook_logs import is_webhook
from monitor.languages import gettext_lazy
from monitor.models import AlertState, Flow
from monitor.models.asking import Asking, answered, ask, in_step
from monitor.ownership import ownership_of
from monitor.periods import PeriodChoice, last_days
from monitor.queries import counts, executions, flow_causes, policies, problems, versions
from monitor.queries import flow as one
from monitor.queries.flow import ComparedFigures, FlowState
from monitor.queries.flow_causes import FailureCauses
from monitor.queries.freshness import AccountFreshness
from monitor.retry.pins import actions_of, word_on
from monitor.standing.facts import ask_silent_among
from monitor.triage import choose_record

RUNS_LISTED = 50


@dataclass(frozen=True)
class FlowLook:
    """Holds who looks at which flow when, and what they chose."""

    request: HttpRequest
    flow: Flow
    now: datetime
    period: PeriodChoice
    zone: tzinfo
    account: AccountFreshness | None


@dataclass(frozen=True)
class SharedReading:
    """Holds what is the same for all readers of the next seconds: the silent flows, and what a tab counts.

    `figures` and `causes` are None where the tab shows none.
    """

    silent: frozenset[int]
    figures: ComparedFigures | None = None
    causes: FailureCauses | None = None


@dataclass(frozen=True)
class Tab:
    """Says what a tab is called and made of.

    Attributes:
        label: for people.
        template: of its content.
        context: reads what the template needs.
        anchors: ids of its parts that addresses may name.
    """

    label: str
    template: str
    context: Callable[[FlowLook, FlowState, SharedReading], dict[str, Any]]
    anchors: tuple[str, ...] = ()


def read(looked: FlowLook, name: str) -> SharedReading:
    """Reads what is the same for all readers of the next seconds. Two statements at most."""
    flow, period, now = looked.flow, looked.period, looked.now
    window = last_days(now, period.days)
    asked: dict[Hashable, Callable[[], Asking[Any]]] = {SILENT_FLOWS: lambda: ask_silent_among(now)}
    if name in WITH_PERIOD:
        key = ("figures of a flow", flow.pk, period.days, period.slot_hours, str(looked.zone))
        asked[key] = lambda: one.ask_figures(flow, now, period, looked.zone)
    if not name:
        asked["causes of a flow", flow.pk, window] = lambda: flow_causes.ask_causes(flow, window)
    return SharedReading(*remembered.of_several(asked))


def overview(looked: FlowLook, state: FlowState, reading: SharedReading) -> dict[str, Any]:
    """Reads the first screen: how it stands and why, what was changed last, who looks after it, its newest runs."""
    flow, compared = looked.flow, _figures(reading)
    found = compared.figures
    alerts, last_change, newest = answered(
        in_step(
            ask(one.open_alerts(flow) if flow.has_alert else AlertState.objects.none()),  # type: ignore[attr-defined]
            versions.ask_last_change(flow),
            one.ask_strip(flow.pk),
        )
    )
    unknown = one.before_unknown(flow, found)
    laid = slots.of_figures(found, state.holes)
    return {
        "figures": found,
        "laid": laid,
        "before_unknown": unknown,
        "rate_chart": _rate(looked, state, compared, laid, unknown),
        "causes": reading.causes,
        "alerts": alerts,
        "last_change": last_change,
        "owned": ownership_of(flow),
        "strip": strip.strip_of(newest, looked.now, looked.zone),
        "may_set_ownership": may(looked.request.user, "ownership", flow.account),
    }


def _figures(reading: SharedReading) -> ComparedFigures:
    if reading.figures is None:
        raise ValueError("this tab was read without figures")
    return reading.figures


def in_charts(looked: FlowLook, state: FlowState, reading: SharedReading) -> dict[str, Any]:
    """Draws the runs of the period, with the rate of the period before beside that of this one."""
    flow, compared = looked.flow, _figures(reading)
    found, unknown = compared.figures, one.before_unknown(flow, compared.figures)
    details = counts.details(found.window, found.begins, flow_id=flow.pk)
    laid = slots.of_figures(found, state.holes, details)
    link = slots.link(found, flow_id=flow.pk)
    drawn = [
        draw(laid, looked.zone, state.holes, link) for draw in (charts.durations, charts.outcomes, charts.failures)
    ]
    return {
        "figures": found,
        "laid": laid,
        "before_unknown": unknown,
        "rate_chart": _rate(looked, state, compared, laid, unknown),
        "charts": drawn,
    }


def _rate(
    looked: FlowLook, state: FlowState, compared: ComparedFigures, laid: Sequence[Slot], unknown: str
) -> charts.Chart:
    """Draws the success rate, and that of the period before where it is known."""
    found = compared.figures
    before = slots.lay(compared.pieces, compared.begins, found.window.start) if not unknown else []
    link = slots.link(found, flow_id=looked.flow.pk)
    return charts.success_rate(laid, looked.zone, state.holes, link, before=before)


def in_runs(looked: FlowLook, state: FlowState, reading: SharedReading) -> dict[str, Any]:
    """Lists its newest runs, and how those that failed ended."""
    flow = looked.flow
    return {"executions": executions.recent(flow.pk, RUNS_LISTED), "ledger": one.ledger(flow)}


def in_definition(looked: FlowLook, state: FlowState, reading: SharedReading) -> dict[str, Any]:
    """Reads what it is made of, by which field its records are known, and what was said of retries of it."""
    flow, user = looked.flow, looked.request.user
    word = word_on(flow)
    may_pin, may_choose = may(user, "retry.pin", flow.account), may(user, "record_field", flow.account)
    listed = versions.of(flow)
    return {
        "versions": listed,
        "has_webhook": flow.gone_at is None and bool(listed.rows) and is_webhook(listed.rows[0].trigger),
        "record": choose_record.detail(flow, with_offers=may_choose and "fields" in looked.request.GET),
        "may_choose_record": may_choose,
        "record_form": RecordFieldForm(auto_id="record_%s"),
        "word": word,
        "actions": list(word.actions) if word is not None else actions_of(flow) if may_pin else [],
        "may_pin": may_pin,
        "pin_form": PinForm(auto_id="pin_%s", initial={"retry_class": word.kind if word is not None else ""}),
        "take_back_form": ReasonForm(auto_id="take_back_%s"),
        "policy_on": policies.policies_of(flow).filter(is_on=True).values_list("pk", flat=True).first(),
        "may_set_policies": may(user, "retry.policies", flow.account),
    }


def in_connections(looked: FlowLook, state: FlowState, reading: SharedReading) -> dict[str, Any]:
    """Lists the account's connections to the apps that it uses."""
    flow = looked.flow
    return {"connections": problems.connections_to(flow.account_id, flow.apps.split())}


def in_alerts(looked: FlowLook, state: FlowState, reading: SharedReading) -> dict[str, Any]:
    """Reads its open alerts, and who looks after it."""
    return {"alerts": list(one.open_alerts(looked.flow))} | shown(looked.request, looked.flow)


def in_counters(looked: FlowLook, state: FlowState, reading: SharedReading) -> dict[str, Any]:
    """Sets Zoho's counters beside what is mirrored."""
    return {"completeness": one.completeness(looked.flow), "description": one.description(looked.flow)}


WITH_PERIOD = ("", "charts")
TABS: dict[str, Tab] = {
    "": Tab(gettext_lazy("Overview"), "flows/tab_overview.html", overview),
    "charts": Tab(
        gettext_lazy("Charts"),
        "flows/tab_charts.html",
        in_charts,
        ("chart-success-rate-title", "chart-durations-title", "chart-outcomes-title", "chart-failures-title"),
    ),
    "runs": Tab(gettext_lazy("Runs"), "flows/tab_runs.html", in_runs, ("recent-title",)),
    "definition": Tab(
        gettext_lazy("Definition"),
        "flows/tab_definition.html",
        in_definition,
        ("versions-title", "record-title", "pin-title"),
    ),
    "connections": Tab(gettext_lazy("Connections"), "flows/tab_connections.html", in_connections),
    "alerts": Tab(gettext_lazy("Alerts and coverage"), "flows/tab_alerts.html", in_alerts, ("ownership-title",)),
    "counters": Tab(gettext_lazy("Counters"), "flows/tab_counters.html", in_counters, ("counters-title",)),
}
