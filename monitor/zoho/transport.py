"""Sends everything, through one httpx client with what httpx lacks.

What it lacks is a deadline for a call as a whole and a cap on the body *after* decompression (docs/reference/faults.md,
F10 and F17).
"""

from __future__ import annotations

import logging
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Protocol, Self, TypeVar

import httpcore
import httpx

from monitor.public_addresses import NO_PRIVATE_HOSTS, PrivateHosts
from monitor.zoho import read_answer
from monitor.zoho.deadline_sockets import DeadlineBackend
from monitor.zoho.errors import AnswerLost, BadAnswer, NotSent, ZohoError
from monitor.zoho.protocol import Answer, Headers, Request, redact
from monitor.zoho.read_body import BadPacking, BodyTooLarge, LateBody, TornBody, read_body
from monitor.zoho.repeat_reads import NEVER, RepeatPolicy, repeated

T = TypeVar("T")
log = logging.getLogger(__name__)

# httpx logs whole addresses at INFO and httpcore headers at DEBUG: neither may reach a log.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_NOTHING_SENT = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL,
    httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout, httpcore.UnsupportedProtocol,
)  # fmt: skip
_MAYBE_SENT = (
    httpx.HTTPError, httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError,
    TornBody, LateBody, OSError,
)  # fmt: skip


class CallGate(Protocol):
    """Is asked before and called after every single attempt; `before` may raise to forbid it."""

    def before(self) -> object: ...

    def after(self, token: object, status: int | None, headers: Mapping[str, str]) -> None: ...


class Transport:
    """Sends requests; repeats reads only.

    Parameters, all in seconds unless said otherwise: `connect`, `read`, `write`, `pool` bound one
    operation, `total` a whole call with all its repeats; `max_body` bytes after decompression; `http` an
    httpx transport to use in place of the network; `allow_loopback` and `private_hosts` let it reach this machine and
    some hosts too, not public addresses alone; `max_wait` and `repeats` see `RepeatPolicy`
    (`repeats=1` turns repeating off); with `status_is_enough` an answer counts once its status is there, and what is
    wrong with its body costs only the rest of it. `sleep`, `monotonic`, `now` and `rng` are given by tests.

    Safe to share between threads, not across a fork: make one in each process.
    Errors of its methods: the tree in `monitor.zoho.errors`.
    """

    def __init__(
        self,
        *,
        connect: float = 5.0,
        read: float = 15.0,
        write: float = 10.0,
        pool: float = 5.0,
        total: float = 45.0,
        max_body: int = 12_000_000,
        http: httpx.BaseTransport | None = None,
        allow_loopback: bool = False,
        private_hosts: PrivateHosts = NO_PRIVATE_HOSTS,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
        max_wait: float = 5.0,
        repeats: int = 5,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        status_is_enough: bool = False,
    ) -> None:
        self._timeouts = (connect, read, write, pool)
        self._total = total
        self._max_body = max_body
        self._status_is_enough = status_is_enough
        self._sleep = sleep
        self._monotonic = monotonic
        self._now = now
        self._rng = rng or random.Random()  # noqa: S311 (jitter, nothing secret)
        self.policy = RepeatPolicy(tries=repeats, max_wait=max_wait)
        self._backend = DeadlineBackend(monotonic, allow_loopback=allow_loopback, private_hosts=private_hosts)
        # Reading the certificates takes a while, so it is done once, and only if there is an https:// at all.
        context = cache(lambda: httpx.create_ssl_context(verify=True, trust_env=False))
        self._reads = _client(http or _PoolTransport(self._backend, context, keep=5))
        self._once = _client(http or _PoolTransport(self._backend, context, keep=0))

    def request(self, req: Request, *, gate: CallGate | None = None) -> Answer:
        """Sends `req` and returns the answer, whatever its status, but 408, 429 and 5xx as errors.

        A GET is repeated within the policy, unless `fresh`; anything else is sent exactly once.
        """
        return self.call(req, _worth_reading, gate=gate)

    def call(self, req: Request, read: Callable[[Answer], T], *, gate: CallGate | None = None) -> T:
        """Sends like `request`, with `read` making a value of the answer; its errors count for repeating too.

        Args:
            req: the request.
            read: makes a value of the answer; may raise a `ZohoError`.
            gate: asked before and called after every attempt.
        """
        return repeated(
            lambda left: self._attempt(req, read, gate, left),
            policy=self.policy if req.method == "GET" and not req.fresh else NEVER,
            total=self._total if req.total is None else req.total,
            sleep=self._sleep,
            monotonic=self._monotonic,
            rng=self._rng,
        )

    def close(self) -> None:
        """Closes all connections."""
        self._reads.close()
        self._once.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _attempt(self, req: Request, read: Callable[[Answer], T], gate: CallGate | None, left: float) -> T:
        token = gate.before() if gate else None
        status: int | None = None
        headers = Headers()
        try:
            answer = self._exchange(req, left)
            status, headers = answer.status, answer.headers
            return read(answer)
        finally:
            if gate:
                gate.after(token, status, headers)

    def _exchange(self, req: Request, left: float) -> Answer:
        problem: Exception
        try:
            return self._send(req, self._monotonic() + left, left)
        except BodyTooLarge:
            raise BadAnswer(f"{req.where} answered more than {self._max_body} bytes") from None
        except BadPacking:
            raise BadAnswer(f"{req.where} answered a body that cannot be unpacked") from None
        except (*_NOTHING_SENT, *_MAYBE_SENT) as error:
            problem = error
        # Outside of the handler, so that the library's exception, which holds the request with its
        # secrets, is not chained to ours.
        raise _unreachable(req, problem)

    def _send(self, req: Request, end: float, left: float) -> Answer:
        connect, read, write, pool = (min(seconds, left) for seconds in self._timeouts)
        client = self._once if req.fresh else self._reads
        extra = {"Connection": "close"} if req.fresh else {}
        try:
            sent = client.build_request(
                req.method,
                req.url,
                headers={**req.headers, **extra},
                content=req.body or None,
                timeout=httpx.Timeout(connect=connect, read=read, write=write, pool=pool),
            )
        except UnicodeError:  # a host such as `xn--a`, which stands for no letters; httpx lets its library's error pass
            raise httpx.InvalidURL("the host name stands for no letters") from None
        with self._backend.until(end):
            response = client.send(sent, stream=True, follow_redirects=False)
            try:
                body = self._body(response, end)
            finally:
                response.close()
        headers = Headers(response.headers.multi_items())
        return Answer(response.status_code, headers, body, self._monotonic(), self._now(), req.where)

    def _body(self, response: httpx.Response, end: float) -> bytes:
        if self._status_is_enough:
            return self._beginning(response, end)
        if response.is_stream_consumed:  # a test's transport may answer with a body already unpacked
            return read_body([response.content], "", self._max_body, lambda: False)
        encoding = response.headers.get("content-encoding", "")
        return read_body(response.iter_raw(), encoding, self._max_body, lambda: self._monotonic() > end)

    def _beginning(self, response: httpx.Response, end: float) -> bytes:
        """Returns the first bytes of a body as they came, in time, whatever happens behind them."""
        kept = b""
        try:
            for chunk in response.iter_raw():
                kept += chunk
                if len(kept) >= self._max_body or self._monotonic() > end:
                    break
        except (
            httpx.HTTPError,
            httpcore.NetworkError,
            httpcore.TimeoutException,
            httpcore.ProtocolError,
            OSError,
        ) as error:
            log.debug("the body of an answer broke off: %s", type(error).__name__)
        return kept[: self._max_body]


def _worth_reading(answer: Answer) -> Answer:
    if answer.status in {408, 429} or answer.status >= 500:
        read_answer.read(answer)
    return answer


def _unreachable(req: Request, problem: Exception) -> ZohoError:
    """Makes our error of the library's: did anything leave, and what should a person check?

    Whether a host refused, was silent or could not be reached is for the log alone: people who give addresses would
    learn which ports are open.
    """
    told = redact(str(problem)) or type(problem).__name__
    if not isinstance(problem, _NOTHING_SENT):
        return AnswerLost(f"{req.where}: the answer was lost ({told})")
    log.info("%s: no connection (%s)", req.where, told)
    if "CERTIFICATE_VERIFY_FAILED" in told:
        hint = "The certificate of this host is not trusted: is the address right, is a proxy in between?"
        return NotSent(f"{req.where}: no connection (its certificate is not trusted)", hint=hint, again=False)
    if "no public address" in told:
        return NotSent(f"{req.where}: no connection ({told})", hint="Is the host name (data centre) right?")
    return NotSent(f"{req.where}: no connection")


def _client(transport: httpx.BaseTransport) -> httpx.Client:
    return httpx.Client(
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        # One transport serves many accounts: a cookie of one must never travel with another's token.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "gzip",  # what `read_body` can unpack piece by piece
            "User-Agent": "zoho-automation-monitor",
        },
    )


class _PoolTransport(httpx.BaseTransport):
    """Runs httpx on connection pools whose sockets know the deadline; `keep` idle connections are kept."""

    def __init__(self, backend: DeadlineBackend, context: Callable[[], ssl.SSLContext], keep: int) -> None:
        self._backend = backend
        self._context = context
        self._keep = keep
        self._pools: dict[str, httpcore.ConnectionPool] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        sent = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.read(),
            extensions=request.extensions,
        )
        answer = self._pool(url.scheme).handle_request(sent)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Stream(answer), extensions=answer.extensions
        )

    def _pool(self, scheme: str) -> httpcore.ConnectionPool:
        with self._lock:
            if scheme not in self._pools:
                self._pools[scheme] = httpcore.ConnectionPool(
                    ssl_context=self._context() if scheme == "https" else None,
                    max_connections=20,
                    max_keepalive_connections=self._keep,
                    keepalive_expiry=5.0,
                    http2=False,
                    retries=0,
                    network_backend=self._backend,
                )
            return self._pools[scheme]

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


def can_be_asked(host: str) -> bool:
    """Returns whether a request can be made to a host: one that begins with `xn--` stands for letters, or for none.

    Args:
        host: a name or an IP address, without brackets.
    """
    try:
        httpx.Request("GET", f"https://[{host}]" if ":" in host else f"https://{host}")
    except (httpx.InvalidURL, UnicodeError):  # UnicodeError: what the standard of such names forbids (RFC 5891)
        return False
    return True
