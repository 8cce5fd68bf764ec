"""Shows policies of retries to everybody; lets admins make, change, switch and delete them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import lists
from dashboard.access import get_or_404
from dashboard.context import age_of
from dashboard.policies.forms import PolicyRetriesForm, RetryPolicyForm
from monitor.access import may
from monitor.languages import gettext as _
from monitor.models import Flow, Problem, RetryPolicy, User
from monitor.queries import policies as queries
from monitor.retry import policies as acts
from monitor.retry.requests import RetryRefused


@require_safe
def retry_policies(request: HttpRequest) -> HttpResponse:
    """Lists the policies: what each is for, its limits, and what it has used of them."""
    now, template = timezone.now(), "policies/list.html"
    return lists.show(request, template, None, lambda __: {"rows": queries.with_use(now)}, nouns=_("policies"))


@require_safe
def retry_policy(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one policy and its newest retries."""
    return _show(request, get_or_404(request.user, queries.policies(), pk))


@require_safe
def retry_policy_retries(request: HttpRequest, pk: int) -> HttpResponse:
    """Lists what a policy has retried in the time over which its page counts."""
    row = get_or_404(request.user, queries.policies(), pk)
    now, form = timezone.now(), PolicyRetriesForm(request.GET)

    def find(which: str) -> dict[str, Any]:
        return lists.numbered(queries.retries(row, now, which), form)

    more = age_of(row.account_id) | {"now": now, "policy": row, "days": queries.COUNTED_DAYS}
    return lists.show(request, "policies/retries.html", form, find, nouns=_("retries"), **more)


@require_http_methods(["GET", "HEAD", "POST"])
def retry_policy_of_flow(request: HttpRequest, pk: int) -> HttpResponse:
    """Makes a policy for a flow; it begins switched off."""
    rows = Flow.objects.select_related("account").defer("account__client_secret", "raw")
    return _add(request, get_or_404(request.user, rows, pk, action=acts.RIGHT))


@require_http_methods(["GET", "HEAD", "POST"])
def retry_policy_of_problem(request: HttpRequest, pk: int) -> HttpResponse:
    """Makes a policy for a problem; it begins switched off. Nothing of CRM can be retried: 404."""
    of_runs = Problem.objects.filter(source=Problem.Source.RUNS)
    rows = of_runs.select_related("account").defer("account__client_secret")
    return _add(request, get_or_404(request.user, rows, pk, action=acts.RIGHT))


@require_POST
def retry_policy_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a policy's name and limits."""
    row = get_or_404(request.user, queries.policies(), pk, action=acts.RIGHT)
    form = RetryPolicyForm(request.POST)
    if not form.is_valid():
        return _show(request, row, form=form, status=400)
    try:
        acts.change_policy(row, request.user, timezone.now(), **form.settings)
    except RetryRefused as refusal:
        row.refresh_from_db(fields=list(acts.SETTINGS))
        return _show(request, row, form=form, refusal=refusal.message, status=409)
    messages.success(request, _("The policy is changed."))
    return redirect(row)


@require_POST
def retry_policy_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Has it retry what fails from now on."""
    return _do(request, pk, acts.switch_on, _("The policy is on: it takes what fails from now on."))


@require_POST
def retry_policy_off(request: HttpRequest, pk: int) -> HttpResponse:
    """Stops it, and calls back what has not been sent."""
    return _do(request, pk, acts.switch_off, _("The policy is off."))


@require_POST
def retry_policy_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes it; its retries stay."""
    row = get_or_404(request.user, queries.policies(), pk, action=acts.RIGHT)
    acts.delete_policy(row, request.user, timezone.now())
    messages.success(request, _("The policy “%(name)s” is deleted. Its retries stay.") % {"name": row.name})
    return redirect("retry_policies")


def _do(request: HttpRequest, pk: int, act: Callable[[RetryPolicy, User, datetime], None], done: str) -> HttpResponse:
    row = get_or_404(request.user, queries.policies(), pk, action=acts.RIGHT)
    act(row, request.user, timezone.now())
    messages.success(request, done)
    return redirect(row)


def _show(
    request: HttpRequest,
    row: RetryPolicy,
    *,
    form: RetryPolicyForm | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    may_set = may(request.user, acts.RIGHT, row.account)
    context = age_of(row.account_id) | {
        "policy": row,
        "use": queries.use_of(row, timezone.now()),
        "form": (form or RetryPolicyForm(instance=row)) if may_set else None,
        "retries": queries.newest_retries(row),
        "refusal": refusal,
    }
    return render(request, "policies/policy.html", context, status=status)


def _add(request: HttpRequest, thing: Flow | Problem) -> HttpResponse:
    form = RetryPolicyForm(request.POST or None)
    refusal = ""
    if request.method == "POST" and form.is_valid():
        try:
            made = acts.add_policy(thing, request.user, timezone.now(), **form.settings)
        except RetryRefused as found:
            refusal = found.message
        else:
            messages.success(request, _("The policy is made. It does nothing until it is switched on."))
            return redirect(made)
    context = age_of(thing.account_id) | {
        "form": form,
        "thing": thing,
        "is_flow": isinstance(thing, Flow),
        "others": queries.policies_of(thing),
        "refusal": refusal,
    }
    status = 409 if refusal else 400 if request.method == "POST" else 200
    return render(request, "policies/add.html", context, status=status)
