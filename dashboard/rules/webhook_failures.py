"""Shows CRM's failed webhooks, and searches their reasons unmasked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from dashboard import lists, unmasked_search
from dashboard.access import requires
from dashboard.rules.forms import FailureFilterForm
from monitor.languages import gettext as _
from monitor.models import Stream, WebhookFailure
from monitor.queries import webhook_failures as queries

LIST = "rules/webhook_failures.html"


@require_safe
def webhook_failures(request: HttpRequest) -> HttpResponse:
    """Lists failed webhooks by the filters in the address."""
    form = FailureFilterForm(request.GET)

    def find(wanted: queries.FailureFilter) -> dict[str, Any]:
        more = {"is_masked_in_part": bool(wanted.text) and queries.is_masked_in_part()}
        return {"rule": queries.rule_of(wanted), **lists.numbered(queries.search(wanted), form), **more}

    return lists.show(request, LIST, form, find, **_list_context(), **unmasked_search.offer(request, form))


@require_http_methods(["GET", "HEAD", "POST"])
@requires("unmask")
def webhook_failures_unmasked(request: HttpRequest) -> HttpResponse:
    """Searches names and reasons as Zoho sent them, for an admin who says why; a GET leads back to the list."""
    if request.method != "POST":
        return unmasked_search.back(request, "webhook_failures", FailureFilterForm)
    form = FailureFilterForm(unmasked_search.filters_of(request, FailureFilterForm))

    def find(wanted: queries.FailureFilter, sought: str) -> dict[str, Any]:
        rows = queries.search(replace(wanted, text=sought, is_unmasked=True))
        return {"rule": queries.rule_of(wanted), "rows": list(rows[: unmasked_search.MOST_SHOWN])}

    return unmasked_search.show(request, LIST, form, WebhookFailure, find, **_list_context())


def _list_context() -> dict[str, Any]:
    return {
        "stream": Stream.WEBHOOK_FAILURES,
        "nouns": _("failed webhooks"),
        "unmasked_url": reverse("webhook_failures_unmasked"),
    }
