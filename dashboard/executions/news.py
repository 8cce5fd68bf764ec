"""Says how many runs have begun since somebody opened the list: what they read does not move."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard.executions.forms import ExecutionFilterForm, decode_key, encode_key
from dashboard.executions.saved_views import EVERYTHING
from monitor.models import Execution
from monitor.queries import executions as queries
from monitor.queries.executions import ExecutionFilter
from monitor.queries.places import key_of


def news_url(form: ExecutionFilterForm, wanted: ExecutionFilter, rows: list[Execution]) -> str:
    """Returns where a script asks for news of a list; "" where none can come: below its first page, in times past.

    Args:
        form: the list's, valid.
        wanted: what it asks for.
        rows: of the page, newest first.
    """
    if wanted.after or wanted.before or wanted.end or wanted.failed_before or not rows or rows[0].started_time is None:
        return ""
    query = form.own(form.data, *form.places)
    query["than"] = encode_key(key_of(rows[0]))
    return f"{reverse('executions_news')}?{query.urlencode()}"


@require_safe
def executions_news(request: HttpRequest) -> HttpResponse:
    """Answers with a link to the newest runs where there are newer ones than `than`; else with nothing."""
    form = ExecutionFilterForm(request.GET)
    try:
        place = decode_key(request.GET.get("than", ""))
    except ValueError:
        return HttpResponse(
            "The place in the list cannot be read.", status=400, content_type="text/plain; charset=utf-8"
        )
    if not form.is_valid():
        return HttpResponse("The filters cannot be read.", status=400, content_type="text/plain; charset=utf-8")
    count = queries.newer_count(form.wanted(), place)
    query = form.own(form.data, *form.places)
    context = {
        "count": count,
        "most": queries.MOST_NEW,
        "url": f"{reverse('executions')}?{query.urlencode() or EVERYTHING}",
    }
    return render(request, "executions/news.html", context)
