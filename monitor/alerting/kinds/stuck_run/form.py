"""Asks how long a run may go on."""

from __future__ import annotations

from django import forms

from monitor.alerting.kinds.options_form import OptionsForm
from monitor.alerting.kinds.stuck_run.condition import LEAST, MOST, StuckRun


class StuckRunForm(OptionsForm):
    """Asks after how many minutes a run that goes on is stuck."""

    kind = StuckRun.kind
    title = "Stuck run"
    notices = "Notices a run that does not end: it is still running long after the five minutes that Zoho gives a run."
    fits = "Right for every flow: a stuck run takes one of its ten places. Flows with a step that waits are left out."
    order = 55

    after_minutes = forms.IntegerField(
        label="Stuck after (minutes)",
        min_value=LEAST,
        max_value=MOST,
        help_text="Our mirror sees an end somewhat later than Zoho: twice Zoho's five minutes is on the safe side.",
    )


FORM = StuckRunForm
