"""Failed calls of CRM's webhooks."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard import ages
from dashboard.admin_filters import FailureFilterForm
from monitor.models import Stream, WorkflowRule
from monitor.queries import webhook_failures as queries

PER_PAGE = 50


@require_GET
def webhook_failures(request: HttpRequest) -> HttpResponse:
    """The list, by the filters in the address."""
    form = FailureFilterForm(request.GET, modules=queries.modules())
    wanted = queries.FailureFilter(
        text=form.value("text") or "",
        module=form.value("module") or "",
        start=form.midnight("first_day"),
        end=form.midnight("last_day", days=1),
        rule_id=form.value("rule"),
        account_id=form.account_id,
    )
    page = Paginator(queries.search(wanted), PER_PAGE).get_page(request.GET.get("page"))
    rule = WorkflowRule.objects.filter(pk=wanted.rule_id).only("name", "rule_id").first() if wanted.rule_id else None
    context = {"form": form, "page_obj": page, "rule": rule, "is_filtered": wanted != queries.FailureFilter()}
    age = ages.of_stream(Stream.WEBHOOK_FAILURES, form.account_id)
    return render(request, "rules/webhook_failures.html", context | age)
