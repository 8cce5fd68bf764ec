"""Shows executions: the list, one's page, the unmasked look at it, and the search of unmasked text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import lists, remembered, unmasked_search
from dashboard.access import get_or_404, requires
from dashboard.context import frame_at
from dashboard.executions import saved_views
from dashboard.executions.forms import ExecutionFilterForm, encode_key
from dashboard.executions.news import RUNS
from dashboard.executions.page import UNMASK_IDS, page_context
from dashboard.reasons import ReasonForm
from monitor import audit
from monitor.access import may
from monitor.languages import gettext as _
from monitor.models import Execution, Failure, ages
from monitor.queries import execution as one
from monitor.queries import executions as queries
from monitor.queries import retention, tallies
from monitor.queries.places import Key

LIST = "executions/list.html"


@require_safe
def executions(request: HttpRequest) -> HttpResponse:
    """Lists executions by the filters in the address, newest first, paged by place."""
    form = ExecutionFilterForm(request.GET)
    views = saved_views.of_list(request, form)
    if views.get("opens_with"):
        return redirect(f"{request.path}?{views['opens_with']}")

    now = timezone.now()
    mirror = frame_at(now)["mirror"]

    def find(wanted: queries.ExecutionFilter) -> dict[str, Any]:
        page = queries.page(wanted)
        return {
            "rows": page.rows,
            "count": queries.capped_count(wanted) if page.count is None else page.count,
            "is_masked_in_part": bool(wanted.text and mirror.counts[tallies.MASKED_ANEW]),
            "removed": _removed(wanted),
            "newer_url": _address(request.GET, before=page.newer),
            "older_url": _address(request.GET, after=page.older),
            "first_url": _address(request.GET) if wanted.after or wanted.before else "",
        }

    more = {**_list_context(), **_many(request), **views, **unmasked_search.offer(request, form)}
    more |= {"now": now, "mirror": mirror}
    return lists.show(request, LIST, form, find, news=RUNS, **more)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("unmask")
def executions_unmasked(request: HttpRequest) -> HttpResponse:
    """Searches the error texts as Zoho sent them, for an admin who says why; a GET leads back to the list."""
    if request.method != "POST":
        return unmasked_search.back(request, "executions", ExecutionFilterForm)
    form = ExecutionFilterForm(unmasked_search.filters_of(request, ExecutionFilterForm))

    def find(wanted: queries.ExecutionFilter, sought: str) -> dict[str, Any]:
        wanted = replace(wanted, text=sought, is_unmasked=True, after=None, before=None)
        return {
            "rows": queries.page(wanted, unmasked_search.MOST_SHOWN).rows,
            "count": queries.capped_count(wanted),
            "removed": _removed(wanted),
        }

    return unmasked_search.show(request, LIST, form, Execution, find, **_list_context())


def _removed(wanted: queries.ExecutionFilter) -> retention.Removed | None:
    """Returns what is no longer listed of an account, a flow or everything, for all readers at once."""
    account, flow = wanted.account_id, wanted.flow_id
    return remembered.of(("runs removed", account, flow), lambda: retention.removed(account_id=account, flow_id=flow))


def _many(request: HttpRequest) -> dict[str, Any]:
    """Says what the viewer may do with many runs at once."""
    may_retry, may_write_off = may(request.user, "retry.bulk"), may(request.user, "write_off")
    query = request.GET.copy()
    for name in ("after", "before"):
        query.pop(name, None)
    return {
        "chooses": "choose" if may_retry or may_write_off else "",
        "query": query.urlencode(),
        "may_export": may(request.user, "export"),
        "may_retry_many": may_retry,
        "may_write_off": may_write_off,
        "may_take_back": may_write_off and request.GET.get("outcome") == Failure.Fate.WRITTEN_OFF,
    }


def _list_context() -> dict[str, Any]:
    return {
        "nouns": _("executions"),
        "zone_name": timezone.get_current_timezone_name(),
        "cap": queries.COUNT_CAP,
        "payload_days": ages().payload,
        "unmasked_url": reverse("executions_unmasked"),
    }


def _address(query: QueryDict, **places: Key | None) -> str:
    """Builds the address of a neighbouring page: the same filters, another place; empty where there is none."""
    if places and None in places.values():
        return ""
    kept = query.copy()
    for name in ("after", "before"):
        kept.pop(name, None)
    for name, key in places.items():
        if key is not None:
            kept[name] = encode_key(key)
    for name in [name for name, value in kept.items() if not value]:
        del kept[name]
    return f"?{kept.urlencode()}"


@require_safe
def execution(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one execution, masked."""
    row = get_or_404(request.user, one.BY_KEY, pk)
    return render(request, "executions/execution.html", page_context(request, row))


@require_POST
def unmask(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows everything readable, once, to an admin who says why. The look is written down first."""
    row = get_or_404(request.user, one.BY_KEY, pk, action="unmask")
    form = ReasonForm(request.POST, auto_id=UNMASK_IDS)
    if not form.is_valid():
        context = page_context(request, row) | {"unmask_form": form}
        return render(request, "executions/execution.html", context, status=400)
    with transaction.atomic():
        reason = form.cleaned_data["reason"]
        audit.record(request.user, "unmask", row, now=timezone.now(), account=row.account, detail={"reason": reason})
    return render(request, "executions/execution.html", page_context(request, row, masked=False))
