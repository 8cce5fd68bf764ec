"""Asks when a flow should run: by a schedule, an interval, or as it usually does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from monitor.alerting.kinds.missed_run.condition import LONGEST, MissedRun
from monitor.alerting.kinds.options_form import OptionsForm

if TYPE_CHECKING:
    from monitor.alerting.kinds.interface import Condition

LEAST_GRACE = 5  # minutes


class MissedRunForm(OptionsForm):
    """Asks for a schedule or an interval with its grace; without both the flow's own rate is learned."""

    kind = MissedRun.kind
    title = "Missed run"
    notices = "Notices that a flow has not run when it should have, by its schedule or by its usual rate."
    fits = "Right for work that stops silently: a trigger that is off, a webhook that nobody calls any more."
    order = 25

    cron = forms.CharField(
        label="Schedule (cron)",
        required=False,
        max_length=100,
        help_text="Minute, hour, day, month, weekday, such as 30 2 * * 1-5. Empty: none.",
    )
    every = forms.FloatField(
        label="Interval (minutes)",
        required=False,
        min_value=0,
        max_value=LONGEST,
        help_text="Between two runs, instead of a schedule. 0: none; the usual rate is learned in three weeks.",
    )
    grace = forms.FloatField(
        label="Grace (minutes)",
        required=False,
        min_value=LEAST_GRACE,
        max_value=LONGEST,
        help_text="So much later than its schedule or interval is still in time. At least 5: runs are mirrored "
        "a moment after they start.",
    )
    zone = forms.CharField(
        label="Time zone of the schedule",
        required=False,
        max_length=64,
        help_text="Such as Europe/Berlin; by its clock the hours of the week are learned as well.",
    )

    def clean(self) -> dict[str, Any]:
        """Refuses a schedule for each flow of an account: one clock is not that of all of them."""
        data = super().clean()
        asked = [name for name in ("cron", "every") if data.get(name)]
        is_for_each = getattr(self, "flow", self) is None  # a form of the options alone has no flow to choose
        if self.errors or not asked or not is_for_each:
            return data
        if "flow" in self.fields:
            self.add_error("flow", "Choose the flow that has this schedule or interval.")
        elif asked[0] in self.changed_data:
            self.add_error(
                asked[0], "This rule is for each flow of the account: make a rule for the one that has this."
            )
        return data

    def told(self, condition: Condition) -> list[str]:
        """Says what it goes by, where nothing was given."""
        if not isinstance(condition, MissedRun) or condition.cron or condition.every:
            return []
        return [
            "Without a schedule or an interval it learns for three weeks when the flow runs; until then it is silent."
        ]


FORM = MissedRunForm
