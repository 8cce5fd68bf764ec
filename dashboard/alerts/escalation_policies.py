"""Lets admins add, change and delete policies of escalation. What runs already keeps the policy that it began with."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.access import get_or_404, requires
from dashboard.alerts.route_forms import EscalationPolicyForm, EscalationStepForm, step_forms, steps_in
from dashboard.widgets import read_choices
from monitor import audit
from monitor.models import EscalationPolicy, EscalationStep, Route


@require_http_methods(["GET", "HEAD", "POST"])
@requires("rules")
def escalation_policy_add(request: HttpRequest) -> HttpResponse:
    """Adds a policy with its steps."""
    if request.method == "POST":
        form = EscalationPolicyForm(request.POST)
        return _save(request, form, step_forms(None, request.POST), "escalation_policy.add")
    return _show(request, EscalationPolicyForm(), step_forms(None))


@require_http_methods(["GET", "HEAD", "POST"])
def escalation_policy_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a policy; escalations that run keep their copy."""
    policy = get_or_404(request.user, EscalationPolicy, pk, action="rules")
    if request.method == "POST":
        form = EscalationPolicyForm(request.POST, instance=policy)
        return _save(request, form, step_forms(policy, request.POST), "escalation_policy.change")
    return _show(request, EscalationPolicyForm(instance=policy), step_forms(policy))


@require_POST
def escalation_policy_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes a policy that no route has; what runs goes on."""
    policy = get_or_404(request.user, EscalationPolicy, pk, action="rules")
    routes = list(Route.objects.filter(policy=policy).values_list("name", flat=True))
    if routes:
        messages.error(request, f"It is not deleted: the route “{routes[0]}” has it.")
        return redirect("escalation_policy_edit", policy.pk)
    with transaction.atomic():
        detail = {"name": policy.name, "steps": _steps(policy)}
        audit.record(request.user, "escalation_policy.delete", policy, now=timezone.now(), detail=detail)
        policy.delete()
    messages.success(request, f"The escalation “{policy.name}” is deleted.")
    return redirect("alert_routes")


def _save(
    request: HttpRequest, form: EscalationPolicyForm, steps: list[EscalationStepForm], action: str
) -> HttpResponse:
    policy = form.instance
    before = {"name": policy.name, "steps": _steps(policy)} if policy.pk else {}
    are_valid = all(step.is_valid() for step in steps)
    wanted = steps_in(steps) if are_valid else []
    if form.is_valid() and are_valid and not wanted:
        form.add_error(None, "A policy has at least one step.")
    if not form.is_valid() or not are_valid:
        return _show(request, form, steps, status=400)
    with transaction.atomic():
        form.save()
        EscalationStep.objects.filter(policy=policy).delete()
        for position, said in enumerate(wanted, start=1):
            row = EscalationStep.objects.create(
                policy=policy, position=position, after_minutes=said["after_minutes"], to_owner=said["to_owner"]
            )
            row.people.set(said["people"])
            row.channels.set(said["channels"])
        detail = audit.changes(before, {"name": policy.name, "steps": _steps(policy)})
        audit.record(request.user, action, policy, now=timezone.now(), detail=detail)
    messages.success(request, f"The escalation “{policy.name}” is saved. What runs already goes on as it began.")
    return redirect("alert_routes")


def _show(
    request: HttpRequest, form: EscalationPolicyForm, steps: list[EscalationStepForm], *, status: int = 200
) -> HttpResponse:
    read_choices(form, *steps)
    context = {"form": form, "steps": steps, "policy": form.instance}
    return render(request, "alerts/escalation_policy_form.html", context, status=status)


def _steps(policy: EscalationPolicy) -> list[dict[str, Any]]:
    return [
        {
            "after_minutes": step.after_minutes,
            "people": sorted(step.people.values_list("username", flat=True)),
            "to_owner": step.to_owner,
            "channels": sorted(step.channels.values_list("name", flat=True)),
        }
        for step in EscalationStep.objects.filter(policy=policy)
    ]
