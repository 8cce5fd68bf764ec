"""Issues, checks and revokes grant codes, refresh tokens and access tokens.

Source: docs/reference/zoho-oauth.md, "Tokens", "Token limits".
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from standin.chance import hexadecimal
from standin.journaled import Journaled

CODE_LIFE = timedelta(minutes=3)
THROTTLE_WINDOW = timedelta(minutes=10)
THROTTLE_COUNT = 10
EVERY_SCOPE = "*"


@dataclass(slots=True)
class GrantCode:
    """Holds a one-time code from the consent page or the self client; `offline` asks for a refresh token too."""

    scope: str
    redirect_uri: str
    offline: bool
    expires: datetime


@dataclass(slots=True)
class RefreshToken:
    """Holds a refresh token and when access tokens were made from it."""

    scope: str
    issued: list[datetime] = field(default_factory=list)


@dataclass(slots=True)
class AccessToken:
    """Holds an access token; `refresh` is the refresh token that it dies with."""

    token: str
    refresh: str
    scope: str
    expires: datetime


class TokenDesk:
    """Issues and checks tokens; every change goes through the journal."""

    def __init__(self, home: Journaled) -> None:
        """Begins without tokens; `accept` makes the configured refresh token known."""
        self._home = home
        self.codes: dict[str, GrantCode] = {}
        self.refresh: dict[str, RefreshToken] = {}
        self.access: dict[str, AccessToken] = {}
        self.revoked: set[str] = set()
        self.issued = 0
        self._made = 0
        for name in ("token_code", "token_issue", "token_redeem", "token_revoke", "token_expire_all"):
            home.register(name, getattr(self, "_" + name))

    def _secret(self, kind: str) -> str:
        self._made += 1
        key = (self._home.settings.seed, self._home.anchor.isoformat(), kind, self._made)
        return f"1000.{hexadecimal(32, 'a', *key)}.{hexadecimal(32, 'b', *key)}"

    def accept(self, refresh_token: str, scope: str = EVERY_SCOPE) -> None:
        """Makes a configured refresh token known, unless it has been revoked."""
        if refresh_token not in self.revoked:
            self.refresh.setdefault(refresh_token, RefreshToken(scope))

    def throttled(self, refresh_token: str, now: datetime) -> bool:
        """Returns whether ten access tokens were made from this refresh token in the last ten minutes."""
        issued = self.refresh[refresh_token].issued
        return sum(1 for at in issued if at > now - THROTTLE_WINDOW) >= THROTTLE_COUNT

    def mint_code(self, scope: str, redirect_uri: str = "", *, offline: bool = True) -> str:
        """Returns a grant code as the consent page or the self client gives it: one use, three minutes."""
        code: str = self._home.do("token_code", scope=scope, redirect_uri=redirect_uri, offline=offline)
        return code

    def find_access(self, token: str, now: datetime) -> AccessToken | None:
        """Returns the access token if it is alive at `now`."""
        found = self.access.get(token)
        return found if found is not None and found.expires > now else None

    def _token_code(self, at: datetime, *, scope: str, redirect_uri: str, offline: bool) -> str:
        code = self._secret("code")
        self.codes[code] = GrantCode(scope, redirect_uri, offline, at + CODE_LIFE)
        return code

    def _token_redeem(self, at: datetime, *, code: str, seconds: int, live: int, keep: int) -> dict[str, Any]:
        """Uses a grant code; the code is gone whatever comes after."""
        grant = self.codes.pop(code)
        fresh = ""
        if grant.offline:
            fresh = self._secret("refresh")
            self.refresh[fresh] = RefreshToken(grant.scope)
            while len(self.refresh) > keep:
                self._token_revoke(at, token=next(iter(self.refresh)))
        access = self._token_issue(at, refresh=fresh, scope=grant.scope, seconds=seconds, live=live)
        return {**access, "refresh_token": fresh}

    def _token_issue(
        self, at: datetime, *, refresh: str, scope: str, seconds: int, live: int, rotate: bool = False
    ) -> dict[str, Any]:
        """Creates an access token; beyond `live` the oldest of the same refresh token dies."""
        token = self._secret("access")
        self.issued += 1
        holder = self.refresh.get(refresh)
        if holder is not None:
            holder.issued.append(at)
            alive = [one for one in self.access.values() if one.refresh == refresh and one.expires > at]
            for old in alive[: max(0, len(alive) + 1 - live)]:
                del self.access[old.token]
        self.access[token] = AccessToken(token, refresh, scope, at + timedelta(seconds=seconds))
        answer: dict[str, Any] = {"access_token": token, "scope": scope}
        if rotate and holder is not None:
            fresh = self._secret("refresh")
            self.refresh[fresh] = self.refresh.pop(refresh)
            self.revoked.add(refresh)
            answer["refresh_token"] = fresh
        return answer

    def _token_revoke(self, at: datetime, *, token: str) -> bool:
        """Revokes an access token, or a refresh token together with its access tokens."""
        known = token in self.refresh or token in self.access
        self.refresh.pop(token, None)
        self.revoked.add(token)
        for one in [*self.access.values()]:
            if token in (one.token, one.refresh):
                del self.access[one.token]
        return known

    def _token_expire_all(self, at: datetime) -> int:
        """Lets every access token expire at once; returns how many there were."""
        count = len(self.access)
        self.access.clear()
        return count
