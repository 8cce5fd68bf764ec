"""The audit trail, for admins."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dashboard.access import requires
from dashboard.admin_filters import AuditFilterForm
from monitor.queries import audit as queries

PER_PAGE = 100


@require_GET
@requires("users")
def audit(request: HttpRequest) -> HttpResponse:
    """Who did what, the newest first, by the filters in the address."""
    form = AuditFilterForm(request.GET, actions=queries.actions())
    form.is_valid()
    wanted = {key: value for key, value in form.cleaned_data.items() if value}
    found = queries.entries(queries.AuditFilter(**wanted), timezone.get_current_timezone())
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    for entry in page:
        entry.words = queries.words(entry.detail)
    return render(request, "audit/list.html", {"form": form, "page_obj": page, "is_filtered": bool(wanted)})
