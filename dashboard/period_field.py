"""Takes a stretch of time in a filter by its name, such as "today" or "7d"."""

from __future__ import annotations

from typing import Any

from django import forms

from monitor.languages import gettext as _
from monitor.languages import gettext_lazy
from monitor.periods import is_span

# What is offered by one click.
PRESETS = {
    "today": gettext_lazy("Today"),
    "yesterday": gettext_lazy("Yesterday"),
    "this-week": gettext_lazy("Since Monday"),
    "7d": gettext_lazy("Last 7 days"),
    "last-month": gettext_lazy("Last month"),
}


class PeriodField(forms.CharField):
    """Takes a stretch of time by its name, such as "today" or "7d"; it is counted anew whenever the list is opened."""

    def __init__(self) -> None:
        super().__init__(required=False, label=gettext_lazy("Started"), max_length=20, widget=forms.HiddenInput)

    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value) or "")
        if text and not is_span(text):
            raise forms.ValidationError(_("There is no such period."), code="period")
        return text

    @staticmethod
    def words(span: str) -> str:
        """Writes a period for people: "last 7 days"."""
        if span in PRESETS:
            return PRESETS[span]
        unit = {"h": "hour", "d": "day", "w": "week"}.get(span[-1:], "")
        count = span[:-1]
        return (
            f"Last {count} {unit}{'' if count == '1' else 's'}" if unit and count.isdigit() else span.replace("-", " ")
        )
