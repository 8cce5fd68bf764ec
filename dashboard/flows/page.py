"""Puts together what the template of a flow's page needs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from dashboard import charts, slots
from dashboard.context import age_of
from dashboard.flows.forms import PinForm, RecordFieldForm
from dashboard.ownership import OwnershipForm, shown
from dashboard.reasons import ReasonForm
from monitor.access import may
from monitor.models import Flow
from monitor.periods import CHOICES, choice_of
from monitor.queries import flow as one
from monitor.retry.pins import actions_of, word_on
from monitor.triage import choose_record


def show(
    request: HttpRequest,
    row: Flow,
    *,
    refusal: str = "",
    status: int = 200,
    record_form: RecordFieldForm | None = None,
    pin_form: PinForm | None = None,
    ownership_form: OwnershipForm | None = None,
) -> HttpResponse:
    """Shows one flow, and what was refused.

    Args:
        request: of the person who looks.
        row: from `monitor.queries.flow.flows`.
        refusal: why what was asked was not done.
        status: of the answer.
        record_form: one that was sent and found wanting.
        pin_form: likewise.
        ownership_form: likewise.
    """
    period = choice_of(request.GET.get("days") or "30")
    age = age_of(row.account_id)
    zone = timezone.get_current_timezone()
    page = one.page(row, age["freshness"], age["now"], period, zone)
    link = slots.link(page.figures, flow_id=row.pk)
    laid = slots.of_figures(page.figures, page.holes, page.details)
    may_pin = may(request.user, "retry.pin", row.account)
    word = word_on(row)
    actions = list(word.actions) if word is not None else actions_of(row) if may_pin else []
    may_choose = may(request.user, "record_field", row.account)
    context: dict[str, Any] = age | {
        "flow": row,
        "page": page,
        "period": period,
        "periods": CHOICES.values(),
        "rate_chart": charts.success_rate(laid, zone, page.holes, link),
        "charts": [draw(laid, zone, page.holes, link) for draw in (charts.durations, charts.outcomes, charts.failures)],
        "may_ask": row.gone_at is None and row.account.is_active and may(request.user, "read", row.account),
        "record": choose_record.detail(row, with_offers=may_choose and "fields" in request.GET),
        "may_choose_record": may_choose,
        "may_set_policies": may(request.user, "retry.policies", row.account),
        "record_form": record_form or RecordFieldForm(auto_id="record_%s"),
        "word": word,
        "actions": actions,
        "may_pin": may_pin,
        "pin_form": pin_form
        or PinForm(auto_id="pin_%s", initial={"retry_class": word.kind if word is not None else ""}),
        "take_back_form": ReasonForm(auto_id="take_back_%s"),
        "refusal": refusal,
    }
    return render(request, "flows/flow.html", context | shown(request, row, ownership_form), status=status)
