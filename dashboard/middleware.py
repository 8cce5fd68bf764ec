"""Wraps every page: its origin, language, probes, sign-in, refusals, time zone, caching, what it may cost."""

from __future__ import annotations

import logging
import zoneinfo
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.signals import request_finished
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template import loader
from django.urls import reverse
from django.utils import timezone

from dashboard import client_address, remembered, time_limit
from dashboard.health.urls import PROBES
from dashboard.turns import Turns, is_costly
from monitor import audit, languages, origin
from monitor.models import User
from monitor.vault import VaultError

ACTS_ON_GET = {"connect_callback"}  # Zoho sends people there with a GET; what it does is limited elsewhere
ACTS_BY_LINK = {"acknowledge_by_mail", "unsubscribe_by_mail"}  # signed, for people who are not signed in
CHANGE_PAGE = "account_change_password"
log = logging.getLogger(__name__)


@receiver(request_finished)
def forget_origin(**kwargs: Any) -> None:
    """Lets what this thread does next belong to no request."""
    origin.end()


class OriginMiddleware:
    """Says for the trail and the log where the request comes from, and echoes its id in `X-Request-ID`.

    It is no longer said once the answer is sent, streamed ones too: Django logs what went wrong after all middleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._has_warned = False

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_believed = client_address.comes_from_a_trusted_proxy(request)
        if not is_believed and not self._has_warned and client_address.seems_to_be_a_proxy(request):
            self._has_warned = True
            log.warning("a proxy that TRUSTED_PROXIES does not name: all who come through it count as one address")
        given = request.META.get("HTTP_X_REQUEST_ID", "") if is_believed else ""
        asked = origin.Origin(client_address.of(request), origin.request_id(given))
        origin.begin(asked)
        response = self.get_response(request)
        response["X-Request-ID"] = asked.request_id
        return response


class LanguageMiddleware:
    """Speaks the language that the browser asks for, until it is known who looks: sign-in keeps to it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with languages.speaking(languages.of_browser(request.headers.get("Accept-Language", ""))):
            return self.get_response(request)


class RedirectMiddleware:
    """Refuses an address that is so long that the answer would lead to one no proxy lets through.

    Some redirects repeat the address that was asked for: to sign in, to HTTPS, to the same with a slash. nginx takes
    4 KiB of an answer's head as a rule, and makes a 502 of a longer one.
    """

    LONGEST = 2000  # characters; Zoho's page of consent, the longest that we lead to, has about 1,200

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if len(response.get("Location", "")) <= self.LONGEST:
            return response
        return HttpResponse(loader.render_to_string("400.html"), status=414)


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


class RememberingMiddleware:
    """Lets the next page be read anew once a person may have changed something here.

    What Zoho calls back, and what nobody has signed in for, changes nothing that is remembered: whoever sends much of
    it must not make every page dear.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        finally:
            if self._is_act(request):
                remembered.forget()

    @staticmethod
    def _is_act(request: HttpRequest) -> bool:
        name = request.resolver_match.url_name if request.resolver_match else ""
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return name in ACTS_ON_GET
        return name in ACTS_BY_LINK or isinstance(getattr(request, "user", None), User)


class StatusPageMiddleware:
    """Keeps every answer to a secret link to whoever asked, and has a screen on a wall ask on after a refusal, too.

    What is answered while the database is away or the page takes too long comes from elsewhere than the page's view.
    """

    LATER = 300  # seconds

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.resolver_match is not None and request.resolver_match.url_name == "status_page":
            response.headers.setdefault("Refresh", str(self.LATER))
            response["Cache-Control"] = "no-store"
            response["Referrer-Policy"] = "no-referrer"
            response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        return response


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Requires sign-in as Django's own does, except for allauth's sign-in pages, and a password of one's own.

    Whoever signed in with a password that was handed out gets to no page but those to change it and to sign out.
    """

    def process_view(self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any) -> Any:
        module = getattr(view_func, "__module__", "")
        if module.startswith("allauth."):
            return None
        if not getattr(view_func, "login_required", True):
            return None
        user = request.user
        if isinstance(user, User) and user.has_one_time_password and request.path_info != reverse(CHANGE_PAGE):
            return redirect(CHANGE_PAGE)
        return super().process_view(request, view_func, view_args, view_kwargs)


class RefusalMiddleware:
    """Writes down who was refused what: each 403, be it for the role or for a form that came from elsewhere."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 403:
            user = request.user if isinstance(request.user, User) else None
            match = request.resolver_match
            audit.record_counted(
                user,
                "refused",
                user,
                now=timezone.now(),
                network=client_address.network_of(origin.present().address),
                detail={"page": match.view_name if match else "", "method": request.method},
            )
        return response


class PersonalMiddleware:
    """Sets the viewer's language and time zone, and keeps pages with people's data out of shared and disk caches."""

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
        language = languages.of_person(user.language) if isinstance(user, User) else languages.current()
        try:
            with languages.speaking(language):
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


# These limit the time of their search alone; asked for by GET they lead to the list.
SEARCHES_BY_POST = {"executions_unmasked", "webhook_failures_unmasked"}
# What is chosen by a filter or by thousands is looked through (`dashboard.chosen_runs` limits the time of that), and
# files hold a thread until they are written.
MANY_BY_POST = SEARCHES_BY_POST | {
    *("batch_preview", "batch_confirm", "write_off", "write_off_confirm", "write_off_take_back"),
    *("batch_items", "batch_records_csv", "problem_records_csv", "executions_file"),
    *("changes_csv", "connections_csv"),
}
PREVIEWS_BY_POST = {"alert_rule_add", "alert_rule_edit"}  # where the form asks for a preview and is not saved


class _Sending:
    """Holds a person's turn while an answer is sent piece by piece."""

    def __init__(self, pieces: Any, turn: ExitStack) -> None:
        self._pieces = pieces
        self.close = turn.close

    def __iter__(self) -> Any:
        return iter(self._pieces)


class CostMiddleware:
    """Bounds what pages cost: the time of their questions, and how many costly ones a person asks at once.

    Background work and acts (POST), but for those on many rows, are left alone: they have limits of their own.
    """

    RETRY_AFTER = 5  # seconds

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._turns = Turns()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with ExitStack() as turn, ExitStack() as limit:
            request.held = (turn, limit)  # type: ignore[attr-defined]
            response = self.get_response(request)
            if response.streaming:
                # What is sent piece by piece holds its turn until it is sent; Django closes it then.
                response.streaming_content = _Sending(response.streaming_content, turn.pop_all())  # type: ignore[attr-defined]
            return response

    def process_view(self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any) -> Any:
        name = request.resolver_match.url_name if request.resolver_match else ""
        user = request.user
        is_page = request.method in ("GET", "HEAD") and name not in ACTS_ON_GET
        is_many = name in MANY_BY_POST or (name in PREVIEWS_BY_POST and "preview" in request.POST)
        if not isinstance(user, User) or not (is_page or is_many):
            return None
        turn, limit = request.held  # type: ignore[attr-defined]
        if not is_page or is_costly(request):
            give_back = self._turns.take(user.pk)
            if give_back is None:
                again = request.get_full_path() if is_page or name in SEARCHES_BY_POST else ""
                response = render(request, "one_moment.html", {"again": again}, status=429)
                response["Retry-After"] = str(self.RETRY_AFTER)
                return response
            turn.callback(give_back)
        if is_page:
            limit.enter_context(time_limit.limited(time_limit.PAGE_SECONDS))
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answers 503 where a page took too long, without another question to the database."""
        if not time_limit.was_stopped(exception):
            return None
        log.warning("%s took longer than %g s and was stopped", request.path, time_limit.PAGE_SECONDS)
        return render(request, "too_slow.html", status=503)
