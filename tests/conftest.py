"""A small cast and a fixed time; the stand-in in process; no network but loopback."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.dispatch import receiver
from django.test import Client
from pytest_django import DjangoDbBlocker

from monitor import schema
from monitor.models import Role, User, ZohoAccount
from tests import databases, depth, factories
from tests.bystander import Bystander, stand_by
from tests.bystander_rows import make_bystander

depth.register()
# Static files are looked up when one is asked for; to list them all would cost each new test client 10 ms.
settings.WHITENOISE_AUTOREFRESH = True
settings.PASSWORD_HASHERS = ["tests.quick_passwords.QuickArgon2", *settings.PASSWORD_HASHERS]
# A test looks at what it has just changed by hand; what is remembered for seconds has tests of its own.
settings.REMEMBER_SECONDS = 0
# The stand-in listens on loopback; what the product does without this is shown where it is refused.
settings.ALLOW_LOOPBACK = True
os.environ["ALLOW_LOOPBACK"] = "true"
gc.disable()  # while some thousand tests are collected there is nothing to throw away


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    databases.leave_out_what_was_shown(config, items)


def pytest_collection_finish() -> None:
    """Keeps the collector of garbage from looking again and again at the tests and modules, which stay."""
    gc.enable()
    gc.collect()
    gc.freeze()


@receiver(connection_created)
def give_rows_backwards(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Lets SQLite give rows that nothing puts in order from the last to the first.

    The order is the database's own affair. PostgreSQL takes another after each update; here who relies
    on one is found out each time (https://www.sqlite.org/pragma.html#pragma_reverse_unordered_selects).
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA reverse_unordered_selects = ON")


@pytest.fixture
def now() -> datetime:
    """The tests' present: a Sunday noon, so that days and hours are easy to count."""
    return datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker, django_db_use_migrations: bool) -> None:
    """The test database, with a bystander in it for every test."""
    with django_db_blocker.unblock():
        if not django_db_use_migrations:
            _note_migrations_as_applied()
        _standing.append(make_bystander())


def _note_migrations_as_applied() -> None:
    """Lets tables that came from the models (--nomigrations) stand for those of the migrations."""
    settings.MIGRATION_MODULES = {}
    schema._known.cache_clear()
    recorder = MigrationRecorder(connection)
    recorder.ensure_schema()
    for app, name in MigrationLoader(connection).graph.nodes:
        recorder.record_applied(app, name)


_standing: list[Bystander] = []

# Folders whose tests have the database to themselves: real processes and whole databases, and what people look at,
# which is mostly everybody's. What people do on pages has the bystander all the same.
ALONE = {"benchmarks", "browser", "conformance", "dashboard", "faults", "queries", "stories"}
ACTS = {
    "test_account_pages.py",
    "test_alert_pages.py",
    "test_connect_page.py",
    "test_history_pages.py",
    "test_hooks.py",
    "test_people_pages.py",
    "test_push_pages.py",
    "test_retry_page.py",
}


@pytest.fixture(autouse=True)
def bystander(request: pytest.FixtureRequest) -> Iterator[Bystander | None]:
    """Somebody else, whom no write of a test may touch: looked at after each test that has a database."""
    if "db" not in request.fixturenames and request.node.get_closest_marker("django_db") is None:
        yield None
        return
    request.getfixturevalue("db")
    found = Bystander.find()
    if found is None:
        found = make_bystander()  # a test with real transactions flushed the database
    else:
        found.before = _standing[0].before
    stand_by(found)
    if request.path.parent.name in ALONE and request.path.name not in ACTS:
        found.go()
    yield found
    assert found.differences() == []


@pytest.fixture
def nobody_else(db: None, bystander: Bystander) -> None:
    """For a test of a database where nobody else is: the first run, a list without a row, a sum of everything."""
    bystander.go()


@pytest.fixture
def all_are_judged(db: None, bystander: Bystander) -> None:
    """For a test of a job that rightly judges every account: a row says so of each, and its alerts are as they were."""
    bystander.expect("StageRun", "AlertState.evaluated_at")


@pytest.fixture
def all_are_pruned(db: None, bystander: Bystander) -> None:
    """For a test of the pruning of every account: it comes by, and takes nothing that an open retry holds."""
    bystander.expect("Retention.looked_at")


@pytest.fixture
def account(db: None) -> ZohoAccount:
    """The account that a test is about."""
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
def signed_in(db: None):
    """A test client signed in as the given person: `signed_in(otto).get("/")`."""

    def sign_in(user: User, **kwargs: object) -> Client:
        client = Client(**kwargs)  # type: ignore[arg-type]
        client.force_login(user, backend="dashboard.people.backends.PersonBackend")
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
