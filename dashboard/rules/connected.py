"""Connected workflows of CRM."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dashboard import ages
from dashboard.access import get_or_404
from dashboard.admin_filters import ConnectedFilterForm
from monitor.models import Stream
from monitor.privacy import mask_text
from monitor.queries import connected as queries
from monitor.queries import versions

PER_PAGE = 50


@require_GET
def connected_workflows(request: HttpRequest) -> HttpResponse:
    """The list, by the filters in the address."""
    form = ConnectedFilterForm(request.GET)
    text, status = form.value("text") or "", form.value("status") or ""
    found = queries.search(text, status, form.account_id)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    is_filtered = bool(text or status) or form.account_id is not None
    context = {"form": form, "page_obj": page, "is_filtered": is_filtered}
    return render(
        request, "rules/connected_workflows.html", context | ages.of_stream(Stream.CONNECTED, form.account_id)
    )


@require_GET
def connected_workflow(request: HttpRequest, pk: int) -> HttpResponse:
    """One of them and its versions."""
    row = get_or_404(request.user, queries.all_of_them(), pk)
    context = {
        "workflow": row,
        "versions": versions.of(row),
        "description": mask_text(row.description, definition=True),
    }
    return render(request, "rules/connected_workflow.html", context | ages.of_stream(Stream.CONNECTED, row.account_id))
