"""Asks for what a channel needs: where it leads, by the fields of its service, and which incidents go there."""

from __future__ import annotations

from typing import Any

from django import forms

from monitor.models import Channel, ZohoAccount
from monitor.notify.channels.services import LONGEST_FIELD, SERVICES, ServiceField

PREFIX = "to_"  # of the service's fields, which must not be taken for those of every channel


class ChannelForm(forms.Form):
    """Asks for a channel of one service. A secret is never shown again: left empty, the old one stays.

    Args:
        service: one of `Channel.Service`.
        channel: that is changed; None for a new one.
    """

    name = forms.CharField(
        label="Name", max_length=100, help_text="What people call it, such as “Operations in Slack”."
    )
    severity = forms.ChoiceField(label="Incidents", choices=Channel.Severity.choices, initial=Channel.Severity.NOTIFY)
    account = forms.ModelChoiceField(ZohoAccount.objects.none(), required=False, empty_label="Every account")

    def __init__(self, *args: Any, service: str, channel: Channel | None = None, **kwargs: Any) -> None:
        if channel is not None:
            kwargs["initial"] = _known(channel)
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = ZohoAccount.objects.defer("client_secret").order_by("name")
        for one in SERVICES[service].fields:
            self.fields[f"{PREFIX}{one.name}"] = _field(one, is_kept=one.is_secret and channel is not None)
        own = [f"{PREFIX}{one.name}" for one in SERVICES[service].fields]
        self.order_fields(["name", *own, "severity", "account"])

    @property
    def wanted(self) -> dict[str, Any]:
        """Returns what a valid form asks for, as `monitor.notify.channels.acts` takes it."""
        data = self.cleaned_data
        fields = {name.removeprefix(PREFIX): value for name, value in data.items() if name.startswith(PREFIX)}
        return {"fields": fields} | {name: data[name] for name in ("name", "severity", "account")}

    def refuse(self, by_field: dict[str, str]) -> None:
        """Shows why it was refused, each beside its field."""
        for name, problem in by_field.items():
            field = name if name in self.fields else f"{PREFIX}{name}"
            self.add_error(field if field in self.fields else None, problem)


def _known(channel: Channel) -> dict[str, Any]:
    """Returns what a form of a channel shows: nothing that is secret."""
    fields = channel.fields
    shown = {one.name: fields.get(one.name, "") for one in SERVICES[channel.service].fields if not one.is_secret}
    known = {"name": channel.name, "severity": channel.severity, "account": channel.account_id}
    return known | {f"{PREFIX}{name}": value for name, value in shown.items()}


def _field(one: ServiceField, *, is_kept: bool) -> forms.Field:
    if one.choices:
        return forms.ChoiceField(label=one.label, choices=one.choices, initial=one.usual)
    kept = "It is not shown again. Leave it empty to keep it."
    attributes = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
    return forms.CharField(
        label=one.label,
        max_length=LONGEST_FIELD,
        required=one.is_required and not is_kept,
        initial=one.usual,
        help_text=kept if is_kept else one.help_text,
        widget=forms.TextInput(attrs=attributes),
    )
