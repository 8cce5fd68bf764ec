"""Takes people's wishes to retry an execution. A wish becomes a row; the worker sends it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django_q.tasks import async_task

from dashboard.access import get_or_404
from dashboard.executions.forms import RetryForm
from dashboard.executions.page import page_context, retry_context
from dashboard.reasons import ReasonForm
from monitor.languages import gettext as _
from monitor.models import Execution, RetryAttempt
from monitor.queries import execution as queries
from monitor.retry import requests


@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the wish for a retry. 409 with the reason when it cannot be."""
    row = get_or_404(request.user, queries.BY_KEY, pk, action="retry")
    form = RetryForm(request.POST, asks_risk=True)
    if not form.is_valid():
        return _refused(request, row, form, status=400)
    wish = form.cleaned_data
    try:
        with transaction.atomic():
            requests.request_retry(
                execution=row,
                user=request.user,
                reason=wish["reason"],
                client_token=str(wish["client_token"]),
                accept_risk=wish["accept_risk"],
                now=timezone.now(),
                accepted=wish["shown"],
            )
            # Only a hint: what is due stands in the table. It is enqueued with the row or not at all.
            async_task("monitor.tasks.send_retries")
    except requests.RetryRefused as refusal:
        return _refused(request, row, form, status=409, message=refusal.message)
    messages.success(request, _("The retry is requested. Its state is shown below as it changes."))
    return redirect(row)


@require_safe
def retry_state(request: HttpRequest, pk: int) -> HttpResponse:
    """Answers with the retry part of the page, for its own refreshing.

    Once nothing is open the whole page is loaded again, because the execution itself may have changed.
    """
    row = get_or_404(request.user, queries.BY_KEY, pk)
    detail = queries.detail(row)
    if detail.open_attempt is not None and request.GET.get("seen") == detail.open_mark:
        # Nothing to swap in: what a person is typing into the part stays, and nothing is read out again.
        return HttpResponse(status=204)
    context = {"execution": row, "detail": detail} | retry_context(request, row, detail)
    response = render(request, "executions/retry_box.html", context)
    if detail.open_attempt is None:
        response["HX-Refresh"] = "true"
    return response


@require_POST
def retry_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancels a retry that has not been sent."""
    attempt = get_or_404(request.user, _attempts(), pk, action="retry")
    try:
        requests.cancel(attempt, request.user, timezone.now())
    except requests.RetryRefused as refusal:
        return _refused(request, _row(request, attempt), None, status=409, message=refusal.message)
    messages.success(request, _("The retry is cancelled. Nothing was sent."))
    return redirect("execution", attempt.execution_id)


@require_POST
def retry_not_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Closes a retry of unknown outcome: a named admin has looked at Zoho, and nothing ran."""
    attempt = get_or_404(request.user, _attempts(), pk, action="retry.override")
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _refused(
            request, _row(request, attempt), None, status=400, message=_("Say how you know that it did not run.")
        )
    try:
        requests.resolve_not_run(attempt, request.user, form.cleaned_data["reason"], timezone.now())
    except requests.RetryRefused as refusal:
        return _refused(request, _row(request, attempt), None, status=409, message=refusal.message)
    messages.success(request, _("The retry is closed as not run."))
    return redirect("execution", attempt.execution_id)


def _attempts() -> Any:
    return RetryAttempt.objects.select_related("account", "execution").defer("account__client_secret")


def _row(request: HttpRequest, attempt: RetryAttempt) -> Execution:
    return get_or_404(request.user, queries.BY_KEY, attempt.execution_id)


def _refused(
    request: HttpRequest, row: Execution, form: RetryForm | None, *, status: int, message: str = ""
) -> HttpResponse:
    """Shows the execution's page again, with what was wrong."""
    context = page_context(request, row, form=form) | {"refusal": message}
    return render(request, "executions/execution.html", context, status=status)
