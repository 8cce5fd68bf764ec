"""Asks how often, how soon and how much a policy retries."""

from __future__ import annotations

from typing import Any

from django import forms

from dashboard.filters import FilterForm, OneOfField
from monitor.models import RetryPolicy
from monitor.queries.policies import FAILED, SUCCEEDED, TODAY
from monitor.retry.policies import SETTINGS


class PolicyRetriesForm(FilterForm):
    """Reads which of a policy's retries are listed."""

    which = OneOfField(
        [(TODAY, "Counted in 24 hours"), (SUCCEEDED, "Succeeded"), (FAILED, "Failed again or refused")], "Which", "All"
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
            "tries": "Retries of a run, at most",
            "wait_minutes": "Wait before the first retry (minutes)",
            "per_day": "Retries in 24 hours, at most",
        }
        help_texts = {
            "name": "Stands in the reason of each of its retries, for everybody to read: name no person.",
            "tries": "1 to 5.",
            "wait_minutes": "Twice as long before each further one. 1 to 1,440.",
            "per_day": "1 to 1,000.",
        }

    @property
    def settings(self) -> dict[str, Any]:
        """Returns what was asked for, by name."""
        return {name: self.cleaned_data[name] for name in SETTINGS}
