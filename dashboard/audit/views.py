"""Shows the audit trail to admins."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard import lists
from dashboard.access import requires
from dashboard.audit.forms import AuditFilterForm
from monitor.queries import audit as queries

PER_PAGE = 100


@require_safe
@requires("users")
def audit(request: HttpRequest) -> HttpResponse:
    """Lists who did what, the newest first, by the filters in the address."""
    form = AuditFilterForm(request.GET)

    def find(wanted: queries.AuditFilter) -> dict[str, Any]:
        return lists.numbered(queries.entries(wanted), form, per_page=PER_PAGE)

    return lists.show(request, "audit/list.html", form, find, nouns="entries", freshness=None)
