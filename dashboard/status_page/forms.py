"""Asks for a secret link of the status page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms

from monitor.models import ZohoAccount

LASTS = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year", "": "until somebody ends it"}


class StatusLinkForm(forms.Form):
    """Asks for whom a link is, what it shows, and for how long."""

    name = forms.CharField(label="For whom", max_length=100, strip=True, help_text="Shown here and in the audit trail.")
    account = forms.ModelChoiceField(
        ZohoAccount.objects.none(), label="Shows", required=False, empty_label="All accounts"
    )
    lasts = forms.ChoiceField(label="Lasts", choices=LASTS.items(), required=False, initial="90")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = ZohoAccount.objects.defer("client_secret").order_by("name", "pk")  # type: ignore[attr-defined]

    def wanted(self, now: datetime) -> dict[str, Any]:
        """Returns what `monitor.status_links.make` is asked for; of a valid form."""
        said = self.cleaned_data
        until = now + timedelta(days=int(said["lasts"])) if said["lasts"] else None
        return {"name": said["name"], "account": said["account"], "expires_at": until}
