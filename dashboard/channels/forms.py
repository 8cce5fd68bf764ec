"""Asks for what a channel needs: where it leads, by the fields of its service, and which incidents go there."""

from __future__ import annotations

from typing import Any

from django import forms

from monitor.models import Channel, ZohoAccount
from monitor.models.people import USUAL_DIGEST_HOUR
from monitor.notify.channels.acts import DigestWishes
from monitor.notify.channels.services import LONGEST_FIELD, SERVICES, ServiceField

CLOCK_FIELDS = ("digest", "digest_hour", "wants_alive")
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

    digest = forms.ChoiceField(
        label="Digest",
        choices=Channel.Digests.choices,
        required=False,
        help_text="In short what is worse, new or open. Nothing comes where nothing is to say.",
    )
    digest_hour = forms.TypedChoiceField(
        label="Hour of digests (UTC)",
        choices=[(hour, f"{hour:02}:00") for hour in range(24)],
        coerce=int,
        initial=USUAL_DIGEST_HOUR,
        required=False,
        empty_value=USUAL_DIGEST_HOUR,
    )
    wants_alive = forms.BooleanField(
        label="Say every day that the monitor is alive",
        required=False,
        help_text="At that hour. Where it does not come one day, something is dead.",
    )

    def __init__(self, *args: Any, service: str, channel: Channel | None = None, **kwargs: Any) -> None:
        if channel is not None:
            kwargs["initial"] = _known(channel)
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = ZohoAccount.objects.defer("client_secret").order_by("name")
        for one in SERVICES[service].fields:
            self.fields[f"{PREFIX}{one.name}"] = _field(one, is_kept=one.is_secret and channel is not None)
        own = [f"{PREFIX}{one.name}" for one in SERVICES[service].fields]
        if SERVICES[service].has_incidents:  # a pager calls somebody for each message
            for name in CLOCK_FIELDS:
                del self.fields[name]
        self.order_fields(["name", *own, "severity", "account", *CLOCK_FIELDS])

    @property
    def wanted(self) -> dict[str, Any]:
        """Returns what a valid form asks for, as `monitor.notify.channels.acts` takes it."""
        data = self.cleaned_data
        fields = {name.removeprefix(PREFIX): value for name, value in data.items() if name.startswith(PREFIX)}
        clock = DigestWishes(*(data[name] for name in CLOCK_FIELDS)) if CLOCK_FIELDS[0] in data else None
        return {"fields": fields, "digests": clock} | {name: data[name] for name in ("name", "severity", "account")}

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
    known |= {name: getattr(channel, name) for name in CLOCK_FIELDS}
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
