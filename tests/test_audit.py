"""The one writer of the audit trail."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db.models import Model

from monitor.audit import MONITOR, changes, record
from monitor.models import AlertState, AuditEntry, HookEndpoint, RetryAttempt, User, ZohoAccount
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
