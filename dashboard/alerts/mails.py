"""Shows every mail to admins. In the demonstration this is the place where mails are read."""

from __future__ import annotations

from typing import Any

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from dashboard import lists
from dashboard.access import get_or_404, requires
from dashboard.alerts.forms import MailFilterForm
from monitor.notify.probe import probe
from monitor.queries import mails as queries


@require_safe
@requires("mails")
def mails(request: HttpRequest) -> HttpResponse:
    """Lists mails, the newest first, by the filters in the address."""
    form = MailFilterForm(request.GET)

    def find(wanted: queries.MailFilter) -> dict[str, Any]:
        return lists.numbered(queries.mails(wanted), form)

    return lists.show(request, "alerts/mails.html", form, find, nouns="mails", server=queries.mail_server())


@require_POST
@requires("mails")
def mail_test(request: HttpRequest) -> HttpResponse:
    """Sends a test mail to the person who asks, and says what the mail server answered."""
    result = probe(request.user, timezone.now())
    (messages.success if result.is_sent else messages.error)(request, result.told)
    return redirect("mails")


@require_safe
def mail(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one mail: its fate, its text, and its HTML part in a sandboxed frame."""
    row = get_or_404(request.user, queries.whole_mails(), pk, action="mails")
    return render(request, "alerts/mail.html", {"mail": row, "about": queries.name_of(row.about)})


@require_safe
@xframe_options_sameorigin
@csp_replace(
    {
        "default-src": [NONE],
        "script-src": [NONE],
        "style-src": [UNSAFE_INLINE],
        "img-src": ["data:"],
        "form-action": [NONE],
        "frame-ancestors": [SELF],
        "sandbox": [],
    }
)
def mail_html(request: HttpRequest, pk: int) -> HttpResponse:
    """Answers with the HTML part by itself, for the frame: no script, no form, nothing loaded, in an origin of its own.

    A frame by `srcdoc` would inherit the page's policy, which refuses the inline styles that a mail must have.
    """
    row = get_or_404(request.user, queries.whole_mails(), pk, action="mails")
    return HttpResponse(row.html)
