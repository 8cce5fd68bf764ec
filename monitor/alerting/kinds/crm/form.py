"""Asks what is looked for at workflow rules of Zoho CRM."""

from __future__ import annotations

from django import forms

from monitor.alerting.kinds.crm.condition import ACTIONS, SILENT, SWITCHED_OFF, WEBHOOKS, CrmRuleTrouble
from monitor.alerting.kinds.options_form import OptionsForm


class CrmRuleTroubleForm(OptionsForm):
    """Asks what is looked for, and how much of it fires."""

    kind = CrmRuleTrouble.kind
    title = "Workflow rule in trouble"
    notices = (
        "Notices a workflow rule of Zoho CRM whose actions or webhooks fail, that does not run, or was switched off."
    )
    fits = "Right where work is done by CRM itself: it shows no runs, only what its usage reports grow by."
    order = 80
    is_of_flows = False
    scopes = ("workflow_rule", "tag", "owner", "module")

    finds = forms.ChoiceField(
        label="What is looked for",
        choices=[
            (ACTIONS, "Actions fail"),
            (WEBHOOKS, "Webhooks fail"),
            (SILENT, "Enabled, and does not run"),
            (SWITCHED_OFF, "Switched off"),
        ],
        help_text="A rule that was off when it was first seen is as it should be.",
    )
    least = forms.IntegerField(
        label="Failures (at least)", min_value=1, max_value=1_000_000, help_text="Failed actions, or calls of webhooks."
    )
    share = forms.FloatField(
        label="Failed actions (% of all, at least)", min_value=0, max_value=100, help_text="For actions only."
    )
    window_hours = forms.IntegerField(
        label="Window (hours)",
        min_value=1,
        max_value=720,
        help_text="For actions and webhooks. Usage is read once a day, and after each run: 48 has two readings.",
    )
    silent_days = forms.IntegerField(
        label="Without a run for (days)", min_value=1, max_value=365, help_text="For rules that do not run."
    )


FORM = CrmRuleTroubleForm
