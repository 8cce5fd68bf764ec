"""Ctrl-C and SIGTERM in the middle of a statement: what was being read is free again, and that is said."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import connection, transaction

from monitor.ingest import run
from monitor.management.data_command import DataCommand
from monitor.models import StageRun, SyncState, ZohoAccount
from tests.bystander import own
from tests.fake_zoho import Zoho, sync

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def broken_off(*args: Any) -> None:
    """Is interrupted between a question to PostgreSQL and its answer."""
    if connection.vendor != "postgresql":
        pytest.skip("an answer of SQLite's is never under way")
    connection.ensure_connection()
    pgconn = connection.connection.pgconn
    pgconn.send_query(b"SELECT 1")
    raise KeyboardInterrupt


def test_an_interrupted_sweep_gives_its_lease_back_and_says_that_it_ended(
    account: ZohoAccount, zoho: Zoho, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "sweep", broken_off)
    with pytest.raises(KeyboardInterrupt):
        sync(account, zoho)

    assert own(SyncState).get(account=account).lease_until is None
    assert own(StageRun).get(stage="ingest").error == "KeyboardInterrupt"


class Broken(DataCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            try:
                broken_off()
            finally:
                SyncState.objects.count()


def test_a_command_whose_transaction_could_not_be_ended_was_interrupted_all_the_same() -> None:
    with pytest.raises(CommandError, match="interrupted; what was stored stays") as ended:
        Broken().execute(force_color=False, no_color=True, skip_checks=True)

    assert ended.value.returncode == 130
