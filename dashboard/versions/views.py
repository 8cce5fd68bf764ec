"""Shows one version of a definition: what changed, and the whole of it."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.access import get_or_404
from monitor.models import Flow
from monitor.queries import connected, rules, versions


@require_safe
def flow_version(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Shows a version of a flow's definition."""
    flows = Flow.objects.select_related("account").defer("account__client_secret")
    return _page(request, flows, pk, number, "flow_version")


@require_safe
def rule_version(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Shows a version of a workflow rule's definition."""
    return _page(request, rules.all_rules(), pk, number, "rule_version")


@require_safe
def connected_version(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Shows a version of a connected workflow's definition."""
    return _page(request, connected.all_of_them(), pk, number, "connected_version")


def _page(request: HttpRequest, things: QuerySet, pk: int, number: int, url_name: str) -> HttpResponse:  # type: ignore[type-arg]
    thing = get_or_404(request.user, things, pk)
    detail = versions.detail(thing, number)
    if detail is None:
        raise Http404
    return render(request, "versions/version.html", {"thing": thing, "detail": detail, "url_name": url_name})
