"""Shows the logs of a flow's webhook as Zoho has them now: asked for by a person's POST, and not kept."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from dashboard.access import get_or_404
from dashboard.context import age_of
from monitor.access import may
from monitor.connection import open_account
from monitor.edits.requests import EditRefused
from monitor.edits.webhook_logs import RIGHT, has_webhook, read_logs
from monitor.models import Execution, Flow


class WebhookChoiceForm(forms.Form):
    """Reads which webhook a person chose; none lets Zoho's list decide."""

    webhook = forms.RegexField(r"\A[A-Za-z0-9_.-]{1,64}\Z", required=False)


@require_http_methods(["GET", "HEAD", "POST"])
def flow_webhook_logs(request: HttpRequest, pk: int) -> HttpResponse:
    """Reads the calls of a flow's webhook, by a person's POST; a GET costs nothing."""
    rows = Flow.objects.select_related("account").defer("account__client_secret", "raw")
    flow = get_or_404(request.user, rows, pk, action=RIGHT if request.method == "POST" else "view")
    if not has_webhook(flow):
        raise Http404
    context: dict[str, Any] = {"flow": flow, "may_ask": may(request.user, RIGHT, flow.account)}
    status = 200
    if request.method == "POST":
        status, found = _answer(request, flow)
        context |= found
    return render(request, "flows/webhook_logs.html", context | age_of(flow.account_id), status=status)


def _answer(request: HttpRequest, flow: Flow) -> tuple[int, dict[str, Any]]:
    form = WebhookChoiceForm(request.POST)
    if not form.is_valid():
        return 400, {"refusal": "This is no id of a webhook."}
    chosen = form.cleaned_data["webhook"]
    try:
        logs = read_logs(flow, request.user, timezone.now(), open_account=open_account, webhook_id=chosen)  # type: ignore[arg-type]
    except EditRefused as refusal:
        return 409, {"refusal": refusal.message}
    runs = Execution.objects.filter(flow=flow, execution_id__in={call.execution_id for call in logs.calls} - {""})
    known = dict(runs.values_list("execution_id", "pk"))
    return 200, {"logs": logs, "calls": [(call, known.get(call.execution_id)) for call in logs.calls]}
