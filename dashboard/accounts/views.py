"""Shows the Zoho accounts to everybody; lets admins pause, limit and disconnect them."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard import lists
from dashboard.access import get_or_404
from dashboard.accounts.forms import DisconnectForm, HistoryForm, LimitsForm, MirroringForm
from dashboard.context import frame_at
from monitor import audit
from monitor.access import may
from monitor.connection.pause_backfill import pause_backfill
from monitor.connection.set_limits import LIMITS, set_limits
from monitor.languages import gettext as _
from monitor.models import ZohoAccount
from monitor.models.asking import answered, in_step
from monitor.queries import accounts as queries
from monitor.queries import backfill, first_steps


@require_safe
def accounts(request: HttpRequest) -> HttpResponse:
    """Lists every account with its health."""
    now = timezone.now()
    mirror = frame_at(now)["mirror"]
    more = {"now": now, "mirror": mirror, "may_act": may(request.user, "accounts"), "nouns": _("accounts")}
    return lists.show(request, "accounts/list.html", None, lambda form: {"rows": queries.lines(now, mirror)}, **more)


@require_safe
def account(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one account: health, streams, budget, completeness, latest runs."""
    row = get_or_404(request.user, queries.accounts(), pk)
    return _page(request, row)


@require_POST
def account_mirroring(request: HttpRequest, pk: int) -> HttpResponse:
    """Pauses or resumes the mirroring of an account."""
    row = get_or_404(request.user, queries.accounts(), pk, action="accounts")
    form = MirroringForm(request.POST)
    if not form.is_valid():
        return _page(request, row, status=400)
    is_active = form.cleaned_data["is_active"] == "yes"
    with transaction.atomic():
        if ZohoAccount.objects.filter(pk=row.pk).exclude(is_active=is_active).update(is_active=is_active):
            action = "account.resume" if is_active else "account.pause"
            audit.record(request.user, action, row, now=timezone.now(), account=row)
    said = (
        _("“%(name)s” is mirrored again.")
        if is_active
        else _("“%(name)s” is paused: Zoho is not asked and no alert rule is checked.")
    )
    messages.success(request, said % {"name": row.name})
    return redirect(row)


@require_POST
def account_history(request: HttpRequest, pk: int) -> HttpResponse:
    """Pauses or resumes the reading of an account's older history."""
    row = get_or_404(request.user, queries.accounts(), pk, action="accounts")
    form = HistoryForm(request.POST)
    if not form.is_valid():
        return _page(request, row, status=400)
    paused = form.cleaned_data["history"] == "pause"
    pause_backfill(row, paused=paused, actor=request.user, now=timezone.now())
    said = (
        _("The reading of “%(name)s”'s history is paused; new runs are still read.")
        if paused
        else _("The reading of “%(name)s”'s history is resumed.")
    )
    messages.success(request, said % {"name": row.name})
    return redirect(row)


@require_POST
def account_limits(request: HttpRequest, pk: int) -> HttpResponse:
    """Sets an account's plan and limits of calls."""
    row = get_or_404(request.user, queries.accounts(), pk, action="accounts")
    form = LimitsForm(request.POST, instance=row)
    if not form.is_valid():
        row.refresh_from_db(fields=LIMITS)
        return _page(request, row, limits_form=form, status=400)
    set_limits(row, form.cleaned_data, actor=request.user, now=timezone.now())
    messages.success(request, _("The limits are saved."))
    return redirect(row)


@require_POST
def account_disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes an account with all that was mirrored of it, once its name was typed. Zoho itself is not changed."""
    row = get_or_404(request.user, queries.accounts(), pk, action="accounts")
    form = DisconnectForm(request.POST, account=row)
    if not form.is_valid():
        return _page(request, row, disconnect_form=form, status=400)
    with transaction.atomic():
        audit.record(request.user, "account.disconnect", row, now=timezone.now(), detail={"name": row.name})
        row.delete()
    said = _("“%(name)s” is disconnected and its mirror deleted.") % {"name": form.cleaned_data["name"]}
    messages.success(request, said)
    return redirect("accounts")


def _page(
    request: HttpRequest,
    row: ZohoAccount,
    *,
    limits_form: LimitsForm | None = None,
    disconnect_form: DisconnectForm | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    frame = frame_at(now)
    freshness = frame["mirror"].of(row.pk)
    may_act = may(request.user, "accounts", row)
    steps = [first_steps.ask_new_account(row, now)] if may_act else []
    detail, history, *new = answered(
        in_step(queries.ask_detail(row, now, freshness), backfill.ask_of_account(row, now), *steps)
    )
    context = frame | {
        "account": row,
        "detail": detail,
        "history": history,
        "may_act": may_act,
        "first_steps": first_steps.left(new[0], freshness, history, detail.token.state) if new else [],
        "limits_form": limits_form or LimitsForm(instance=row),
        "disconnect_form": disconnect_form or DisconnectForm(account=row, auto_id="disconnect_%s"),
    }
    return render(request, "accounts/account.html", context, status=status)
