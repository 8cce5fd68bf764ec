"""Shows callbacks to everybody; lets admins create, disable and delete their addresses. Secrets are shown once."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard.access import get_or_404
from dashboard.accounts.callback_forms import EnableForm, NewHookForm, WatchForm
from monitor import pipeline
from monitor.access import may
from monitor.hooks import endpoints
from monitor.languages import gettext as _
from monitor.languages import ngettext
from monitor.models import HookEndpoint, ZohoAccount
from monitor.queries import hooks as queries
from monitor.queries.accounts import accounts
from monitor.queries.scopes import lacking


@require_safe
def push(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows the addresses and channels of an account."""
    return _page(request, get_or_404(request.user, accounts(), pk))


@require_POST
def hook_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Creates an address. It and its secret are shown in this one answer only."""
    account = get_or_404(request.user, accounts(), pk, action="accounts")
    form = NewHookForm(request.POST, account=account)
    if not form.is_valid():
        return _page(request, account, form=form, status=400)
    try:
        shown = endpoints.create(account=account, actor=request.user, now=timezone.now(), **form.cleaned_data)
    except endpoints.EndpointRefused as refusal:
        form.add_error("name", str(refusal))
        return _page(request, account, form=form, status=400)
    return render(request, "accounts/callback_secret.html", {"account": account, "shown": shown})


@require_POST
def push_watch(request: HttpRequest, pk: int) -> HttpResponse:
    """Enables or disables the callbacks of Zoho CRM about changed records."""
    account = get_or_404(request.user, accounts(), pk, action="accounts")
    form = EnableForm(request.POST)
    if not form.is_valid():
        return _page(request, account, status=400)
    on = form.cleaned_data["on"] == "yes"
    try:
        endpoints.watch(account, on=on, actor=request.user, now=timezone.now())
    except endpoints.EndpointRefused as refusal:
        messages.error(request, f"{refusal}.")
        return redirect("push", account.pk)
    said = _("Channels are opened with the next reads.") if on else _("Channels are closed with the next reads.")
    messages.success(request, said)
    return redirect("push", account.pk)


@require_POST
def watch_module(request: HttpRequest, pk: int) -> HttpResponse:
    """Watches one module, renews its channel or stops it: one request to Zoho, at once."""
    account = get_or_404(request.user, accounts(), pk, action="accounts")
    form = WatchForm(request.POST, state=queries.push_state(account, timezone.now()))
    if not form.is_valid():
        return _page(request, account, status=400)
    module, act = form.cleaned_data["module"], form.cleaned_data["act"]
    try:
        answer = pipeline.ask_channel(account, module, act, actor=request.user)  # type: ignore[arg-type]
    except endpoints.EndpointRefused as refusal:
        messages.error(request, f"{refusal}.")
    else:
        say = {"done": messages.success, "unknown": messages.warning}.get(answer.state, messages.error)
        say(request, _(answer.words))
    return redirect("push", account.pk)


@require_safe
def hook(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one address: counters, secrets by their age, latest callbacks, how to sign."""
    row = get_or_404(request.user, queries.hooks(), pk)
    context = {
        "hook": row,
        "detail": queries.hook_detail(row),
        "may_act": may(request.user, "accounts", row.account),
        "most_secrets": endpoints.MOST_SECRETS,
    }
    return render(request, "accounts/callback_address.html", context)


@require_POST
def hook_rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Adds a secret, shown in this one answer only."""
    row = _to_change(request, pk)
    try:
        shown = endpoints.rotate(row, actor=request.user, now=timezone.now())
    except endpoints.EndpointRefused as refusal:
        messages.error(request, f"{refusal}.")
        return redirect(row)
    return render(request, "accounts/callback_secret.html", {"account": row.account, "shown": shown})


@require_POST
def hook_retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Removes every secret but the newest."""
    row = _to_change(request, pk)
    count = endpoints.retire(row, actor=request.user, now=timezone.now())
    said = ngettext("%(n)s old secret is removed.", "%(n)s old secrets are removed.", count) % {"n": count}
    messages.success(request, said if count else _("There was only one secret."))
    return redirect(row)


@require_POST
def hook_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Enables or disables an address."""
    row = _to_change(request, pk)
    form = EnableForm(request.POST)
    if not form.is_valid():
        return HttpResponse("on must be yes or no", status=400, content_type="text/plain")
    endpoints.switch(row, on=form.cleaned_data["on"] == "yes", actor=request.user, now=timezone.now())
    return redirect(row)


@require_POST
def hook_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes an address; whoever still calls it gets a 404."""
    row = _to_change(request, pk)
    endpoints.delete(row, actor=request.user, now=timezone.now())
    messages.success(request, _("“%(name)s” is deleted.") % {"name": row.name})
    return redirect("push", row.account_id)


def _to_change(request: HttpRequest, pk: int) -> HookEndpoint:
    return get_or_404(request.user, queries.hooks(), pk, action="accounts")


def _page(
    request: HttpRequest, account: ZohoAccount, *, form: NewHookForm | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "account": account,
        "state": queries.push_state(account, timezone.now()),
        "may_act": may(request.user, "accounts", account),
        "can_watch": endpoints.can_watch() and bool(account.crm_url),
        "lacks": lacking(account, "watches") if account.crm_url else None,
        "may_connect": may(request.user, "accounts", account),
        "form": form or NewHookForm(account=account),
    }
    return render(request, "accounts/callbacks.html", context, status=status)
