"""Finds the handler for a method and a path."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote

from standin.web.wire import Reply, Request

Handler = Callable[..., Reply]
VERBS = {"GET": "READ", "POST": "CREATE", "PUT": "UPDATE", "PATCH": "UPDATE", "DELETE": "DELETE"}


@dataclass(frozen=True, slots=True)
class Route:
    """Holds one documented endpoint; `scope` without its last part, e.g. `ZohoFlow.flows`."""

    method: str
    pattern: str
    handler: Handler
    scope: str
    regex: re.Pattern[str]
    besides: str = ""  # a second scope that is needed, too
    verb: str = ""  # the scope's last part, where it is not that of the method

    def reply(self, request: Request, path: str) -> Reply:
        """Lets the handler answer; the path's parameters are its keyword arguments."""
        found = self.regex.fullmatch(path)
        values = found.groupdict() if found else {}
        return self.handler(request, **{name: unquote(value) for name, value in values.items()})


class WrongMethodError(Exception):
    """Says that the path exists, the method does not."""


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Returns a pattern as a regular expression; kept, since every application has the same two hundred."""
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(pattern)))


class Router:
    """Routes in the order in which they were added; the first that fits answers."""

    def __init__(self, under: str = "") -> None:
        """`under` is put before every pattern that is added from now on."""
        self.routes: list[Route] = []
        self.under = under

    def add(
        self, method: str, pattern: str, handler: Handler, scope: str = "", *, besides: str = "", verb: str = ""
    ) -> None:
        """Adds an endpoint; `{name}` in the pattern is one part of the path."""
        pattern = self.under + pattern
        verb = verb or VERBS.get(method, "")
        self.routes.append(Route(method, pattern, handler, scope, compiled(pattern), besides, verb))

    def find(self, method: str, path: str) -> Route | None:
        """Returns the route, or None for an unknown path; WrongMethodError if only the method is wrong."""
        fits = [route for route in self.routes if route.regex.fullmatch(path)]
        for route in fits:
            if route.method == method:
                return route
        if fits:
            raise WrongMethodError
        return None


def covers(granted: str, needed: str, wanted: str) -> bool:
    """Returns whether a granted scope (list separated by commas or spaces) allows the verb `wanted` on `needed`.

    `ZohoCRM.settings.ALL` covers `ZohoCRM.settings.workflow_rules`; the last part is ALL or the verb.
    """
    if not needed:
        return True
    for one in re.split(r"[,\s]+", granted):
        if one == "*":
            return True
        area, _, verb = one.rpartition(".")
        if area and (needed + ".").startswith(area + ".") and verb in {"ALL", wanted}:
            return True
    return False
