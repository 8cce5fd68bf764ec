"""Lets admins make secret links of the status page, and end them. A link's address is shown once."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard.access import get_or_404, requires
from dashboard.status_page.forms import StatusLinkForm
from monitor import status_links as writer
from monitor.models import StatusLink
from monitor.status_links import StatusLinkRefused

RIGHT = "status_links"


@require_safe
@requires(RIGHT)
def status_links(request: HttpRequest) -> HttpResponse:
    """Lists the links: for whom, of what, until when."""
    return _show(request, StatusLinkForm())


@require_POST
@requires(RIGHT)
def status_link_add(request: HttpRequest) -> HttpResponse:
    """Makes a link. Its address is shown in this one answer only."""
    form = StatusLinkForm(request.POST)
    if not form.is_valid():
        return _show(request, form, status=400)
    now = timezone.now()
    try:
        link, token = writer.make(**form.wanted(now), by=request.user, now=now)  # type: ignore[arg-type]
    except StatusLinkRefused as refusal:
        form.add_error(None, str(refusal))
        return _show(request, form, status=400)
    address = f"{settings.PUBLIC_URL}{reverse('status_page', args=[token])}"
    return render(request, "status_page/made.html", {"link": link, "address": address})


@require_POST
def status_link_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends a link at once."""
    link = get_or_404(request.user, StatusLink, pk, action=RIGHT)
    if writer.end(link, by=request.user, now=timezone.now()):  # type: ignore[arg-type]
        messages.success(request, f"“{link.name}” is ended: its address shows nothing any more.")
    return redirect("status_links")


def _show(request: HttpRequest, form: StatusLinkForm, *, status: int = 200) -> HttpResponse:
    now = timezone.now()
    rows = [(link, link.is_open_at(now)) for link in StatusLink.objects.select_related("account", "made_by")]
    # What opens the page comes first; of those that do not the newest.
    rows.sort(key=lambda row: not row[1])
    return render(request, "status_page/links.html", {"rows": rows[:100], "form": form, "now": now}, status=status)
