"""Shows CRM's failed webhooks."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from dashboard import lists
from dashboard.rules.forms import FailureFilterForm
from monitor.models import Stream
from monitor.queries import webhook_failures as queries


@require_GET
def webhook_failures(request: HttpRequest) -> HttpResponse:
    """Lists failed webhooks by the filters in the address."""
    form = FailureFilterForm(request.GET)

    def find(wanted: queries.FailureFilter) -> dict[str, Any]:
        return {"rule": queries.rule_of(wanted), **lists.numbered(queries.search(wanted), form)}

    template = "rules/webhook_failures.html"
    return lists.show(request, template, form, find, stream=Stream.WEBHOOK_FAILURES, nouns="failed webhooks")
