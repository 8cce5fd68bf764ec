"""Answers probes before all else, requires sign-in, sets the viewer's time zone, keeps data pages out of caches."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from dashboard.health.urls import PROBES
from monitor.models import User
from monitor.vault import VaultError


class ProbeMiddleware:
    """Answers load balancers and watchdogs whatever their Host header says, and without asking for a session.

    They come by address, by a container's name or without a name at all, which `ALLOWED_HOSTS` rightly refuses to
    everybody else: nothing of what they are told depends on the name.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = PROBES.get(request.path_info) if request.method in ("GET", "HEAD") else None
        if probe is None:
            return self.get_response(request)
        response = probe(request)
        response["Cache-Control"] = "no-store"
        return response


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Requires sign-in as Django's own does, except for allauth's sign-in pages."""

    def process_view(self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any) -> Any:
        module = getattr(view_func, "__module__", "")
        if module.startswith("allauth."):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)


class PersonalMiddleware:
    """Sets the viewer's time zone, and keeps pages with people's data out of shared and disk caches."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if isinstance(user, User):
            try:
                timezone.activate(zoneinfo.ZoneInfo(user.timezone))
            except (zoneinfo.ZoneInfoNotFoundError, ValueError):
                timezone.deactivate()
        else:
            timezone.deactivate()
        try:
            response = self.get_response(request)
        finally:
            timezone.deactivate()
        if "Cache-Control" not in response:
            response["Cache-Control"] = "no-store"
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answers 503 with the reason where a page needs a stored secret that cannot be read."""
        if not isinstance(exception, VaultError):
            return None
        return render(request, "locked.html", {"reason": str(exception)}, status=503)
