"""Says how much is new on a list since somebody opened it: what they read does not move.

A list's first page has an address with the mark of what was the newest; the page's script asks it again and again
(`templates/list.html`), and shows the link that it answers with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dashboard.filters import FilterForm, is_key

MARK = "than"  # in an address
MOST_NEW = 99


@dataclass(frozen=True, slots=True)
class News:
    """Holds what a list calls new.

    Attributes:
        one: what one of it is called; `many`: several of it.
        mark: writes the place of the newest, from the context of the list's first page; "" where none can be said.
        count: tells how many that fit a filter lie beyond a mark, no further than one beyond MOST_NEW.
            Raises ValueError for a mark that `mark` did not write.
        whole: the query string of the list without filters, where a bare address leads elsewhere.
    """

    one: str
    many: str
    mark: Callable[[Mapping[str, Any]], str]
    count: Callable[[Any, str], int]
    whole: str = ""


def news_url(news: News, path: str, form: FilterForm, wanted: Any, context: Mapping[str, Any]) -> str:
    """Returns where a script asks for news of a list; "" where none can come: below its first page, in times past.

    Args:
        news: the list's.
        path: the list's own.
        form: the list's, valid.
        wanted: what it asks for.
        context: of the page.
    """
    is_below = any(form.cleaned_data.get(place) not in (None, "", 1) for place in form.places)
    is_over = getattr(wanted, "end", None) or getattr(wanted, "failed_before", None)
    if is_below or is_over or not (mark := news.mark(context)):
        return ""
    query = form.own(form.data, *form.places)
    query[MARK] = mark
    return f"{path}?{query.urlencode()}"


def answer(request: HttpRequest, news: News, path: str, form: FilterForm) -> HttpResponse:
    """Answers with a link to the list's newest where there is any beyond the mark in the address; else with nothing."""
    if not form.is_valid():
        return _refused("The filters cannot be read.")
    try:
        count = news.count(form.wanted(), request.GET.get(MARK, ""))
    except ValueError:
        return _refused("The place in the list cannot be read.")
    query = form.own(form.data, *form.places).urlencode() or news.whole
    context = {"count": count, "most": MOST_NEW, "news": news, "url": f"{path}?{query}" if query else path}
    return render(request, "parts/news.html", context)


def newest_key(context: Mapping[str, Any]) -> str:
    """Writes the greatest primary key of a page's rows, of a list to which rows are only added."""
    return str(max((row.pk for row in context["rows"]), default=0))


def read_key(mark: str) -> int:
    """Reads the primary key that a mark is.

    Raises:
        ValueError: it is none.
    """
    if mark != "0" and not is_key(mark):
        raise ValueError("not a primary key")
    return int(mark)


def _refused(why: str) -> HttpResponse:
    return HttpResponse(why, status=400, content_type="text/plain; charset=utf-8")
