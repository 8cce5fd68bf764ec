"""Shows CRM's workflow rules: the list and one rule's page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard import lists, ownership
from dashboard.access import get_or_404
from dashboard.context import age_of
from dashboard.ownership import OwnershipForm
from dashboard.rules import listed
from dashboard.rules.forms import RuleFilterForm
from monitor.access import may
from monitor.models import Stream, WorkflowRule
from monitor.queries import rules as queries
from monitor.queries.rule_list import RuleFilter


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
        nouns="workflow rules",
        now=now,
        may_export=may(request.user, "export"),
    )


@require_safe
def rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one rule and its usage by day."""
    return _show(request, get_or_404(request.user, queries.all_rules(), pk))


@require_POST
def rule_ownership(request: HttpRequest, pk: int) -> HttpResponse:
    """Sets who looks after a workflow rule, and its tags. 400 for what is no owner or tag."""
    row = get_or_404(request.user, queries.all_rules(), pk, action="ownership")
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
) -> HttpResponse:
    context = {"rule": row, "detail": queries.detail(row), "refusal": refusal}
    context |= age_of(row.account_id, Stream.RULES) | ownership.shown(request, row, ownership_form)
    return render(request, "rules/rule.html", context, status=status)
