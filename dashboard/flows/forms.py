"""Reads the filters of the list of flows."""

from __future__ import annotations

from django import forms
from django.http import QueryDict

from dashboard.columns import Column, ColumnsField
from dashboard.filters import IdField, OneOfField, TextField
from dashboard.ownership import OwnedFilterForm
from dashboard.reasons import ReasonForm
from monitor.languages import gettext_lazy
from monitor.models import Connection, Problem, RetryPin
from monitor.privacy import mask_text
from monitor.queries.flows import SORTS, FlowFilter
from monitor.standing.judge import WORDS
from monitor.triage.choose_record import LONGEST_PATH

FLOW_COLUMNS = (
    Column("standing", gettext_lazy("Standing")),
    Column("failed", gettext_lazy("Failed")),
    Column("runs", gettext_lazy("Runs")),
    Column("success", gettext_lazy("Success")),
    Column("days", gettext_lazy("14 days")),
    Column("last_run", gettext_lazy("Last run")),
    Column("mirror", gettext_lazy("Mirror")),
)


class RecordFieldForm(forms.Form):
    """Asks by which field of the trigger data a flow's records are known."""

    path = forms.CharField(
        label=gettext_lazy("Field"),
        max_length=LONGEST_PATH,
        help_text=gettext_lazy("Keys joined by dots, as in data.id."),
        strip=True,
    )


class PinForm(ReasonForm):
    """Asks whether a flow's work may be repeated, and why; which actions may be stands beside it, one tick each."""

    retry_class = forms.ChoiceField(
        label=gettext_lazy("Run again"), choices=[(code, gettext_lazy(words)) for code, words in RetryPin.Class.choices]
    )

    field_order = ["retry_class", "reason"]


class FlowFilterForm(OwnedFilterForm):
    """Reads what the list of flows is narrowed to and sorted by."""

    text = TextField(gettext_lazy("Search"), gettext_lazy("name, app or id"))
    status = OneOfField(
        [
            ("active", gettext_lazy("Active")),
            ("inactive", gettext_lazy("Inactive")),
            ("gone", gettext_lazy("Deleted in Zoho")),
        ],
        gettext_lazy("In Zoho"),
        gettext_lazy("All but deleted"),
    )
    standing = OneOfField([(code, gettext_lazy(words)) for code, words in WORDS.items()], gettext_lazy("Standing"))
    problem = IdField(label=gettext_lazy("Problem"))
    connection = IdField(label=gettext_lazy("Uses connection"))

    columns = ColumnsField(FLOW_COLUMNS)

    sorts = SORTS
    field_order = ["text", "standing", "status", "owner", "tag", "account", "problem", "connection"]

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        # A link from a count sets it: it is shown where it is set, so that a person sees what narrows the list.
        problem = data.get("problem", "")
        if not problem:
            self.fields["problem"].widget = forms.HiddenInput()
        elif self.fields["problem"].valid_value(problem):
            known = Problem.objects.filter(pk=int(problem)).values_list("pk", "title")
            self.offer("problem", [(pk, mask_text(title)) for pk, title in known])

        connection = data.get("connection", "")
        if not connection:
            self.fields["connection"].widget = forms.HiddenInput()
        elif self.fields["connection"].valid_value(connection):
            links = Connection.objects.filter(pk=int(connection)).defer("raw")
            self.offer("connection", [(one.pk, one.shown_name) for one in links])

    def wanted(self) -> FlowFilter:
        cleaned = self.cleaned_data
        return FlowFilter(
            text=cleaned["text"],
            status=cleaned["status"],
            standing=cleaned["standing"],
            account_id=cleaned["account"],
            problem_id=cleaned["problem"],
            owner_id=cleaned["owner"],
            tag=cleaned["tag"],
            connection_id=cleaned["connection"],
            sort=self.sorted_by,
        )
