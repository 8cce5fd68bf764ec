"""Reads the filters of the lists of workflow rules, connected workflows and failed webhooks."""

from __future__ import annotations

from django import forms
from django.http import QueryDict

from dashboard import remembered
from dashboard.filters import ANY, BIGGEST_ID, DayField, FilterForm, NameField, OneOfField, TextField
from dashboard.ownership import OwnedFilterForm
from monitor.languages import gettext_lazy, pgettext_lazy
from monitor.queries import rule_list, webhook_failures
from monitor.queries.connected import ConnectedFilter
from monitor.queries.rule_audit import FindingFilter
from monitor.queries.rule_list import SORTS, STATES, USUAL_DAYS, RuleFilter
from monitor.queries.webhook_failures import FailureFilter
from monitor.rule_audit.audit import KINDS, QUIET_DAYS
from monitor.rule_words.vocabulary import action_name, module_name, trigger_name

RAN = (
    ("never", gettext_lazy("Never")),
    ("7d", gettext_lazy("In the last 7 days")),
    ("30d", gettext_lazy("In the last 30 days")),
    ("90d", gettext_lazy("In the last 90 days")),
    ("not-30d", gettext_lazy("Not in the last 30 days")),
    ("not-90d", gettext_lazy("Not in the last 90 days")),
    ("not-365d", gettext_lazy("Not in the last 365 days")),
)
DAYS = (("7", gettext_lazy("7 days")), ("90", gettext_lazy("90 days")), ("365", gettext_lazy("365 days")))
ANYTHING = gettext_lazy("Anything")


class RuleFilterForm(OwnedFilterForm):
    """Reads what the list of workflow rules is narrowed to and sorted by, and over which days it counts."""

    text = TextField(gettext_lazy("Name or id"))
    state = OneOfField(((name, gettext_lazy(words)) for name, words in STATES.items()), gettext_lazy("State"))
    module = NameField(label=gettext_lazy("Module"))
    trigger = NameField(label=gettext_lazy("Runs on"))
    action = NameField(label=gettext_lazy("Does"))
    executed = OneOfField(RAN, gettext_lazy("Last run"))
    failed = OneOfField([("yes", gettext_lazy("With failures"))], gettext_lazy("Actions"))
    days = OneOfField(DAYS, gettext_lazy("Usage of"), empty=gettext_lazy("30 days"))
    # Addresses of before `state` name it; counts that are links do so, too.
    active = OneOfField([("yes", gettext_lazy("Active")), ("no", gettext_lazy("Inactive"))], gettext_lazy("Switched"))

    sorts = SORTS
    sort_name = "order"
    owned_by = "rule"
    folded = ("executed", "failed", "tag", "days")
    field_order = ["text", "state", "module", "trigger", "action", "owner", "account", "executed", "failed", "tag"]

    def __init__(self, data: QueryDict) -> None:
        self._choices = known = remembered.of("choices of rules", rule_list.choices)
        super().__init__(data)
        self.offer("module", [(name, module_name(name)) for name in known.modules], ANY)
        self.offer("trigger", [(kind, trigger_name(kind)) for kind in known.triggers], ANYTHING)
        self.offer("action", [(kind, action_name(kind)) for kind in known.actions], ANYTHING)
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

    text = TextField(gettext_lazy("Name, module or id"))
    status = OneOfField(
        [
            ("active", gettext_lazy("Active")),
            ("inactive", gettext_lazy("Inactive")),
            ("draft", gettext_lazy("Draft")),
            ("gone", gettext_lazy("Deleted")),
        ],
        gettext_lazy("State"),
    )

    field_order = ["text", "status", "account"]

    def wanted(self) -> ConnectedFilter:
        cleaned = self.cleaned_data
        return ConnectedFilter(text=cleaned["text"], status=cleaned["status"], account_id=cleaned["account"])


class FailureFilterForm(FilterForm):
    """Reads what the list of failed webhooks is narrowed to.

    A day is one of the viewer's; `rule` is a mirrored rule's primary key.
    """

    text = TextField(gettext_lazy("Name, reason or id"))
    module = NameField(label=gettext_lazy("Module"))
    first_day = DayField(gettext_lazy("From"))
    last_day = DayField(gettext_lazy("To"))
    rule = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=BIGGEST_ID,
        localize=False,
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), gettext_lazy("This is not a rule's id.")),
    )

    field_order = ["text", "module", "first_day", "last_day", "account", "rule"]

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.offer("module", [(name, name) for name in webhook_failures.modules()], ANY)

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

    text = TextField(gettext_lazy("Rule or id"))
    kind = OneOfField([(kind.name, gettext_lazy(kind.label)) for kind in KINDS.values()], gettext_lazy("Finding"))
    module = NameField(label=gettext_lazy("Module"))
    state = OneOfField(
        [("accepted", pgettext_lazy("finding", "Accepted")), ("all", gettext_lazy("All"))],
        gettext_lazy("State"),
        empty=pgettext_lazy("finding", "Standing"),
    )
    quiet = OneOfField(
        [("14", gettext_lazy("14 days")), ("60", gettext_lazy("60 days")), ("90", gettext_lazy("90 days"))],
        gettext_lazy("Quiet for"),
        empty=gettext_lazy("30 days"),
    )

    field_order = ["text", "kind", "module", "state", "quiet", "account"]

    def offer_modules(self, names: list[str]) -> None:
        """Sets the modules that are offered."""
        self.offer("module", [(name, name) for name in names], ANY)

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
