"""Answers where a page failed: 503 with a page where the database is away, else 500. Asks the database nothing."""

from __future__ import annotations

import logging
import sys

from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader

from dashboard.server.requests import CALLBACKS

log = logging.getLogger(__name__)
RETRY_AFTER = 10  # seconds
# A file that is none, or a damaged one, is a plain DatabaseError; its other kinds are faults of ours.
_AWAY = (OperationalError, InterfaceError)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answers a request whose page raised what nobody caught; Django's `handler500`."""
    error = sys.exc_info()[1]
    if not is_database_away(error):
        if request.path_info.startswith(CALLBACKS):
            return JsonResponse({"status": "something went wrong here"}, status=500)
        return HttpResponse(loader.render_to_string("500.html"), status=500)
    log.error("the database does not answer: %s", next(iter(str(error).splitlines()), ""))
    response: HttpResponse
    if request.path_info.startswith(CALLBACKS):
        response = JsonResponse({"status": "the database cannot be reached"}, status=503)
    else:
        response = HttpResponse(loader.render_to_string("database_away.html"), status=503)
    response["Retry-After"] = str(RETRY_AFTER)
    # One line says it, where Django would add a traceback for each page asked for meanwhile.
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - Django's own mark for it
    return response


def is_database_away(error: BaseException | None) -> bool:
    """Returns whether an error says that the database cannot be reached or read, not that we asked it wrongly."""
    return isinstance(error, _AWAY) or type(error) is DatabaseError
