"""Reads the filters of the lists of workflow rules, connected workflows and failed webhooks."""

from __future__ import annotations

from django import forms
from django.http import QueryDict

from dashboard.filters import BIGGEST_ID, DayField, FilterForm, NameField, OneOfField, TextField
from dashboard.ownership import OwnedFilterForm
from monitor.queries import rules, webhook_failures
from monitor.queries.connected import ConnectedFilter
from monitor.queries.rules import ORDERS, RuleFilter
from monitor.queries.webhook_failures import FailureFilter


class RuleFilterForm(OwnedFilterForm):
    """Reads what the list of workflow rules is narrowed to and sorted by."""

    text = TextField("Name or id")
    module = NameField(label="Module")
    active = OneOfField([("yes", "Active"), ("no", "Inactive")], "State")
    executed = OneOfField([("never", "Never")], "Ran")
    failed = OneOfField([("yes", "With failures")], "Actions")

    sorts = tuple(ORDERS)
    sort_name = "order"
    owned_by = "rule"
    field_order = ["text", "module", "active", "executed", "failed", "owner", "tag", "account"]

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.offer("module", [(name, name) for name in rules.modules()], "Any")

    def wanted(self) -> RuleFilter:
        cleaned = self.cleaned_data
        return RuleFilter(
            text=cleaned["text"],
            module=cleaned["module"],
            active=cleaned["active"],
            executed=cleaned["executed"],
            failed=cleaned["failed"],
            owner_id=cleaned["owner"],
            tag=cleaned["tag"],
            account_id=cleaned["account"],
            order=self.sorted_by,
        )


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
