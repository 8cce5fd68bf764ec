"""Reads the filters of the lists of alerts and mails; asks for alert rules and acknowledgements."""

from __future__ import annotations

from typing import Any

from django import forms

from dashboard.filters import FilterForm, OneOfField, TextField
from monitor.models import AlertRule, Delivery, Flow, ZohoAccount
from monitor.models.alerts import USUAL_MIN_RUNS, USUAL_THRESHOLD, USUAL_WINDOW_HOURS
from monitor.queries.mails import MailFilter
from monitor.queries.shown_names import by_shown_name

OPTIONS = ("threshold", "recover_at", "window_hours", "min_runs")
MOST_RUNS = 1_000_000


class AlertRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """Asks for an alert rule. Account and flow are chosen once: its incidents belong to them."""

    threshold = forms.FloatField(
        label="Threshold (%)",
        min_value=0,
        max_value=100,
        step_size=0.1,
        initial=USUAL_THRESHOLD,
        help_text="It fires when the success rate falls below this.",
    )
    recover_at = forms.FloatField(
        label="Recovers at (%)",
        min_value=0,
        max_value=100,
        step_size=0.1,
        initial=USUAL_THRESHOLD,
        help_text="It recovers at this rate or above.",
    )
    window_hours = forms.IntegerField(
        label="Window in hours",
        min_value=1,
        max_value=24 * 90,
        initial=USUAL_WINDOW_HOURS,
        help_text="168 hours are 7 days; at most 2160 (90 days).",
    )
    min_runs = forms.IntegerField(
        label="Minimum of runs",
        min_value=1,
        max_value=MOST_RUNS,
        initial=USUAL_MIN_RUNS,
        help_text="With fewer finished runs it neither fires nor recovers.",
    )

    class Meta:
        model = AlertRule
        fields = ["name", "account", "flow", "is_active"]
        labels = {"is_active": "Enabled"}
        help_texts = {
            "flow": "Empty: each flow of the account is checked by itself. "
            "A flow's own rule replaces that of the account.",
            "is_active": "Disabled, it neither fires nor recovers.",
        }

    field_order = ["name", "account", "flow", *OPTIONS, "is_active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = ZohoAccount.objects.defer("client_secret")
        flows = Flow.objects.filter(gone_at=None).select_related("account").defer("raw", "account__client_secret")
        self.fields["flow"].queryset = flows.order_by("account__name", *by_shown_name(Flow.objects.all(), "flow_name"))
        self.fields["flow"].label_from_instance = lambda flow: f"{flow.account.name}: {flow.shown_name}"
        self.fields["flow"].empty_label = "Each flow"
        accounts = list(self.fields["account"].queryset[:2])
        if len(accounts) == 1:
            self.initial.setdefault("account", accounts[0].pk)
        if self.instance.pk:
            del self.fields["account"]
            del self.fields["flow"]
            self.initial |= {name: getattr(self.instance, name) for name in OPTIONS}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        flow, account = data.get("flow"), data.get("account")
        if flow is not None and account is not None and flow.account_id != account.pk:
            self.add_error("flow", "This flow belongs to another account.")
        threshold, recover_at = data.get("threshold"), data.get("recover_at")
        if threshold is not None and recover_at is not None and recover_at < threshold:
            self.add_error("recover_at", "Must not be lower than the threshold.")
        return data

    def save(self, commit: bool = True) -> AlertRule:
        self.instance.options = self.instance.options | {name: self.cleaned_data[name] for name in OPTIONS}
        rule: AlertRule = super().save(commit)
        return rule


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
