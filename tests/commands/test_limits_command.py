"""`manage.py limits`: what is in force, and numbers of one's own."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from monitor.models import ApiBudget, AuditEntry, Product, ZohoAccount
from tests.bystander import own
from tests.factories import make_account

pytestmark = pytest.mark.django_db


def limits(name: str, **options: object) -> None:
    call_command("limits", name, **options)


@pytest.fixture
def account() -> ZohoAccount:
    account = make_account(name="Acme", plan="standard")
    ApiBudget.objects.update_or_create(
        account=account, product=Product.CRM, defaults={"edition": "galactic", "users": 10}
    )
    return account


def test_an_edition_that_is_not_known_is_said_in_its_own_word(
    account: ZohoAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    limits("Acme")
    shown = capsys.readouterr().out
    assert "Zoho Flow: 30 calls a minute, 10,000 calls in 24 hours (plan Standard)" in shown
    assert "Zoho CRM: 5,000 calls in 24 hours, 5 calls at once (edition “galactic” is not known here" in shown
    assert not own(AuditEntry).exists()


def test_own_numbers_take_its_place_and_0_gives_them_back(
    account: ZohoAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    limits("Acme", crm_credits_per_day=80_000, crm_calls_at_once=12)
    assert "Zoho CRM: 80,000 calls in 24 hours, 12 calls at once (set by hand)" in capsys.readouterr().out
    account.refresh_from_db()
    assert (account.crm_credits_per_day, account.crm_calls_at_once, account.plan) == (80_000, 12, "standard")
    entry = own(AuditEntry).get()
    assert (entry.action, entry.detail["crm_calls_at_once"]) == ("account.limits", {"from": None, "to": 12})
    limits("Acme", crm_credits_per_day=0, crm_calls_at_once=0)
    account.refresh_from_db()
    assert account.crm_credits_per_day is account.crm_calls_at_once is None


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"crm_calls_at_once": 1_001}, "--crm-calls-at-once must be between 1 and 1000"),
        ({"crm_credits_per_day": -1}, "--crm-credits-per-day must be between 1 and 100000000"),
        ({"calls_per_day": 10_000_001}, "--calls-per-day must be between 1 and 10000000"),
    ],
)
def test_a_number_out_of_range_changes_nothing(account: ZohoAccount, options: dict[str, int], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        limits("Acme", plan="free", **options)
    account.refresh_from_db()
    assert account.plan == "standard"


def test_an_account_that_is_not_there_is_said() -> None:
    with pytest.raises(CommandError, match="no account called 'Nobody'"):
        limits("Nobody")
