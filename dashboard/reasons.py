"""Asks why a person does something that is written down."""

from __future__ import annotations

from django import forms

from monitor.languages import gettext_lazy

SHORTEST_REASON = 3


class ReasonForm(forms.Form):
    """Asks why a person does something that is written down."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        min_length=SHORTEST_REASON,
        max_length=500,
        help_text=gettext_lazy("Kept in the audit trail. No personal data, please."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
