"""Shows CRM's workflow rules: the list and one rule's page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard import chart_files, lists, ownership
from dashboard.access import get_or_404
from dashboard.context import age_of
from dashboard.ownership import OwnershipForm
from dashboard.rules import listed, usage_chart
from dashboard.rules.forms import RuleFilterForm
from monitor.access import may
from monitor.languages import gettext as _
from monitor.models import Edit, Stream, WorkflowRule
from monitor.models.asking import answered, in_step
from monitor.periods import CHOICES, choice_of
from monitor.queries import edits, rule_usage
from monitor.queries import rules as queries
from monitor.queries.rule_list import USUAL_DAYS, RuleFilter

# Readings are of days: a period of hours says nothing.
PERIODS = [choice for choice in CHOICES.values() if choice.days > 1]


@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    """Lists workflow rules by the filters in the address."""
    form, now = RuleFilterForm(request.GET), timezone.now()

    def find(wanted: RuleFilter) -> dict[str, Any]:
        found = lists.numbered(listed.in_order(wanted, now), form)
        return found | {"rows": listed.listed(found["rows"], now, form.days_counted)}

    return lists.show(
        request,
        "rules/list.html",
        form,
        find,
        stream=Stream.RULES,
        nouns=_("workflow rules"),
        now=now,
        may_export=may(request.user, "export"),
    )


@require_safe
def rule(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Shows one rule: what it does, its usage in a period; or sends the figures of the chart."""
    return _show(request, get_or_404(request.user, queries.BY_KEY, pk))


@require_POST
def rule_ownership(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Sets who looks after a workflow rule, and its tags. 400 for what is no owner or tag."""
    row = get_or_404(request.user, queries.BY_KEY, pk, action="ownership")
    taken = ownership.take(request, row)
    if isinstance(taken, HttpResponse):
        return taken
    form, refusal = taken
    return _show(request, row, ownership_form=form, refusal=refusal, status=400)


def _show(
    request: HttpRequest,
    row: WorkflowRule,
    *,
    ownership_form: OwnershipForm | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponseBase:
    now = timezone.now()
    period = choice_of(request.GET.get("days") or str(USUAL_DAYS))
    period = period if period in PERIODS else PERIODS[0]
    used = rule_usage.read(row, now, period.days)
    chosen = next((action for action in used.actions if action.key == request.GET.get("action")), None)
    days = used.days_of(chosen) if chosen else used.days
    slots = usage_chart.slots_of(days, used.begins, used.last, used.first_day)
    if request.GET.get("csv") and request.method != "POST":
        return chart_files.send(request.GET["csv"], [usage_chart.CHART], slots, f"rule-{row.pk}-{period.days}-days")
    title = _("Usage of %(action)s") % {"action": chosen.name or chosen.kind} if chosen else _("Usage")
    detail, changed = answered(
        in_step(queries.ask_detail(row), edits.ask_of_thing(row.account_id, Edit.Subject.RULE, row.rule_id))
    )
    context = {"rule": row, "detail": detail, "refusal": refusal, "used": used, "chosen": chosen}
    context |= {"chart": usage_chart.draw(slots, title), "period": period, "periods": PERIODS}
    context["edits"] = changed
    context |= age_of(row.account_id, Stream.RULES) | ownership.shown(request, row, ownership_form)
    return render(request, "rules/rule.html", context, status=status)
