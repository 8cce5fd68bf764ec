"""A small cast and a fixed time; the stand-in in process; no network but loopback."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import pytest
from django.test import Client

from monitor.models import Role, User, ZohoAccount
from tests import depth, factories

depth.register()


@pytest.fixture
def now() -> datetime:
    """The tests' present: a Sunday noon, so that days and hours are easy to count."""
    return datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def account(db: None) -> ZohoAccount:
    return factories.make_account()


@pytest.fixture
def vera(db: None) -> User:
    """Vera, a viewer."""
    return factories.make_user("vera", Role.VIEWER)


@pytest.fixture
def otto(db: None) -> User:
    """Otto, an operator."""
    return factories.make_user("otto", Role.OPERATOR)


@pytest.fixture
def ada(db: None) -> User:
    """Ada, an admin."""
    return factories.make_user("ada", Role.ADMIN)


@pytest.fixture
def signed_in():
    """A test client signed in as the given person: `signed_in(otto).get("/")`."""

    def sign_in(user: User, **kwargs: object) -> Client:
        client = Client(**kwargs)  # type: ignore[arg-type]
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in


_connect = socket.socket.connect


@pytest.fixture(autouse=True, scope="session")
def only_loopback():
    """Any test that reaches beyond this machine fails."""

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])  # type: ignore[index]
            if not (host.startswith("127.") or host in ("::1", "localhost")):
                raise AssertionError(f"a test reached for {host}: only loopback is allowed")
        return _connect(self, address)  # type: ignore[arg-type]

    socket.socket.connect = guarded  # type: ignore[method-assign, assignment]
    yield
    socket.socket.connect = _connect  # type: ignore[method-assign]
