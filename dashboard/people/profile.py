"""Shows and saves what a person sets for themselves."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from dashboard.people.forms import DIGEST_FIELDS, ProfileForm
from monitor import languages
from monitor.languages import gettext as _

SAVED = ["language", "timezone", "single_keys", "wants_mail", "unwanted_mails", *DIGEST_FIELDS, "digests_from"]


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Shows and saves language, time zone, keys and which mails are wanted; the password has a page of its own."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        request.user.save(update_fields=SAVED)
        with languages.speaking(languages.of_person(request.user.language)):
            messages.success(request, _("Your profile is saved."))
        return redirect("profile")
    status = 400 if request.method == "POST" else 200
    return render(request, "people/profile.html", {"form": form}, status=status)
