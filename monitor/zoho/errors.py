"""Names what can go wrong with Zoho, as one tree whose branches are what a caller can do about it.

::

    ZohoError
    ├── Wait              ask again after ``retry_after`` seconds (429, throttled token endpoint)
    ├── Unreachable       temporary: connection, time-outs, 5xx; ask again later
    │   ├── NotSent       proof that no byte of the request left this machine
    │   └── AnswerLost    the request may have arrived; what it did is unknown
    ├── SignIn            a matter of credentials
    │   ├── TokenRefused  the access token was refused: renew it once
    │   ├── GrantRevoked  the code or refresh token is spent or revoked: final, connect again
    │   ├── ClientRefused the client id or secret is wrong: final, correct it
    │   └── ScopeMissing  the token lacks a scope: connect again with more scopes
    ├── NotAvailable      this account does not have the endpoint or may not use it
    │   └── NotFound      the endpoint is there, the thing asked for is not
    ├── Refused           Zoho read the request and said no: our request is wrong, or against its rules
    │   └── DaysRefused   the days asked for: too old, or not begun yet
    └── BadAnswer         not an answer of Zoho's API: HTML, wrong shape, too large, a redirect
        └── TornAnswer    JSON that broke off; a read may be tried again

Messages may quote Zoho, shortened, but never hold a token or secret (see `protocol.redact`).
"""

# ruff: noqa: N818 (named for what happened; callers read `except Wait`)

from __future__ import annotations

from typing import ClassVar

DEFAULT_WAIT = 60.0  # seconds; where Zoho says "wait" but not how long


class ZohoError(Exception):
    """Says what kept a call from giving a value.

    Args:
        message: one line for people.
        code: Zoho's own error code, "" if none.
        status: the HTTP status, None if there was no answer.
        retry_after: seconds.
        hint: what to check, else the class's own.
        again: whether repeating a *read* at once may help, else the class's own.
    """

    # The parameter or field that Zoho objects to, as it names it; "" where it names none.
    place: str = ""
    # What Zoho itself says of it, without our line of the request; "" where it says nothing in its own envelope.
    said: str = ""
    default_hint: ClassVar[str] = "Look at the log of calls for this account."
    default_again: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        status: int | None = None,
        retry_after: float | None = None,
        hint: str = "",
        again: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.retry_after = retry_after
        self.hint = hint or self.default_hint
        self.again = self.default_again if again is None else again

    @property
    def message(self) -> str:
        """Returns the one line given at creation."""
        return str(self.args[0]) if self.args else ""


class Wait(ZohoError):
    """Says that Zoho asks for patience; `retry_after` (seconds) is always set."""

    default_hint = "The API limit of this account is used up for now; nothing needs to be done."
    default_again = True
    retry_after: float

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        status: int | None = None,
        retry_after: float | None = None,
        hint: str = "",
        again: bool | None = None,
    ) -> None:
        super().__init__(
            message,
            code=code,
            status=status,
            retry_after=DEFAULT_WAIT if retry_after is None else float(retry_after),
            hint=hint,
            again=again,
        )


class Unreachable(ZohoError):
    """Says that there is no usable answer for now; temporary unless it lasts."""

    default_hint = "Check the network and Zoho's status page; it is tried again by itself."
    default_again = True


class NotSent(Unreachable):
    """Proves that no byte of the request left: it was certainly not carried out."""

    default_hint = "Check the address (host name, data centre) and the network."


class AnswerLost(Unreachable):
    """Says that the request may have arrived: whether it was carried out is unknown."""


class SignIn(ZohoError):
    """Says that something about the credentials is wrong."""

    default_hint = "Connect the account again."


class TokenRefused(SignIn):
    """Says that the access token was refused. Renewing it once may help."""

    default_hint = "If a new token is refused too: is this the data centre the account lives in?"


class GrantRevoked(SignIn):
    """Says that the grant code or refresh token is wrong, used, expired or revoked (`invalid_code`). Final."""

    default_hint = (
        "Connect the account again: a grant code lives for minutes and works once, a refresh token until revoked."
    )


class ClientRefused(SignIn):
    """Says that client id or secret is wrong, or another data centre's (`invalid_client`). Final."""

    default_hint = "Check client id and secret in the API console of this account's data centre."


class ScopeMissing(SignIn):
    """Says that the token is good but was not granted the scope for this call."""

    default_hint = "Connect the account again and grant the scopes asked for."


class NotAvailable(ZohoError):
    """Says that the account's edition, plan or permissions do not have this endpoint."""

    default_hint = "Check the plan of the account and the permissions of the user who connected it."


class NotFound(NotAvailable):
    """Says that the thing asked for does not exist (any more)."""

    default_hint = "It may have been deleted in Zoho."


class Refused(ZohoError):
    """Says that Zoho understood the request and declined it, with its own error envelope."""

    default_hint = "Zoho's message says what it objects to."


class DaysRefused(Refused):
    """Says that Zoho does not answer for the days asked for; `place` names the parameter, where Zoho does."""

    @property
    def is_too_old(self) -> bool:
        """Returns whether it is the first day that is refused: asking from a later one on may help."""
        return self.place.lower() not in {"to", "executed_till"}


class BadAnswer(ZohoError):
    """Says that what came back is not an answer of Zoho's API."""

    default_hint = "Check the address: does something between here and Zoho answer in its place?"


class TornAnswer(BadAnswer):
    """Says that JSON ends too early or does not parse: reading it again may help."""

    default_again = True
