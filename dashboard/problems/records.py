"""Shows the records that a problem's failed runs were about, and sends them as CSV."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from dashboard import impacted_records
from dashboard.access import get_or_404
from dashboard.impacted_records import RecordsOf
from dashboard.problems.views import all_problems
from monitor.languages import gettext as _
from monitor.models import Problem


@require_safe
def problem_records(request: HttpRequest, pk: int) -> HttpResponse:
    """Lists the records of a problem; the address of one that was merged leads to the one that took it in."""
    row = get_or_404(request.user, all_problems(), pk)
    if row.merged_into_id is not None:
        return redirect("problem_records", row.merged_into_id)
    return impacted_records.show(request, _of(row))


@require_POST
def problem_records_csv(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Sends the records of a problem as CSV; by POST, for it stands in the audit trail.

    For one that was merged meanwhile those of the problem that took it in, as its page would show.
    """
    row = get_or_404(request.user, all_problems(), pk, action="export")
    while row.merged_into_id is not None:
        row = get_or_404(request.user, all_problems(), row.merged_into_id, action="export")
    return impacted_records.send(request, _of(row))


def _of(row: Problem) -> RecordsOf:
    return RecordsOf(
        thing=row,
        scope=Q(group__problem=row),
        name=_("The problem"),
        up_url=row.get_absolute_url(),
        own_url=reverse("problem_records", args=[row.pk]),
        file_name=f"problem-{row.pk}-records",
        file_url=reverse("problem_records_csv", args=[row.pk]),
        problem_id=row.pk,
    )
