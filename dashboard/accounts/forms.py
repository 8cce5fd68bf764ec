"""Asks for what connecting, limiting, pausing and disconnecting a Zoho account need."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from dashboard import formats
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy as _lazy
from monitor.models import MOST_AT_ONCE, MOST_CALLS, MOST_CREDITS, DataCenter, Plan, ZohoAccount
from monitor.queries.scopes import chosen_before
from monitor.zoho.datacenters import DATA_CENTERS, Origins, custom_origins
from monitor.zoho.oauth import NO_CLIENT_ID, is_client_id
from monitor.zoho.scopes import CHOICES

OWN_ADDRESSES = ("accounts_url", "flow_url", "crm_url")
_NO_FILL = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


class LimitsForm(forms.ModelForm):  # type: ignore[type-arg]
    """Asks how many calls Zoho may get from us."""

    class Meta:
        model = ZohoAccount
        fields = ["plan", "calls_per_minute", "calls_per_day", "crm_credits_per_day", "crm_calls_at_once"]
        labels = {"plan": _lazy("Plan")}

    calls_per_minute = forms.IntegerField(
        label=_lazy("Calls a minute"), required=False, min_value=1, max_value=MOST_CALLS
    )
    calls_per_day = forms.IntegerField(label=_lazy("Calls a day"), required=False, min_value=1, max_value=MOST_CALLS)
    crm_credits_per_day = forms.IntegerField(
        label=_lazy("CRM credits a day"), required=False, min_value=1, max_value=MOST_CREDITS
    )
    crm_calls_at_once = forms.IntegerField(
        label=_lazy("CRM calls at once"), required=False, min_value=1, max_value=MOST_AT_ONCE
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["plan"].choices = _plan_choices()


def _plan_choices() -> list[tuple[str, str]]:
    return [("", _("Not known: learn it from Zoho's answers")), *((plan, _(label)) for plan, label in Plan.choices)]


def _centres() -> list[tuple[str, str]]:
    return [(centre, _(label)) for centre, label in DataCenter.choices]


class ConnectForm(forms.Form):
    """Asks for what signing in at Zoho needs. With a grant code it is done at once; without one Zoho asks the person.

    Args:
        reconnects: the account whose sign-in is renewed; its name is then fixed.
    """

    name = forms.CharField(label=_lazy("Name"), max_length=100, help_text=_lazy("What it is called here."))
    data_center = forms.ChoiceField(label=_lazy("Data centre"), choices=_centres)
    accounts_url = forms.CharField(label=_lazy("Accounts URL"), max_length=300, required=False)
    flow_url = forms.CharField(label=_lazy("Flow URL"), max_length=300, required=False)
    crm_url = forms.CharField(label=_lazy("CRM URL"), max_length=300, required=False)
    client_id = forms.CharField(label=_lazy("Client ID"), max_length=200, widget=forms.TextInput(attrs=_NO_FILL))
    client_secret = forms.CharField(
        label=_lazy("Client secret"),
        max_length=500,
        help_text=_lazy("Kept encrypted and never shown again."),
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
    )
    grant_code = forms.CharField(
        label=_lazy("Grant code"),
        max_length=2000,
        required=False,
        help_text=_lazy(
            "Only for a Self Client: the code that Zoho's API console generated. It expires within minutes."
        ),
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "one-time-code"}),
    )
    same_organisation = forms.BooleanField(
        label=_lazy("It is the same organisation"),
        required=False,
        help_text=_lazy("Only where Zoho's answers cannot tell it, for example because all flows were made anew."),
    )
    plan = forms.ChoiceField(label=_lazy("Plan"), choices=_plan_choices, required=False)
    calls_per_minute = forms.IntegerField(
        label=_lazy("Calls a minute"), required=False, min_value=1, max_value=MOST_CALLS
    )
    calls_per_day = forms.IntegerField(label=_lazy("Calls a day"), required=False, min_value=1, max_value=MOST_CALLS)

    def __init__(self, *args: Any, reconnects: ZohoAccount | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reconnects = reconnects
        for name, choice in CHOICES.items():
            self.fields[name] = forms.BooleanField(label=_(choice.label), required=False, help_text=_(choice.what_for))
        self.asks_for_organisation = bool(self.is_bound and self.data.get("same_organisation"))
        if reconnects is not None:
            self.fields["name"].disabled = True
            self.initial = initial_of(reconnects) | self.initial

    @property
    def choices(self) -> list[tuple[forms.BoundField, str]]:
        """Returns what may be allowed besides reading: the field, and the scopes that are asked for then."""
        return [(self[name], ",".join(choice.scopes)) for name, choice in CHOICES.items()]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        if self.reconnects is None and ZohoAccount.objects.filter(name=name).exists():
            raise forms.ValidationError(_("An account of this name is connected already: open it to reconnect it."))
        return name

    def clean_client_id(self) -> str:
        value = self._printable("client_id")
        if not is_client_id(value):
            raise forms.ValidationError(formats.sentence(_(NO_CLIENT_ID)))
        return value

    def clean_client_secret(self) -> str:
        return self._printable("client_secret")

    def clean_grant_code(self) -> str:
        return self._printable("grant_code")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        own = [name for name in OWN_ADDRESSES if data.get(name)]
        if own and data.get("data_center") in DATA_CENTERS:
            # Left aside they would be asked at Zoho's own address, which was not meant.
            self.add_error(own[0], _("Choose “Custom URLs” as data centre to use this, or empty it."))
            return data
        try:
            data["origins"] = origins_of(data)
        except ValueError as error:
            self.add_error(None, _(str(error)))
        return data

    def _printable(self, name: str) -> str:
        value: str = self.cleaned_data[name].strip()
        if any(not 33 <= ord(char) <= 126 for char in value):
            raise forms.ValidationError(_("It cannot hold spaces or letters outside of ASCII: was it copied whole?"))
        return value


def origins_of(data: dict[str, Any]) -> Origins:
    """Finds the three URLs that were meant.

    Raises:
        ValueError: custom URLs that are not allowed, with one line for people.
    """
    if data.get("data_center") in DATA_CENTERS:
        return DATA_CENTERS[data["data_center"]]
    given = [data.get(name) or "" for name in OWN_ADDRESSES]
    return custom_origins(*given, allow_loopback=settings.ALLOW_LOOPBACK)


def initial_of(account: ZohoAccount) -> dict[str, Any]:
    """Fills the form as it was for this account, without its secret."""
    shown = ("name", "data_center", "client_id", "plan", "calls_per_minute", "calls_per_day")
    initial = {name: getattr(account, name) for name in shown}
    if account.data_center == DataCenter.CUSTOM:
        initial |= {name: getattr(account, name) for name in OWN_ADDRESSES}
    # What was granted before stays granted, unless somebody takes the tick away.
    return (
        initial | dict.fromkeys(chosen_before(account), True) | ({"watches": True} if account.watches_records else {})
    )


class MirroringForm(forms.Form):
    """Reads whether an account is to be mirrored."""

    is_active = forms.ChoiceField(choices=[("yes", "Mirrored"), ("no", "Paused")])


class HistoryForm(forms.Form):
    """Reads whether the older history of an account is to be read."""

    history = forms.ChoiceField(choices=[("pause", "Pause"), ("resume", "Go on")])


class DisconnectForm(forms.Form):
    """Asks for the account's name before it and all that was mirrored of it are deleted."""

    name = forms.CharField(
        label=_lazy("Type the account's name to confirm"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, account: ZohoAccount, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name != self.account.name:
            raise forms.ValidationError(_("This is not the account's name. Nothing was deleted."))
        return name
