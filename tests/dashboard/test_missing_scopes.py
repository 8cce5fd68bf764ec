"""A page whose scope was not granted says which, and leads to reconnecting with its tick, before anything is asked."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from monitor.models import ApiToken, Edit, User, ZohoAccount
from monitor.zoho import errors
from monitor.zoho.scopes import CHOICES, CRM_SCOPES, FLOW_SCOPES
from tests import factories
from tests.bystander import own
from tests.dashboard.soup import Page, words
from tests.rule_questions.conftest import app, asked, content_of, rule  # noqa: F401 - fixtures
from tests.rule_questions.test_questions import one

pytestmark = pytest.mark.django_db
READING = " ".join(FLOW_SCOPES + CRM_SCOPES)


def grant(account: ZohoAccount, *more: str) -> None:
    ApiToken.objects.filter(account=account).update(granted=" ".join((READING, *more)))


def seen(client: Client, address: str, **said: str) -> tuple[int, Page, str]:
    answer = client.post(address, said) if said else client.get(address)
    page = Page(answer.content.decode())
    return answer.status_code, page, words(page.root)


def tick_of(page: Page) -> list[str]:
    return [link.get("href") or "" for link in page.root.iter("a") if "wants=" in (link.get("href") or "")]


@pytest.fixture
def known(rule: Any) -> Any:  # noqa: F811
    factories.make_version(
        rule, number=1, content=content_of(one("Amount", "greater_than", "600000"), trigger="create")
    )
    return rule


@pytest.mark.parametrize("name", ["rule_what_if", "rule_why_not"])
def test_questions_say_what_is_missing_and_ask_nothing(
    name: str,
    known: Any,
    asked: list[Any],  # noqa: F811
    signed_in: Any,
    ada: User,
    otto: User,
) -> None:
    grant(known.account)
    address = reverse(name, args=[known.pk])
    status, page, text = seen(signed_in(ada), address)
    assert status == 200
    assert f"Not granted by {known.account.name}" in text
    assert "ZohoCRM.modules.READ" in text
    assert tick_of(page) == [f"{reverse('connect')}?account={known.account_id}&wants=questions"]
    assert not page.root.findall(".//form[@class='form']")
    status, page, text = seen(signed_in(otto), address, record="77", place="")
    assert status == 409
    assert "An admin can reconnect the account with “Ask what a rule's criteria match” ticked." in text
    assert tick_of(page) == []
    assert asked == []


def test_a_question_that_zoho_refuses_for_its_scope_names_those_it_may_be(
    known: Any,
    asked: list[Any],  # noqa: F811
    signed_in: Any,
    ada: User,
    monkeypatch: Any,
) -> None:
    def refused(*args: Any, **more: Any) -> None:
        raise errors.ScopeMissing("no")

    monkeypatch.setattr("monitor.zoho.crm.CrmClient.coql", refused)
    status, page, text = seen(signed_in(ada), reverse("rule_what_if", args=[known.pk]), place="")
    assert status == 409
    assert "Zoho says that a scope is missing." in text
    assert len(tick_of(page)) == 1
    assert page.root.findall(".//form[@class='form']"), "it may be asked again"


@pytest.mark.parametrize("act", ["deactivate", "describe", "change", "delete"])
def test_a_change_without_its_scope_is_not_asked_for(act: str, signed_in: Any, ada: User, account: ZohoAccount) -> None:
    known = factories.make_rule(account, name="Big deals", active=True)
    factories.make_version(known, number=1, content=content_of(one("Amount", "greater_than", "1")))
    address = reverse("rule_edit", args=[known.pk, act])
    client = signed_in(ada)
    scope = "ZohoCRM.settings.workflow_rules.DELETE" if act == "delete" else "ZohoCRM.settings.workflow_rules.UPDATE"
    grant(account)
    status, page, text = seen(client, address)
    assert status == 200
    assert scope in text
    assert tick_of(page) == [f"{reverse('connect')}?account={account.pk}&wants=edits"]
    assert seen(client, address, step="confirm", reason="x", judged_on="")[0] == 409
    assert not own(Edit).exists()
    grant(account, scope)
    text = seen(client, address)[2]
    assert "Not granted" not in text
    assert "Unknown: whether" not in text
    grant(account)
    ApiToken.objects.filter(account=account).update(granted="")
    assert "Not granted" not in seen(client, address)[2], "what Zoho did not name is not known to be missing"
    if act in ("deactivate", "delete"):
        assert f"Unknown: whether {scope} was granted. Zoho named no scopes; it is tried." in seen(client, address)[2]


def test_a_rule_that_would_be_created_without_the_scope_is_refused_after_its_account_is_chosen(
    signed_in: Any, ada: User, account: ZohoAccount
) -> None:
    address = reverse("rule_new")
    said = {
        "step": "preview",
        "account": str(account.pk),
        "definition": '{"name": "A", "module": {"api_name": "Deals"}}',
    }
    grant(account)
    status, page, text = seen(signed_in(ada), address, **said)
    assert status == 409
    assert "ZohoCRM.settings.workflow_rules.CREATE" in text
    assert tick_of(page) == [f"{reverse('connect')}?account={account.pk}&wants=edits"]


@pytest.mark.parametrize(
    ("act", "is_missing"), [("test_actions", True), ("test_trigger", False), ("deactivate", False)]
)
def test_of_a_flow_only_testing_its_actions_needs_more_than_reading(
    act: str, is_missing: bool, signed_in: Any, ada: User, account: ZohoAccount
) -> None:
    flow = factories.make_flow(account)
    grant(account)
    text = seen(signed_in(ada), reverse("flow_edit", args=[flow.pk, act]))[2]
    assert ("ZohoFlow.actions.ALL" in text) is is_missing


def test_callbacks_of_crm_say_which_scopes_they_need(signed_in: Any, ada: User, account: ZohoAccount) -> None:
    grant(account)
    status, page, text = seen(signed_in(ada), reverse("push", args=[account.pk]))
    assert status == 200
    assert all(scope in text for scope in CHOICES["watches"].scopes)
    assert tick_of(page) == [f"{reverse('connect')}?account={account.pk}&wants=watches"]
    grant(account, *CHOICES["watches"].scopes)
    assert "Not granted" not in seen(signed_in(ada), reverse("push", args=[account.pk]))[2]


def test_reconnecting_keeps_the_ticks_of_what_was_granted_and_sets_the_one_that_a_page_asks_for(
    signed_in: Any, ada: User
) -> None:
    account = factories.make_account("Example Ltd")
    ApiToken.objects.filter(account=account).update(granted=" ".join(CHOICES["questions"].scopes))
    client, address = signed_in(ada), f"{reverse('connect')}?account={account.pk}"

    def ticked(url: str) -> set[str]:
        form = client.get(url).context["form"]
        return {name for name in CHOICES if form[name].value()}

    assert ticked(address) == {"questions"}
    assert ticked(address + "&wants=edits") == {"questions", "edits"}
    assert ticked(address + "&wants=name") == {"questions"}
    assert client.get(address + "&wants=name").context["form"]["name"].value() == "Example Ltd"


@pytest.mark.parametrize("granted", ["", READING])
def test_looking_at_what_was_granted_costs_the_pages_little(
    granted: str, known: Any, signed_in: Any, ada: User, django_assert_max_num_queries: Any
) -> None:
    ApiToken.objects.filter(account=known.account).update(granted=granted)
    client = signed_in(ada)
    addresses = [reverse(name, args=[known.pk]) for name in ("rule_what_if", "rule_why_not")]
    addresses += [reverse("rule_edit", args=[known.pk, act]) for act in ("deactivate", "change", "delete")]
    addresses += [f"{reverse('connect')}?account={known.account_id}"]
    for address in addresses:
        with django_assert_max_num_queries(8):
            assert client.get(address).status_code == 200


def test_a_question_is_asked_where_zoho_named_no_scopes(known: Any, signed_in: Any, ada: User) -> None:
    ApiToken.objects.filter(account=known.account).update(granted="")
    status, page, text = seen(signed_in(ada), reverse("rule_what_if", args=[known.pk]))
    assert (status, len(page.root.findall(".//form[@class='form']"))) == (200, 1)
    assert "Unknown: whether ZohoCRM.coql.READ and ZohoCRM.modules.READ was granted." in text
