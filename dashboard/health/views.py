"""Answers load balancers and watchdogs: without a sign-in, and without names."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.health import LIVE_ANSWER
from monitor.queries.health import readiness


@login_not_required
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Answers 200 as long as the web server runs; asks nothing of the database."""
    return HttpResponse(LIVE_ANSWER, content_type="text/plain; charset=utf-8")


@login_not_required
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Answers 200 when database, migrations and worker are well, else 503 with what is not."""
    found = readiness(timezone.now())
    return JsonResponse(found.report, status=200 if found.is_ready else 503)
