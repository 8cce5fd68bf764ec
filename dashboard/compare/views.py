"""Shows what two accounts have in common and what differs, and sends it as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard import lists
from dashboard.access import requires
from dashboard.compare.forms import STATES, CompareForm
from dashboard.context import frame_at
from dashboard.csv_files import export_list
from monitor.access import find_all, may
from monitor.definition_compare import KINDS, SAME
from monitor.languages import gettext as _
from monitor.models import RuleVersion, Stream, ZohoAccount
from monitor.queries import compare as queries
from monitor.queries.compare import ComparedPair

COLUMNS = ("state", "kind", "name", "first_account", "first_id", "second_account", "second_id", "differences", "what")
LABELS = dict(STATES)


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Lists what differs between two accounts."""
    return _list(request, CompareForm(request.GET))


@require_POST
@requires("export")
def compare_csv(request: HttpRequest) -> HttpResponseBase:
    """Sends what the list would show, on all of its pages, as CSV. 400 for filters that are none."""
    form = CompareForm(request.GET)
    mirror = frame_at(timezone.now())["mirror"]
    form.offer_accounts((account.account_id, account.name) for account in mirror.accounts)
    left, right = form.sides()
    if not form.is_valid() or left is None or right is None:
        return _list(request, form)
    accounts = _accounts(request, left, right)
    found = queries.narrowed(queries.pairs_of(left, right), form.wanted())
    names = [accounts[key].name for key in (left, right)]
    cells = (_cells(pair, *names) for pair in queries.walk(found))
    return export_list(request, RuleVersion, "comparison", COLUMNS, cells)


def _list(request: HttpRequest, form: CompareForm) -> HttpResponse:
    def find(wanted: queries.CompareFilter) -> dict[str, Any]:
        left, right = form.sides()
        if left is None or right is None:
            return {"rows": [], "is_alone": True}
        accounts = _accounts(request, left, right)
        pairs = queries.pairs_of(left, right)
        found = lists.numbered(queries.narrowed(pairs, wanted), form)
        rows = queries.with_changes(found["rows"])
        counts = queries.counts(queries.narrowed(pairs, queries.CompareFilter(wanted.text, wanted.kind, queries.ANY)))
        kept = form.own(request.GET, "state", "page")
        states = [(state, label, counts.get(state, 0), _address(kept, state)) for state, label in STATES]
        return found | {
            "rows": [(row, LABELS[row.state], _(KINDS[row.kind])) for row in rows],
            "left": accounts[left],
            "right": accounts[right],
            "states": states,
            "is_same": bool(pairs) and counts.keys() == {SAME} and not form.is_narrowed,
        }

    more = {"may_export": may(request.user, "export")}
    return lists.show(
        request, "compare/list.html", form, find, stream=Stream.DEFINITIONS, nouns=_("definitions"), **more
    )


def _accounts(request: HttpRequest, left: int, right: int) -> dict[int, ZohoAccount]:
    rows = ZohoAccount.objects.defer("client_secret")
    found = find_all(request.user, rows, [left, right])
    if len(found) < 2:
        raise Http404
    return found


def _address(kept: Any, state: str) -> str:
    query = kept.copy()
    query["state"] = state
    return f"?{query.urlencode()}"


def _cells(pair: ComparedPair, left: str, right: str) -> Iterator[object]:
    yield from (LABELS[pair.state].lower(), KINDS[pair.kind], pair.name)
    yield from (left, pair.left.zoho_id if pair.left else None, right, pair.right.zoho_id if pair.right else None)
    yield from (len(pair.changes), "; ".join(pair.words))
