"""Shows the records that a batch's runs were about, and sends them as CSV."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from dashboard import impacted_records
from dashboard.access import get_or_404
from dashboard.impacted_records import RecordsOf
from monitor.languages import gettext as _
from monitor.models import RetryBatch
from monitor.queries import batches as queries


@require_safe
def batch_records(request: HttpRequest, pk: int) -> HttpResponse:
    """Lists the records of a batch."""
    return impacted_records.show(request, _of(get_or_404(request.user, queries.batches(), pk)))


@require_POST
def batch_records_csv(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Sends the records of a batch as CSV; by POST, for it stands in the audit trail."""
    return impacted_records.send(request, _of(get_or_404(request.user, queries.batches(), pk, action="export")))


def _of(row: RetryBatch) -> RecordsOf:
    return RecordsOf(
        thing=row,
        scope=Q(execution__in=row.items.values("execution")),
        name=_("Batch %(key)s") % {"key": row.pk},
        up_url=reverse("batch", args=[row.pk]),
        own_url=reverse("batch_records", args=[row.pk]),
        file_name=f"batch-{row.pk}-records",
        file_url=reverse("batch_records_csv", args=[row.pk]),
        batch_id=row.pk,
        not_entered=row.items.filter(execution__failure=None).count,
    )
