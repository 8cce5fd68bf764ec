"""Reasons, notes and confirmations."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms

from monitor.models import ZohoAccount

SHORTEST_REASON = 3


class ReasonForm(forms.Form):
    """Why a person does something that is written down."""

    reason = forms.CharField(
        label="Reason",
        min_length=SHORTEST_REASON,
        max_length=500,
        help_text="Kept in the audit trail. No personal data, please.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class RetryForm(ReasonForm):
    """Asks for a retry. The token is made when the form is shown: the same form posted twice is one retry.

    Args:
        asks_risk: whether the verdict is "risky" and the person may accept that.
    """

    client_token = forms.UUIDField(widget=forms.HiddenInput)
    accept_risk = forms.BooleanField(
        label="I know that it may run twice and accept that", required=False, widget=forms.CheckboxInput
    )

    field_order = ["reason", "accept_risk", "client_token"]

    def __init__(self, *args: Any, asks_risk: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].help_text = "Kept in the history and the audit trail."
        self.fields["client_token"].initial = uuid.uuid4
        if not asks_risk:
            del self.fields["accept_risk"]


class AcknowledgeForm(forms.Form):
    """Says that somebody looks after an alert."""

    note = forms.CharField(
        label="Note", max_length=300, required=False, help_text="What you found, or who looks after it (optional)."
    )


class MirroringForm(forms.Form):
    """Whether an account is to be mirrored."""

    is_active = forms.ChoiceField(choices=[("yes", "Mirrored"), ("no", "Paused")])


class HistoryForm(forms.Form):
    """Whether the older history of an account is to be read."""

    history = forms.ChoiceField(choices=[("pause", "Pause"), ("resume", "Go on")])


class DisconnectForm(forms.Form):
    """Deletes an account and all that was mirrored of it, once its name has been typed."""

    name = forms.CharField(
        label="Type the account's name to confirm",
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, account: ZohoAccount, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name != self.account.name:
            raise forms.ValidationError("This is not the account's name. Nothing was deleted.")
        return name
