"""Gives access tokens from the database, with one refresher at a time across all processes.

A refresh is a lease in the token's row, not a lock held across HTTP. Zoho allows 10 access tokens per
refresh token in 10 minutes and drops the oldest live one (docs/reference/zoho-oauth.md, "Token limits"), so
whoever loses the lease waits and re-reads instead of refreshing too.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Q

from monitor.models import ApiToken, ZohoAccount
from monitor.zoho.datacenters import Elsewhere, Origins, elsewhere
from monitor.zoho.errors import ClientRefused, GrantRevoked, TokenRefused, Wait, ZohoError
from monitor.zoho.oauth import OAuthClient, TokenGrant

LEASE = timedelta(seconds=45)  # longer than the POST may take (20 s): the reverse makes two refreshers
WAIT_FOR_OTHERS = 25.0  # seconds
EARLY = timedelta(seconds=300)  # a token is taken for expired this much early
# Zoho locks a refresh token out after 10 new access tokens in 10 minutes; half of it is ours
# (docs/reference/promises.md, P10).
WINDOW = timedelta(minutes=10)
MOST_IN_WINDOW = 5
MOST_RAN_OUT = 9  # of tokens that live for a minute or less; an hour's tokens never come near it
KEPT = timedelta(seconds=5)  # what is renewed meanwhile by others is good for longer than that
KEPT_UNTIL = timedelta(seconds=60)  # before its end: closer to it, each call looks at the row
NOT_CREDIBLE = timedelta(minutes=10)  # no lease ends so far ahead: the clock was set back


def usable_until(received: datetime, expires_in: float) -> datetime:
    """Returns when a token stops being used.

    A token that is refused earlier is renewed then; asking for new ones too early is what Zoho punishes.

    Args:
        received: when the answer came.
        expires_in: seconds, already clamped to something sane by the client.
    """
    return received + max(timedelta(seconds=expires_in) - EARLY, timedelta(seconds=expires_in * 0.9))


class DatabaseTokens:
    """Is the `TokenSource` of one account.

    Args:
        account: whose tokens.
        oauth: speaks to the accounts server.
        clock: returns the present (aware, UTC).
        pause: sleeps for seconds; given in so that tests do not.
        try_refused: whether a credential that was refused earlier is tried once more (a person asked).
    """

    def __init__(
        self,
        account: ZohoAccount,
        oauth: OAuthClient,
        clock: Callable[[], datetime],
        *,
        pause: Callable[[float], None] = time.sleep,
        try_refused: bool = False,
    ) -> None:
        self._account = account
        self._oauth = oauth
        self._clock = clock
        self._pause = pause
        self._try_refused = try_refused
        self._owner = secrets.token_hex(16)
        self._kept: tuple[str, datetime, datetime] | None = None  # a token, and from when to when the row is not read
        self.failure: ZohoError | None = None  # what kept the last renewal from succeeding
        self.away: Elsewhere | None = None  # where the last renewal puts the account, if not where it is asked

    def current(self) -> str:
        """Returns a usable access token, refreshed if need be.

        Raises:
            SignIn: the credentials are refused for good.
            Wait: Zoho throttles its token endpoint, or another process is at it for too long.
            Unreachable: the accounts server does not answer.
        """
        if self._kept is not None:
            token, since, until = self._kept
            if since <= self._clock() < until:
                return token
        return self._obtain(refused="")

    def renew(self, refused: str) -> str:
        """Returns a usable access token other than the refused one. Raises as `current`."""
        return self._obtain(refused=refused)

    def _obtain(self, *, refused: str) -> str:
        waited, self._kept = 0.0, None
        while True:
            row = ApiToken.objects.get(account=self._account)
            now = self._clock()
            if row.access_token and row.access_token != refused and row.expires_at and row.expires_at > now:
                self._kept = (row.access_token, now, min(now + KEPT, row.expires_at - KEPT_UNTIL))
                return str(row.access_token)
            self._check_refused(row)
            if row.throttled_until is not None and row.throttled_until > now:
                seconds = (row.throttled_until - now).total_seconds()
                raise Wait("Zoho throttles new access tokens for this account", retry_after=seconds)
            asked = _asked_within_window(row, now)
            # A token that simply ran out is renewed as long as Zoho can bear it; one that was refused, less often.
            ran_out = bool(row.access_token and row.expires_at and row.expires_at <= now)
            if len(asked) >= (MOST_RAN_OUT if ran_out else MOST_IN_WINDOW):
                raise self._enough(row, asked, refused, now)
            if self._claim(row, now, asked):
                return self._refresh(row)
            if waited >= WAIT_FOR_OTHERS:
                raise Wait("another process has been renewing the access token for too long", retry_after=5.0)
            self._pause(0.2)
            waited += 0.2

    def _check_refused(self, row: ApiToken) -> None:
        if not row.refused_code or self._try_refused:
            return
        if row.refused_code == "invalid_client":
            raise ClientRefused("Zoho refused the client id or secret", code=row.refused_code)
        raise GrantRevoked("Zoho refused the refresh token", code=row.refused_code)

    def _enough(self, row: ApiToken, asked: list[datetime], refused: str, now: datetime) -> ZohoError:
        """Says why no new token is asked for, before Zoho locks the account out."""
        if refused and row.access_token == refused and row.expires_at and row.expires_at > now:
            # New tokens do not help here; where Zoho takes this one, it is still good.
            return TokenRefused("Zoho refuses every new access token")
        seconds = (asked[0] + WINDOW - now).total_seconds()
        return Wait(f"{len(asked)} new access tokens were asked for within 10 minutes", retry_after=max(seconds, 1.0))

    def _claim(self, row: ApiToken, now: datetime, asked: list[datetime]) -> bool:
        lease = "refresh_lease_until"
        free = Q(**{lease: None}) | Q(**{f"{lease}__lt": now}) | Q(**{f"{lease}__gt": now + NOT_CREDIBLE})
        claimed = ApiToken.objects.filter(free, pk=row.pk, generation=row.generation).update(
            refresh_owner=self._owner,
            refresh_lease_until=now + LEASE,
            refreshes=[at.isoformat() for at in [*asked, now]],
        )
        return claimed == 1

    def _refresh(self, row: ApiToken) -> str:
        self._try_refused = False  # once is enough
        try:
            grant = self._oauth.refresh(row.refresh_token)
        except ZohoError as error:
            self.failure = error
            self._note_failure(row, error)
            raise
        self.failure = None
        account = self._account
        ours = Origins(account.accounts_url, account.flow_url or None, account.crm_url or None)
        self.away = elsewhere(ours, grant.api_domain)
        return self._save(row, grant)

    def _save(self, row: ApiToken, grant: TokenGrant) -> str:
        now = self._clock()
        values = {
            "access_token": grant.access_token,
            "expires_at": usable_until(now, grant.expires_in),
            "generation": row.generation + 1,
            "refresh_owner": "",
            "refresh_lease_until": None,
            "throttled_until": None,
            "refused_code": "",
            "refused_at": None,
        }
        if grant.refresh_token:
            values["refresh_token"] = grant.refresh_token
        if grant.scope:
            values["granted"] = grant.scope
        saved = ApiToken.objects.filter(pk=row.pk, generation=row.generation, refresh_owner=self._owner).update(
            **values
        )
        if not saved:
            # Another process took over an expired lease: its token is the newest, ours may be dropped by Zoho.
            return self._obtain(refused="")
        return grant.access_token

    def _note_failure(self, row: ApiToken, error: ZohoError) -> None:
        now = self._clock()
        values: dict[str, object] = {"refresh_owner": "", "refresh_lease_until": None}
        if isinstance(error, Wait):
            values["throttled_until"] = now + timedelta(seconds=error.retry_after)
        if isinstance(error, GrantRevoked | ClientRefused):
            values["refused_code"] = "invalid_client" if isinstance(error, ClientRefused) else "invalid_code"
            values["refused_at"] = now
        ApiToken.objects.filter(pk=row.pk, generation=row.generation, refresh_owner=self._owner).update(**values)


def _asked_within_window(row: ApiToken, now: datetime) -> list[datetime]:
    """Lists when new tokens were asked for in the last 10 minutes, oldest first, without times yet to come."""
    times = (datetime.fromisoformat(text) for text in row.refreshes)
    return sorted(at for at in times if now - WINDOW < at <= now + NOT_CREDIBLE)
