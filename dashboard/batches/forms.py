"""Asks how a batch of retries is to be run; reads the filters of batches and of their items."""

from __future__ import annotations

from typing import Any

from django import forms

from dashboard.filters import FilterForm, OneOfField
from dashboard.formats import number
from dashboard.reasons import ReasonForm
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy, ngettext
from monitor.models import RetryItem
from monitor.queries.batches import ENDED
from monitor.retry.batches import MOST_CANARY, MOST_PER_MINUTE, USUAL_PER_MINUTE

RECENT = "recent-reasons"  # the id of the list of reasons that a browser offers


class BatchForm(ReasonForm):
    """Asks for one reason for all, the pace, and the number of those that could run twice, where they are to be taken.

    Args:
        risky: how many could run twice; 0 where there are none, or the person may not accept that.
    """

    per_minute = forms.IntegerField(
        label=gettext_lazy("Started a minute, at most"),
        min_value=1,
        max_value=MOST_PER_MINUTE,
        initial=USUAL_PER_MINUTE,
    )
    canary = forms.IntegerField(
        label=gettext_lazy("In the first step"),
        min_value=1,
        max_value=MOST_CANARY,
        initial=1,
        help_text=gettext_lazy("Then 5, then the rest. It stops by itself where half of a step fails."),
    )
    risky = forms.IntegerField(required=False, min_value=0)

    field_order = ["reason", "per_minute", "canary", "risky"]

    def __init__(self, *args: Any, risky: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._risky = risky
        self.fields["reason"].widget.attrs["list"] = RECENT
        self.fields["reason"].help_text = _("One for all of them. Kept in the history and the audit trail.")
        if risky:
            words = ngettext(
                "Type %(typed)s to take the run that could run twice, too",
                "Type %(typed)s to take the %(n)s runs that could run twice, too",
                risky,
            )
            self.fields["risky"].label = words % {"typed": risky, "n": number(risky)}
            self.fields["risky"].help_text = _("Left empty, they are skipped.")
        else:
            del self.fields["risky"]

    def clean_risky(self) -> int | None:
        typed: int | None = self.cleaned_data["risky"]
        if typed and typed != self._risky:
            raise forms.ValidationError(_("Type %(n)s, or nothing.") % {"n": self._risky}, code="risky")
        return typed

    @property
    def accepts_risk(self) -> bool:
        """Returns whether those that could run twice are taken, too."""
        return bool(self.cleaned_data.get("risky"))


class BatchFilterForm(FilterForm):
    """Reads whose batches are listed."""

    def wanted(self) -> int | None:
        account_id: int | None = self.cleaned_data["account"]
        return account_id


class UnknownFilterForm(BatchFilterForm):
    """Reads whose retries of unknown outcome are listed."""


class SettleForm(ReasonForm):
    """Asks what became of a retry of unknown outcome: which run it caused, or that it did not run; and why."""

    NOT_RUN, OTHER = "not_run", "other"

    # A run that is offered is chosen by its id.
    outcome = forms.CharField(max_length=64, error_messages={"required": gettext_lazy("Say what became of it.")})
    other = forms.CharField(max_length=64, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("outcome") == self.OTHER and not cleaned.get("other"):
            self.add_error("other", _("Say which run it was, by Zoho's id."))
        return cleaned

    @property
    def ran_as(self) -> str:
        """Returns Zoho's id of the run that it caused, "" where it did not run."""
        outcome: str = self.cleaned_data["outcome"]
        if outcome == self.OTHER:
            other: str = self.cleaned_data["other"]
            return other
        return "" if outcome == self.NOT_RUN else outcome


class ItemFilterForm(FilterForm):
    """Reads which items of a batch are listed."""

    state = OneOfField(
        [*((code, gettext_lazy(words)) for code, words in RetryItem.State.choices), (ENDED, gettext_lazy("Ended"))],
        gettext_lazy("Result"),
    )
    # Links from counts set it: which of the reasons for skipping it was, see `SkipReason.key`.
    why = forms.RegexField("[0-9a-f]{12}", required=False, widget=forms.HiddenInput)
    account = None

    def wanted(self) -> tuple[str, str]:
        return self.cleaned_data["state"], self.cleaned_data["why"]
