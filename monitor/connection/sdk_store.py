"""Gives our tokens to Zoho's own SDK, so that a person's other scripts and this monitor share them safely.

Needs the optional package `zohocrmsdk8-0` (docs/sdk.md). The SDK has no lock of its own: several of its processes that
meet an expired token all renew it, and Zoho blocks after ten in ten minutes (docs/reference/zoho-oauth.md, "Token
limits"). Whatever is found here is therefore renewed first, under the lease that all of us share, so that the SDK never
has a reason to.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from django.db import connections

from monitor.connection import utc_now
from monitor.connection.token_store import StoredToken, TokenStore, TokenStoreError
from monitor.connection.tokens import usable_until
from monitor.vault import VaultError
from monitor.zoho.errors import ZohoError

try:
    from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
    from zohocrmsdk.src.com.zoho.api.authenticator.store.token_store import TokenStore as SdkInterface
    from zohocrmsdk.src.com.zoho.crm.api.exception.sdk_exception import SDKException
    from zohocrmsdk.src.com.zoho.crm.api.user_signature import UserSignature
except ImportError as error:
    raise ImportError("Zoho's SDK is not installed: pip install zohocrmsdk8-0 (see docs/sdk.md)") from error

T = TypeVar("T")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Handed:
    """Keeps what an SDK token was when we handed it out: the SDK's own class has no place for it."""

    generation: int | None
    refresh_token: str


def _as_sdk_errors(method: Callable[..., T]) -> Callable[..., T]:
    """Raises our errors as the SDK's; connections that the database has closed meanwhile are opened again."""

    @functools.wraps(method)
    def wrapped(*args: Any, **kwargs: Any) -> T:
        for connection in connections.all(initialized_only=True):
            if not connection.in_atomic_block:  # else it would close a transaction of the script's own
                connection.close_if_unusable_or_obsolete()
        try:
            return method(*args, **kwargs)
        except (TokenStoreError, VaultError, ZohoError) as error:
            raise SDKException("TOKEN_STORE", f"{error}") from error

    return wrapped


class SdkTokenStore(SdkInterface):  # type: ignore[misc]
    """Is the SDK's `TokenStore` over ours; give it to `Initializer.initialize(store=...)`.

    Args:
        store: our store; one with `new_accounts` lets a grant code make an account (switched off).
        clock: returns the present (aware, UTC).

    Every method raises `SDKException` with the code TOKEN_STORE. Source of the interface: SDK 7.0.0,
    `authenticator/store/token_store.py`; docs/reference/zoho-oauth.md, "Token persistence".
    """

    def __init__(self, store: TokenStore | None = None, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._store = store or TokenStore(clock=clock)
        self._handed: WeakKeyDictionary[Any, _Handed] = WeakKeyDictionary()

    @_as_sdk_errors
    def find_token(self, token: Any) -> Any:
        """Fills the given token from the store and makes it usable; None if it is not there.

        The store wins over what the token holds: a script that ran for an hour comes with an old access token.
        """
        if not isinstance(token, OAuthToken):
            return None
        found = self._store.find_token(_identity(token))
        found = self._store.usable(found.id) if found is not None else None
        return self._fill(token, found) if found is not None else None

    @_as_sdk_errors
    def find_token_by_id(self, id: Any) -> Any:  # noqa: A002 - the SDK's name
        """Returns the token with this id, usable; None if there is none."""
        found = self._store.usable(str(id))
        return self._fill(OAuthToken(id=str(id)), found) if found is not None else None

    @_as_sdk_errors
    def save_token(self, token: Any) -> None:
        """Stores what the SDK got from Zoho; afterwards the given token holds what is stored.

        `expires_in` is the SDK's: milliseconds since 1970, as text. A grant code is not stored: it works once.
        """
        if not isinstance(token, OAuthToken):
            return
        now, handed = self._clock(), self._handed.get(token)
        wanted = _identity(token)
        saved = self._store.save_token(
            StoredToken(
                id=wanted.id,
                user_name=wanted.user_name,
                client_id=wanted.client_id,
                client_secret=token.get_client_secret() or "",
                refresh_token=wanted.refresh_token,
                access_token=wanted.access_token,
                expires_at=_our_expiry(token.get_expires_in(), now),
                generation=handed.generation if handed else None,
                renewed_from=handed.refresh_token if handed else "",
            )
        )
        self._fill(token, saved)

    @_as_sdk_errors
    def delete_token(self, id: Any) -> None:  # noqa: A002 - the SDK's name
        """Forgets one account's tokens: it has to be reconnected."""
        self._store.delete_token(str(id))

    @_as_sdk_errors
    def get_tokens(self) -> list[Any]:
        """Returns every token as it is stored, not renewed."""
        return [self._fill(OAuthToken(id=stored.id), stored) for stored in self._store.get_tokens()]

    @_as_sdk_errors
    def delete_tokens(self) -> None:
        """Forgets the tokens of every account."""
        self._store.delete_tokens()

    def _fill(self, token: Any, stored: StoredToken) -> Any:
        token.set_id(stored.id)
        token.set_user_signature(UserSignature(stored.user_name))
        token.set_client_id(stored.client_id)
        token.set_client_secret(stored.client_secret)
        token.set_refresh_token(stored.refresh_token)
        token.set_access_token(stored.access_token)
        token.set_expires_in(_sdk_expiry(stored.expires_at))
        if stored.api_domain:
            token.set_api_domain(stored.api_domain)
        self._handed[token] = _Handed(stored.generation, stored.refresh_token)
        return token


def _identity(token: Any) -> StoredToken:
    """Returns what an SDK token says of which token it is."""
    signature = token.get_user_signature()
    id_, name, client, refresh, access = _texts(
        token.get_id(),
        signature.get_name() if signature is not None else None,
        token.get_client_id(),
        token.get_refresh_token(),
        token.get_access_token(),
    )
    return StoredToken(id=id_, user_name=name, client_id=client, refresh_token=refresh, access_token=access)


def _texts(*values: object) -> Iterable[str]:
    return [value if isinstance(value, str) else "" for value in values]


def _sdk_expiry(expires_at: datetime | None) -> str | None:
    """Writes an expiry as milliseconds since 1970, text; it is our own, early time, so the SDK is never late."""
    return str((expires_at - EPOCH) // timedelta(milliseconds=1)) if expires_at is not None else None


def _our_expiry(expires_in: object, now: datetime) -> datetime | None:
    """Returns until when a token is used that ends at `expires_in` (milliseconds since 1970, as text)."""
    text = str(expires_in or "")
    if not (text.isascii() and text.isdecimal() and len(text) <= 14):
        return None
    life = (int(text) / 1000) - now.timestamp()
    return usable_until(now, life) if 0 < life <= 86_400 else None
