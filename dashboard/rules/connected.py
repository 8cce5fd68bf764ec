"""Shows CRM's connected workflows: the list and one's page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard import lists
from dashboard.access import get_or_404
from dashboard.context import age_of
from dashboard.rules.forms import ConnectedFilterForm
from monitor.languages import gettext as _
from monitor.models import Edit, Stream
from monitor.queries import connected as queries
from monitor.queries import edits


@require_safe
def connected_workflows(request: HttpRequest) -> HttpResponse:
    """Lists connected workflows by the filters in the address."""
    form = ConnectedFilterForm(request.GET)

    def find(wanted: queries.ConnectedFilter) -> dict[str, Any]:
        return lists.numbered(queries.search(wanted), form)

    template = "rules/connected_workflows.html"
    return lists.show(request, template, form, find, stream=Stream.CONNECTED, nouns=_("connected workflows"))


@require_safe
def connected_workflow(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one connected workflow and its versions."""
    row = get_or_404(request.user, queries.all_of_them(), pk)
    context = {"detail": queries.detail(row)}
    context["edits"] = edits.of_thing(row.account_id, Edit.Subject.CONNECTED, row.workflow_id)
    return render(request, "rules/connected_workflow.html", context | age_of(row.account_id, Stream.CONNECTED))
