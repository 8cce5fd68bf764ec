"""Asks for what a callback address needs, and whether something is enabled."""

from __future__ import annotations

from typing import Any

from django import forms

from dashboard.flow_field import FlowChoiceField
from monitor.languages import gettext_lazy as _lazy
from monitor.models import MOST_RATE, USUAL_RATE, WatchChannel, ZohoAccount
from monitor.queries.hooks import PushState


class NewHookForm(forms.Form):
    """Asks for a new callback address; its key and secret are created here, not entered."""

    name = forms.CharField(
        label=_lazy("Name"),
        max_length=100,
        help_text=_lazy("What calls: for example the error branch of a flow, or all of them."),
    )
    flow = FlowChoiceField(
        empty=_lazy("Whichever the callback names"),
        help_text=_lazy("If chosen, its callbacks count for this flow only, whatever they name."),
    )
    per_minute = forms.IntegerField(
        label=_lazy("Callbacks a minute"),
        min_value=1,
        max_value=MOST_RATE,
        initial=USUAL_RATE,
        help_text=_lazy("More are refused."),
    )

    def __init__(self, *args: Any, account: ZohoAccount, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["flow"].of_account(account.pk)


class WatchForm(forms.Form):
    """Reads what is to be done with which module: only one that is watched, or that rules use."""

    act = forms.ChoiceField(choices=WatchChannel.Act.choices)
    module = forms.ChoiceField()

    def __init__(self, *args: Any, state: PushState, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [line.channel.module for line in state.channels] + [one.module for one in state.unwatched]
        self.fields["module"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]


class EnableForm(forms.Form):
    """Reads whether something is to be enabled."""

    on = forms.ChoiceField(choices=[("yes", "Enabled"), ("no", "Disabled")])
