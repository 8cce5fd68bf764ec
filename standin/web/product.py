"""Checks token, limits and scope of a call, as each of the two products does, and wraps its errors."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from standin.errors import RefusalError
from standin.web.limits import CrmCredits, FlowLimit, Verdict
from standin.web.other_words import in_other_words
from standin.web.routing import Router, WrongMethodError, covers
from standin.web.wire import Reply, Request, crm_refusal, flow_refusal, json_reply
from standin.world import World

Refuse = Callable[[str, str, object, int], Reply]
SCHEME = "Zoho-oauthtoken "  # not Bearer


class Product:
    """Holds one API under its own path."""

    refuse: Refuse

    def __init__(self, world: World, prefix: str, router: Router) -> None:
        self.world = world
        self.prefix = prefix
        self.router = router

    @contextmanager
    def place(self) -> Iterator[None]:
        """Takes a place among the calls that are under way."""
        yield

    def exists(self) -> bool:
        """Returns whether the account has this product."""
        raise NotImplementedError

    def limited(self) -> tuple[Reply | None, dict[str, str]]:
        """Returns the refusal of a call too many, and the headers for either case."""
        raise NotImplementedError

    def answer(self, request: Request) -> Reply:
        """Checks the token, the limits and the scope, then let the handler answer."""
        if not self.exists():
            return self.refuse("NO_PERMISSION", "feature not available in this edition", {}, 403)
        header = request.headers.get("authorization", "")
        token = header.removeprefix(SCHEME) if header.startswith(SCHEME) else ""
        access = self.world.tokens.find_access(token, self.world.now())
        if access is None:
            words = self.world.habits.refused_token_words
            return self.unauthorised() if words == "envelope" else in_other_words(words)
        refusal, headers = self.limited()
        request.granted = access.scope
        reply = refusal or self.route(request)
        reply.headers.update(headers)
        return reply

    def unauthorised(self) -> Reply:
        """Makes a 401 for a token that is missing, wrong or expired."""
        return self.refuse(self.world.habits.invalid_token_code, "Invalid or expired token", "", 401)

    def route(self, request: Request) -> Reply:
        """Checks the scope and let the handler answer."""
        path = request.path.removeprefix(self.prefix)
        try:
            route = self.router.find(request.method, path)
            if route is None:
                message = "Please check if the URL trying to access is a correct one"
                return self.refuse("INVALID_URL_PATTERN", message, {}, 404)
            needed = (route.scope, route.besides)
            granted = all(covers(request.granted, scope, route.verb) for scope in needed)
            if self.world.habits.check_scopes and not granted:
                return self.refuse("OAUTH_SCOPE_MISMATCH", "Unauthorized", {}, 401)
            return route.reply(request, path)
        except WrongMethodError:
            return self.refuse("INVALID_REQUEST_METHOD", "The http request method type is not a valid one", {}, 400)
        except RefusalError as refused:
            reply = self.refuse(refused.code, refused.message, refused.details, refused.status)
            return json_reply({refused.under: [reply.json()]}, reply.status) if refused.under else reply


class FlowProduct(Product):
    """Answers as Zoho Flow: limits a minute and a day, shown in headers, and Retry-After."""

    refuse = staticmethod(flow_refusal)

    def __init__(self, world: World, prefix: str, router: Router, limit: FlowLimit) -> None:
        super().__init__(world, prefix, router)
        self.limit = limit

    def exists(self) -> bool:
        return self.world.habits.flow

    def limited(self) -> tuple[Reply | None, dict[str, str]]:
        verdict = self.limit.ask(self.world.now())
        headers = rate_headers(verdict)
        if verdict.granted:
            return None, headers
        if self.world.habits.flow_retry_after:
            headers["Retry-After"] = str(verdict.wait)
        return flow_refusal("RATE_LIMIT_EXCEEDED", "API rate limit exceeded", "", 429), headers


class CrmProduct(Product):
    """Answers as Zoho CRM: credits over a rolling day and a number of calls at once."""

    refuse = staticmethod(crm_refusal)

    def __init__(self, world: World, prefix: str, router: Router, credits_: CrmCredits, at_once: int | None) -> None:
        super().__init__(world, prefix, router)
        self.credits = credits_
        self._at_once = at_once
        self._under_way = 0
        self._guard = threading.Lock()

    @contextmanager
    def place(self) -> Iterator[None]:
        with self._guard:
            self._under_way += 1
        try:
            yield
        finally:
            with self._guard:
                self._under_way -= 1

    def exists(self) -> bool:
        return self.world.habits.crm

    def limited(self) -> tuple[Reply | None, dict[str, str]]:
        habits = self.world.habits
        crowded = self._at_once is not None and self._under_way > self._at_once
        if habits.concurrency_limit and crowded:
            return self._too_many(60), {}
        verdict = self.credits.ask(self.world.now())
        headers = rate_headers(verdict) if habits.dialect == "seed" else {}
        if not verdict.granted:
            return self._too_many(verdict.wait), headers
        limit, left = verdict.limit, verdict.remaining
        if habits.credits_header and limit is not None and left is not None and left * 2 <= limit:
            headers["X-API-CREDITS-REMAINING"] = str(left)
        return None, headers

    def _too_many(self, wait: int) -> Reply:
        seed = self.world.habits.dialect == "seed"
        code = "RATE_LIMIT_EXCEEDED" if seed else "TOO_MANY_REQUESTS"
        reply = crm_refusal(code, "Too many requests. Please try again later.", {}, 429)
        if self.world.habits.crm_retry_after:
            reply.headers["Retry-After"] = str(wait)
        return reply

    def unauthorised(self) -> Reply:
        """Makes a 401; AUTHENTICATION_FAILURE comes with other words than INVALID_TOKEN."""
        code = self.world.habits.invalid_token_code
        text = "Authentication failed" if code == "AUTHENTICATION_FAILURE" else "invalid oauth token"
        return crm_refusal(code, text, {}, 401)


def rate_headers(verdict: Verdict) -> dict[str, str]:
    """Writes X-RateLimit-*; the limit is the day's (docs/reference/zoho-flow.md, "Plans and limits")."""
    if verdict.limit is None:
        return {}
    return {
        "X-RateLimit-Limit": str(verdict.limit),
        "X-RateLimit-Remaining": str(verdict.remaining),
        "X-RateLimit-Reset": str(verdict.reset),
    }
