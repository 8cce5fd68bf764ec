"""Counts each look at a password that somebody gave, at sign-in and at a change, and writes down what was wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from dashboard import formats
from dashboard.client_address import may_be_shared, network_of
from dashboard.people import known_browsers
from monitor import audit, origin, sign_in
from monitor.languages import gettext as _
from monitor.models import User

TOO_OFTEN = "too_often"


@dataclass(frozen=True)
class PasswordAttempt:
    """Holds an attempt whose password may be looked at, and stands in the trail under `action`.

    Attributes:
        person: whose password it should be; None where nobody has the name.
        network: from where, as limits count.
        is_shared: the network may be a proxy's, by which nobody is known.
        claimed: what it was counted as.
        action: what is tried, such as ``"sign_in"``.
        actor: who tries, where somebody is signed in.
    """

    person: User | None
    network: str
    is_shared: bool
    claimed: sign_in.Claim
    action: str
    actor: User | None

    @classmethod
    def begin(
        cls, request: HttpRequest, name: str, person: User | None, action: str, actor: User | None = None
    ) -> PasswordAttempt:
        """Counts an attempt, before its password is looked at.

        Raises:
            ValidationError: it may not be made now.
        """
        network, is_shared = network_of(origin.present().address), may_be_shared(request)
        claimed = sign_in.claim(
            name,
            person,
            network=network,
            browser=known_browsers.browser_of(request, person),
            now=timezone.now(),
            is_shared=is_shared,
        )
        attempt = cls(person, network, is_shared, claimed, action, actor)
        if not claimed.verdict.is_open:
            attempt.write_down("delayed")
            raise _too_often(claimed.verdict.wait)
        return attempt

    def fail(self) -> None:
        """Writes a wrong password down.

        Raises:
            ValidationError: it was one of too many; says how long to wait.
        """
        self.write_down("failed")
        if wait := self.claimed.verdict.wait_if_wrong:
            raise _too_often(wait)

    def succeed(self, person: User, *, is_remembered: bool) -> None:
        """Takes the right password out of the counts; `is_remembered` where the person is known from there by it."""
        network = self.network if is_remembered and not self.is_shared else ""
        sign_in.give_back(self.claimed, person, network, timezone.now())

    def write_down(self, what: str, **detail: str) -> None:
        """Adds to the trail; a name that nobody has is not repeated, for it may be a password in the wrong field."""
        about = {"name": self.person.get_username() if self.person else "of nobody"}
        audit.record_counted(
            self.actor,
            f"{self.action}.{what}",
            self.person,
            now=timezone.now(),
            network=self.network,
            detail=about | detail,
        )


def _too_often(wait: timedelta) -> ValidationError:
    seconds = math.ceil(wait.total_seconds())
    return ValidationError(
        _("Too many wrong passwords. Try again in %(wait)s.") % {"wait": formats.span(seconds)},
        code=TOO_OFTEN,
        params={"seconds": seconds},
    )


def say_when(response: HttpResponse, form: Form) -> HttpResponse:
    """Makes an answer a 429 with `Retry-After` where a form says that it was tried too often."""
    errors = [error for found in form.errors.as_data().values() for error in found if error.code == TOO_OFTEN]
    if errors:
        response.status_code = 429
        response["Retry-After"] = str(max(error.params["seconds"] for error in errors))
    return response
