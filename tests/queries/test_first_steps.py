"""A new account's page says what is done and what is next, until all is done."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from monitor.models import AlertRule, MailServer, User, ZohoAccount
from monitor.queries.first_steps import StepFacts, steps_of
from monitor.zoho.scopes import CHOICES, CRM_SCOPES, FLOW_SCOPES, REASONS
from tests import factories
from tests.bystander import own

DONE = StepFacts(
    is_proved=True,
    is_read=True,
    flows_done=3,
    flows_all=3,
    is_history_open=False,
    rules=2,
    mail_state="accepts",
    was_tested=True,
)


def open_ones(**facts: Any) -> list[str]:
    return [step.words for step in steps_of(replace(DONE, **facts)) if not step.is_done]


def test_all_done_leaves_nothing() -> None:
    assert open_ones() == []


@pytest.mark.parametrize(
    ("facts", "left"),
    [
        ({"is_proved": False}, ["Sign in at Zoho"]),
        ({"is_history_open": True, "flows_done": 1}, ["Read the history that Zoho still has"]),
        ({"rules": 0}, ["Decide what alerts go by"]),
        ({"was_tested": False}, ["Send yourself a test mail"]),
        ({"mail_state": "refuses"}, ["Send yourself a test mail"]),
    ],
)
def test_each_fact_leaves_its_step(facts: dict[str, Any], left: list[str]) -> None:
    assert open_ones(**facts) == left


def test_history_is_not_done_before_anything_is_read() -> None:
    assert "Read the history that Zoho still has" in open_ones(is_read=False)


@pytest.mark.django_db
class TestOnThePage:
    def test_admins_of_a_new_account_see_them_until_all_is_done(
        self, account: ZohoAccount, signed_in: Any, ada: User, vera: User
    ) -> None:
        factories.make_alert_rule(account)
        page = signed_in(ada).get(account.get_absolute_url()).content.decode()
        assert "First steps" in page
        assert reverse("mails") in page
        assert "First steps" not in signed_in(vera).get(account.get_absolute_url()).content.decode()

    def test_after_two_weeks_they_are_gone(self, account: ZohoAccount, signed_in: Any, ada: User) -> None:
        own(ZohoAccount).update(created_at=account.created_at - timedelta(days=15))
        assert "First steps" not in signed_in(ada).get(account.get_absolute_url()).content.decode()

    def test_only_rules_that_are_switched_on_for_this_account_count(
        self, account: ZohoAccount, signed_in: Any, ada: User, now: datetime
    ) -> None:
        factories.make_alert_rule(account, is_active=False)
        factories.make_alert_rule(factories.make_account("Elsewhere"))
        MailServer.objects.update_or_create(pk=1, defaults={"state": "accepts", "probed_at": now})
        assert "no rule watches it" in signed_in(ada).get(account.get_absolute_url()).content.decode()
        own(AlertRule).filter(account=account).update(is_active=True)
        assert "1 rule watches it" in signed_in(ada).get(account.get_absolute_url()).content.decode()


def test_each_scope_has_a_reason_and_a_product() -> None:
    chosen = {scope for choice in CHOICES.values() for scope in choice.scopes}
    assert {*FLOW_SCOPES, *CRM_SCOPES} | chosen == set(REASONS)
    assert not chosen & {*FLOW_SCOPES, *CRM_SCOPES}
    assert not [name for name in CRM_SCOPES if not name.endswith(".READ")]


@pytest.mark.django_db
def test_the_page_that_connects_tells_data_centres_scopes_and_the_console(signed_in: Any, ada: User) -> None:
    page = signed_in(ada).get(reverse("connect")).content.decode()
    assert "https://api-console.zoho.com" in page
    assert "accounts.zohocloud.ca" in page
    for scope in (*FLOW_SCOPES, *CRM_SCOPES):
        assert REASONS[scope] in page
