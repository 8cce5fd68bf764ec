"""Shows what was changed at Zoho, the newest first, and sends it as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST, require_safe

from dashboard import lists
from dashboard.access import requires
from dashboard.changes.forms import ChangeFilterForm, decode_place, encode_place
from dashboard.csv_files import export_list
from dashboard.news import MOST_NEW, News
from monitor.access import may
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy, gettext_noop
from monitor.models import FlowVersion, Stream
from monitor.queries import changes as queries
from monitor.queries.changes import KINDS, ChangePlace, SeenChange

COLUMNS = ("seen_at", "not_before", "changed_at", "account", "kind", "name", "what", "by", "changes", "page")
ACTS = {
    "edited": gettext_noop("Edited"),
    "on": gettext_noop("Switched on"),
    "off": gettext_noop("Switched off"),
    "new": gettext_noop("New"),
    "deleted": gettext_noop("Deleted"),
    "back": gettext_noop("Listed again"),
    "status": gettext_noop("Another state"),
}


def _mark(context: Mapping[str, Any]) -> str:
    return encode_place(context["rows"][0][0].place) if context["rows"] else ""


def _newer(wanted: queries.ChangeFilter, mark: str) -> int:
    return queries.newer_count(wanted, decode_place(mark), MOST_NEW)


CHANGES = News(gettext_lazy("change"), gettext_lazy("changes"), _mark, _newer)


@require_safe
def changes(request: HttpRequest) -> HttpResponse:
    """Lists changes by the filters in the address."""
    return _list(request, ChangeFilterForm(request.GET))


@require_POST
@requires("export")
def changes_csv(request: HttpRequest) -> HttpResponseBase:
    """Sends all changes that fit the filters as CSV. 400 for filters that are none."""
    form = ChangeFilterForm(request.GET)
    if not form.is_valid():
        return _list(request, form)
    wanted = form.wanted()
    rows = map(_cells, queries.walk(wanted))
    return export_list(request, FlowVersion, "changes", COLUMNS, rows, total=queries.count(wanted))


def _list(request: HttpRequest, form: ChangeFilterForm) -> HttpResponse:
    def find(wanted: queries.ChangeFilter) -> dict[str, Any]:
        found = queries.page(wanted)
        return {
            "rows": [(one, _(ACTS[one.act]), _(KINDS[one.kind])) for one in found.rows],
            "older_url": _address(request.GET, after=found.older),
            "newer_url": _address(request.GET, before=found.newer),
            "first_url": _address(request.GET) if wanted.after or wanted.before else "",
        }

    more = {"may_export": may(request.user, "export"), "news": CHANGES, "nouns": _("changes")}
    return lists.show(request, "changes/list.html", form, find, stream=Stream.DEFINITIONS, **more)


def _address(query: QueryDict, **places: ChangePlace | None) -> str:
    """Builds the address of a neighbouring page: the same filters, another place; empty where there is none."""
    if None in places.values():
        return ""
    kept = ChangeFilterForm.own(query, "after", "before")
    for name, place in places.items():
        if place is not None:
            kept[name] = encode_place(place)
    return f"?{kept.urlencode()}"


def _cells(one: SeenChange) -> Iterator[object]:
    yield from (one.place.at, one.seen_before, one.made_at, one.account, KINDS[one.kind])
    yield from (one.name, ACTS[one.act].lower(), one.by, "; ".join(one.words), one.diff_url or one.url)
