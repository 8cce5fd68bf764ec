"""Answers every request to the stand-in: finds the product, lets the script of faults strike, notes the call."""

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote

from standin.accounts.oauth_api import Credentials
from standin.errors import RefusalError
from standin.faults.script import FaultScript
from standin.web.callbacks import Callbacks
from standin.web.control import PREFIX as CONTROL
from standin.web.control import admitted
from standin.web.ledger import Call, Ledger
from standin.web.product import Product, Refuse
from standin.web.routing import Router, WrongMethodError
from standin.web.wire import MAX_BODY, Reply, Request, flow_refusal
from standin.world import World

STATUS_TEXT = {200: "OK", 201: "Created", 204: "No Content", 207: "Multi-Status", 302: "Found"}


class App:
    """Holds the whole stand-in; `handle` answers one request, and as a WSGI application it can be called."""

    def __init__(
        self,
        world: World,
        *,
        credentials: Credentials,
        ledger: Ledger,
        faults: FaultScript,
        callbacks: Callbacks,
        products: list[Product],
        accounts: Router,
        control: Router,
    ) -> None:
        """Takes these parts; `standin.build.make_app` puts them together."""
        self.world = world
        self.credentials = credentials
        self.ledger = ledger
        self.faults = faults
        self.callbacks = callbacks
        self.products = products
        self._accounts = accounts
        self._control = control

    def routes(self) -> list[tuple[str, str]]:
        """Lists method and whole path of every endpoint but the control ones, for a list that a test keeps true."""
        routers = [("", self._accounts), *((one.prefix, one.router) for one in self.products)]
        return sorted((route.method, prefix + route.pattern) for prefix, router in routers for route in router.routes)

    def handle(self, request: Request) -> Reply:
        """Answers one request; the time of the Date header is the world's."""
        try:
            reply = self._handle(request)
        except RefusalError as refused:
            reply = flow_refusal(refused.code, refused.message, refused.details, refused.status)
        if "Date" not in reply.headers:
            reply.headers["Date"] = format_datetime(self.world.now().replace(microsecond=0), usegmt=True)
        return reply

    def _handle(self, request: Request) -> Reply:
        if request.path.startswith(CONTROL + "/"):
            with self.world.lock:
                return admitted(request, self.credentials.control_token) or self._plain(
                    self._control, request, request.path.removeprefix(CONTROL)
                )
        with self.world.lock:
            self.ledger.note_retry(request.method, request.path)
            fault = self.faults.striking(request)
        product = next((one for one in self.products if request.path.startswith(one.prefix + "/")), None)

        def carry_out() -> Reply:
            if product is not None:
                return product.answer(request)
            return self._plain(self._accounts, request, request.path)

        with product.place() if product is not None else nullcontext(), self.world.lock:
            reply = self.faults.answer(fault, request, carry_out) if fault else carry_out()
            self._note(request, reply, fault.kind if fault else "")
        return reply

    def _note(self, request: Request, reply: Reply, fault: str) -> None:
        query = "&".join(f"{name}={value}" for name, values in request.query.items() for value in values)
        at = self.world.now().isoformat()
        self.ledger.note(Call(at, request.method, request.path, query, reply.status, fault))

    def _plain(self, router: Router, request: Request, path: str) -> Reply:
        refuse: Refuse = flow_refusal
        try:
            route = router.find(request.method, path)
            if route is None:
                return refuse("INVALID_URL_PATTERN", "There is nothing at this address", request.path, 404)
            return route.reply(request, path)
        except WrongMethodError:
            return refuse("INVALID_REQUEST_METHOD", "The http request method type is not a valid one", "", 405)
        except RefusalError as refused:
            return refuse(refused.code, refused.message, refused.details, refused.status)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], Any]
    ) -> Iterable[bytes]:
        """WSGI. A fault of the wire needs a socket; here it is an OSError, as a lost connection would be."""
        reply = self.handle(request_of(environ))
        if reply.wire is not None:
            raise ConnectionResetError(f"the fault {reply.wire.kind} needs a real socket")
        headers = [(name, value) for name, value in reply.headers.items() if value]
        headers.append(("Content-Length", str(len(reply.body))))
        start_response(f"{reply.status} {STATUS_TEXT.get(reply.status, 'Status')}", headers)
        return [reply.body]


def request_of(environ: dict[str, Any]) -> Request:
    """Returns a request from a WSGI environment."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(min(length, MAX_BODY)) if length else environ["wsgi.input"].read()
    headers = {
        name[5:].replace("_", "-").lower(): str(value) for name, value in environ.items() if name.startswith("HTTP_")
    }
    headers["content-type"] = str(environ.get("CONTENT_TYPE", "")) or "application/x-www-form-urlencoded"
    headers["x-forwarded-proto"] = str(environ.get("wsgi.url_scheme", "http"))
    query = str(environ.get("QUERY_STRING", ""))
    target = unquote(str(environ.get("PATH_INFO", "/"))) + ("?" + query if query else "")
    return Request.build(str(environ["REQUEST_METHOD"]), target, headers, body)
