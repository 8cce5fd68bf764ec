"""Offers the six operations of a token store, as Zoho's own SDKs know them, over our encrypted tables.

Source: docs/reference/zoho-oauth.md, "Token persistence". Zoho's published sample must not be followed: it builds SQL
from names, updates every row for an empty one, counts rows to make ids, and stores secrets in clear.
Here a row is found by parameters or not at all, a write names the generation it replaces, and what is
compared of a secret is compared in constant time.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from monitor import audit
from monitor.connection import REFRESH_TOTAL, utc_now
from monitor.connection.network import open_transport
from monitor.connection.tokens import DatabaseTokens
from monitor.models import ApiBudget, ApiToken, Product, SyncState, ZohoAccount, system_user
from monitor.zoho.datacenters import DATA_CENTERS, Origins
from monitor.zoho.errors import TokenRefused, Wait
from monitor.zoho.oauth import OAuthClient

DELETED = "token_deleted"
SPARE = timedelta(seconds=10)  # the SDK renews by itself, without any lease, when less than 5 s are left
_TRIES = 8  # writers of one row at once; each try loses to another's success only


class TokenStoreError(Exception):
    """Says why a token cannot be stored: one line for people, without secrets."""


@dataclass(frozen=True, slots=True)
class StoredToken:
    """Holds a token as it is handed out and taken back. "" and None mean: not said.

    `id` is the row's key as text; `user_name` the account's name. `expires_at` is until when the access token
    is used, five minutes before Zoho drops it. `generation` counts writes: a token read from here says which
    one it was. `renewed_from` is the refresh token that this one was got with, to tell a rotated one.
    """

    id: str = ""
    user_name: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    expires_at: datetime | None = None
    api_domain: str = ""
    accounts_url: str = ""
    generation: int | None = None
    renewed_from: str = field(default="", repr=False)


class TokenStore:
    """Stores the tokens of all accounts.

    Args:
        clock: returns the present (aware, UTC).
        new_accounts: the addresses of accounts that `save_token` may make; None: it makes none.

    Every method may raise `monitor.vault.VaultError` when no key at hand reads a stored secret.
    """

    def __init__(self, *, clock: Callable[[], datetime] = utc_now, new_accounts: Origins | None = None) -> None:
        self._clock = clock
        self._new_accounts = new_accounts

    def find_token(self, token: StoredToken) -> StoredToken | None:
        """Finds the whole token for a partial one, or None.

        The first of these that is given decides: id, user name, refresh token, access token. A client id that
        is given too must fit. Nothing given finds nothing.
        """
        row = self._row_of(token)
        return _stored(row) if row is not None else None

    def find_token_by_id(self, token_id: str) -> StoredToken | None:
        """Returns the token with this id, or None, whatever the id looks like."""
        return self.find_token(StoredToken(id=token_id)) if token_id else None

    def get_tokens(self) -> list[StoredToken]:
        """Returns every token, oldest account first."""
        return [_stored(row) for row in _rows().order_by("pk")]

    def save_token(self, token: StoredToken) -> StoredToken:
        """Stores a token; an older one never replaces a newer one.

        A token that was read from here replaces the generation it was read at and no other; one without a
        generation replaces a token that expires earlier. What it does not say is kept. A rotated refresh token
        is kept even if somebody has renewed the access token meanwhile.

        Returns:
            What is stored now: the given token, or the newer one that was there.

        Raises:
            TokenStoreError: there is nothing to store, or no account it belongs to.
        """
        if not token.access_token and not token.refresh_token:
            raise TokenStoreError("there is neither an access token nor a refresh token to be stored")
        for _ in range(_TRIES):
            row = self._row_of(token, also_empty=True)
            if row is None:
                if self._create(token):
                    row = self._row_of(replace(token, id=""))
                    return _stored(row) if row is not None else token
                continue
            values = _changes(row, token)
            if not values:
                return _stored(row)
            if ApiToken.objects.filter(pk=row.pk, generation=row.generation).update(**values):
                if "refresh_token" in values:
                    # It may be of another organisation: the next sweep asks whose it is before it reads anything.
                    ApiBudget.objects.filter(account=row.account).update(edition_read_at=None)
                return self.find_token_by_id(str(row.pk)) or token
        raise TokenStoreError("the token is being written to all the time; try again")

    def delete_token(self, token_id: str) -> None:
        """Forgets one account's tokens; the account stays, and has to be reconnected. Unknown: nothing."""
        key = _key(token_id)
        if key is not None:
            self._forget(_rows().filter(pk=key))

    def delete_tokens(self) -> None:
        """Forgets the tokens of every account."""
        self._forget(_rows())

    def usable(self, token_id: str, *, at_least: timedelta = SPARE) -> StoredToken | None:
        """Returns the token with this id, renewed if it ends within `at_least`; None if unknown.

        Raises:
            ZohoError: as `DatabaseTokens.current`.
        """
        key = _key(token_id)
        row = _rows().filter(pk=key).first() if key is not None else None
        if row is None:
            return None
        account, now = row.account, self._clock()
        with open_transport(REFRESH_TOTAL) as transport:
            origins = Origins(accounts=account.accounts_url, flow=None, crm=None)
            oauth = OAuthClient(transport, origins, account.client_id, account.client_secret)
            tokens = DatabaseTokens(account, oauth, self._clock)
            ends_soon = bool(row.access_token and row.expires_at and now < row.expires_at <= now + at_least)
            try:
                if ends_soon:
                    tokens.renew(row.access_token)
                else:
                    tokens.current()
            except (Wait, TokenRefused):
                if not ends_soon:  # else it is still good for a moment, or for five minutes at Zoho
                    raise
        return self.find_token_by_id(token_id)

    def _row_of(self, token: StoredToken, *, also_empty: bool = False) -> ApiToken | None:
        if not (token.user_name + token.client_id).isprintable():
            return None  # no stored name is like that, and PostgreSQL would refuse to look for a NUL
        rows = _rows(also_empty=also_empty)
        if token.client_id:
            rows = rows.filter(account__client_id=token.client_id)
        if token.id:
            key = _key(token.id)
            return rows.filter(pk=key).first() if key is not None else None
        if token.user_name:
            return rows.filter(account__name=token.user_name).first()
        # Ciphertext cannot be searched; there are as many rows as accounts.
        for name in ("refresh_token", "access_token"):
            wanted = getattr(token, name)
            if wanted:
                return next((row for row in rows.iterator() if _same(getattr(row, name), wanted)), None)
        return None

    def _create(self, token: StoredToken) -> bool:
        """Makes the account of a new token, switched off; False if somebody else was first."""
        origins = self._new_accounts
        if origins is None or not (token.user_name and token.client_id and token.client_secret):
            raise TokenStoreError("this token belongs to no account here: connect one first (manage.py connect)")
        if token.id or len(token.user_name) > 100 or not (token.user_name + token.client_id).isprintable():
            raise TokenStoreError("a new token has no id, and a name of at most 100 printable characters")
        if ZohoAccount.objects.filter(name=token.user_name).exclude(client_id=token.client_id).exists():
            raise TokenStoreError("the account of this name belongs to another client id")
        now = self._clock()
        try:
            with transaction.atomic():
                account = ZohoAccount.objects.create(
                    name=token.user_name,
                    data_center=next((key for key, known in DATA_CENTERS.items() if known == origins), "custom"),
                    accounts_url=origins.accounts,
                    flow_url=origins.flow or "",
                    crm_url=origins.crm or "",
                    client_id=token.client_id,
                    client_secret=token.client_secret,
                    is_active=False,  # a script's sign-in does not begin a mirror: a person does
                )
                ApiToken.objects.create(
                    account=account,
                    refresh_token=token.refresh_token,
                    access_token=token.access_token,
                    expires_at=token.expires_at,
                    generation=1,
                )
                ApiBudget.objects.bulk_create(ApiBudget(account=account, product=product) for product in Product)
                SyncState.objects.create(account=account)
                _audit("account.connect", account, now)
        except IntegrityError:
            return False
        return True

    def _forget(self, rows: QuerySet[ApiToken]) -> None:
        now = self._clock()
        with transaction.atomic():
            for row in rows.defer("refresh_token", "access_token"):
                # The generation moves on, so that a renewal that is under way cannot bring the token back.
                ApiToken.objects.filter(pk=row.pk).update(
                    refresh_token="",
                    access_token="",
                    expires_at=None,
                    generation=F("generation") + 1,
                    refresh_owner="",
                    refresh_lease_until=None,
                    refused_code=DELETED,
                    refused_at=now,
                )
                _audit("token.delete", row.account, now)


def _rows(*, also_empty: bool = False) -> QuerySet[ApiToken]:
    rows = ApiToken.objects.select_related("account")
    return rows if also_empty else rows.exclude(Q(refresh_token="") & Q(access_token=""))


def _key(token_id: str) -> int | None:
    """Returns the row's key in an id from outside; None for whatever cannot be one."""
    return int(token_id) if token_id.isascii() and token_id.isdecimal() and len(token_id) <= 18 else None


def _same(stored: str, given: str) -> bool:
    return hmac.compare_digest(stored.encode(errors="replace"), given.encode(errors="replace"))


def _changes(row: ApiToken, token: StoredToken) -> dict[str, object]:
    """Returns what saving `token` over `row` would write; nothing when it is the same or older. Pure."""
    rotated = bool(token.refresh_token) and not _same(row.refresh_token, token.refresh_token)
    fresh = bool(token.access_token) and not _same(row.access_token, token.access_token)
    if token.generation is None:
        newer = row.expires_at is None or (token.expires_at is not None and token.expires_at > row.expires_at)
    else:
        newer = token.generation == row.generation
    values: dict[str, object] = {}
    if fresh and newer:
        values |= {"access_token": token.access_token, "expires_at": token.expires_at}
    # An older token's refresh token matters in one case: Zoho gave it for the one that is stored, which is dead.
    if rotated and (newer or (token.renewed_from and _same(row.refresh_token, token.renewed_from))):
        values["refresh_token"] = token.refresh_token
    if values:
        values |= {"generation": row.generation + 1, "refresh_owner": "", "refresh_lease_until": None}
        values |= {"throttled_until": None, "refused_code": "", "refused_at": None}
    return values


def _stored(row: ApiToken) -> StoredToken:
    account = row.account
    return StoredToken(
        id=str(row.pk),
        user_name=account.name,
        client_id=account.client_id,
        client_secret=account.client_secret,
        refresh_token=row.refresh_token,
        access_token=row.access_token,
        expires_at=row.expires_at,
        api_domain=account.crm_url,
        accounts_url=account.accounts_url,
        generation=row.generation,
        renewed_from=row.refresh_token,
    )


def _audit(action: str, account: ZohoAccount, now: datetime) -> None:
    audit.record(system_user(), action, account, now=now, account=account, detail={"by": "token store"})
