"""Puts together what the templates of a flow's pages need: its head, and one of its tabs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from dashboard import chart_files
from dashboard.context import age_of
from dashboard.flows import tabs
from dashboard.flows.forms import PinForm, RecordFieldForm
from dashboard.ownership import OwnershipForm
from monitor.access import may
from monitor.models import Flow
from monitor.periods import CHOICES, choice_of, last_days
from monitor.queries import flow as one


class TabLink(NamedTuple):
    """Holds a tab of a flow's page; `anchors` are the places that lie there, for older addresses."""

    label: str
    url: str
    is_open: bool
    anchors: tuple[str, ...]


def show(
    request: HttpRequest,
    row: Flow,
    *,
    refusal: str = "",
    status: int = 200,
    record_form: RecordFieldForm | None = None,
    pin_form: PinForm | None = None,
    ownership_form: OwnershipForm | None = None,
    tab: str = "",
) -> HttpResponseBase:
    """Shows one flow, and what was refused; or sends the figures of a chart where the address asks for that.

    Args:
        request: of the person who looks.
        row: from `monitor.queries.flow.flows`.
        refusal: why what was asked was not done.
        status: of the answer.
        record_form: one that was sent and found wanting.
        pin_form: likewise.
        ownership_form: likewise.
        tab: the one that is shown; where none is named the one in the address.
    """
    name = tab or tab_of(request.GET)
    period = choice_of(request.GET.get("days") or "30")
    age = age_of(row.account_id)
    now: datetime = age["now"]
    looked = tabs.FlowLook(request, row, now, period, timezone.get_current_timezone(), age["freshness"])
    reading = tabs.read(looked, name)
    state = one.state(row, age["freshness"], now, last_days(now, period.days).start, reading.silent)
    context: dict[str, Any] = age | {
        "flow": row,
        "state": state,
        "period": period,
        "periods": CHOICES.values() if name in tabs.WITH_PERIOD else (),
        "tabs": _links(request, row, name),
        "may_ask": row.gone_at is None and row.account.is_active and may(request.user, "read", row.account),
        "may_retry": may(request.user, "retry.bulk", row.account),
        "refusal": refusal,
    }
    made = tabs.TABS[name]
    context |= made.context(looked, state, reading)
    if (chart := request.GET.get("csv")) and name in tabs.WITH_PERIOD and request.method != "POST":
        drawn = [one.id for one in (context["rate_chart"], *context.get("charts", ()))]
        return chart_files.send(chart, drawn, context["laid"], f"flow-{row.pk}-{period.days}-days")
    if record_form or pin_form or ownership_form:
        sent = {"record_form": record_form, "pin_form": pin_form, "ownership_form": ownership_form}
        context |= {name: form for name, form in sent.items() if form is not None}
    context["tab_template"] = made.template
    return render(request, "flows/flow.html", context, status=status)


def tab_of(query: QueryDict) -> str:
    """Returns the tab that an address asks for; the first one where it names none that there is."""
    if "tab" not in query and "fields" in query:
        return "definition"
    name = query.get("tab", "")
    return name if name in tabs.TABS else ""


def _links(request: HttpRequest, row: Flow, current: str) -> list[TabLink]:
    days = request.GET.get("days", "")
    found = []
    for name, tab in tabs.TABS.items():
        query = QueryDict(mutable=True)
        query.update({"tab": name} if name else {})
        query.update({"days": days} if days and name in tabs.WITH_PERIOD else {})
        url = f"{row.get_absolute_url()}{'?' if query else ''}{query.urlencode()}"
        found.append(TabLink(tab.label, url, name == current, () if name == current else tab.anchors))
    return found
