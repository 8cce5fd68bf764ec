"""PostgreSQL's index of trigrams is made where it may be, and nothing hangs on it."""

from __future__ import annotations

import logging

import pytest
from django.db import connection

from monitor import text_index
from monitor.models import ZohoAccount


@pytest.mark.django_db
def test_a_database_that_refuses_the_index_is_migrated_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connection, "vendor", "postgresql")
    monkeypatch.setattr(text_index, "NAME", "no name of an index")
    with caplog.at_level(logging.INFO, "monitor.text_index"):
        text_index.make_after_migrate(using="default")
    assert "no index of trigrams" in caplog.text
    assert "\n" not in caplog.records[0].getMessage()
    assert ZohoAccount.objects.exists()  # the transaction around is still of use
