"""The bystander: what a test did to it is seen, column by column."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps

from monitor.models import AuditEntry, Connection, Delivery, HourBucket, Notice, StageRun, SyncState, User, ZohoAccount
from tests import factories
from tests.bystander import NEVER, PAST, WITHOUT_A_ROW, Bystander, own

pytestmark = pytest.mark.django_db


@pytest.fixture
def somebody() -> Bystander:
    """The bystander of this test, for tests that touch it and put it back."""
    found = Bystander.find()
    assert found is not None
    found.remember()
    return found


def test_untouched_it_does_not_differ(somebody: Bystander) -> None:
    factories.make_flow()
    assert somebody.differences() == []


def test_a_changed_column_is_named_with_what_it_was(somebody: Bystander) -> None:
    SyncState.objects.all().update(since=NEVER)
    sync = SyncState.objects.get(account=somebody.account)
    (line,) = somebody.differences()
    assert line.startswith(f"SyncState {sync.pk}.since: ")
    assert "2025" in line
    assert "2099" in line
    SyncState.objects.update(since=PAST)


def test_a_row_that_is_gone_is_named(somebody: Bystander) -> None:
    bucket = HourBucket.objects.get(flow=somebody.flow)
    HourBucket.objects.all().delete()
    assert somebody.differences() == [f"HourBucket {bucket.pk} is gone"]
    bucket.save(force_insert=True)


def test_a_row_that_came_is_named_also_where_it_hangs_on_others_by_several_keys(somebody: Bystander) -> None:
    theirs = Notice.objects.get(incident__account=somebody.account, kind="firing")
    person = factories.make_user("new")
    mail = Delivery.objects.create(
        notice=theirs, recipient=person, address="a@b.example", message_id="<1@b>", created_at=PAST,
        next_try_at=NEVER,
    )  # fmt: skip
    (line,) = somebody.differences()
    assert line.startswith(f"Delivery {mail.pk} is new")
    mail.delete()


def test_what_happens_to_its_person_is_seen_too(somebody: Bystander) -> None:
    User.objects.update(timezone="UTC")
    mail = Delivery.objects.get(recipient=somebody.person)
    Delivery.objects.update(next_try_at=PAST)
    shown = somebody.differences()
    assert [line.split(":")[0] for line in shown] == [
        f"Delivery {mail.pk}.next_try_at",
        f"User {somebody.person_id}.timezone",
    ]
    User.objects.filter(pk=somebody.person_id).update(timezone="Asia/Kolkata")
    Delivery.objects.update(next_try_at=NEVER)


def test_an_audit_entry_of_its_account_is_seen(somebody: Bystander, ada: User) -> None:
    entry = AuditEntry.objects.create(at=PAST, actor=ada, actor_name="ada", action="x", account=somebody.account)
    (line,) = somebody.differences()
    assert line.startswith(f"AuditEntry {entry.pk} is new")
    own(AuditEntry).filter(pk=entry.pk)._raw_delete("default")


def test_what_is_expected_is_no_difference_and_nothing_else_is_let_pass(somebody: Bystander) -> None:
    somebody.expect("StageRun", "Connection.status")
    run = StageRun.objects.create(stage="alerting", account=somebody.account, started_at=PAST)
    Connection.objects.update(status="broken")
    assert somebody.differences() == []
    Connection.objects.update(status_since=NEVER)
    (line,) = somebody.differences()
    assert ".status_since: " in line
    run.delete()
    Connection.objects.update(status="active", status_since=PAST)


def test_what_was_changed_on_purpose_can_be_remembered(somebody: Bystander, bystander: Bystander) -> None:
    ZohoAccount.objects.filter(pk=somebody.account_id).update(is_active=False)
    assert somebody.differences() != []
    somebody.remember()
    assert somebody.differences() == []
    bystander.remember()


def test_it_has_a_row_in_every_table_that_belongs_to_somebody(somebody: Bystander) -> None:
    nobodys = {"WorkerBeat", "MailServer", "AuditTally", "SignInCount", "Tag", "EscalationPolicy", "EscalationStep"}
    tables = {model.__name__ for model in apps.get_app_config("monitor").get_models()}
    assert {label for label, _ in somebody.before} == tables - nobodys - WITHOUT_A_ROW.keys()


def test_nothing_of_it_is_ones_own(somebody: Bystander) -> None:
    account = factories.make_account()
    assert list(own(ZohoAccount)) == [account]
    assert not own(HourBucket).exists()
    assert not own(User).exists()


def test_where_nobody_else_is_wanted_no_row_of_it_is_left(nobody_else: None) -> None:
    for model in apps.get_app_config("monitor").get_models():
        assert not model._default_manager.exists(), model


def test_a_test_that_has_it_sees_it_as_it_was_before_the_last_one(bystander: Bystander) -> None:
    assert bystander.account.sync.since == PAST
    assert bystander.account.sync.next_due_at - PAST > timedelta(days=365)
