"""Connects a Zoho account: by Zoho's consent page, or by a Self Client's grant code."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from dashboard import formats
from dashboard.access import get_or_404, requires
from dashboard.accounts import consent
from dashboard.accounts.forms import ConnectForm, origins_of
from monitor import pipeline
from monitor.languages import gettext as _
from monitor.models import DataCenter, ZohoAccount
from monitor.queries import accounts as queries
from monitor.zoho import DATA_CENTERS, Origins
from monitor.zoho.scopes import CHOICES, REASONS, scopes_for


@sensitive_post_parameters("client_secret", "grant_code")
@require_http_methods(["GET", "HEAD", "POST"])
@requires("accounts")
def connect(request: HttpRequest) -> HttpResponse:
    """Shows the form and takes it; `?account=PK` reconnects an account that is there already."""
    known = _reconnects(request)
    if request.method != "POST":
        wants = request.GET.get("wants", "")
        return _form(request, ConnectForm(reconnects=known, initial={wants: True} if wants in CHOICES else {}))
    form = ConnectForm(request.POST, reconnects=known)
    if not form.is_valid():
        return _form(request, form, status=400)
    data = form.cleaned_data
    if data["grant_code"]:
        return _finish(request, form, data, data["origins"], grant_code=data["grant_code"], redirect_uri=None)
    account_id = known.pk if known else None
    state = consent.begin(request.session, data, user_id=request.user.pk, account_id=account_id, now=timezone.now())
    url = consent.authorization_url(
        data["origins"],
        data["client_id"],
        data["client_secret"],
        state,
        _chosen(data, known),
    )
    return HttpResponseRedirect(url)


def _chosen(data: dict[str, Any], known: ZohoAccount | None) -> list[str]:
    """Names what is asked for besides reading; channels that are open need their scopes until they are disabled."""
    needs = {"watches"} if known is not None and known.watches_records else set()
    return [name for name in CHOICES if data[name] or name in needs]


@require_safe
@requires("accounts")
def connect_callback(request: HttpRequest) -> HttpResponse:
    """Takes the answer that Zoho sends the person back with. Without our state nothing is believed or sent."""
    if request.method == "HEAD":  # something that follows links looks ahead: the person's answer is still to come
        return _form(request, ConnectForm(), status=403)
    query = request.GET.dict()
    try:
        pending = consent.finish(request.session, query.get("state", ""), user_id=request.user.pk, now=timezone.now())
    except consent.CallbackRefused as refusal:
        return _form(request, ConnectForm(), refusal=refusal.message, status=refusal.status)
    known = ZohoAccount.objects.filter(pk=pending.account_id).first() if pending.account_id else None
    form = ConnectForm(initial=pending.shown, reconnects=known)
    if said := consent.refusal_of(query):
        return _form(request, form, refusal=said, status=400)
    data = pending.data
    try:
        data_center, origins = consent.answered_origins(data["data_center"], origins_of(data), query)
    except consent.CallbackRefused as refusal:
        return _form(request, form, refusal=refusal.message, status=refusal.status)
    data = data | {"data_center": data_center}
    uri = consent.redirect_uri()
    return _finish(request, form, data, origins, grant_code=query["code"], redirect_uri=uri)


def _finish(
    request: HttpRequest,
    form: ConnectForm,
    data: dict[str, Any],
    origins: Origins,
    *,
    grant_code: str,
    redirect_uri: str | None,
) -> HttpResponse:
    """Proves the credentials at Zoho and stores the account."""
    try:
        account = pipeline.connect_account(
            name=data["name"],
            data_center=data["data_center"],
            origins=origins,
            client_id=data["client_id"],
            client_secret=data["client_secret"],
            plan=data.get("plan") or "",
            calls_per_minute=data.get("calls_per_minute"),
            calls_per_day=data.get("calls_per_day"),
            grant_code=grant_code,
            redirect_uri=redirect_uri,
            same_organisation=bool(data.get("same_organisation")),
            actor=request.user,
            now=timezone.now(),
        )
    except pipeline.ConnectError as error:
        form.asks_for_organisation = form.reconnects is not None and error.can_be_confirmed
        line = _(str(error)).rstrip(".")
        if form.asks_for_organisation:
            line = _("%(line)s; if it is the same one, say so below and get a new grant") % {"line": line}
        return _form(request, form, refusal=formats.sentence(line), status=400)
    messages.success(request, _("“%(name)s” is connected. Its history is being read now.") % {"name": account.name})
    for note in queries.connect_notes(account):
        messages.warning(request, formats.sentence(_(note)))
    return redirect(account)


def _reconnects(request: HttpRequest) -> ZohoAccount | None:
    """Finds the account named in the address; None for a new one."""
    key = request.GET.get("account", "")
    if not key:
        return None
    pk = int(key) if key.isascii() and key.isdecimal() and len(key) < 19 else 0
    return get_or_404(request.user, queries.accounts(), pk, action="accounts")


def _form(request: HttpRequest, form: ConnectForm, *, refusal: str = "", status: int = 200) -> HttpResponse:
    watches = form.reconnects is not None and form.reconnects.watches_records
    both = scopes_for(flow=True, crm=True, watches=watches)
    context = {
        "form": form,
        "refusal": refusal,
        "redirect_uri": consent.redirect_uri(),
        "scopes": {"both": both, "crm": scopes_for(flow=False, crm=True, watches=watches)},
        "reasons": [(scope, REASONS[scope]) for scope in both],
        "more_reasons": [
            (_(choice.label), [(one, REASONS[one]) for one in choice.scopes]) for choice in CHOICES.values()
        ],
        "centres": [
            (DataCenter(name).label, origins.accounts, bool(origins.flow)) for name, origins in DATA_CENTERS.items()
        ],
    }
    return render(request, "accounts/connect.html", context, status=status)
