"""A stand-in for these tests, and which of its routes answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from standin.build import App, SettableClock, habits_for, make_app, make_world, serving
from standin.web.routing import Route, WrongMethodError

BEGINNING = datetime(2025, 6, 3, 9, 30, tzinfo=UTC)


def make_place(dialect: str = "zoho") -> App:
    """Five flows and four rules at a fixed time, without limits and without a throttle of tokens."""
    habits = habits_for(dialect, token_throttle=False)  # type: ignore[arg-type]
    world = make_world(seed=7, clock=SettableClock(BEGINNING), flows=5, rules=4, executions=800, habits=habits)
    return make_app(world)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route of the stand-in with its whole pattern; one for all modules of records."""

    method: str
    pattern: str

    def __str__(self) -> str:
        return f"{self.method} {self.pattern}"


def endpoints(app: App) -> dict[Endpoint, Route]:
    """Every endpoint of the stand-in but the control ones."""
    found: dict[Endpoint, Route] = {}
    for prefix, router in _routers(app):
        for route in router.routes:
            found.setdefault(_named(route, prefix), route)
    return found


def answered(app: App) -> set[Endpoint]:
    """Which endpoints answered so far with anything but a 404, by the ledger of calls."""
    seen = set()
    for call in app.ledger.calls:
        for prefix, router in _routers(app):
            if not call.path.startswith(prefix) or call.status == 404:
                continue
            try:
                route = router.find(call.method, call.path.removeprefix(prefix))
            except WrongMethodError:
                continue
            if route is not None:
                seen.add(_named(route, prefix))
    return seen


def _routers(app: App) -> list[tuple[str, object]]:
    return [*((one.prefix, one.router) for one in app.products), ("", app._accounts)]


def _named(route: Route, prefix: str) -> Endpoint:
    pattern = route.pattern
    handler = route.handler
    if type(handler).__name__ == "_Bound":  # one route for each module of records
        module = pattern.removeprefix("/v8/").split("/")[0]
        pattern = pattern.replace(f"/{module}", "/{module}", 1)
    return Endpoint(route.method, prefix + pattern)


@contextmanager
def place_on_a_socket() -> Iterator[tuple[App, str]]:
    """The same over loopback."""
    app = make_place()
    with serving(app) as base_url:
        yield app, base_url
