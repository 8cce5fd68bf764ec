"""Many at once on real connections: one new token, no call above the limit, one holder of a lease."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from django.db import connection, connections

from monitor.connection import BudgetSpent, Gate
from monitor.connection.tokens import DatabaseTokens
from monitor.ingest.base.lease import Lease
from monitor.zoho.oauth import TokenGrant
from tests.factories import make_account

THREADS = 16


@pytest.fixture
def shared_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lets other threads see what is written so far: SQLite's test database is in this one's memory."""

    def share() -> None:
        if connection.vendor == "sqlite" and connection.is_in_memory_db():
            name = str(tmp_path / "shared.sqlite3")
            with connection.cursor() as cursor:
                cursor.execute("VACUUM INTO %s", [name])
            monkeypatch.setitem(connections.settings["default"], "NAME", name)

    return share


def together(work: Callable[[], object]) -> list[object]:
    """`work` in all threads at once, each on a connection of its own."""
    barrier = threading.Barrier(THREADS)

    def run(number: int) -> object:
        barrier.wait(timeout=30)
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


@pytest.mark.django_db(transaction=True)
def test_sixteen_that_meet_an_expired_token_make_one_refresh(
    now: datetime, shared_database: Callable[[], None]
) -> None:
    account = make_account()
    shared_database()
    posts: list[str] = []

    class SlowOAuth:
        def refresh(self, refresh_token: str) -> TokenGrant:
            posts.append(refresh_token)
            threading.Event().wait(0.3)
            return TokenGrant(f"access-{len(posts)}", None, 3600, None, None)

    tokens = together(lambda: DatabaseTokens(account, SlowOAuth(), lambda: now).current())  # type: ignore[arg-type]

    assert posts == ["refresh-token"]
    assert tokens == ["access-1"] * THREADS


@pytest.mark.django_db(transaction=True)
def test_sixteen_that_call_at_once_stay_within_the_limit_of_ten(
    now: datetime, shared_database: Callable[[], None]
) -> None:
    account = make_account(plan="", calls_per_minute=10, calls_per_day=1000)
    shared_database()

    def call() -> bool:
        try:
            Gate(account, lambda: now, for_people=True).before("flow", "GET", "/")
        except BudgetSpent:
            return False
        return True

    assert sum(map(bool, together(call))) == 10


@pytest.mark.django_db(transaction=True)
def test_sixteen_that_call_crm_at_once_are_five_under_way(now: datetime, shared_database: Callable[[], None]) -> None:
    account = make_account()
    shared_database()

    def call() -> bool:
        try:
            Gate(account, lambda: now, for_people=True).before("crm", "GET", "/")
        except BudgetSpent:
            return False
        return True

    assert sum(map(bool, together(call))) == 5


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_sweeps_one_gets_the_lease(now: datetime, shared_database: Callable[[], None]) -> None:
    account = make_account()
    shared_database()

    leases = together(lambda: Lease.take(account, now))

    assert sum(lease is not None for lease in leases) == 1
