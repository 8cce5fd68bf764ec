"""Asks for how many failures within some hours."""

from __future__ import annotations

from django import forms

from monitor.alerting.kinds.failures_per_hour.condition import FailuresPerHour
from monitor.alerting.kinds.options_form import OptionsForm


class FailuresPerHourForm(OptionsForm):
    """Asks how many failures are too many, and within how long."""

    kind = FailuresPerHour.kind
    title = "Failures per hour"
    notices = "Notices that so many runs of a flow failed within some hours, whatever part of its runs that is."
    fits = "Right for a busy flow where each failure is work for somebody, and a share says too little."
    order = 35

    most = forms.IntegerField(
        label="Failures (runs)",
        min_value=1,
        max_value=1_000_000,
        help_text="So many fire. It has recovered once fewer than half as many are left in the window.",
    )
    window_hours = forms.IntegerField(
        label="Window (hours)", min_value=1, max_value=168, help_text="Counted by when the runs ended."
    )


FORM = FailuresPerHourForm
