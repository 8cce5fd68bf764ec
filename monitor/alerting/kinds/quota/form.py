"""Asks how much of a plan is too much."""

from __future__ import annotations

from django import forms

from monitor.alerting.kinds.options_form import OptionsForm
from monitor.alerting.kinds.quota.condition import CALLS, EXECUTIONS, PlanRunsOut


class PlanRunsOutForm(OptionsForm):
    """Asks of what a plan may run out."""

    kind = PlanRunsOut.kind
    title = "Plan runs out"
    notices = (
        "Notices that a month's executions are foretold to pass the plan, or that a day's API calls are nearly spent."
    )
    fits = "Right for an account whose plan is tight: what is over it does not run."
    order = 90
    is_of_flows = False
    scopes = ()

    of = forms.ChoiceField(
        label="What runs out",
        choices=[(EXECUTIONS, "Executions of the month"), (CALLS, "API calls of a day")],
        help_text="Executions are foretold by the last seven days.",
    )
    share = forms.FloatField(
        label="Too much is (% of the plan)",
        min_value=1,
        max_value=100,
        help_text="Of calls, sync itself leaves a tenth for people: above 90.",
    )
    limit = forms.IntegerField(
        label="Executions a month (runs)",
        min_value=0,
        max_value=1_000_000_000,
        help_text="Where the account has other numbers than its plan. 0: those of its plan.",
    )


FORM = PlanRunsOutForm
