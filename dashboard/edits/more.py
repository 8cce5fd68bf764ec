"""Asks for changes of connected workflows and flows, and of the order of a module's rules; steps as in `ask`."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from dashboard.access import get_or_404, requires
from dashboard.context import age_of, frame_at
from dashboard.edits.ask import METHODS, AskedChange, answer
from dashboard.edits.forms import (
    CONNECTED_LIMITS,
    DescribeForm,
    NewConnectedForm,
    OrderForm,
    SampleDataForm,
    WishForm,
)
from monitor.edits import drafts
from monitor.edits.acts import kind_of, scopes_of
from monitor.edits.check import KnownFacts
from monitor.edits.drafts import EditDraft
from monitor.models import ConnectedWorkflow, Edit, Flow, WorkflowRule, ZohoAccount

Act, Subject = Edit.Act, Edit.Subject
CONNECTED_ACTS = (Act.ACTIVATE, Act.DEACTIVATE, Act.DESCRIBE, Act.DELETE)
FLOW_ACTS = (Act.ACTIVATE, Act.DEACTIVATE, Act.TEST_TRIGGER, Act.TEST_ACTIONS)


@require_http_methods(METHODS)
def connected_edit(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Changes a connected workflow: activate, deactivate, describe or delete."""
    rows = ConnectedWorkflow.objects.select_related("account").defer("account__client_secret")
    workflow = get_or_404(request.user, rows, pk, action="edits")
    if act not in CONNECTED_ACTS:
        raise Http404

    def draft(wanted: WishForm | None, facts: KnownFacts) -> EditDraft:
        return drafts.connected_draft(workflow, act, wanted.wish() if wanted else {})

    heading = kind_of(Subject.CONNECTED, act).asks.format(name=workflow.shown_name)
    asked = AskedChange(heading, workflow.get_absolute_url(), draft)
    asked.account, asked.needs = workflow.account, scopes_of(Subject.CONNECTED, act)
    if act == Act.DESCRIBE:
        base, digest = drafts.newest_of(workflow)
        asked.of_definition(lambda data: DescribeForm(data, base=base, longest=CONNECTED_LIMITS), request, digest)
    asked.context = age_of(workflow.account_id) | {"act": act, "up_label": workflow.shown_name}
    return answer(request, asked)


@require_http_methods(METHODS)
@requires("edits")
def connected_new(request: HttpRequest) -> HttpResponse:
    """Creates a connected workflow, as a draft."""
    form = NewConnectedForm(request.POST or None)

    def draft(_: WishForm | None, facts: KnownFacts) -> EditDraft:
        said = form.cleaned_data
        return drafts.new_connected_draft(said["account"], said["name"], said["module"], said["description"])

    asked = AskedChange("Create a connected workflow", reverse("connected_workflows"), draft, form)
    asked.context = frame_at(timezone.now()) | {"act": Act.CREATE.value, "up_label": "Connected workflows"}
    asked.context["freshness"] = None
    return answer(request, asked)


@require_http_methods(METHODS)
def flow_edit(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Enables or disables a flow, or has Zoho test its trigger or its actions."""
    rows = Flow.objects.select_related("account").defer("account__client_secret", "raw")
    flow = get_or_404(request.user, rows, pk, action="edits")
    if act not in FLOW_ACTS:
        raise Http404

    def draft(wanted: WishForm | None, facts: KnownFacts) -> EditDraft:
        return drafts.flow_draft(flow, act, wanted.wish() if wanted else {})

    heading = kind_of(Subject.FLOW, act).asks.format(name=flow.shown_name)
    asked = AskedChange(heading, flow.get_absolute_url(), draft)
    asked.account, asked.needs = flow.account, scopes_of(Subject.FLOW, act)
    if act == Act.TEST_ACTIONS:
        asked.of_definition(SampleDataForm, request, drafts.newest_of(flow)[1])
    asked.context = age_of(flow.account_id) | {"act": act, "up_label": flow.shown_name}
    return answer(request, asked)


@require_http_methods(METHODS)
def rule_order(request: HttpRequest, pk: int) -> HttpResponse:
    """Reorders the rules of the module of a rule: those that are given a place, ten at most."""
    rows = WorkflowRule.objects.select_related("account").defer("account__client_secret")
    rule = get_or_404(request.user, rows, pk, action="edits")
    form = OrderForm(request.POST or None, rules=_rules_of(rule.account, rule.module))

    def draft(_: WishForm | None, facts: KnownFacts) -> EditDraft:
        return drafts.order_draft(rule.account, rule.module, form.sequence())

    asked = AskedChange(f"Reorder the rules of {rule.module}", rule.get_absolute_url(), draft, form)
    asked.account, asked.needs = rule.account, scopes_of(Subject.ORDER, Act.REORDER)
    asked.context = age_of(rule.account_id) | {"act": Act.REORDER.value, "up_label": rule.shown_name}
    return answer(request, asked)


def _rules_of(account: ZohoAccount, module: str) -> list[Any]:
    rows = WorkflowRule.objects.filter(account=account, module=module, gone_at=None)
    return list(rows.only("rule_id", "name").order_by("name", "pk")[:200])
