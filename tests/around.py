"""Keeps rows for all tests of a module, around the transaction of each, which takes its own changes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from pytest_django import DjangoDbBlocker


@contextmanager
def around_tests(blocker: DjangoDbBlocker) -> Iterator[None]:
    """Opens a transaction for a fixture of a module's scope, and takes it back after the module's last test.

    For what takes longer to make than a test takes to look at it. Objects in memory (a fake Zoho, its clock) are not
    taken back: each test is given its own copy.
    """
    with blocker.unblock():
        around = transaction.atomic()
        around._from_testcase = True  # so that what is tested may open a transaction of its own
        with around:
            yield
            transaction.set_rollback(True)
