"""Says what an API client needs of whoever keeps the tokens."""

from __future__ import annotations

from typing import Protocol


class TokenSource(Protocol):
    """Gives access tokens; the product's is in `monitor.connection`, with one refresher at a time."""

    def current(self) -> str:
        """Returns an access token that should still be good."""
        ...

    def renew(self, refused: str) -> str:
        """Returns another token after Zoho refused `refused`; if somebody renewed it meanwhile, theirs."""
        ...


class FixedToken:
    """Gives one token and has no way to renew it: for proving credentials, and for tests."""

    def __init__(self, access_token: str) -> None:
        self._access_token = access_token

    def current(self) -> str:
        return self._access_token

    def renew(self, refused: str) -> str:
        """Returns the same token again: the second refusal is then final."""
        return self._access_token
