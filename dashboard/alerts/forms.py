"""Reads the filters of the lists of alerts and mails; asks for acknowledgements."""

from __future__ import annotations

from django import forms

from dashboard.filters import FilterForm, OneOfField, TextField
from monitor.models import Delivery
from monitor.queries.mails import MailFilter


class AcknowledgeForm(forms.Form):
    """Asks for a note when somebody acknowledges an alert."""

    note = forms.CharField(
        label="Note", max_length=300, required=False, help_text="What you found, or who owns it (optional)."
    )


class AlertFilterForm(FilterForm):
    """Reads which account's alerts are listed."""

    def wanted(self) -> int | None:
        account_id: int | None = self.cleaned_data["account"]
        return account_id


class MailFilterForm(FilterForm):
    """Reads what the list of mails is narrowed to."""

    text = TextField("Subject or address")
    state = OneOfField(Delivery.State.choices, "State")
    account = None

    field_order = ["text", "state"]

    def wanted(self) -> MailFilter:
        return MailFilter(text=self.cleaned_data["text"], state=self.cleaned_data["state"])
