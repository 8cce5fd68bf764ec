"""Knows a browser again in which a person signed in: a signed cookie that says so, and opens nothing by itself.

Whoever shows it is spared the waits that strangers cause (`monitor.sign_in`). It holds an id of the browser and the
keys of the people who signed in there, nothing else.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from monitor.models import User

_SALT = "dashboard.people.known_browsers"
MOST_PEOPLE = 10
LASTS = 400 * 24 * 3600  # seconds; browsers keep no cookie longer


def browser_of(request: HttpRequest, person: User | None) -> str:
    """Returns the browser's id where this person signed in with it before, else ""."""
    browser, people = _read(request)
    return browser if person is not None and person.pk in people else ""


def remember(request: HttpRequest, response: HttpResponse, person: User) -> None:
    """Has the browser show from now on that this person signed in with it."""
    browser, people = _read(request)
    people = [person.pk, *(key for key in people if key != person.pk)][:MOST_PEOPLE]
    response.set_cookie(
        settings.BROWSER_COOKIE_NAME,
        signing.dumps([browser or secrets.token_hex(16), people], salt=_SALT),
        max_age=LASTS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read(request: HttpRequest) -> tuple[str, list[int]]:
    """Reads id and people; what is forged, too old or not there is nobody's browser."""
    try:
        found: Any = signing.loads(request.COOKIES.get(settings.BROWSER_COOKIE_NAME, ""), salt=_SALT, max_age=LASTS)
    except signing.BadSignature:
        return "", []
    browser, people = found
    return browser, people
