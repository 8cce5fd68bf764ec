"""A problem's page says how much more there is where it shows a part, and leads to all of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import Connection, FailureGroup, Flow, Problem, User
from monitor.queries import problems as queries
from monitor.triage import acts
from tests.bystander import own
from tests.triage.conftest import Fail, Triage, fail, flow, triage

__all__ = ["fail", "flow", "triage"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def taxed(fail: Fail, triage: Triage) -> Problem:
    triage(fail())
    return own(Problem).get()


def test_a_long_list_of_connections_and_a_long_log_say_how_much_more_there_is_and_lead_there(
    taxed: Problem, flow: Flow, signed_in: Any, otto: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(otto)
    FailureGroup.objects.filter(problem=taxed).update(app="zoho_books")
    for number in range(12):
        status = "expired" if number == 11 else "active"
        Connection.objects.create(
            account=flow.account, connection_id=str(number), connection_name=f"Books {number:02}.", app="zoho_books",
            status=status, status_since=now, first_seen_at=now, seen_at=now,
        )  # fmt: skip
    for number in range(5):
        acts.add_note(taxed, f"Note {number}.", otto, now + timedelta(minutes=number))
    monkeypatch.setattr(queries, "MOST_ACTS", 3)
    address = taxed.get_absolute_url()

    page = client.get(address).content.decode()
    assert (page.count("Connection to zoho_books"), "Books 11." in page, "Books 10." in page) == (10, True, False)
    assert f'href="{address}?all=connections#connections-title">all 12</a>' in page
    assert ("Note 2." in page, "Note 1." in page) == (True, False)
    assert f'href="{address}?all=log#log-title">all of them</a>' in page

    whole = client.get(address, {"all": "connections"}).content.decode()
    assert whole.count("Connection to zoho_books") == 12
    assert "all 12" not in whole
    assert "Note 1." not in whole
    whole = client.get(address, {"all": "log"}).content.decode()
    assert [number for number in range(5) if f"Note {number}." in whole] == [0, 1, 2, 3, 4]
    assert "all of them" not in whole
    assert whole.count("Connection to zoho_books") == 10
