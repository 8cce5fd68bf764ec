"""Asks for a success rate and its window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms

from monitor.alerting.kinds.options_form import OptionsForm
from monitor.alerting.kinds.success_rate.condition import LONGEST_WINDOW, SuccessRate

if TYPE_CHECKING:
    from monitor.alerting.kinds.interface import Condition

MOST_RUNS = 1_000_000


class SuccessRateForm(OptionsForm):
    """Asks below which success rate of which window it fires, and when it has recovered."""

    kind = SuccessRate.kind
    title = "Success rate"
    notices = "Notices that too few of the runs of the last hours or days succeeded."
    fits = (
        "Right for a promise such as “95 % of a week's runs succeed”; a sudden outage is found sooner by “Failing now”."
    )
    order = 10

    threshold = forms.FloatField(
        label="Threshold (%)",
        min_value=0,
        max_value=100,
        step_size=0.1,
        help_text="It fires when the success rate falls below this.",
    )
    recover_at = forms.FloatField(
        label="Recovers at (%)",
        min_value=0,
        max_value=100,
        step_size=0.1,
        required=False,
        help_text="It recovers at this rate or above. Empty: at the threshold.",
    )
    window_hours = forms.IntegerField(
        label="Window (hours)",
        min_value=1,
        max_value=LONGEST_WINDOW,
        help_text="168 hours are 7 days; at most 2160 (90 days).",
    )
    min_runs = forms.IntegerField(
        label="Minimum of runs",
        min_value=1,
        max_value=MOST_RUNS,
        help_text="With fewer finished runs in the window it neither fires nor recovers.",
    )
    last_good = forms.IntegerField(
        label="Good runs that are a recovery",
        min_value=1,
        max_value=MOST_RUNS,
        required=False,
        help_text="So many good runs one after the other end the alert, whatever the rate of the window.",
    )

    def clean_recover_at(self) -> float | None:
        """Refuses a rate of recovery below the threshold: it would recover and fire at once."""
        recover_at: float | None = self.cleaned_data["recover_at"]
        threshold = self.cleaned_data.get("threshold")
        if recover_at is not None and threshold is not None and recover_at < threshold:
            raise forms.ValidationError("Must not be lower than the threshold.")
        return recover_at

    def told(self, condition: Condition) -> list[str]:
        """Says where the window of a flow holds too few runs for the rule ever to fire."""
        if not isinstance(condition, SuccessRate) or not self.usual.runs_a_day:
            return []
        within = self.usual.runs_a_day * condition.window_hours / 24
        if within >= condition.min_runs:
            return []
        said = f"At the usual pace the window holds {within:.1f} runs and {condition.min_runs:,} are needed"
        return [f"{said}: it would hardly ever fire. Take a longer window or fewer runs."]


FORM = SuccessRateForm
