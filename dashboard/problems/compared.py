"""Lists the runs that a problem's page compares, or those that have a value that differs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from dashboard import lists
from dashboard.access import get_or_404
from dashboard.context import age_of
from dashboard.filters import FilterForm, OneOfField
from dashboard.problems.views import all_problems
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy
from monitor.queries.executions import by_keys
from monitor.triage.what_differs import compared_runs

GOOD = "good"


class ComparedForm(FilterForm):
    """Reads which of the compared runs are listed: the failed ones, or the good ones beside them."""

    runs = OneOfField([(GOOD, gettext_lazy("Good"))], gettext_lazy("Runs"), gettext_lazy("Failed"))
    # Links from counts set it: `ShownDifference.key`.
    difference = forms.RegexField("^[0-9a-f]{16}$", required=False, widget=forms.HiddenInput)
    account = None

    def wanted(self) -> tuple[bool, str]:
        return self.cleaned_data["runs"] == GOOD, self.cleaned_data["difference"]


@require_safe
def problem_compared(request: HttpRequest, pk: int) -> HttpResponse:
    """Lists the runs of one count of “What is different?”; of a merged problem those of the one that took it in."""
    row = get_or_404(request.user, all_problems(), pk)
    if row.merged_into_id is not None:
        return redirect("problem_compared", row.merged_into_id)
    form = ComparedForm(request.GET)

    def find(wanted: tuple[bool, str]) -> dict[str, Any]:
        is_good, difference = wanted
        runs = compared_runs(row, difference)
        page = lists.numbered(runs.good if is_good else runs.failed, form)
        return page | {"rows": by_keys(page["rows"])}

    more = age_of(row.account_id) | {"problem": row}
    return lists.show(request, "problems/compared.html", form, find, nouns=_("runs"), **more)
