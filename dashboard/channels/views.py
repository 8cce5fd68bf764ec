"""Shows channels to admins, and lets them add, change, test, switch and delete them. Secrets are shown once."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import lists
from dashboard.access import get_or_404, requires
from dashboard.accounts.callback_forms import EnableForm
from dashboard.channels.forms import ChannelForm
from monitor.models import Channel
from monitor.notify.channels import acts
from monitor.notify.channels.probe import probe_channel
from monitor.notify.channels.services import SERVICES
from monitor.queries import channels as queries
from monitor.vault import VaultError

RIGHT = "channels"
MESSAGES_SHOWN = 10


@require_safe
@requires(RIGHT)
def channels(request: HttpRequest) -> HttpResponse:
    """Lists the channels: of which service, for which incidents, and whether they take our messages."""
    return lists.show(
        request,
        "channels/list.html",
        None,
        lambda _: {"rows": list(queries.channels())},
        nouns="channels",
        freshness=None,
    )


@require_safe
@requires(RIGHT)
def channel_services(request: HttpRequest) -> HttpResponse:
    """Shows what services there are, for a person to choose."""
    return render(request, "channels/services.html", {"services": Channel.Service.choices})


@require_http_methods(["GET", "HEAD", "POST"])
@requires(RIGHT)
def channel_add(request: HttpRequest) -> HttpResponse:
    """Adds a channel of the service that the address names; without one, a signed webhook."""
    service = request.POST.get("service") or request.GET.get("service") or Channel.Service.WEBHOOK.value
    if service not in SERVICES:
        raise Http404
    if request.method != "POST":
        return _form(request, ChannelForm(service=service), service)
    form = ChannelForm(request.POST, service=service)
    if not form.is_valid():
        return _form(request, form, service, status=400)
    try:
        row, secret = acts.add(service=service, actor=request.user, now=timezone.now(), **form.wanted)
    except acts.ChannelRefused as refusal:
        form.refuse(refusal.by_field)
        return _form(request, form, service, status=400)
    if secret:
        return render(request, "channels/secret.html", {"channel": row, "secret": secret, "is_new": True})
    messages.success(request, f"“{row.name}” is added. Send a test message to see whether it arrives.")
    return redirect(row)


@require_safe
def channel(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one channel: what it is for, whether it takes our messages, and the newest of them."""
    row = _channel(request, pk)
    context = {
        "channel": row,
        "newest": queries.newest_messages(row, MESSAGES_SHOWN),
        "left_open": queries.left_open(row),
        "secrets_made": queries.secrets_made(row) if row.service == Channel.Service.WEBHOOK else [],
        "most_secrets": acts.MOST_SECRETS,
    }
    return render(request, "channels/channel.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def channel_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a channel; a secret that is left empty stays as it is."""
    row = _channel(request, pk)
    if request.method != "POST":
        return _form(request, ChannelForm(service=row.service, channel=row), row.service, row)
    form = ChannelForm(request.POST, service=row.service, channel=row)
    if not form.is_valid():
        return _form(request, form, row.service, row, status=400)
    try:
        acts.edit(row, actor=request.user, now=timezone.now(), **form.wanted)
    except acts.ChannelRefused as refusal:
        form.refuse(refusal.by_field)
        return _form(request, form, row.service, row, status=400)
    messages.success(request, "The channel is saved.")
    return redirect(row)


@require_POST
def channel_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Sends a test message, and says what the server answered."""
    row = _channel(request, pk)
    result = probe_channel(row, actor=request.user, now=timezone.now())
    (messages.success if result.is_sent else messages.error)(request, result.told)
    return redirect(row)


@require_POST
def channel_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switches a channel on or off."""
    row = _channel(request, pk)
    form = EnableForm(request.POST)
    if not form.is_valid():
        return HttpResponse("on must be yes or no", status=400, content_type="text/plain")
    acts.switch(row, on=form.cleaned_data["on"] == "yes", actor=request.user, now=timezone.now())
    return redirect(row)


@require_POST
def channel_rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Adds a secret to a signed webhook, shown in this one answer only."""
    row = _channel(request, pk)
    try:
        secret = acts.rotate(row, actor=request.user, now=timezone.now())
    except (acts.ChannelRefused, VaultError) as refusal:
        messages.error(request, str(refusal))
        return redirect(row)
    return render(request, "channels/secret.html", {"channel": row, "secret": secret, "is_new": False})


@require_POST
def channel_retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Removes every secret of a signed webhook but the newest."""
    row = _channel(request, pk)
    try:
        count = acts.retire(row, actor=request.user, now=timezone.now())
    except VaultError as refusal:
        messages.error(request, str(refusal))
        return redirect(row)
    said = f"{count} old secret{'s are' if count != 1 else ' is'} removed." if count else "There was only one secret."
    messages.success(request, said)
    return redirect(row)


@require_POST
def channel_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes a channel with its secrets; what went there stays in the log."""
    row = _channel(request, pk)
    acts.delete(row, actor=request.user, now=timezone.now())
    messages.success(request, f"“{row.name}” is deleted.")
    return redirect("channels")


def _channel(request: HttpRequest, pk: int) -> Channel:
    return get_or_404(request.user, queries.channels(), pk, action=RIGHT)


def _form(
    request: HttpRequest, form: ChannelForm, service: str, row: Channel | None = None, *, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "channel": row,
        "service": service,
        "service_name": Channel.Service(service).label,
    }
    return render(request, "channels/form.html", context, status=status)
