"""Takes a person through Zoho's consent page and back: keeps what was entered, and checks what comes back.

Source: docs/reference/zoho-oauth.md, "Consent" (state, redirect URL; `location` and `accounts-server` of the redirect:
the token call must go to that accounts server).
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse

from monitor.languages import gettext as _
from monitor.languages import gettext_noop
from monitor.vault import VaultError, decrypt, encrypt
from monitor.zoho import DATA_CENTERS, Origins, Transport
from monitor.zoho.datacenters import data_center_of_accounts_server
from monitor.zoho.oauth import OAuthClient
from monitor.zoho.scopes import CHOICES
from monitor.zoho.scopes import scopes_for as zoho_scopes

LIFETIME = timedelta(minutes=10)
SESSION_KEY = "connecting"
KEPT = (
    "name", "data_center", "accounts_url", "flow_url", "crm_url", "client_id", "client_secret", "plan",
    "calls_per_minute", "calls_per_day", "same_organisation", *CHOICES,
)  # fmt: skip


class CallbackRefused(Exception):  # noqa: N818 - it says what happened
    """Says why what came back from Zoho's consent page cannot be used: one line for people, and an HTTP status."""

    def __init__(self, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(frozen=True)
class Pending:
    """Holds what a person entered before they went to Zoho."""

    data: dict[str, Any]
    account_id: int | None

    @property
    def shown(self) -> dict[str, Any]:
        """Returns what may be put back into the form: all but the secret."""
        return {key: value for key, value in self.data.items() if key != "client_secret"}


def redirect_uri() -> str:
    """Builds the URL that Zoho sends people back to: by our settings, never by the Host header of a request."""
    return f"{settings.PUBLIC_URL}{reverse('connect_callback')}"


def scopes_for(origins: Origins, chosen: Collection[str] = ()) -> tuple[str, ...]:
    """Chooses the least scopes for the products of the account, and for what a person wants besides.

    Args:
        origins: where the products are.
        chosen: names of `monitor.zoho.scopes.CHOICES`.
    """
    more = {name: name in chosen for name in CHOICES}
    return zoho_scopes(flow=bool(origins.flow), crm=bool(origins.crm), **more)


def authorization_url(
    origins: Origins, client_id: str, client_secret: str, state: str, chosen: Collection[str] = ()
) -> str:
    """Builds the address of Zoho's consent page.

    Args:
        origins: where the products are.
        client_id, client_secret: of the client.
        state: that comes back with the answer.
        chosen: names of `monitor.zoho.scopes.CHOICES`.
    """
    with Transport() as transport:
        client = OAuthClient(transport, origins, client_id, client_secret)
        return client.authorization_url(redirect_uri(), scopes_for(origins, chosen), state)


def begin(session: Any, data: Mapping[str, Any], *, user_id: int, account_id: int | None, now: datetime) -> str:
    """Puts what was entered, as ciphertext, into the session.

    Returns:
        The state: 256 random bits of letters, digits, "-" and "_" (Zoho breaks on others).
    """
    state = secrets.token_urlsafe(32)
    kept = {key: data.get(key) for key in KEPT}
    pending = {"state": state, "user": user_id, "account": account_id, "at": now.timestamp(), "data": kept}
    session[SESSION_KEY] = encrypt(json.dumps(pending))
    return state


def finish(session: Any, state: str, *, user_id: int, now: datetime) -> Pending:
    """Takes out of the session what `begin` put there; it works once.

    Raises:
        CallbackRefused: nothing waits, the state is another one, another person's, or too old.
    """
    try:
        pending = json.loads(decrypt(session.get(SESSION_KEY, "")))
    except (VaultError, ValueError):
        raise CallbackRefused(_("No connection is waiting for an answer here. Start again.")) from None
    if not hmac.compare_digest(str(pending["state"]).encode(), state.encode()) or pending["user"] != user_id:
        # What waits is left alone: a forged address must not spoil it.
        raise CallbackRefused(_("This answer does not belong to the connection you started. Start again."))
    del session[SESSION_KEY]
    age = now.timestamp() - pending["at"]
    if not 0 <= age <= LIFETIME.total_seconds():
        raise CallbackRefused(_("This answer came later than 10 minutes. Start again."))
    return Pending(data=pending["data"], account_id=pending["account"])


def answered_origins(chosen: str, origins: Origins, query: Mapping[str, str]) -> tuple[str, Origins]:
    """Decides where the account lives, by Zoho's answer: data centre and URLs. Pure.

    Args:
        chosen: the data centre that was entered.
        origins: its addresses.
        query: of the redirect; `location` and `accounts-server` are believed only from our own list.

    Raises:
        CallbackRefused: an address or a data centre that we do not know, or two that contradict each other.
    """
    server, location = query.get("accounts-server", ""), query.get("location", "")
    if chosen == "custom":
        if server and server.rstrip("/").lower() != origins.accounts:
            raise CallbackRefused(
                _(
                    "The answer names another accounts server%(told)s than the one entered, %(entered)s. Nothing was "
                    "sent. If the account lives there, enter that one as Accounts URL."
                )
                % {"told": _told_server(server), "entered": origins.accounts}
            )
        return chosen, origins
    by_server = data_center_of_accounts_server(server) if server else None
    if server and by_server is None:
        raise CallbackRefused(_unknown_server(server))
    by_location = location.lower() or None
    if by_location is not None and by_location not in DATA_CENTERS:
        raise CallbackRefused(
            _("The answer names a data centre%(told)s that is not known here. Nothing was sent. %(hint)s")
            % {"told": _told(by_location), "hint": _(_OWN_ADDRESSES)}
        )
    if by_server and by_location and by_server != by_location:
        raise CallbackRefused(_("The answer names two different data centres. Nothing was sent."))
    data_center = by_server or by_location or chosen
    return data_center, DATA_CENTERS[data_center]


_OWN_ADDRESSES = gettext_noop(
    "If Zoho has a newer data centre than this list, go on with “Custom URLs”: the accounts URL and the CRM URL that "
    "Zoho documents for it."
)
# The host of a data centre's accounts server: accounts.zoho.xx, accounts.zoho.com.xx or accounts.zohocloud.xx.
_LIKE_ZOHOS = re.compile(r"https://accounts\.(zoho|zohocloud)\.([a-z]{2,3}|com?\.[a-z]{2})")


def _told_server(server: str) -> str:
    """Returns an accounts server for a message if it looks like one of Zoho's; anybody may write an address."""
    server = server.rstrip("/").lower()
    return f" ({server})" if data_center_of_accounts_server(server) or _LIKE_ZOHOS.fullmatch(server) else ""


def _unknown_server(server: str) -> str:
    if not _told_server(server):
        return _(
            "The answer names an accounts server that is none of Zoho's. Nothing was sent. Somebody may want the code "
            "of this account: start again from this page. If it is a Zoho of your own, choose “Custom URLs”."
        )
    return _("The answer names an accounts server%(told)s that is not on the list here. Nothing was sent. %(hint)s") % {
        "told": _told_server(server),
        "hint": _(_OWN_ADDRESSES),
    }


def _told(word: str) -> str:
    """Returns a word out of an address for a message, if it is short and plain: anybody may write an address."""
    return f" (“{word}”)" if re.fullmatch(r"[A-Za-z0-9_]{1,40}", word) else ""


def refusal_of(query: Mapping[str, str]) -> str:
    """Says what Zoho's consent page refused, or ""; of its words only a plain code is repeated."""
    error = query.get("error", "")
    if not error:
        return "" if query.get("code") else _("Zoho sent no grant code.")
    if error == "access_denied":
        return _("Access was denied on Zoho's page. Nothing was connected.")
    hint = _(_ERROR_HINTS.get(error, gettext_noop("Check the client ID and its redirect URL.")))
    said = _("Zoho's page answered with an error%(told)s. Nothing was connected. %(hint)s")
    return said % {"told": _told(error), "hint": hint}


_ERROR_HINTS = {
    "invalid_scope": gettext_noop("Zoho does not know one of the scopes in this data centre."),
    "other_dc": gettext_noop("This account lives in another data centre: choose that one."),
    "server_error": gettext_noop("Try again in a few minutes."),
    "temporarily_unavailable": gettext_noop("Try again in a few minutes."),
}
