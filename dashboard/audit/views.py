"""Shows the audit trail to admins."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard import lists
from dashboard.access import requires
from dashboard.audit.forms import AuditFilterForm
from dashboard.news import MOST_NEW, News, newest_key, read_key
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy
from monitor.queries import audit as queries

PER_PAGE = 100


def _newer(wanted: queries.AuditFilter, mark: str) -> int:
    return queries.entries(wanted).filter(pk__gt=read_key(mark)).order_by()[: MOST_NEW + 1].count()


ENTRIES = News(gettext_lazy("entry"), gettext_lazy("entries"), newest_key, _newer)


@require_safe
@requires("users")
def audit(request: HttpRequest) -> HttpResponse:
    """Lists who did what, the newest first, by the filters in the address."""
    form = AuditFilterForm(request.GET)

    def find(wanted: queries.AuditFilter) -> dict[str, Any]:
        return lists.numbered(queries.entries(wanted), form, per_page=PER_PAGE)

    return lists.show(request, "audit/list.html", form, find, nouns=_("entries"), news=ENTRIES, freshness=None)
