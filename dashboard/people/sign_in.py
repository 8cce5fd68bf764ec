"""Lets people sign in and choose a password, and slows down whoever guesses (`monitor.sign_in`).

allauth's own limits are off: they count by the proxy's address and by the `Host` header, and refuse the right password
together with the wrong ones.
"""

from __future__ import annotations

import re
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.userkit import get_user_by_username
from allauth.account.views import LoginView, PasswordChangeView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters

from dashboard.people import known_browsers
from dashboard.people.attempts import PasswordAttempt, say_when
from monitor import audit
from monitor.languages import gettext as _
from monitor.models import User
from monitor.sign_in import one_time

_UNSEEN = re.compile(r"[\x00-\x20\x7f\\]")  # browsers drop some of these, and then see another address than we do


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Asks `monitor.sign_in` before a password is looked at; refuses sign-ups and addresses that lead elsewhere."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Refuses: people are added by an admin or by `manage.py createsuperuser`."""
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Accepts addresses of pages of ours, which begin with one slash; another port or host is somebody else's."""
        if not url or not url.startswith("/") or _UNSEEN.search(url):
            return False
        return url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Counts the attempt.

        Raises:
            ValidationError: it may not be made now.
        """
        name = credentials.get("username", "")
        self.attempt = PasswordAttempt.begin(request, name, get_user_by_username(name), "sign_in")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Finds the person whose name and password these are.

        Raises:
            ValidationError: it was tried too often, or the password was handed out and is used up.
        """
        user: User | None = super().authenticate(request, **credentials)
        if user is None:
            return None
        if not user.is_active:  # allauth shows such a person a page, and signs nobody in
            self.attempt.write_down("failed", why="the person may not sign in")
            return user
        if not one_time.take(user, timezone.now()):
            self.attempt.write_down("failed", why="the one-time password is over")
            raise ValidationError(_("This one-time password is used up or has ended. An admin can give you a new one."))
        self.attempt.succeed(user, is_remembered=True)
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Writes a wrong password down, and says how long to wait where it was one of too many."""
        self.attempt.fail()

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """Has the browser remembered, and the sign-in written down."""
        response: HttpResponse = super().post_login(request, user, **kwargs)
        known_browsers.remember(request, response, user)
        # Each one: it costs a right password, so nobody can flood the trail with it.
        audit.record(user, "sign_in", user, now=timezone.now())
        return response

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Leads to the profile: who comes from a one-time password has not set a time zone yet."""
        return reverse("profile")

    def set_password(self, user: User, password: str) -> None:
        """Saves a password that a person chose."""
        user.set_password(password)
        with transaction.atomic():
            user.save(update_fields=["password", "one_time_until", "one_time_used_at"])
            audit.record(user, "person.change_password", user, now=timezone.now())


class SignInView(LoginView):  # type: ignore[misc]
    """Answers 429 with `Retry-After` where it was tried too often."""

    http_method_names = ("get", "head", "post", "options")  # Django's would take PUT as POST

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return say_when(super().post(request, *args, **kwargs), self.get_form())


class ChangePasswordView(PasswordChangeView):  # type: ignore[misc]
    """Answers 429 with `Retry-After` where a wrong present password was given too often."""

    http_method_names = ("get", "head", "post", "options")

    @method_decorator(sensitive_post_parameters())
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # Past allauth's own, which leads a person without a password to a page that is not open here.
        response: HttpResponse = super(PasswordChangeView, self).dispatch(request, *args, **kwargs)
        return response

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return say_when(super().post(request, *args, **kwargs), self.get_form())

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}
