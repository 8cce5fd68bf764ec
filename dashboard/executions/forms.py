"""Reasons: of a look at personal data and of a retry."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms

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
