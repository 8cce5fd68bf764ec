"""Gives the clients of Flow and CRM what they share: token, budget gate, one renewal, reading of the envelope."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import ClassVar, TypeVar

from monitor.zoho import read_answer
from monitor.zoho.errors import ClientRefused, GrantRevoked, NotAvailable, ScopeMissing, TokenRefused, ZohoError
from monitor.zoho.protocol import Answer, Headers, Request, build_url, json_body
from monitor.zoho.tokens import TokenSource
from monitor.zoho.transport import Transport

T = TypeVar("T")
BeforeCall = Callable[[str, str, str], object]
AfterCall = Callable[[object, str, int | None, Mapping[str, str]], object]


def no_gate(product: str, method: str, path: str) -> object:
    """Lets every call through: for proving credentials and for tests."""
    return None


def no_ledger(token: object, product: str, status: int | None, headers: Mapping[str, str]) -> object:
    """Writes nothing down."""
    return None


class ApiClient:
    """Calls one product for one account.

    Every method may raise, besides its own errors: `Wait`, `Unreachable`, `TokenRefused` (a second time, after
    one renewal), `ScopeMissing`, `NotAvailable`, `BadAnswer`, and what the gate raises.

    Args:
        origin: scheme and host.
        tokens: see `TokenSource`.
        before_call: called with product, method and path before every single HTTP attempt, repeats too; may raise to
            forbid it (a read sleeps through a short `Wait` of it as through one of Zoho's, any other error ends the
            call at once).
        after_call: called after each, always, with what `before_call` gave, product, status or None, and headers.
        zone: of the organisation: in it a time is read that names no offset.
    """

    product: ClassVar[str] = ""
    base: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        transport: Transport,
        origin: str,
        tokens: TokenSource,
        before_call: BeforeCall = no_gate,
        after_call: AfterCall = no_ledger,
        zone: tzinfo = UTC,
    ) -> None:
        self._transport = transport
        self._origin = origin
        self._tokens = tokens
        self._before_call = before_call
        self._after_call = after_call
        self._good = ""  # the token of the last answer that was no error
        self._doubted = ""  # the token that came after a 401: a new one did not help where it is refused, too
        # Set by callers that must know when their one request left: a renewal may take as long as a request. No write
        # is then sent a second time, not even after Zoho's proof that it was the token.
        self.sends_writes_once = False
        self.zone = zone
        self.last_server_date: datetime | None = None

    def _get(self, *segments: str, params: Mapping[str, object] | None = None) -> object:
        """Returns the payload of a GET; None for a 204."""
        return self._ask("GET", *segments, params=params)

    def _get_unrepeated(self, *segments: str) -> object:
        """Returns the payload of a GET that has an effect, and so is sent like a POST."""
        return self._exchange("GET", build_url(self._origin, *self.base, *segments), read_answer.read, repeat=False)

    def _ask(
        self,
        method: str,
        *segments: str,
        params: Mapping[str, object] | None = None,
        body: object = None,
        only_reads: bool = False,
    ) -> object:
        """Returns the payload of any call; None for a 204.

        Args:
            method: GET reads; any other may answer with several results, of which each may be an error.
            segments: of the address.
            params: of the address.
            body: sent as JSON.
            only_reads: whether it changes nothing, whatever its method.
        """
        url = build_url(self._origin, *self.base, *segments, params=params)
        read = read_answer.read_only if method == "GET" else read_answer.read
        return self._exchange(method, url, read, body, only_reads=only_reads)

    def _exchange(
        self,
        method: str,
        url: str,
        read: Callable[[Answer], T],
        body: object = None,
        *,
        repeat: bool = True,
        only_reads: bool = False,
    ) -> T:
        """Returns what `read` makes of the answer; with a renewed token if the first was refused.

        A read goes again after any 401, whatever its words. A write goes again only where Zoho says in known words
        that it was the token: that is proof that nothing was done. After any other 401 it is not repeated; the token
        is renewed for the next call where it may have been the reason.
        """
        token = self._tokens.current()
        try:
            found = self._send(self._request(method, url, token, body, repeat=repeat), read)
        except ZohoError as error:
            refused = error
        else:
            self._good = token
            return found
        is_read = only_reads or (method == "GET" and repeat)
        if not self._may_be_token(refused, token):
            raise refused
        fresh = self._renewed(token, refused)
        if not is_read and (self.sends_writes_once or not read_answer.proves_token_refused(refused)):
            raise refused
        return self._send(self._request(method, url, fresh, body, repeat=repeat), read)

    def _may_be_token(self, error: ZohoError, token: str) -> bool:
        """Returns whether a new token is worth asking for after this error.

        Other words may hide a dead token once, but not where this very token is new, and a refusal of the act not
        where it was taken before: each such answer of a sweep would cost one of the few tokens that Zoho gives in
        ten minutes.
        """
        if isinstance(error, TokenRefused) or error.status != 401:
            return isinstance(error, TokenRefused)
        if isinstance(error, ScopeMissing) or token == self._doubted:
            return False
        return token != self._good or not isinstance(error, NotAvailable)

    def _renewed(self, token: str, refused: ZohoError) -> str:
        """Returns another token after a 401.

        Raises:
            ZohoError: what keeps it from being renewed; `refused` itself where that need not be the token's fault.
        """
        try:
            fresh = self._tokens.renew(token)
        except (GrantRevoked, ClientRefused):
            raise
        except ZohoError:
            if read_answer.proves_token_refused(refused):
                raise
            raise refused from None
        self._doubted = fresh
        return fresh

    def _once(self, method: str, *segments: str, body: object = None) -> object:
        """Returns the payload of a POST that must not be sent twice: no repeat, no renewal, its own connection."""
        url = build_url(self._origin, *self.base, *segments)
        return self._send(self._request(method, url, self._tokens.current(), body), read_answer.read_once)

    def _request(self, method: str, url: str, token: str, body: object, *, repeat: bool = False) -> Request:
        headers = {"Authorization": f"Zoho-oauthtoken {token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = b"" if body is None else json_body(body)
        # A pooled connection that the server has just closed may swallow a request: only reads take the risk.
        fresh = method != "GET" or not repeat
        return Request(method, url, headers=headers, body=content, fresh=fresh)

    def _send(self, request: Request, read: Callable[[Answer], T]) -> T:
        def note_date_and_read(answer: Answer) -> T:
            self.last_server_date = answer.server_date or self.last_server_date
            return read(answer)

        return self._transport.call(request, note_date_and_read, gate=_Gate(self, request))


class _Gate:
    """Calls the client's two hooks for one request."""

    def __init__(self, client: ApiClient, request: Request) -> None:
        self._client = client
        self._request = request

    def before(self) -> object:
        return self._client._before_call(self._client.product, self._request.method, self._request.path)  # noqa: SLF001

    def after(self, token: object, status: int | None, headers: Mapping[str, str]) -> None:
        self._client._after_call(token, self._client.product, status, headers or Headers())  # noqa: SLF001
