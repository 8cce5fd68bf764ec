"""CRM workflow rules."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard import ages
from dashboard.access import get_or_404
from dashboard.admin_filters import RuleFilterForm
from monitor.models import Stream
from monitor.queries import rules as queries

PER_PAGE = 50


@require_GET
def rules(request: HttpRequest) -> HttpResponse:
    """The list, by the filters in the address."""
    form = RuleFilterForm(request.GET, modules=queries.modules())
    form.is_valid()
    wanted = {key: value for key, value in form.cleaned_data.items() if key != "account" and value}
    found = queries.search(queries.RuleFilter(**wanted, account_id=form.account_id))
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    is_filtered = bool(set(wanted) - {"order"}) or form.account_id is not None
    context = {"form": form, "page_obj": page, "is_filtered": is_filtered}
    return render(request, "rules/list.html", context | ages.of_stream(Stream.RULES, form.account_id))


@require_GET
def rule(request: HttpRequest, pk: int) -> HttpResponse:
    """One rule and its usage by day."""
    row = get_or_404(request.user, queries.all_rules(), pk)
    context = {"rule": row, "detail": queries.detail(row)}
    return render(request, "rules/rule.html", context | ages.of_stream(Stream.RULES, row.account_id))
