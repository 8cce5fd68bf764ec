"""Suggests flows as somebody types one in a filter."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.views.decorators.http import require_safe

from dashboard.filters import is_key
from monitor.queries import flow_names

LONGEST = 600  # of a name with its number


@require_safe
def flow_suggest(request: HttpRequest) -> HttpResponse:
    """Answers with the options of a datalist: at most 20 flows whose names have what is typed in them."""
    typed = request.GET.get("q") or request.GET.get("flow", "")
    account = request.GET.get("account", "")
    found = flow_names.look_up(typed[:LONGEST], int(account) if is_key(account) else None)
    near = set(found.near)
    named = [flow for flow in found.named if flow not in near]
    offered = [*named, *found.near][: flow_names.MOST_SUGGESTED]
    return HttpResponse(
        format_html_join("\n", '<option value="{}">{}</option>', ((flow.words, flow.account) for flow in offered))
    )
