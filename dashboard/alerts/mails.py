"""Every mail, for admins. In the demonstration this is the place where mails are read."""

from __future__ import annotations

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

from dashboard.access import get_or_404, requires
from dashboard.admin_filters import MailFilterForm
from monitor.queries import mails as queries

PER_PAGE = 50


@require_GET
@requires("mails")
def mails(request: HttpRequest) -> HttpResponse:
    """The list, the newest first."""
    form = MailFilterForm(request.GET)
    form.is_valid()
    found = queries.mails(form.cleaned_data.get("state", ""), form.cleaned_data.get("text", ""))
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    is_filtered = any(form.cleaned_data.values())
    return render(request, "alerts/mails.html", {"form": form, "page_obj": page, "is_filtered": is_filtered})


@require_GET
def mail(request: HttpRequest, pk: int) -> HttpResponse:
    """One mail: its fate, its text, and its HTML part in a sandboxed frame."""
    row = get_or_404(request.user, queries.whole_mails(), pk, action="mails")
    return render(request, "alerts/mail.html", {"mail": row})


@require_GET
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
    """The HTML part by itself, for the frame: no script, no form, nothing loaded, in an origin of its own.

    A frame by `srcdoc` would inherit the page's policy, which refuses the inline styles that a mail must have.
    """
    row = get_or_404(request.user, queries.whole_mails(), pk, action="mails")
    return HttpResponse(row.html)
