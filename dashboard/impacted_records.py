"""Shows which records failed runs were about, as a list and as a file: of a problem, and of a batch of retries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from dashboard import lists
from dashboard.context import age_of
from dashboard.csv_files import csv_file
from dashboard.filters import FilterForm
from dashboard.reasons import ReasonForm
from monitor import audit
from monitor.access import may
from monitor.languages import gettext as _
from monitor.triage import impacted
from monitor.triage.impacted import ImpactedRecord

PAGE = "parts/records.html"
UNMASK_IDS = "unmask_%s"
COLUMNS = ("flow_id", "flow_name", "record_id", "failed", "open", "last_failed_at", "execution_id")


class RecordFilterForm(FilterForm):
    """Reads which page of a list of records is asked for."""

    account = None

    def wanted(self) -> None:
        return None


@dataclass(frozen=True)
class RecordsOf:
    """Says whose records are shown.

    Attributes:
        thing: a problem or a batch, with its account.
        scope: condition on `Failure` for its failures.
        name: of it, for people.
        up_url: its page.
        own_url: of the list.
        file_name: of the file.
        file_url: where it is posted for.
        problem_id: of the problem whose failures they are.
        batch_id: of the batch whose runs they are.
        not_entered: counts its runs that have no entry in the ledger, and so no known record.
    """

    thing: Any
    scope: Q
    name: str
    up_url: str
    own_url: str
    file_name: str
    file_url: str
    problem_id: int | None = None
    batch_id: int | None = None
    not_entered: Callable[[], int] = lambda: 0


def show(request: HttpRequest, of: RecordsOf, unmask_form: ReasonForm | None = None) -> HttpResponse:
    """Shows the records as a list, masked; 400 where the reason for the unmasked file cannot be used."""
    form = RecordFilterForm(request.GET)

    def find(_: None) -> dict[str, Any]:
        page = lists.numbered(impacted.records(of.scope), form)
        rows = impacted.with_ids(of.scope, page["rows"])
        return page | {"rows": rows, "without": impacted.without_record(of.scope) + of.not_entered()}

    account = of.thing.account
    may_export = may(request.user, "export", account)
    response = lists.show(
        request,
        PAGE,
        form,
        find,
        nouns=_("records"),
        own_url=of.own_url,
        of=of,
        may_export=may_export,
        may_unmask=may_export and may(request.user, "unmask", account),
        unmask_form=unmask_form or ReasonForm(auto_id=UNMASK_IDS),
        **age_of(account.pk),
    )
    if unmask_form is not None:
        response.status_code = 400
    return response


def send(request: HttpRequest, of: RecordsOf) -> HttpResponseBase:
    """Sends the records as a file; as Zoho sent them where an admin asks for that and says why. It is written down.

    Raises:
        PermissionDenied: the person may not unmask.
    """
    thing: Model = of.thing
    detail: dict[str, Any] = {"what": "records", "format": "csv"}
    is_unmasked = bool(request.POST.get("unmasked"))
    if is_unmasked:
        if not may(request.user, "unmask", of.thing.account):
            raise PermissionDenied
        form = ReasonForm(request.POST, auto_id=UNMASK_IDS)
        if not form.is_valid():
            return show(request, of, form)
        detail |= {"unmasked": True, "reason": form.cleaned_data["reason"]}
    audit.record(request.user, "export", thing, now=timezone.now(), account=of.thing.account, detail=detail)
    found = impacted.all_with_ids(of.scope, masked=not is_unmasked)
    return csv_file(of.file_name, COLUMNS, (_cells(one, masked=not is_unmasked) for one in found))


def _cells(one: ImpactedRecord, *, masked: bool) -> list[object]:
    name = one.flow.shown_name if masked else one.flow.flow_name
    run = one.newest.execution_id
    return [one.flow.flow_id, name, one.record_id, one.failed, one.open, one.last_failed_at, run]
