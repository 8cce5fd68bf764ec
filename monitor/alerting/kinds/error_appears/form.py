"""Asks for an error by its text, and for what is to have become of it."""

from __future__ import annotations

from typing import Any

from django import forms

from monitor.alerting.kinds.error_appears.condition import (
    ANY,
    ESCALATING,
    LONGEST_TEXT,
    NEW,
    OFTEN,
    REGRESSED,
    ErrorAppears,
)
from monitor.alerting.kinds.options_form import OptionsForm


class ErrorAppearsForm(OptionsForm):
    """Asks for an error by its text, and what is to have become of it."""

    kind = ErrorAppears.kind
    title = "Error appears"
    notices = (
        "Notices that an error is new, escalates, comes back after it was resolved, or comes often within an hour."
    )
    fits = "Right for an error that you know and fear, or to hear of each new one."
    order = 50
    is_of_flows = False
    scopes = ()

    when = forms.ChoiceField(
        label="When it",
        choices=[
            (ANY, "is new, escalates or comes back"),
            (NEW, "is new"),
            (ESCALATING, "escalates"),
            (REGRESSED, "comes back after it was resolved"),
            (OFTEN, "comes often within an hour"),
        ],
        help_text="As the problem's page says it.",
    )
    text = forms.CharField(
        label="Its message, code or app has",
        max_length=LONGEST_TEXT,
        required=False,
        help_text="In any case, as it is shown: ids, dates and names are left out there. Empty: every error.",
    )
    times = forms.IntegerField(
        label="Often is (failures an hour)",
        min_value=1,
        max_value=1_000_000,
        help_text="Counts only where it is to come often.",
    )
    quiet_hours = forms.IntegerField(
        label="Recovers after (hours)",
        min_value=1,
        max_value=168,
        help_text="Without a failure. Also once it is resolved or archived. One that comes often: once it does not.",
    )

    def clean_text(self) -> Any:
        return " ".join(self.cleaned_data["text"].split())


FORM = ErrorAppearsForm
