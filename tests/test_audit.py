"""The one writer of the audit trail."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import Model

from monitor import origin
from monitor.audit import (
    CLOSED_AFTER,
    MONITOR,
    NETWORKS_OF_A_THING,
    NETWORKS_OF_NOTHING,
    changes,
    close_tallies,
    counted_in_memory,
    is_worth_telling,
    record,
    record_counted,
)
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
    assert [n for n in range(1, 20_000) if is_worth_telling(n - 1, n)] == [1, 10, 100, 1000, 10_000]
    assert [is_worth_telling(*stretch) for stretch in ((0, 7), (1, 9), (9, 11), (11, 99), (5, 5000))] == [
        True, False, True, False, True,
    ]  # fmt: skip


def test_the_number_stands_in_the_trail_once_the_hour_is_over(now: datetime) -> None:
    ada = factories.make_user("ada")
    for _ in range(25):
        fail(ada, now)
    fail(ada, now, network="198.51.100.10")
    # Some of the hour's last may be held in memory for a moment more.
    close_tallies(now + timedelta(hours=1))
    assert len(rows()) == 3
    for _ in range(2):
        close_tallies(now + timedelta(hours=1) + CLOSED_AFTER)
    assert rows()[3:] == [(str(ada.pk), "monitor", 25)]
    last = own(AuditEntry).order_by("-pk").first()
    assert last.detail["from"] == "198.51.100.9"
    assert not AuditTally.objects.exists()


def flood(person: User | None, now: datetime, networks: int) -> None:
    for number in range(networks):
        fail(person, now, network=f"2001:db8:0:{number:x}::/64")


@pytest.mark.parametrize(("name", "apart"), [("ada", NETWORKS_OF_A_THING), (None, NETWORKS_OF_NOTHING)])
def test_a_flood_from_everywhere_makes_no_flood_of_rows(name: str | None, apart: int, now: datetime) -> None:
    person = factories.make_user(name) if name else None
    key = str(person.pk) if person else ""
    flood(person, now, apart + 150)
    written = rows()
    assert written[apart:] == [(key, "visitor", 1), (key, "visitor", 10), (key, "visitor", 100)]
    assert AuditTally.objects.count() == apart + 1
    close_tallies(now + timedelta(hours=1) + CLOSED_AFTER)
    assert rows()[-1] == (key, "monitor", 150)


@pytest.mark.parametrize("flooded", [None, "otto"], ids=["names that nobody has", "somebody else"])
@pytest.mark.parametrize("action", ["sign_in.failed", "refused"])
def test_no_flood_hides_who_else_is_attacked(flooded: str | None, action: str, now: datetime) -> None:
    ada, other = factories.make_user("ada"), factories.make_user(flooded) if flooded else None
    for number in range(NETWORKS_OF_NOTHING + 20):
        record_counted(None, action, other, now=now, network=f"2001:db8:0:{number:x}::/64")
    for number in range(12):
        record_counted(None, action, ada, now=now, network=f"198.51.100.{number % 2}")
    assert [row for row in rows(action) if row[0] == str(ada.pk)] == [(str(ada.pk), "visitor", 1)] * 2
    close_tallies(now + timedelta(hours=1) + CLOSED_AFTER)
    assert [row for row in rows(action) if row[0] == str(ada.pk)][2:] == [(str(ada.pk), "monitor", 6)] * 2


@pytest.mark.parametrize("is_known", [True, False])
def test_a_flood_beside_the_server_is_written_once_and_what_is_held_at_its_end(
    is_known: bool, now: datetime, django_assert_max_num_queries: Any
) -> None:
    person = factories.make_user("ada") if is_known else None
    with counted_in_memory(every=3600):
        origin.begin(origin.Origin("203.0.113.7", "the-first-request"))
        fail(person, now)
        assert [times for _, _, times in rows()] == [1]
        with django_assert_max_num_queries(0):
            for number in range(24):
                origin.begin(origin.Origin("203.0.113.7", f"request-{number}"))
                fail(person, now)
        origin.end()
    assert [times for _, _, times in rows()] == [1, 25]
    last = own(AuditEntry).order_by("-pk").first()
    assert (last.address, last.request_id) == ("203.0.113.7", "request-23")
    fail(person, now)
    assert AuditTally.objects.get(network="198.51.100.9").times == 26


def test_each_kind_of_act_and_each_hour_is_counted_by_itself(now: datetime) -> None:
    ada = factories.make_user("ada")
    for at in (now, now + timedelta(hours=1)):
        fail(ada, at)
        record_counted(ada, "refused", ada, now=at)
    assert len(rows()) == 2
    assert rows("refused") == [(str(ada.pk), "ada", 1)] * 2
