"""Secrets stand as ciphertext, are opened when somebody reads them, and a missing key stops nothing else."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks

from monitor import vault
from monitor.models import ApiToken, ZohoAccount
from monitor.vault import VaultError
from tests import factories
from tests.bystander import own

STRANGER = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
GOOD = Fernet.generate_key().decode()


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ([], "ENCRYPTION_KEYS is not set"),
        (["hunter2"], "ENCRYPTION_KEYS: key 1 is not a Fernet key"),
        ([GOOD, "hunter2"], "ENCRYPTION_KEYS: key 2 is not a Fernet key"),
        ([GOOD[:-2]], "key 1 is not a Fernet key"),
        (["ключ"], "key 1 is not a Fernet key"),
    ],
)
def test_keys_that_are_missing_or_malformed_are_said_in_one_line_without_the_key(
    keys: list[str], told: str, settings: Any
) -> None:
    settings.ENCRYPTION_KEYS = keys
    line = vault.trouble()
    assert told in line
    assert "\n" not in line
    assert not any(key in line for key in keys)
    for act in (lambda: vault.encrypt("x"), lambda: vault.decrypt("x")):
        with pytest.raises(VaultError, match="ENCRYPTION_KEYS"):
            act()


def test_a_key_that_does_not_fit_what_is_stored_is_trouble_and_one_that_does_is_none(settings: Any) -> None:
    stored = vault.encrypt("secret")
    assert vault.trouble([stored, "", None]) == ""
    settings.ENCRYPTION_KEYS = [STRANGER]
    assert vault.trouble() == vault.trouble(["", None]) == ""
    assert "lacks the key" in vault.trouble(["", stored])


@pytest.mark.django_db
def test_a_row_is_loaded_and_saved_without_a_key_and_its_secret_is_read_only_with_one(settings: Any) -> None:
    account = factories.make_account(name="Acme")
    keys, stored = settings.ENCRYPTION_KEYS, ciphertext(account)
    for wrong in ([], ["hunter2"], [STRANGER]):
        settings.ENCRYPTION_KEYS = wrong
        row = ZohoAccount.objects.get(pk=account.pk)
        row.client_id = f"1000.{len(wrong)}"
        row.save()
        assert ciphertext(account) == stored
        with pytest.raises(VaultError):
            row.client_secret.strip()
        for twin in (copy.copy(row), pickle.loads(pickle.dumps(row))):  # noqa: S301 - our own row
            with pytest.raises(VaultError):
                twin.client_secret.strip()
    settings.ENCRYPTION_KEYS = keys
    assert own(ZohoAccount).get().client_secret == "client-secret"


@pytest.mark.django_db
def test_what_a_person_sets_is_stored_as_ciphertext_also_after_it_was_read() -> None:
    account = factories.make_account()
    row = ZohoAccount.objects.get(pk=account.pk)
    assert row.client_secret == "client-secret"
    row.client_secret = "another one"
    row.save()
    assert "another" not in ciphertext(account)
    assert own(ZohoAccount).get().client_secret == "another one"
    ApiToken.objects.filter(account=account).update(access_token="fresh")
    token = own(ApiToken).defer("access_token").get()
    assert token.access_token == "fresh"
    assert vault.sealed(own(ApiToken).get(), "access_token") != "fresh"


def ciphertext(account: ZohoAccount) -> str:
    return vault.sealed(ZohoAccount.objects.get(pk=account.pk), "client_secret")


def test_a_deployment_is_checked_for_its_keys(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = []
    assert "monitor.E001" in {found.id for found in run_checks(include_deployment_checks=True)}
    assert "monitor.E001" not in {found.id for found in run_checks()}
