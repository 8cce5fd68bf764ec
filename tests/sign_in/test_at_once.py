"""Many attempts at the same moment get no further than one after the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connection

from monitor import audit, sign_in
from monitor.models import AuditEntry, AuditTally, SignInCount, User
from tests import factories
from tests.bystander import own

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ATTEMPTS = 40


def guess(person: User) -> bool:
    try:
        claimed = sign_in.claim("vera", person, network="198.51.100.9", browser="", now=NOW)
        audit.record_counted(None, "sign_in.failed", person, now=NOW, network="198.51.100.9")
        return claimed.verdict.is_open
    finally:
        connection.close()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_forty_at_once_five_are_looked_at_and_all_are_counted() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the tests' SQLite lives in memory, which threads cannot share")
    vera = factories.make_user("vera")
    with ThreadPoolExecutor(8) as pool:
        looked_at = list(pool.map(guess, [vera] * ATTEMPTS))
    assert sum(looked_at) == 5
    assert sorted(SignInCount.objects.values_list("failures", flat=True)) == [5, 5, 5]
    assert AuditTally.objects.get(object_id=str(vera.pk), network="198.51.100.9").times == ATTEMPTS
    told = own(AuditEntry).filter(action="sign_in.failed").order_by("pk")
    assert [entry.detail.get("times", 1) for entry in told] == [1, 10]
