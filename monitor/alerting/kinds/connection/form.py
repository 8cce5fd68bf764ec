"""Asks when a connection counts as one that does not work."""

from __future__ import annotations

from django import forms

from monitor.alerting.kinds.connection.condition import ConnectionDown
from monitor.alerting.kinds.options_form import OptionsForm


class ConnectionDownForm(OptionsForm):
    """Asks how many refused sign-ins tell of a connection that Zoho still calls active."""

    kind = ConnectionDown.kind
    title = "Connection not working"
    notices = (
        "Notices that Zoho calls a connection broken, or that its app refuses the sign-in of failed runs (401, 403)."
    )
    fits = "Right for every account: one broken connection fails every flow that uses it, and mutes their alerts."
    order = 60
    is_of_flows = False
    scopes = ("connection",)

    share = forms.FloatField(
        label="Refused sign-ins (% of the failed runs at its app)",
        min_value=1,
        max_value=100,
        help_text="Less than that are failures of other kinds.",
    )
    least = forms.IntegerField(
        label="Refused sign-ins (runs, at least)",
        min_value=1,
        max_value=10_000,
        help_text="Since a run of the same flow last succeeded. With fewer, only Zoho's word for the status counts.",
    )
    window_hours = forms.IntegerField(
        label="Window (hours)", min_value=1, max_value=168, help_text="Failed runs before that are not looked at."
    )


FORM = ConnectionDownForm
