"""Thirty-two people press the button at the same moment, on real connections to a real database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection, connections

from monitor.models import AuditEntry, RetryAttempt, Role
from monitor.retry.requests import RetryRefused, request_retry
from monitor.retry.send import send
from tests import factories
from tests.bystander import own
from tests.retry.conftest import Desk

THREADS = 32


@pytest.fixture
def shared_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lets other threads see what this one has written: SQLite's test database is in this one's memory.

    Gives a function that moves what has been written so far to a file, where there is need to.
    """

    def share() -> None:
        if connection.vendor == "sqlite" and connection.is_in_memory_db():
            name = str(tmp_path / "shared.sqlite3")
            with connection.cursor() as cursor:
                cursor.execute("VACUUM INTO %s", [name])
            monkeypatch.setitem(connections.settings["default"], "NAME", name)

    return share


def together(work: Callable[[int], object]) -> list[object]:
    """`work` in all threads at once, each on a connection of its own."""
    barrier = threading.Barrier(THREADS)

    def run(number: int) -> object:
        barrier.wait(timeout=30)
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def alone(work: Callable[[], object]) -> object:
    """`work` in one other thread, for a look at the shared database."""

    def run() -> object:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


@pytest.mark.django_db(transaction=True)
def test_32_clicks_at_once_are_one_row_and_one_post(desk: Desk, shared_database) -> None:
    people = [factories.make_user(f"admin{number}", Role.ADMIN) for number in range(THREADS)]
    shared_database()

    def click_and_send(number: int) -> str:
        try:
            attempt = request_retry(
                execution=desk.execution, user=people[number], reason="all at once", client_token=f"form-{number}",
                accept_risk=False, now=desk.clock(),
            )  # fmt: skip
        except RetryRefused as refusal:
            return refusal.code
        send(attempt.pk, open_account=desk.zoho.open_account, now_fn=desk.clock)
        return "sent"

    results = together(click_and_send)
    assert sorted(map(str, results)) == ["open_retry"] * (THREADS - 1) + ["sent"]
    assert len(desk.zoho.posts) == 1
    assert alone(own(RetryAttempt).count) == 1


@pytest.mark.django_db(transaction=True)
def test_one_form_posted_32_times_at_once_is_one_row_for_all(desk: Desk, shared_database) -> None:
    shared_database()
    keys = together(lambda _: desk.ask("form-1").pk)
    assert len(set(keys)) == 1
    assert alone(own(RetryAttempt).count) == 1


@pytest.mark.django_db(transaction=True)
def test_one_task_delivered_32_times_at_once_posts_once(desk: Desk, shared_database) -> None:
    attempt = desk.ask()
    shared_database()
    together(lambda _: desk.send(attempt))
    assert len(desk.zoho.posts) == 1
    assert alone(lambda: list(own(RetryAttempt).values_list("state", "fence"))) == [("accepted", 1)]
    assert alone(own(AuditEntry).filter(action="retry.sending").count) == 1
