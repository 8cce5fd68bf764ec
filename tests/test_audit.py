"""The one writer of the audit trail."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db.models import Model

from monitor import origin
from monitor.audit import MONITOR, MOST_TALLIES, changes, close_tallies, is_worth_telling, record, record_counted
from monitor.models import AlertState, AuditEntry, AuditTally, HookEndpoint, RetryAttempt, User, ZohoAccount
from tests import factories
from tests.bystander import own

pytestmark = pytest.mark.django_db


def test_an_entry_says_who_did_what_to_which_thing_and_when(account: ZohoAccount, now: datetime) -> None:
    ada = factories.make_user("ada")
    flow = factories.make_flow(account)

    record(ada, "flow.read", flow, now=now, account=account, detail={"why": "asked for"})

    entry = own(AuditEntry).get()
    assert (entry.at, entry.actor, entry.actor_name, entry.action) == (now, ada, "ada", "flow.read")
    assert (entry.account, entry.object_type, entry.object_id) == (account, "flow", str(flow.pk))
    assert entry.detail == {"why": "asked for"}


def test_what_the_program_did_goes_by_its_own_name(account: ZohoAccount, now: datetime) -> None:
    record(None, "retry.unknown", account, now=now, account=account.pk)

    entry = own(AuditEntry).get()
    assert (entry.actor, entry.actor_name, entry.account_id, entry.detail) == (None, MONITOR, account.pk, {})


@pytest.mark.parametrize(
    ("thing", "word"),
    [
        (ZohoAccount(pk=7), "account"),
        (AlertState(pk=7), "alert"),
        (HookEndpoint(pk=7), "hook"),
        (RetryAttempt(pk=7), "retry"),
        (User(pk=7), "person"),
    ],
)
def test_things_go_by_the_words_that_people_use(thing: Model, word: str, now: datetime) -> None:
    assert record(None, "look", thing, now=now).object_type == word


def test_changes_name_only_what_differs() -> None:
    assert changes({"plan": "free", "name": "Acme"}, {"plan": "standard", "name": "Acme"}) == {
        "plan": {"from": "free", "to": "standard"}
    }


def rows(action: str = "sign_in.failed") -> list[tuple[str, str, int]]:
    """What the trail holds: thing, actor's name, how many times."""
    found = own(AuditEntry).filter(action=action).order_by("pk")
    return [(row.object_id, row.actor_name, row.detail.get("times", 1)) for row in found]


def fail(person: User | None, now: datetime, network: str = "198.51.100.9") -> None:
    record_counted(None, "sign_in.failed", person, now=now, network=network, detail={"name": "ada"})


def test_an_entry_says_from_where_the_request_came(account: ZohoAccount, now: datetime) -> None:
    origin.begin(origin.Origin("203.0.113.7", "a-request-id"))
    record(None, "look", account, now=now)
    origin.end()
    record(None, "look", account, now=now)
    found = own(AuditEntry).order_by("pk").values_list("address", "request_id")
    assert list(found) == [("203.0.113.7", "a-request-id"), ("", "")]


def test_what_can_be_repeated_at_will_is_written_at_each_power_of_ten(now: datetime) -> None:
    ada = factories.make_user("ada")
    for _ in range(25):
        fail(ada, now)
    assert rows() == [(str(ada.pk), "visitor", 1), (str(ada.pk), "visitor", 10)]
    assert [n for n in range(1, 20_000) if is_worth_telling(n)] == [1, 10, 100, 1000, 10_000]


def test_the_number_stands_in_the_trail_once_the_hour_is_over(now: datetime) -> None:
    ada = factories.make_user("ada")
    for _ in range(25):
        fail(ada, now)
    fail(ada, now, network="198.51.100.10")
    close_tallies(now + timedelta(minutes=59))
    assert len(rows()) == 3
    for _ in range(2):
        close_tallies(now + timedelta(hours=1))
    assert rows()[3:] == [(str(ada.pk), "monitor", 25)]
    last = own(AuditEntry).order_by("-pk").first()
    assert last.detail["from"] == "198.51.100.9"
    assert not AuditTally.objects.exists()


def test_a_flood_from_everywhere_makes_no_flood_of_rows(now: datetime) -> None:
    ada = factories.make_user("ada")
    for number in range(MOST_TALLIES + 150):
        fail(ada, now, network=f"2001:db8:0:{number:x}::/64")
    written = rows()
    assert len(written) == MOST_TALLIES + 3
    assert written[MOST_TALLIES:] == [("", "visitor", 1), ("", "visitor", 10), ("", "visitor", 100)]
    assert AuditTally.objects.count() == MOST_TALLIES + 1
    close_tallies(now + timedelta(hours=1))
    assert rows()[-1] == ("", "monitor", 150)


def test_each_kind_of_act_and_each_hour_is_counted_by_itself(now: datetime) -> None:
    ada = factories.make_user("ada")
    for at in (now, now + timedelta(hours=1)):
        fail(ada, at)
        record_counted(ada, "refused", ada, now=at)
    assert len(rows()) == 2
    assert rows("refused") == [(str(ada.pk), "ada", 1)] * 2
