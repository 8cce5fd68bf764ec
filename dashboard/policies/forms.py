"""Asks how often, how soon and how much a policy retries."""

from __future__ import annotations

from typing import Any

from django import forms

from dashboard.filters import FilterForm, OneOfField
from monitor.languages import gettext_lazy
from monitor.models import RetryPolicy
from monitor.queries.policies import FAILED, SUCCEEDED, TODAY
from monitor.retry.policies import SETTINGS


class PolicyRetriesForm(FilterForm):
    """Reads which of a policy's retries are listed."""

    which = OneOfField(
        [
            (TODAY, gettext_lazy("Counted in 24 hours")),
            (SUCCEEDED, gettext_lazy("Succeeded")),
            (FAILED, gettext_lazy("Failed again or refused")),
        ],
        gettext_lazy("Which"),
        gettext_lazy("All"),
    )
    account = None

    def wanted(self) -> str:
        which: str = self.cleaned_data["which"]
        return which


class RetryPolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Asks for a policy's name and its limits."""

    class Meta:
        model = RetryPolicy
        fields = list(SETTINGS)
        labels = {
            "name": gettext_lazy("Name"),
            "tries": gettext_lazy("Retries of a run, at most"),
            "wait_minutes": gettext_lazy("Wait before the first retry (minutes)"),
            "per_day": gettext_lazy("Retries in 24 hours, at most"),
        }
        help_texts = {
            "name": gettext_lazy("Stands in the reason of each of its retries, for everybody to read: name no person."),
            "tries": gettext_lazy("1 to 5."),
            "wait_minutes": gettext_lazy("Twice as long before each further one. 1 to 1,440."),
            "per_day": gettext_lazy("1 to 1,000."),
        }

    @property
    def settings(self) -> dict[str, Any]:
        """Returns what was asked for, by name."""
        return {name: self.cleaned_data[name] for name in SETTINGS}
