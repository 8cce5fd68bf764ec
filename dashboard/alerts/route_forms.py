"""Asks for routes of alerts, policies of escalation, and for whom it is asked who would hear."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet

from dashboard.alerts.scope_forms import ONLY_ONE, TagField, shown_subject
from dashboard.flow_field import FlowChoiceField
from monitor.access import who_may
from monitor.alerting.kinds.subjects import ACCOUNT, CONNECTION, CRM_RULE, PROBLEM
from monitor.models import (
    Channel,
    Connection,
    EscalationPolicy,
    EscalationStep,
    Problem,
    Route,
    User,
    WorkflowRule,
    ZohoAccount,
)
from monitor.models.people import SYSTEM_USERNAME
from monitor.models.routes import MOST_WAIT
from monitor.queries.shown_names import by_shown_name

MOST_STEPS = 8
BLANK_STEPS = 2  # that the form of a policy has beyond those that are there


def who_can_hear() -> QuerySet[User]:
    """Lists the people who can be chosen: those who may get alert mails."""
    return User.objects.filter(who_may("alert_mails")).exclude(username=SYSTEM_USERNAME).order_by("username")


class HearersForm(forms.Form):
    """Asks for people and channels."""

    people = forms.ModelMultipleChoiceField(
        User.objects.none(), required=False, widget=forms.CheckboxSelectMultiple, label="People"
    )
    to_owner = forms.BooleanField(
        required=False,
        label="The owner",
        help_text="Who owns the flow, workflow rule or problem that the alert is about.",
    )
    channels = forms.ModelMultipleChoiceField(
        Channel.objects.none(), required=False, widget=forms.CheckboxSelectMultiple, label="Channels"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["people"].queryset = who_can_hear()
        self.fields["channels"].queryset = Channel.objects.defer("address", "secrets").order_by("name")

    @property
    def names_somebody(self) -> bool:
        """Is whether it names anybody or anything; of a valid form."""
        return any(self.cleaned_data.get(name) for name in ("people", "to_owner", "channels"))


class RouteForm(HearersForm, forms.ModelForm):  # type: ignore[type-arg]
    """Asks for which alerts a route is, and who hears of them."""

    tag = TagField(
        label="Tag",
        help_text=(
            "Of the flow or workflow rule that the alert is about, or of a flow that failed by the problem. Alerts"
            " about connections, mirrors and plans fit no tag."
        ),
    )

    field_order = ["name", "account", "severity", "tag", "people", "to_owner", "channels"]

    class Meta:
        model = Route
        fields = [
            *("name", "account", "severity", "tag", "people", "to_owner", "channels", "policy"),
            *("goes_on", "is_active"),
        ]
        labels = {
            "policy": "Escalation",
            "goes_on": "Go on with the next route that fits",
            "is_active": "Enabled",
        }
        help_texts = {
            "severity": "Of the alert's rule. Digests are not mailed.",
            "policy": "Who is told next while nobody acknowledges.",
            "goes_on": "Otherwise this route alone decides for the alerts that it fits.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = ZohoAccount.objects.defer("client_secret")
        self.fields["account"].empty_label = "Each account"
        self.fields["severity"].choices = [("", "Any"), *Route.Severity.choices]
        self.fields["policy"].empty_label = "None"
        if self.instance.pk and self.instance.tag is not None:
            self.initial["tag"] = self.instance.tag.name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors and not self.names_somebody:
            self.add_error("people", "Choose people, the owner or a channel.")
        account = data.get("account")
        for channel in data.get("channels") or ():
            if account is not None and channel.account_id not in (None, account.pk):
                self.add_error("channels", f"“{channel.name}” belongs to another account.")
        return data


class EscalationPolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Asks for the name of a policy; its steps have forms of their own."""

    class Meta:
        model = EscalationPolicy
        fields = ["name"]


class EscalationStepForm(HearersForm):
    """Asks for one step of a policy; one without minutes is none."""

    after_minutes = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_WAIT,
        label="After (minutes)",
        help_text="Since it began, while nobody acknowledges. Empty: no such step.",
    )

    field_order = ["after_minutes", "people", "to_owner", "channels"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.errors:
            return data
        if data.get("after_minutes") and not self.names_somebody:
            self.add_error("people", "Choose people, the owner or a channel.")
        if not data.get("after_minutes") and self.names_somebody:
            self.add_error("after_minutes", "Say after how many minutes.")
        return data


def step_forms(policy: EscalationPolicy | None, data: Any = None) -> list[EscalationStepForm]:
    """Returns the forms of a policy's steps: those that are there, and blank ones.

    Args:
        policy: None for a new one.
        data: what was sent.
    """
    known = list(policy.steps.prefetch_related("people", "channels")) if policy is not None else []
    count = min(MOST_STEPS, len(known) + BLANK_STEPS)
    if data is not None:
        count = sum(f"step{number}-after_minutes" in data for number in range(1, MOST_STEPS + 1))
    found = []
    for number in range(1, count + 1):
        initial = _initial(known[number - 1]) if number <= len(known) else {}
        found.append(EscalationStepForm(data, prefix=f"step{number}", initial=initial))
    return found


def _initial(step: EscalationStep) -> dict[str, Any]:
    return {
        "after_minutes": step.after_minutes,
        "people": list(step.people.all()),
        "to_owner": step.to_owner,
        "channels": list(step.channels.all()),
    }


def steps_in(forms_of_steps: Iterable[EscalationStepForm]) -> list[dict[str, Any]]:
    """Returns the steps that valid forms ask for, in the order of their times."""
    found = [form.cleaned_data for form in forms_of_steps if form.cleaned_data.get("after_minutes")]
    return sorted(found, key=lambda step: int(step["after_minutes"]))


class WhoHearsForm(forms.Form):
    """Asks of which alert it is to be said who would hear of it: about a flow, or about one of the other subjects."""

    flow = FlowChoiceField(empty="None")
    rule = forms.ModelChoiceField(
        WorkflowRule.objects.none(), required=False, label="Workflow rule of CRM", empty_label="None"
    )
    connection = forms.ModelChoiceField(
        Connection.objects.none(), required=False, label="Connection", empty_label="None"
    )
    account = forms.ModelChoiceField(
        ZohoAccount.objects.none(),
        required=False,
        label="Account",
        empty_label="None",
        help_text="Its mirror, and its plan.",
    )
    problem = forms.ModelChoiceField(
        Problem.objects.select_related("merged_into"),
        required=False,
        label="Problem",
        widget=forms.NumberInput(attrs={"min": 1}),
        help_text="Its number, as in its address. Of one that was merged it is asked of the other.",
        error_messages={"invalid_choice": "There is no problem of this number."},
    )
    severity = forms.ChoiceField(choices=Route.Severity.choices, label="Severity")

    ABOUT: ClassVar[dict[str, str]] = {
        "flow": "flow",
        "rule": CRM_RULE,
        "connection": CONNECTION,
        "account": ACCOUNT,
        "problem": PROBLEM,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = ZohoAccount.objects.defer("client_secret").order_by("name", "pk")
        rules = WorkflowRule.objects.filter(gone_at=None).select_related("account")
        rules = rules.defer("raw", "description", "account__client_secret")
        self._offer("rule", rules.order_by("account__name", *by_shown_name(WorkflowRule.objects.all(), "name")))
        connections = Connection.objects.filter(gone_at=None).select_related("account")
        self._offer("connection", connections.defer("raw", "account__client_secret").order_by("account__name", "pk"))

    def _offer(self, name: str, rows: QuerySet[Any]) -> None:
        self.fields[name].queryset = rows
        self.fields[name].label_from_instance = lambda row: f"{row.account.name}: {shown_subject(row)}"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        chosen = [name for name in self.ABOUT if data.get(name) is not None]
        for name in chosen[1:]:
            self.add_error(name, ONLY_ONE)
        if not chosen and not self.errors:
            self.add_error("flow", "Choose what the alert is about.")
        return data

    def asked(self) -> tuple[int, str, int, str]:
        """Returns the arguments of `ask_who_would_hear`; of a valid form."""
        data = self.cleaned_data
        name = next(name for name in self.ABOUT if data[name] is not None)
        thing = data[name]
        if name == "problem":
            thing = thing.merged_into or thing
        account = thing.pk if name == "account" else thing.account_id
        return account, self.ABOUT[name], thing.pk, data["severity"]
