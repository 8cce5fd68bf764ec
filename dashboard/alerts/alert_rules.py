"""Shows alert rules to everybody; lets admins add, change and delete them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import lists
from dashboard.access import get_or_404, requires
from dashboard.alerts.forms import AlertRuleForm
from monitor import audit
from monitor.access import may
from monitor.models import AlertRule
from monitor.queries import alerts as queries

_SHOWN = ("name", "flow_id", "threshold", "recover_at", "window_hours", "min_runs", "is_active")


@require_safe
def alert_rules(request: HttpRequest) -> HttpResponse:
    """Lists the rules and how many incidents each has open."""
    may_edit = may(request.user, "rules")
    template = "alerts/alert_rules.html"
    return lists.show(
        request, template, None, lambda _: {"rows": queries.rules()}, nouns="alert rules", may_edit=may_edit
    )


@require_http_methods(["GET", "HEAD", "POST"])
@requires("rules")
def alert_rule_add(request: HttpRequest) -> HttpResponse:
    """Adds a rule."""
    return _save(request, AlertRuleForm(request.POST or None), "alert_rule.add")


@require_http_methods(["GET", "HEAD", "POST"])
def alert_rule_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a rule's threshold, window or name; the account's default rule may be changed too."""
    rule = get_or_404(request.user, queries.rules(), pk, action="rules")
    return _save(request, AlertRuleForm(request.POST or None, instance=rule), "alert_rule.change")


@require_POST
def alert_rule_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes a rule; its open alerts close, and their history stays. The default rule can only be disabled."""
    rule = get_or_404(request.user, queries.rules(), pk, action="rules")
    if rule.is_default:
        messages.error(request, "The account's default rule cannot be deleted. Disable it instead.")
        return redirect("alert_rule_edit", rule.pk)
    now = timezone.now()
    with transaction.atomic():
        audit.record(request.user, "alert_rule.delete", rule, now=now, account=rule.account, detail=_values(rule))
        AlertRule.objects.filter(pk=rule.pk).update(deleted_at=now)
    messages.success(request, f"The rule “{rule.name}” is deleted. Its open alerts close within a minute.")
    return redirect("alert_rules")


def _save(request: HttpRequest, form: AlertRuleForm, action: str) -> HttpResponse:
    rule = form.instance
    before = _values(rule) if rule.pk else {}
    if request.method == "POST" and form.is_valid():
        account = rule.account
        if not may(request.user, "rules", account):
            raise PermissionDenied
        with transaction.atomic():
            form.save()
            detail = audit.changes(before, _values(rule))
            audit.record(request.user, action, rule, now=timezone.now(), account=account, detail=detail)
        messages.success(request, f"The rule “{rule.name}” is saved. It is checked within a minute.")
        return redirect("alert_rules")
    status = 400 if request.method == "POST" else 200
    return render(request, "alerts/alert_rule_form.html", {"form": form, "rule": rule}, status=status)


def _values(rule: AlertRule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in _SHOWN}
