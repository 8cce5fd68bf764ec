"""Asks which time is left out of the rates, of which flows, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms

from dashboard.alerts.forms import LineField
from dashboard.filters import TimeField
from dashboard.flow_field import FlowsField
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy
from monitor.models import Flow, Incident, IncidentAlert, ZohoAccount
from monitor.queries.corrections import outage_of
from monitor.queries.incidents import MEMBERS_SHOWN

OF_ACCOUNT, OF_INCIDENT = "account", "incident"
WHOLE_HOURS = gettext_lazy(
    "Runs count by the hour of UTC in which they began: the time is widened to whole hours of it. They leave success "
    "rates, and alerts about runs that fail or take long; alerts about silence, all counts and the ledger stay."
)


class CorrectionForm(forms.Form):
    """Asks for a time that is left out, of an account or one of its flows."""

    account = forms.ModelChoiceField(ZohoAccount.objects.none(), empty_label=None)
    flow = FlowsField(empty=gettext_lazy("Each flow of the account"))
    starts_at = TimeField(label=gettext_lazy("From"))
    ends_at = TimeField(label=gettext_lazy("Until"), help_text=WHOLE_HOURS)
    why = LineField(gettext_lazy("Reason"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = ZohoAccount.objects.defer("client_secret").order_by("name", "pk")
        self.fields["flow"].flows = Flow.objects.all()  # of a deleted one the runs are still counted
        self.fields["flow"].widget.attrs["hx-include"] = f"#{self['account'].id_for_label}"
        for name in ("starts_at", "ends_at"):
            self.fields[name].required = True

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        account, flows = data.get("account"), data.get("flow") or []
        if account is not None and any(flow.account_id != account.pk for flow in flows):
            words = (
                _("This flow belongs to another account.") if len(flows) == 1 else _("One belongs to another account.")
            )
            self.add_error("flow", words)
        return data

    def wanted(self) -> dict[str, Any]:
        """Returns the arguments of `leave_out`."""
        data = dict(self.cleaned_data)
        return data | {"flows": data.pop("flow")}


class IncidentCorrectionForm(forms.Form):
    """Asks for the time of an incident that is left out, filled in with its own."""

    incident = forms.CharField(widget=forms.HiddenInput)
    whose = forms.ChoiceField(label=gettext_lazy("Of"), choices=[])
    starts_at = TimeField(label=gettext_lazy("From"))
    ends_at = TimeField(label=gettext_lazy("Until"), help_text=WHOLE_HOURS)
    why = LineField(gettext_lazy("Reason"))

    def __init__(
        self,
        data: Any = None,
        *,
        incident: Incident,
        now: datetime,
        members: Sequence[IncidentAlert] | None = None,
        **kwargs: Any,
    ) -> None:
        window = outage_of(incident.began_at, incident.closed_at, now)
        usual = {"incident": incident.pk, "starts_at": window.start, "ends_at": window.end}
        super().__init__(data, initial=usual, **kwargs)
        self.incident = incident
        self.flows = _flows_of(incident, members)
        whose = [(OF_ACCOUNT, _("Each flow of the account"))]
        if self.flows:
            count = len(self.flows)
            name = self.flows[0].shown_name if count == 1 else _("The %(n)s flows of this incident") % {"n": count}
            whose.insert(0, (OF_INCIDENT, name))
        self.fields["whose"].choices = whose
        for name in ("starts_at", "ends_at"):
            self.fields[name].required = True

    def wanted(self) -> dict[str, Any]:
        """Returns the arguments of `leave_out`."""
        data = self.cleaned_data
        return {
            "account": self.incident.account,
            "flows": self.flows if data["whose"] == OF_INCIDENT else [],
            "starts_at": data["starts_at"],
            "ends_at": data["ends_at"],
            "why": data["why"],
            "incident": self.incident,
        }


def _flows_of(incident: Incident, members: Sequence[IncidentAlert] | None) -> list[Flow]:
    """Returns the flows of an incident's alerts; from its members where they are read already, and all of them."""
    if members is not None and len(members) < MEMBERS_SHOWN:
        flows = {member.alert.flow_id: member.alert.flow for member in members if member.alert.flow is not None}
        return [flow for _, flow in sorted(flows.items())]
    alerts = incident.members.exclude(alert__flow=None).values("alert__flow")
    return list(Flow.objects.filter(pk__in=alerts).defer("raw").order_by("pk"))
