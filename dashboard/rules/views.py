"""Shows CRM's workflow rules: the list and one rule's page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard import lists
from dashboard.access import get_or_404
from dashboard.context import age_of
from dashboard.rules.forms import RuleFilterForm
from monitor.models import Stream
from monitor.queries import rules as queries


@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    """Lists workflow rules by the filters in the address."""
    form = RuleFilterForm(request.GET)

    def find(wanted: queries.RuleFilter) -> dict[str, Any]:
        return lists.numbered(queries.search(wanted), form)

    return lists.show(request, "rules/list.html", form, find, stream=Stream.RULES, nouns="workflow rules")


@require_safe
def rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one rule and its usage by day."""
    row = get_or_404(request.user, queries.all_rules(), pk)
    context = {"rule": row, "detail": queries.detail(row)}
    return render(request, "rules/rule.html", context | age_of(row.account_id, Stream.RULES))
