"""Shows each part of the pages in each state, so that one screenshot is enough to check them."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.overview.grid import MEANINGS
from dashboard.overview.verdict import ICONS

STATUSES = (
    *("success", "failed", "running", "active", "inactive", "gone", "ok", "stale", "incomplete", "throttled"),
    *(
        "unreachable",
        "revoked",
        "foreign",
        "schema",
        "never",
        "paused",
        "not_available",
        "firing",
        "resolved",
        "no_data",
    ),
    *("acknowledged", "requested", "sending", "accepted", "unknown", "succeeded", "failed_again", "rejected"),
    *("cancelled", "queued", "sent", "dead", "left_out", "viewer", "operator", "admin", "something_new"),
)


class SampleForm(forms.Form):
    """Has one field of each kind; the page shows it with an error too."""

    name = forms.CharField(max_length=10, help_text="Help stands under the field.")
    choice = forms.ChoiceField(choices=[("a", "First"), ("b", "Second")])
    since = forms.DateTimeField(widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    agreed = forms.BooleanField(label="I know that this may run twice", required=False)


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Shows the style guide; it reads nothing of the mirror."""
    now = timezone.now()
    context = {
        "statuses": STATUSES,
        "form": SampleForm(),
        "bad_form": SampleForm({"name": "much longer than ten", "since": ""}),
        "verdict_tones": ICONS.items(),
        "day_meanings": MEANINGS,
        "tones": ("info", "good", "warn", "bad"),
        "minutes_ago": now - timedelta(minutes=7),
        "days_ago": now - timedelta(days=3, hours=4),
    }
    return render(request, "styleguide/styleguide.html", context)
