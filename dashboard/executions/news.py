"""Says which runs are new on the list of executions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard import news
from dashboard.executions.forms import ExecutionFilterForm, decode_key, encode_key
from dashboard.executions.saved_views import EVERYTHING
from monitor.languages import gettext_lazy
from monitor.queries import executions as queries
from monitor.queries.executions import ExecutionFilter
from monitor.queries.places import key_of


def _mark(context: Mapping[str, Any]) -> str:
    rows = context["rows"]
    return encode_key(key_of(rows[0])) if rows and rows[0].started_time is not None else ""


def _count(wanted: ExecutionFilter, mark: str) -> int:
    return queries.newer_count(wanted, decode_key(mark), news.MOST_NEW)


RUNS = news.News(gettext_lazy("run"), gettext_lazy("runs"), _mark, _count, whole=EVERYTHING)


@require_safe
def executions_news(request: HttpRequest) -> HttpResponse:
    """Answers as the list itself does at an address with a mark; here pages of older versions ask."""
    return news.answer(request, RUNS, reverse("executions"), ExecutionFilterForm(request.GET))
