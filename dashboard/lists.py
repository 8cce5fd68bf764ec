"""Answers with a list page: filters, order, pages, the empty state and the age of what is listed.

All lists are shown by `templates/list.html`; a list's own template adds the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from dashboard.context import frame_at, of_mirror
from dashboard.filters import FilterForm
from dashboard.news import MARK, News, answer, news_url
from monitor.models.asking import Asking, ask, ask_count, in_step
from monitor.queries import freshness

PAGE_SIZE = 50


def show(
    request: HttpRequest,
    template: str,
    form: FilterForm | None,
    find: Callable[[Any], Mapping[str, Any]],
    *,
    stream: str = "",
    own_url: str = "",
    news: News | None = None,
    **context: Any,
) -> HttpResponse:
    """Shows the page of a list, or only the list where a script asks for it again: it is the very part of the page.

    Args:
        request: what was asked.
        template: extends `list.html`.
        form: the filters in the address. One that cannot be read lists nothing and gives 400. None: nothing filters.
        find: from what a valid form asks for to the context with `rows`; see `numbered`.
        stream: one of `monitor.models.Stream`, where the list has an age of its own; else that of all accounts.
        own_url: the address of the list, where this page answers at another one: a refused POST. Its filters, pages and
            its refreshing lead there.
        news: what is called new, where a page says so as it stands open.
        context: `nouns`, what is listed, for people; `freshness`=None where nothing of Zoho is listed; whatever else
            the template needs.
    """
    path = own_url or request.path
    if news is not None and form is not None and MARK in request.GET:
        return answer(request, news, path, form)
    now = context.setdefault("now", timezone.now())
    frame = of_mirror(context["mirror"]) if "mirror" in context else frame_at(now)
    mirror = frame["mirror"]
    if form is not None:
        form.offer_accounts((account.account_id, account.name) for account in mirror.accounts)
    is_valid = form is None or form.is_valid()
    if stream and form is not None:
        context["freshness"] = freshness.of_list(mirror, stream, now, form.cleaned_data.get("account"))
    context = frame | {"freshness": mirror} | context
    if form is not None and is_valid and request.method in ("GET", "HEAD") and form.address:
        return redirect(f"{request.path}?{form.address}")
    context |= {"own_url": own_url, "list_path": path}
    context["cleared_path"] = context.get("cleared_path") or context["list_path"]
    is_part = bool(request.htmx)  # type: ignore[attr-defined]
    context |= {"form": form, "is_part": is_part, "frame": "parts/bare.html" if is_part else "base.html"}
    if is_valid:
        wanted = form.wanted() if form else None
        context |= find(wanted)
        if news is not None and form is not None:
            context["news_url"] = news_url(news, path, form, wanted, context)
    return render(request, template, context, status=200 if is_valid else 400)


def numbered(rows: Any, form: FilterForm, *, per_page: int = PAGE_SIZE) -> dict[str, Any]:
    """Finds the page of some rows that the address asks for; beyond the last it is the last.

    Args:
        rows: a queryset or list of all rows.
        form: valid.
        per_page: how many rows a page has.
    """
    page = Paginator(rows, per_page).get_page(form.cleaned_data["page"] or 1)
    return {"page_obj": page, "rows": list(page)}


def ask_numbered(rows: QuerySet[Any], form: FilterForm, *, per_page: int = PAGE_SIZE) -> Asking[dict[str, Any]]:
    """Asks for what `numbered` finds of a queryset: its rows and how many there are, together.

    Args:
        rows: all rows.
        form: valid.
        per_page: how many rows a page has.
    """
    number = max(form.cleaned_data["page"] or 1, 1)
    begin = (number - 1) * per_page
    count, found = yield from in_step(ask_count(rows), ask(rows[begin : begin + per_page]))
    paginator = Paginator(rows, per_page)
    paginator.count = count
    page = paginator.get_page(number)
    # Beyond the last page it is the last one, which is asked for once it is known which that is.
    page.object_list = found if page.number == number else (yield from ask(page.object_list))
    return {"page_obj": page, "rows": found if page.number == number else page.object_list}
