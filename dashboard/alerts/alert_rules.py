"""Shows alert rules to everybody; lets admins add, change and delete them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import lists
from dashboard.access import get_or_404, requires
from dashboard.alerts.rule_forms import USUAL_KIND, AlertRuleForm, budget_of, rule_form, title_of
from dashboard.alerts.rule_preview import preview_of
from dashboard.alerts.scope_forms import SCOPES
from dashboard.widgets import read_choices
from monitor import audit
from monitor.access import may
from monitor.alerting.kinds import aspect_of
from monitor.alerting.kinds.options_form import kind_forms, usual_options
from monitor.alerting.marks import ask_scopes_in_words, scopes_in_words
from monitor.alerting.neighbours import ask_neighbours
from monitor.models import AlertRule
from monitor.models.asking import answered, in_step
from monitor.queries import alerts as queries

_SHOWN = (
    *("name", "kind", "flow_id", "subject_key", "module", "severity", "for_minutes", "keep_firing_minutes"),
    *("repeat_hours", "waits_for_reruns", "patience_minutes", "working_hours", "is_active"),
)
_SUBJECTS = ("account", *SCOPES)
_FILLED_IN = (*_SUBJECTS, "name")  # what an address may fill in; the options of the kind as well


@require_safe
def alert_rules(request: HttpRequest) -> HttpResponse:
    """Lists the rules and how many incidents each has open."""
    may_edit = may(request.user, "rules")
    template = "alerts/alert_rules.html"

    def find(_: object) -> dict[str, Any]:
        rows = list(queries.rules())
        words = scopes_in_words(rows)
        for rule in rows:
            rule.notices, rule.scope, rule.budget_words = title_of(rule), words[rule.pk], budget_of(rule)
        return {"rows": rows}

    return lists.show(request, template, None, find, nouns="alert rules", may_edit=may_edit)


@require_safe
@requires("rules")
def alert_rule_kinds(request: HttpRequest) -> HttpResponse:
    """Shows what rules there can be, for a person to choose; account and flow of the address are passed on."""
    passed_on = "".join(f"&{urlencode({name: request.GET[name]})}" for name in _SUBJECTS if name in request.GET)
    context = {"kinds": list(kind_forms().values()), "passed_on": passed_on}
    return render(request, "alerts/rule_kinds.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("rules")
def alert_rule_add(request: HttpRequest) -> HttpResponse:
    """Adds a rule of the kind that the address names; without one it is a rule of the success rate."""
    kind = request.POST.get("kind") or request.GET.get("kind") or USUAL_KIND
    if kind not in kind_forms():
        raise Http404
    of_kind = rule_form(kind)
    if request.method == "POST":
        return _save(request, of_kind(request.POST), "alert_rule.add")
    known = {*_FILLED_IN, *kind_forms()[kind].base_fields}
    return _show(request, of_kind(initial={name: value for name, value in request.GET.items() if name in known}))


@require_http_methods(["GET", "HEAD", "POST"])
def alert_rule_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes what a rule asks for and who hears of it; the account's default rules may be changed too."""
    rule = get_or_404(request.user, queries.rules(), pk, action="rules")
    if rule.kind not in kind_forms():
        raise Http404
    of_kind = rule_form(rule.kind)
    if request.method == "POST":
        return _save(request, of_kind(request.POST, instance=rule), "alert_rule.change")
    return _show(request, of_kind(instance=rule))


@require_POST
def alert_rule_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes a rule; its open alerts close, and their history stays. Default rules can only be disabled."""
    rule = get_or_404(request.user, queries.rules(), pk, action="rules")
    if rule.is_default:
        messages.error(request, "A default rule of the account cannot be deleted. Disable it instead.")
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
    if not form.is_valid():
        return _show(request, form, status=400)
    if not may(request.user, "rules", rule.account):
        raise PermissionDenied
    if "preview" in request.POST and form.is_of_flows:
        return _show(request, form, **preview_of(form, request.POST["preview"]))
    with transaction.atomic():
        form.save()
        detail = audit.changes(before, _values(rule))
        audit.record(request.user, action, rule, now=timezone.now(), account=rule.account, detail=detail)
    messages.success(request, f"The rule “{rule.name}” is saved. It is checked within a minute.")
    return redirect("alert_rules")


def _show(request: HttpRequest, form: AlertRuleForm, *, status: int = 200, **context: Any) -> HttpResponse:
    rule, account, aspect = form.instance, form.account, form.aspect

    def is_like(other: AlertRule) -> bool:
        return aspect_of(other.kind, other.options) == aspect

    words, form.usual, *near = answered(
        in_step(
            ask_scopes_in_words([rule] if rule.pk else []),
            form.ask_usual(),
            *([ask_neighbours(form.scope, account.pk, is_like)] if account is not None else []),
        )
    )
    found = {
        "form": form,
        "rule": rule,
        "kind": kind_forms()[form.kind],
        "neighbours": near[0] if near else None,
        "scope": words.get(rule.pk, ""),
        "told": form.said_beforehand(),
    }
    read_choices(form)
    return render(request, "alerts/alert_rule_form.html", found | context, status=status)


def _values(rule: AlertRule) -> dict[str, Any]:
    values = {name: getattr(rule, name) for name in _SHOWN} | dict(usual_options(rule.kind)) | rule.options
    values |= {"tag": rule.tag and str(rule.tag), "owner": rule.owner and rule.owner.get_username()}
    values["recipients"] = list(rule.recipients.order_by("username").values_list("username", flat=True))
    return values
