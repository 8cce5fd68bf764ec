"""Shows the status page by its secret link, without a sign-in. It only reads; no cache and no index keeps it."""

from __future__ import annotations

from datetime import UTC, datetime

from csp.constants import NONE, SELF
from csp.decorators import csp_replace
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard import client_address, remembered, time_limit
from dashboard.context import frame_at
from dashboard.status_page import guesses
from monitor import audit, origin, status_links
from monitor.queries.status_page import status_of

AGAIN = 120  # seconds after which a screen on a wall asks anew


@require_safe
@login_not_required
@csp_replace(
    {
        "default-src": [NONE],
        "script-src": [NONE],
        "style-src": [SELF],
        "img-src": [SELF],
        "connect-src": [NONE],
        "font-src": [NONE],
        "form-action": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
)
def status_page(request: HttpRequest, token: str) -> HttpResponse:
    """Shows how things stand. What is no open link, for whatever reason, is answered with one and the same page."""
    now, network = timezone.now(), client_address.network_of(origin.present().address)
    link = status_links.find(token, now)
    if link is None:
        audit.record_counted(None, "status_link.refused", None, now=now, network=network)
        return _nothing(request, network, now)
    account = link.account_id
    with time_limit.limited(time_limit.PAGE_SECONDS):
        mirror = frame_at(now)["mirror"]
        status = remembered.of(("status_page", account), lambda: status_of(mirror, account, now))
    # The page says that its times are in UTC: so they are for a signed-in person with another zone.
    with timezone.override(UTC):
        response = render(request, "status_page/page.html", {"status": status, "link": link, "now": now})
    response["Refresh"] = str(AGAIN)
    return response


def _nothing(request: HttpRequest, network: str, now: datetime) -> HttpResponse:
    # A proxy's address may be everybody's: nobody is counted by it.
    is_too_often = not client_address.may_be_shared(request) and guesses.count(network, now)
    response = render(request, "status_page/nothing.html", status=429 if is_too_often else 404)
    if is_too_often:
        response["Retry-After"] = str(guesses.seconds_left(now))
    return response
