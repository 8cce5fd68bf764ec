"""Reads the filters of the lists of alerts and mails; asks for acknowledgements."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms

from dashboard.alerts.scope_forms import TagField
from dashboard.filters import FilterForm, IdField, OneOfField, TextField, TimeField
from dashboard.flow_field import FlowChoiceField
from monitor.access import who_may
from monitor.alerting.actions import COMMENT_LENGTH, NOTE_LENGTH
from monitor.alerting.kinds.options_form import kind_forms
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy
from monitor.models import AlertState, Channel, Delivery, Incident, User, ZohoAccount
from monitor.notify.left_out import LEFT_OUT, REASONS
from monitor.queries.mails import CHANNEL, MAIL, MailFilter


class LineField(forms.CharField):
    """Takes a person's own words, in one line."""

    def __init__(self, label: Any, *, required: bool = True, help_text: Any = "") -> None:
        super().__init__(label=label, required=required, max_length=NOTE_LENGTH, help_text=help_text)


class AcknowledgeForm(forms.Form):
    """Asks for a note when somebody acknowledges an alert."""

    note = LineField(
        gettext_lazy("Note"), required=False, help_text=gettext_lazy("What you found, or who owns it (optional).")
    )


class HandOverForm(forms.Form):
    """Asks who looks after an incident."""

    owner = forms.ModelChoiceField(
        User.objects.none(), required=False, label=gettext_lazy("Owner"), empty_label=gettext_lazy("Nobody")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = User.objects.filter(who_may("acknowledge")).order_by("username")


class CommentForm(forms.Form):
    """Asks for a note on the timeline of an incident."""

    text = forms.CharField(
        label=gettext_lazy("Note"), max_length=COMMENT_LENGTH, widget=forms.Textarea(attrs={"rows": 2})
    )


class WhyForm(forms.Form):
    """Asks why an incident is closed by hand."""

    why = LineField(
        gettext_lazy("Reason"), help_text=gettext_lazy("What still fires is not mailed again; what fires anew is.")
    )


class SnoozeForm(forms.Form):
    """Asks for which of an incident's subjects nothing is mailed, and until when."""

    alert = forms.ModelChoiceField(AlertState.objects.none(), label=gettext_lazy("Subject"), empty_label=None)
    until = TimeField(
        label=gettext_lazy("Until"),
        help_text=gettext_lazy("At most 30 days ahead; what still fires then is mailed then."),
    )
    why = LineField(gettext_lazy("Reason"), required=False)

    def __init__(self, *args: Any, incident: Incident, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        alerts = AlertState.objects.filter(incident_links__incident=incident).select_related("flow").defer("flow__raw")
        self.fields["alert"].queryset = alerts.order_by("pk")
        self.fields["alert"].label_from_instance = lambda alert: alert.shown_name
        self.fields["until"].required = True


class SilenceForm(forms.Form):
    """Asks which alerts are not mailed, from when to when; with a start ahead it is a maintenance window."""

    account = forms.ModelChoiceField(
        ZohoAccount.objects.none(), required=False, empty_label=gettext_lazy("Each account")
    )
    flow = FlowChoiceField(empty=gettext_lazy("Each flow"))
    kind = forms.ChoiceField(label=gettext_lazy("Kind of rule"), required=False)
    text = forms.CharField(
        label=gettext_lazy("Name has"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Part of a flow's or rule's name."),
    )
    tag = TagField(help_text=gettext_lazy("Only alerts about flows and workflow rules that have this tag."))
    owner = forms.ModelChoiceField(
        User.objects.none(),
        required=False,
        empty_label=gettext_lazy("Any"),
        help_text=gettext_lazy("Only alerts about what this person owns."),
    )
    everything = forms.BooleanField(
        label=gettext_lazy("Every alert of every account"),
        required=False,
        help_text=gettext_lazy("To be ticked where nothing narrows it."),
    )
    starts_at = TimeField(label=gettext_lazy("Starts"), help_text=gettext_lazy("Empty: now."))
    ends_at = TimeField(label=gettext_lazy("Ends"))
    why = LineField(gettext_lazy("Reason"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = ZohoAccount.objects.defer("client_secret")
        self.fields["owner"].queryset = User.objects.filter(who_may("acknowledge")).order_by("username")
        self.fields["ends_at"].required = True
        kinds = [(kind, form.title) for kind, form in kind_forms().items()]
        self.fields["kind"].choices = [("", _("Each kind")), *kinds]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        account, flow, everything = data.get("account"), data.get("flow"), data.pop("everything", False)
        if account is not None and flow is not None and flow.account_id != account.pk:
            self.add_error("flow", _("This flow belongs to another account."))
        # A form that was sent by mistake must not keep every alert of a year quiet.
        matchers = ("account", "flow", "kind", "text", "tag", "owner")
        is_narrowed = any(data.get(name) for name in matchers)
        if not everything and not is_narrowed and not set(matchers) & set(self.errors):
            words = _("Choose an account, a flow, a kind, a name, a tag or an owner, or tick this.")
            self.add_error("everything", words)
        return data


class AlertFilterForm(FilterForm):
    """Reads which account's alerts are listed."""

    def wanted(self) -> int | None:
        account_id: int | None = self.cleaned_data["account"]
        return account_id


class MailFilterForm(FilterForm):
    """Reads what the list of mails is narrowed to."""

    text = TextField(gettext_lazy("Subject, address or channel"))
    state = OneOfField(
        [
            *((value, gettext_lazy(label)) for value, label in Delivery.State.choices),
            (LEFT_OUT, gettext_lazy("Not sent, on purpose")),
        ],
        gettext_lazy("State"),
    )
    way = OneOfField(
        [(MAIL, gettext_lazy("Mails")), (CHANNEL, gettext_lazy("Messages to channels"))], gettext_lazy("Way")
    )
    channel = IdField(label=gettext_lazy("Channel"))
    account = None

    field_order = ["text", "state", "way", "channel"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        channels = list(Channel.objects.values_list("pk", "name"))
        self.offer("channel", channels)
        if not channels and not self.data.get("channel"):
            for name in ("way", "channel"):
                self.fields[name].widget = forms.HiddenInput()

    def wanted(self) -> MailFilter:
        wanted = MailFilter(**{name: self.cleaned_data[name] for name in ("text", "state", "way", "channel")})
        if wanted.state == LEFT_OUT:
            return replace(wanted, state=Delivery.State.DEAD, only=REASONS)
        return replace(wanted, never=REASONS) if wanted.state == Delivery.State.DEAD else wanted
