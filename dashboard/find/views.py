"""Finds a page, a flow, a rule, a problem or a run by a few letters: as a page, and in the palette of every page."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard import remembered
from dashboard.navigation import MenuPlace, places_for
from monitor.languages import gettext_noop
from monitor.queries import names
from monitor.queries.names import Kind

HEADINGS = {
    Kind.RUN: gettext_noop("Runs"),
    Kind.FLOW: gettext_noop("Flows"),
    Kind.PROBLEM: gettext_noop("Problems"),
    Kind.RULE: gettext_noop("Workflow rules"),
    Kind.CONNECTED: gettext_noop("Connected workflows"),
    Kind.CONNECTION: gettext_noop("Connections"),
}
ICONS = {
    Kind.RUN: "list",
    Kind.FLOW: "workflow",
    Kind.PROBLEM: "bug",
    Kind.RULE: "git-branch",
    Kind.CONNECTED: "waypoints",
    Kind.CONNECTION: "plug",
}


@require_safe
def find(request: HttpRequest) -> HttpResponse:
    """Shows what a text may mean; without one, all pages. For a script (`HX-Request`) the results alone."""
    text = request.GET.get("q", "").strip()[: names.LONGEST_SOUGHT]
    pages = _pages(places_for(request.user), text)
    found = names.runs(text) + names.look_up(text, remembered.of("names", names.everything)) if text else []
    by_kind = groupby(found, key=lambda one: one.kind)
    groups = [(HEADINGS[kind], ICONS[kind], list(some)) for kind, some in by_kind]
    context: dict[str, Any] = {"q": text, "pages": pages, "groups": groups, "count": len(pages) + len(found)}
    is_part = bool(request.htmx)  # type: ignore[attr-defined]
    return render(request, "find/results.html" if is_part else "find/find.html", context)


def _pages(places: list[MenuPlace], text: str) -> list[MenuPlace]:
    words = text.casefold().split()
    return [place for place in places if all(word in place.label.casefold() for word in words)]
