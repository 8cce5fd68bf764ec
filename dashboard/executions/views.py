"""The list of executions."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard import filters
from monitor.models import ages
from monitor.queries import executions as queries
from monitor.queries import freshness, retention


@require_safe
def executions(request: HttpRequest) -> HttpResponse:
    """The list; a filter that cannot be read gives 400 with the field's error."""
    now = timezone.now()
    form = filters.ExecutionFilterForm(request.GET)
    context: dict[str, Any] = {
        "now": now,
        "mirror": freshness.mirror(now),
        "form": form,
        "zone_name": filters.zone_name(),
        "cap": queries.COUNT_CAP,
        "payload_days": ages().payload,
    }
    if not form.is_valid():
        context["errors"] = filters.errors_of(form)
        return render(request, "executions/list.html", context, status=400)
    wanted = form.wanted()
    page = queries.page(wanted)
    context |= {
        "page": page,
        "count": queries.capped_count(wanted),
        "removed": retention.removed(account_id=wanted.account_id, flow_id=wanted.flow_id),
        "newer_url": _address(request.GET, before=page.newer),
        "older_url": _address(request.GET, after=page.older),
        "first_url": _address(request.GET) if wanted.after or wanted.before else "",
    }
    # On demand only the list is asked for again; it is the very part of the page.
    name = "executions/list.html#list" if request.htmx else "executions/list.html"  # type: ignore[attr-defined]
    return render(request, name, context)


def _address(query: QueryDict, **places: queries.Key | None) -> str:
    """The address of a neighbouring page: the same filters, another place; empty where there is none."""
    if places and None in places.values():
        return ""
    kept = query.copy()
    for name in ("after", "before"):
        kept.pop(name, None)
    for name, key in places.items():
        if key is not None:
            kept[name] = filters.encode_key(key)
    for name in [name for name, value in kept.items() if not value]:
        del kept[name]
    return f"?{kept.urlencode()}"
