"""Filters of the lists where people administer. A wrong value in the address narrows nothing, and is said."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from dashboard.filters import BIGGEST_ID, FIRST_YEAR, LAST_YEAR
from monitor.models import Delivery, ZohoAccount
from monitor.periods import day_start


class AccountFilterForm(forms.Form):
    """Lists that can be narrowed to one account."""

    account = forms.ModelChoiceField(queryset=ZohoAccount.objects.none(), required=False, empty_label="All accounts")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = ZohoAccount.objects.defer("client_secret")

    def value(self, name: str) -> Any:
        """The checked value, None where there is none or it was wrong."""
        self.is_valid()
        return self.cleaned_data.get(name)

    @property
    def account_id(self) -> int | None:
        account = self.value("account")
        return account.pk if account else None


class RuleFilterForm(AccountFilterForm):
    text = forms.CharField(label="Name or id", max_length=100, required=False)
    module = forms.ChoiceField(required=False)
    active = forms.ChoiceField(
        label="State", choices=[("", "Any"), ("yes", "Active"), ("no", "Inactive")], required=False
    )
    executed = forms.ChoiceField(label="Ran", choices=[("", "Any"), ("never", "Never")], required=False)
    order = forms.ChoiceField(
        label="Order", choices=[("name", "Name"), ("last", "Last run"), ("failures", "Most failures")], required=False
    )

    field_order = ["text", "module", "active", "executed", "order", "account"]

    def __init__(self, *args: Any, modules: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["module"].choices = [("", "Any"), *((name, name) for name in modules)]


class ConnectedFilterForm(AccountFilterForm):
    text = forms.CharField(label="Name, module or id", max_length=100, required=False)
    status = forms.ChoiceField(
        label="State",
        choices=[("", "Any"), ("active", "Active"), ("inactive", "Inactive"), ("draft", "Draft"), ("gone", "Deleted")],
        required=False,
    )

    field_order = ["text", "status", "account"]


class FailureFilterForm(AccountFilterForm):
    """Failed calls of webhooks. A day is one of the viewer's; `rule` is a mirrored rule's primary key."""

    text = forms.CharField(label="Name, reason or id", max_length=100, required=False)
    module = forms.ChoiceField(required=False)
    first_day = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    last_day = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    rule = forms.IntegerField(
        required=False, min_value=1, max_value=BIGGEST_ID, localize=False, widget=forms.HiddenInput
    )

    field_order = ["text", "module", "first_day", "last_day", "account", "rule"]

    def __init__(self, *args: Any, modules: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["module"].choices = [("", "Any"), *((name, name) for name in modules)]

    def midnight(self, name: str, *, days: int = 0) -> datetime | None:
        """The beginning of the day in the field `name`, or of one some days later, by the viewer's clock."""
        day = self.value(name)
        if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
            return None
        return day_start(day + timedelta(days=days), timezone.get_current_timezone())


class MailFilterForm(forms.Form):
    text = forms.CharField(label="Subject or address", max_length=100, required=False)
    state = forms.ChoiceField(choices=[("", "Any"), *Delivery.State.choices], required=False)


class AuditFilterForm(forms.Form):
    action = forms.ChoiceField(required=False)
    actor = forms.CharField(label="Who", max_length=150, required=False)
    first_day = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    last_day = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    object_type = forms.CharField(max_length=50, required=False, widget=forms.HiddenInput)
    object_id = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, actions: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["action"].choices = [("", "Any"), *((name, name.replace("_", " ")) for name in actions)]
