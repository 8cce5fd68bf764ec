"""A stand-in in process, with a clock that stands still."""

from collections.abc import Iterator

import pytest

from standin.build import App, SettableClock, World, make_app, make_world
from tests.standin.client import BEGINNING, Client


@pytest.fixture
def clock() -> SettableClock:
    """A clock at the beginning of the world."""
    return SettableClock(BEGINNING)


@pytest.fixture
def world(clock: SettableClock) -> World:
    """A small world: five flows, four rules."""
    return make_world(seed=7, clock=clock, flows=5, rules=4, executions=800)


@pytest.fixture
def app(world: World) -> App:
    """The world behind an application without limits."""
    return make_app(world)


@pytest.fixture
def client(app: App) -> Iterator[Client]:
    """Somebody who is signed in."""
    with Client(app) as client:
        yield client
