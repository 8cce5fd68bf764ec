"""Reads the filters of the audit trail."""

from __future__ import annotations

from django import forms
from django.http import QueryDict

from dashboard.client_address import read_address
from dashboard.filters import DayField, FilterForm, NameField, TextField
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy
from monitor.queries import audit
from monitor.queries.audit import AuditFilter


class AuditFilterForm(FilterForm):
    """Reads what the audit trail is narrowed to; days are the viewer's."""

    action = NameField(label=gettext_lazy("Action"))
    actor = TextField(gettext_lazy("Who"))
    first_day = DayField(gettext_lazy("From"))
    last_day = DayField(gettext_lazy("To"))
    address = TextField(gettext_lazy("Address"))
    object_type = forms.CharField(max_length=50, required=False, widget=forms.HiddenInput)
    object_id = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    account = None

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.offer("action", [(name, name.replace("_", " ")) for name in audit.actions()], _("Any"))

    def clean_address(self) -> str:
        """Takes an address in any spelling; what is none is looked for as it stands, and not found."""
        given: str = self.cleaned_data["address"]
        return str(read_address(given) or given)

    def wanted(self) -> AuditFilter:
        cleaned = self.cleaned_data
        return AuditFilter(
            action=cleaned["action"],
            actor=cleaned["actor"],
            address=cleaned["address"],
            object_type=cleaned["object_type"],
            object_id=cleaned["object_id"],
            start=self.midnight("first_day"),
            end=self.midnight("last_day", days=1),
        )
