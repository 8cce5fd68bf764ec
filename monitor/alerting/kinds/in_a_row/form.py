"""Asks for how many failures in a row."""

from __future__ import annotations

from django import forms

from monitor.alerting.kinds.in_a_row.condition import FailedInARow
from monitor.alerting.kinds.options_form import OptionsForm


class FailedInARowForm(OptionsForm):
    """Asks how many runs must fail one after the other."""

    kind = FailedInARow.kind
    title = "Failures in a row"
    notices = "Notices that so many runs of a flow failed one after the other; the next good run ends it."
    fits = "Right for a rare flow of which each run matters, such as a nightly export."
    order = 30

    count = forms.IntegerField(
        label="Failures in a row (runs)",
        min_value=1,
        max_value=10_000,
        help_text="1 fires at each failed run. Runs that Zoho will run again neither count nor break the row.",
    )


FORM = FailedInARowForm
