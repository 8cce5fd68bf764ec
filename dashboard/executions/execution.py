"""One execution: what happened, and running it again."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from dashboard.access import get_or_404
from dashboard.executions.execution_page import UNMASK_IDS, page_context
from dashboard.executions.forms import ReasonForm
from monitor import audit
from monitor.queries import execution as queries


@require_GET
def execution(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of one execution, masked."""
    row = get_or_404(request.user, queries.executions(), pk)
    return render(request, "executions/execution.html", page_context(request, row))


@require_POST
def unmask(request: HttpRequest, pk: int) -> HttpResponse:
    """The page with everything readable, once, for an admin who says why. The look is written down first."""
    row = get_or_404(request.user, queries.executions(), pk, action="unmask")
    form = ReasonForm(request.POST, auto_id=UNMASK_IDS)
    if not form.is_valid():
        context = page_context(request, row) | {"unmask_form": form}
        return render(request, "executions/execution.html", context, status=400)
    with transaction.atomic():
        reason = form.cleaned_data["reason"]
        audit.record(request.user, "unmask", row, now=timezone.now(), account=row.account, detail={"reason": reason})
    text, cut = queries.as_text(row.trigger_data)
    context = page_context(request, row) | {
        "is_unmasked": True,
        "error": queries.error_of(row, masked=False),
        "trigger_data": text,
        "trigger_cut": cut,
    }
    return render(request, "executions/execution.html", context)
