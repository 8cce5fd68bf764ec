"""Reads the filters of the lists of alerts and mails; asks for alert rules and acknowledgements."""

from __future__ import annotations

from typing import Any

from django import forms

from dashboard.filters import FilterForm, OneOfField, TextField
from monitor.models import AlertRule, Delivery, Flow, ZohoAccount
from monitor.queries.mails import MailFilter
from monitor.queries.shown_names import by_shown_name


class AlertRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """Asks for an alert rule. Account and flow are chosen once: its incidents belong to them."""

    class Meta:
        model = AlertRule
        fields = ["name", "account", "flow", "threshold", "recover_at", "window_hours", "min_runs", "is_active"]
        labels = {
            "threshold": "Threshold (%)",
            "is_active": "Enabled",
            "min_runs": "Minimum of runs",
            "window_hours": "Window in hours",
        }
        help_texts = {
            "flow": "Empty: each flow of the account is checked by itself.",
            "threshold": "It fires when the success rate falls below this.",
            "recover_at": "It recovers at this rate or above.",
            "window_hours": "168 hours are 7 days; at most 2160 (90 days).",
            "min_runs": "With fewer finished runs it neither fires nor recovers.",
            "is_active": "Disabled, it neither fires nor recovers.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = ZohoAccount.objects.defer("client_secret")
        flows = Flow.objects.filter(gone_at=None).select_related("account").defer("raw", "account__client_secret")
        self.fields["flow"].queryset = flows.order_by("account__name", *by_shown_name(Flow.objects.all(), "flow_name"))
        self.fields["flow"].label_from_instance = lambda flow: f"{flow.account.name}: {flow.shown_name}"
        self.fields["flow"].empty_label = "Each flow"
        for name in ("threshold", "recover_at"):
            self.fields[name].widget.attrs["step"] = "0.1"
        accounts = list(self.fields["account"].queryset[:2])
        if len(accounts) == 1:
            self.initial.setdefault("account", accounts[0].pk)
        if self.instance.pk:
            del self.fields["account"]
            del self.fields["flow"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        flow, account = data.get("flow"), data.get("account")
        if flow is not None and account is not None and flow.account_id != account.pk:
            self.add_error("flow", "This flow belongs to another account.")
        threshold, recover_at = data.get("threshold"), data.get("recover_at")
        if threshold is not None and recover_at is not None and recover_at < threshold:
            self.add_error("recover_at", "Must not be lower than the threshold.")
        return data


class AcknowledgeForm(forms.Form):
    """Asks for a note when somebody acknowledges an alert."""

    note = forms.CharField(
        label="Note", max_length=300, required=False, help_text="What you found, or who owns it (optional)."
    )


class AlertFilterForm(FilterForm):
    """Reads which account's alerts are listed."""

    def wanted(self) -> int | None:
        account_id: int | None = self.cleaned_data["account"]
        return account_id


class MailFilterForm(FilterForm):
    """Reads what the list of mails is narrowed to."""

    text = TextField("Subject or address")
    state = OneOfField(Delivery.State.choices, "State")
    account = None

    field_order = ["text", "state"]

    def wanted(self) -> MailFilter:
        return MailFilter(text=self.cleaned_data["text"], state=self.cleaned_data["state"])
