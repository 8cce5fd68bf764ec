"""Lets people sign in and choose a password, and slows down whoever guesses (`monitor.sign_in`).

allauth's own limits are off: they count by the proxy's address and by the `Host` header, and refuse the right password
together with the wrong ones.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.userkit import get_user_by_username
from allauth.account.views import LoginView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from dashboard import formats
from dashboard.client_address import may_be_shared, network_of
from dashboard.people import known_browsers
from monitor import audit, origin, sign_in
from monitor.models import User
from monitor.sign_in import one_time

TOO_OFTEN = "too_often"
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
        now = timezone.now()
        self.person = get_user_by_username(credentials.get("username", ""))
        self.network = network_of(origin.present().address)
        self.is_shared = may_be_shared(request)
        browser = known_browsers.browser_of(request, self.person)
        name = credentials.get("username", "")
        self.claim = sign_in.claim(
            name, self.person, network=self.network, browser=browser, now=now, is_shared=self.is_shared
        )
        if not self.claim.verdict.is_open:
            self._write_down("sign_in.delayed")
            raise _too_often(self.claim.verdict.wait)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Finds the person whose name and password these are.

        Raises:
            ValidationError: it was tried too often, or the password was handed out and is used up.
        """
        user: User | None = super().authenticate(request, **credentials)
        if user is None:
            return None
        now = timezone.now()
        if not user.is_active:  # allauth shows such a person a page, and signs nobody in
            self._write_down("sign_in.failed", why="the person may not sign in")
            return user
        if not one_time.take(user, now):
            self._write_down("sign_in.failed", why="the one-time password is over")
            raise ValidationError("This one-time password is used up or has ended. An admin can give you a new one.")
        sign_in.give_back(self.claim, user, "" if self.is_shared else self.network, now)
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Writes a wrong password down, and says how long to wait where it was one of too many."""
        self._write_down("sign_in.failed")
        if wait := self.claim.verdict.wait_if_wrong:
            raise _too_often(wait)

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

    def _write_down(self, action: str, **detail: str) -> None:
        """Adds to the trail; a name that nobody has is not repeated, for it may be a password in the wrong field."""
        about = {"name": self.person.get_username() if self.person else "of nobody"}
        audit.record_counted(None, action, self.person, now=timezone.now(), network=self.network, detail=about | detail)


def _too_often(wait: timedelta) -> ValidationError:
    seconds = math.ceil(wait.total_seconds())
    return ValidationError(
        f"Too many wrong passwords. Try again in {formats.span(seconds)}.", code=TOO_OFTEN, params={"seconds": seconds}
    )


class SignInView(LoginView):  # type: ignore[misc]
    """Answers 429 with `Retry-After` where it was tried too often."""

    http_method_names = ("get", "head", "post", "options")  # Django's would take PUT as POST

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post(request, *args, **kwargs)
        if seconds := _seconds_to_wait(self.get_form()):
            response.status_code = 429
            response["Retry-After"] = str(seconds)
        return response


def _seconds_to_wait(form: Form) -> int:
    errors = form.errors.as_data().get("__all__", [])
    return max((error.params["seconds"] for error in errors if error.code == TOO_OFTEN), default=0)
