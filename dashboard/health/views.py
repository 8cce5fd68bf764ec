"""Answers load balancers and watchdogs: without a sign-in, and without names."""

from __future__ import annotations

import logging

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.health import LIVE_ANSWER
from monitor.queries.health import Readiness, readiness

log = logging.getLogger(__name__)


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
    _changes.tell(found)
    response = JsonResponse(found.report, status=200 if found.is_ready else 503)
    # Django would log each probe that is answered 503, and there is one every few seconds.
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - Django's own mark for it
    return response


class _Changes:
    """Logs when this process stops being ready, and when it is again."""

    def __init__(self) -> None:
        self._was_ready = True

    def tell(self, found: Readiness) -> None:
        """Logs what a probe is told, where the one before was told otherwise."""
        was_ready, self._was_ready = self._was_ready, found.is_ready
        if was_ready and not found.is_ready:
            log.error("not ready: %s", "; ".join(found.problems))
        elif found.is_ready and not was_ready:
            log.warning("ready again")


_changes = _Changes()
