"""Reads the filters of the lists of workflow rules, connected workflows and failed webhooks."""

from __future__ import annotations

from django import forms
from django.http import QueryDict

from dashboard import remembered
from dashboard.filters import BIGGEST_ID, DayField, FilterForm, NameField, OneOfField, TextField
from dashboard.ownership import OwnedFilterForm
from monitor.queries import rule_list, webhook_failures
from monitor.queries.connected import ConnectedFilter
from monitor.queries.rule_audit import FindingFilter
from monitor.queries.rule_list import SORTS, STATES, USUAL_DAYS, RuleFilter
from monitor.queries.webhook_failures import FailureFilter
from monitor.rule_audit.audit import KINDS, QUIET_DAYS
from monitor.rule_words.vocabulary import action_name, module_name, trigger_name

RAN = (
    ("never", "Never"),
    *((f"{days}d", f"In the last {days} days") for days in (7, 30, 90)),
    *((f"not-{days}d", f"Not in the last {days} days") for days in (30, 90, 365)),
)
DAYS = (("7", "7 days"), ("90", "90 days"), ("365", "365 days"))


class RuleFilterForm(OwnedFilterForm):
    """Reads what the list of workflow rules is narrowed to and sorted by, and over which days it counts."""

    text = TextField("Name or id")
    state = OneOfField(STATES.items(), "State")
    module = NameField(label="Module")
    trigger = NameField(label="Runs on")
    action = NameField(label="Does")
    executed = OneOfField(RAN, "Last run")
    failed = OneOfField([("yes", "With failures")], "Actions")
    days = OneOfField(DAYS, "Usage of", empty="30 days")
    # Addresses of before `state` name it; counts that are links do so, too.
    active = OneOfField([("yes", "Active"), ("no", "Inactive")], "Switched")

    sorts = SORTS
    sort_name = "order"
    owned_by = "rule"
    folded = ("executed", "failed", "tag", "days")
    field_order = ["text", "state", "module", "trigger", "action", "owner", "account", "executed", "failed", "tag"]

    def __init__(self, data: QueryDict) -> None:
        self._choices = known = remembered.of("choices of rules", rule_list.choices)
        super().__init__(data)
        self.offer("module", [(name, module_name(name)) for name in known.modules], "Any")
        self.offer("trigger", [(kind, trigger_name(kind)) for kind in known.triggers], "Anything")
        self.offer("action", [(kind, action_name(kind)) for kind in known.actions], "Anything")
        if not data.get("active"):
            self.fields["active"].widget = forms.HiddenInput()

    def _known(self) -> set[tuple[int | None, str | None, str | None]]:
        return self._choices.owned

    def wanted(self) -> RuleFilter:
        cleaned = self.cleaned_data
        names = ("text", "module", "trigger", "action", "state", "active", "executed", "failed", "tag")
        return RuleFilter(
            **{name: cleaned[name] for name in names},
            owner_id=cleaned["owner"],
            account_id=cleaned["account"],
            order=self.sorted_by,
        )

    @property
    def days_counted(self) -> int:
        """Returns over how many days usage is counted."""
        return int(self.cleaned_data.get("days") or USUAL_DAYS)


class ConnectedFilterForm(FilterForm):
    """Reads what the list of connected workflows is narrowed to."""

    text = TextField("Name, module or id")
    status = OneOfField(
        [("active", "Active"), ("inactive", "Inactive"), ("draft", "Draft"), ("gone", "Deleted")], "State"
    )

    field_order = ["text", "status", "account"]

    def wanted(self) -> ConnectedFilter:
        cleaned = self.cleaned_data
        return ConnectedFilter(text=cleaned["text"], status=cleaned["status"], account_id=cleaned["account"])


class FailureFilterForm(FilterForm):
    """Reads what the list of failed webhooks is narrowed to.

    A day is one of the viewer's; `rule` is a mirrored rule's primary key.
    """

    text = TextField("Name, reason or id")
    module = NameField(label="Module")
    first_day = DayField("From")
    last_day = DayField("To")
    rule = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=BIGGEST_ID,
        localize=False,
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), "This is not a rule's id."),
    )

    field_order = ["text", "module", "first_day", "last_day", "account", "rule"]

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.offer("module", [(name, name) for name in webhook_failures.modules()], "Any")

    def wanted(self) -> FailureFilter:
        cleaned = self.cleaned_data
        return FailureFilter(
            text=cleaned["text"],
            module=cleaned["module"],
            start=self.midnight("first_day"),
            end=self.midnight("last_day", days=1),
            rule_id=cleaned["rule"],
            account_id=cleaned["account"],
        )


class FindingFilterForm(FilterForm):
    """Reads what the list of findings of the audit is narrowed to."""

    text = TextField("Rule or id")
    kind = OneOfField([(kind.name, kind.label) for kind in KINDS.values()], "Finding")
    module = NameField(label="Module")
    state = OneOfField([("accepted", "Accepted"), ("all", "All")], "State", empty="Standing")
    quiet = OneOfField([("14", "14 days"), ("60", "60 days"), ("90", "90 days")], "Quiet for", empty="30 days")

    field_order = ["text", "kind", "module", "state", "quiet", "account"]

    def offer_modules(self, names: list[str]) -> None:
        """Sets the modules that are offered."""
        self.offer("module", [(name, name) for name in names], "Any")

    @property
    def quiet_days(self) -> int:
        """Returns how many days a rule may be quiet; of a valid form."""
        return int(self.cleaned_data.get("quiet") or QUIET_DAYS)

    def wanted(self) -> FindingFilter:
        cleaned = self.cleaned_data
        return FindingFilter(
            text=cleaned["text"],
            kind=cleaned["kind"],
            module=cleaned["module"],
            state=cleaned["state"],
            account_id=cleaned["account"],
        )
