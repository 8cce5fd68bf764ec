from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection, models

from monitor.encrypted_fields import encrypted_fields
from monitor.management.commands.rotate_keys import rotate_one
from monitor.models import ApiToken, AuditEntry, ZohoAccount
from monitor.vault import VaultError, decrypt, encrypt
from tests.bystander import own
from tests.factories import make_account

OLD, NEW, STRANGER = (Fernet.generate_key().decode() for _ in range(3))


@pytest.fixture
def account_under_old_key(nobody_else: None, settings) -> ZohoAccount:
    settings.ENCRYPTION_KEYS = [OLD]
    account = make_account()
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    return account


def ciphertexts() -> set[str]:
    found = set()
    with connection.cursor() as cursor:
        for model, field in encrypted_fields():
            cursor.execute(f"SELECT {field} FROM {model._meta.db_table}")  # noqa: S608  (our own names)
            found |= {row[0] for row in cursor.fetchall() if row[0]}
    return found


def test_all_fields_that_hold_secrets_are_known():
    assert {(model.__name__, field) for model, field in encrypted_fields()} >= {
        ("ZohoAccount", "client_secret"),
        ("ApiToken", "refresh_token"),
        ("ApiToken", "access_token"),
    }


def test_after_a_rotation_the_old_key_can_be_taken_away(account_under_old_key: ZohoAccount, settings, capsys):
    call_command("rotate_keys")
    assert "2 secret(s) encrypted again" in capsys.readouterr().out
    settings.ENCRYPTION_KEYS = [NEW]
    assert own(ZohoAccount).get().client_secret == "client-secret"
    assert own(ApiToken).get().refresh_token == "refresh-token"


def test_a_rotation_is_in_the_audit_trail(account_under_old_key: ZohoAccount):
    call_command("rotate_keys")
    entry = own(AuditEntry).get()
    assert (entry.action, entry.actor_name, entry.detail) == (
        "keys.rotate", "system", {"encrypted again": 2, "fit no key": 0}
    )  # fmt: skip


def test_a_second_rotation_writes_nothing(account_under_old_key: ZohoAccount, capsys):
    call_command("rotate_keys")
    before = ciphertexts()
    capsys.readouterr()
    call_command("rotate_keys")
    assert "0 secret(s) encrypted again" in capsys.readouterr().out
    assert ciphertexts() == before


def test_an_unreadable_secret_is_named_without_content_and_the_others_are_rotated(
    account_under_old_key: ZohoAccount, settings
):
    settings.ENCRYPTION_KEYS = [STRANGER]
    lost = encrypt("lost-secret")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE monitor_zohoaccount SET client_secret = %s", [lost])
    with pytest.raises(CommandError) as error:
        call_command("rotate_keys")
    assert str(error.value).endswith(f"monitor.ZohoAccount {account_under_old_key.pk} (client_secret)")
    assert lost not in str(error.value)
    assert lost in ciphertexts(), "what cannot be read is not touched"
    settings.ENCRYPTION_KEYS = [NEW]
    assert own(ApiToken).get().refresh_token == "refresh-token"


def test_a_token_refreshed_meanwhile_is_not_overwritten_with_the_old_one(
    account_under_old_key: ZohoAccount, monkeypatch: pytest.MonkeyPatch
):
    token = own(ApiToken).get()
    original = models.QuerySet.update
    meanwhile = iter(["fresh-token"])

    def update(self, **values):
        for value in meanwhile:
            original(ApiToken.objects.filter(pk=token.pk), refresh_token=value)
        return original(self, **values)

    monkeypatch.setattr(models.QuerySet, "update", update)
    rotate_one(ApiToken, "refresh_token", token.pk)
    assert own(ApiToken).get().refresh_token == "fresh-token"


def test_rotating_one_unreadable_secret_raises(account_under_old_key: ZohoAccount, settings):
    settings.ENCRYPTION_KEYS = [NEW]
    with pytest.raises(VaultError):
        rotate_one(ZohoAccount, "client_secret", account_under_old_key.pk)
    settings.ENCRYPTION_KEYS = [OLD]
    assert {decrypt(text) for text in ciphertexts()} == {"client-secret", "refresh-token"}


def test_each_secret_is_rotated_by_itself_whatever_stands_before_it(account_under_old_key: ZohoAccount, settings):
    settings.ENCRYPTION_KEYS = [OLD]
    second = make_account()
    ZohoAccount.objects.filter(pk=second.pk).update(client_secret="the second one's")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    before = ZohoAccount.objects.get(pk=account_under_old_key.pk).client_secret
    assert rotate_one(ZohoAccount, "client_secret", second.pk)
    assert not rotate_one(ZohoAccount, "client_secret", second.pk)
    assert ZohoAccount.objects.get(pk=second.pk).client_secret == "the second one's"
    assert ZohoAccount.objects.get(pk=account_under_old_key.pk).client_secret == before
    assert rotate_one(ZohoAccount, "client_secret", account_under_old_key.pk)
