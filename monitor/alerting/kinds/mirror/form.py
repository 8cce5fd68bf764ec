"""Asks how long a mirror may fall behind."""

from __future__ import annotations

from django import forms

from monitor.alerting.kinds.mirror.condition import MirrorBehind
from monitor.alerting.kinds.options_form import OptionsForm


class MirrorBehindForm(OptionsForm):
    """Asks how long a mirror may be old, held up or incomplete."""

    kind = MirrorBehind.kind
    title = "Mirror behind"
    notices = "Notices that an account is not read any more: out of date, refused, throttled, or with gaps."
    fits = "Right for every account: while its mirror is old no other alert of it can fire or recover."
    order = 70
    is_of_flows = False
    scopes = ()

    stale_after_minutes = forms.IntegerField(
        label="Out of date for (minutes)",
        min_value=1,
        max_value=7 * 24 * 60,
        help_text="Access that Zoho refuses fires at once.",
    )
    held_up_after_minutes = forms.IntegerField(
        label="Throttled or without an answer for (minutes)",
        min_value=1,
        max_value=7 * 24 * 60,
        help_text="Zoho asks us to wait, cannot be reached, or answers in a form that we do not know.",
    )
    incomplete_after_hours = forms.IntegerField(
        label="Incomplete for (hours)",
        min_value=0,
        max_value=30 * 24,
        help_text="0: never. A first reading of history that is under way does not count.",
    )


FORM = MirrorBehindForm
