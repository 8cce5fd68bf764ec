"""Asks how long runs may take."""

from __future__ import annotations

from django import forms

from monitor.alerting.kinds.duration.condition import LONGEST_MS, MOST_RUNS, LongDuration
from monitor.alerting.kinds.options_form import OptionsForm


class LongDurationForm(OptionsForm):
    """Asks for a limit in milliseconds or in multiples of the flow's own usual, and the window."""

    kind = LongDuration.kind
    title = "Duration"
    notices = "Notices that the slowest runs take too long, or that ten of ten runs do."
    fits = "Right for a flow that somebody waits for, or whose apps get slow before they fail."
    order = 50

    times_usual = forms.FloatField(
        label="Times its usual",
        min_value=0,
        max_value=1_000,
        help_text="The limit is so many times what 95 of 100 of the flow's runs usually stay within. 0: no such limit.",
    )
    above_ms = forms.IntegerField(
        label="Limit (milliseconds)",
        min_value=0,
        max_value=LONGEST_MS,
        help_text="95 of 100 runs are to stay within it. 0: no such limit. With both, the lower one counts.",
    )
    window_hours = forms.FloatField(
        label="Window (hours)",
        min_value=0.25,
        max_value=28 * 24,
        help_text="It looks at the runs that ended in the last so many hours.",
    )
    min_runs = forms.IntegerField(
        label="Minimum of runs",
        min_value=1,
        max_value=MOST_RUNS,
        help_text="With fewer runs in the window it only fires if ten of ten are too slow.",
    )


FORM = LongDurationForm
