"""Every list is filtered, sorted, paged, refreshed and found empty in one way."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.paginator import Paginator
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dashboard.filters import FilterForm
from dashboard.lists import numbered
from monitor.models import ZohoAccount
from monitor.models.asking import Asking
from tests import factories
from tests.dashboard.soup import Page, words
from tests.dashboard.test_access_matrix import client_of
from tests.dashboard.world import World, make_world

# Each list's parameters, with a value that can be read and, where any cannot, one that cannot.
PARAMETERS: dict[str, dict[str, tuple[str, str | None]]] = {
    "flows": {
        "text": ("lead", "%00"),
        "status": ("inactive", "odd"),
        "account": ("1", "x"),
        "sort": ("rate", "sideways"),
        "page": ("2", "0"),
    },
    "executions": {
        "text": ("mail", "%00"),
        "status": ("waiting", "odd"),
        "flow": ("1", "-1"),
        "account": ("1", "1e3"),
        "start": ("2026-11-01T10:30", "soon"),
        "end": ("2026-11-02", "9999-12-31"),
        "after": ("5-7", "zz"),
        "before": ("n-7", "1"),
    },
    "rules": {
        "text": ("lead", "%00"),
        "module": ("Leads", "%00"),
        "active": ("no", "perhaps"),
        "executed": ("never", "often"),
        "order": ("failures", "sideways"),
        "account": ("1", "999999999999999999999"),
        "page": ("2", "x"),
    },
    "rule_audit": {
        "text": ("lead", "%00"),
        "kind": ("cycle", "odd"),
        "module": ("Leads", "%00"),
        "state": ("accepted", "odd"),
        "quiet": ("60", "59"),
        "account": ("1", "x"),
        "page": ("2", "-1"),
    },
    "connected_workflows": {
        "text": ("lead", "%00"),
        "status": ("draft", "odd"),
        "account": ("1", "x"),
        "page": ("2", "-3"),
    },
    "webhook_failures": {
        "text": ("lead", "%00"),
        "module": ("Leads", "x" * 101),
        "first_day": ("2026-11-01", "soon"),
        "last_day": ("2026-11-02", "9999-12-31"),
        "rule": ("7", "99999999999999999999"),
        "account": ("1", "-1"),
        "page": ("2", "x"),
    },
    "alerts": {"account": ("1", "x"), "page": ("2", "x")},
    "mails": {"text": ("firing", "%00"), "state": ("dead", "odd"), "page": ("2", "x")},
    "audit": {
        "action": ("unmask", "%00"),
        "actor": ("ada", "%00"),
        "first_day": ("2026-11-01", "2026-02-30"),
        "last_day": ("2026-11-02", "0001-01-01"),
        "object_type": ("person", "x" * 51),
        "object_id": ("3", "x" * 65),
        "page": ("2", "x"),
    },
}
GOOD = [(name, key, good) for name, keys in PARAMETERS.items() for key, (good, _) in keys.items()]
BAD = [(name, key, bad) for name, keys in PARAMETERS.items() for key, (_, bad) in keys.items() if bad]
LISTS = [*PARAMETERS, "accounts", "people", "alert_rules"]


@pytest.fixture
def world(db: None) -> World:
    return make_world(timezone.now())


@pytest.fixture
def admin() -> Client:
    return client_of("admin")


def page_of(client: Client, name: str, query: str = "") -> tuple[int, Page]:
    answer = client.get(f"{reverse(name)}?{query}")
    return answer.status_code, Page(answer.content.decode())


def the_list(page: Page) -> Any:
    (found,) = (element for element in page.root.iter("section") if element.get("id") == "list")
    return found


@pytest.mark.parametrize(("name", "key", "value"), GOOD)
def test_each_parameter_of_an_address_is_read(name: str, key: str, value: str, world: World, admin: Client) -> None:
    answer = admin.get(f"{reverse(name)}?{key}={value}")
    assert answer.status_code == 200
    assert answer.context["form"].cleaned_data[key] not in (None, "")


@pytest.mark.parametrize(("name", "key", "value"), BAD)
def test_a_value_that_cannot_be_read_lists_nothing_and_says_so(
    name: str, key: str, value: str, world: World, admin: Client
) -> None:
    status, page = page_of(admin, name, f"{key}={value}")
    assert status == 400
    assert "Nothing is listed, because a filter cannot be read." in words(page.root)
    assert words(the_list(page)) == "Fix the filter above."
    said = [*page.marked("error"), *page.marked("banner--bad")]
    assert any(words(one) for one in said)


@pytest.mark.parametrize(
    ("query", "said"),
    [("flows/?page=0", "There is no such page."), ("webhook-failures/?rule=x", "This is not a rule's id.")],
)
def test_an_error_of_a_value_that_no_person_sees_says_what_it_is_about(
    query: str, said: str, db: None, admin: Client
) -> None:
    factories.make_account()
    page = Page(admin.get(f"/{query}").content.decode())
    (banner,) = page.marked("banner--bad")
    assert said in words(banner)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_is_asked_for_again_is_the_very_part_of_the_page(name: str, world: World, admin: Client) -> None:
    part = admin.get(reverse(name), headers={"HX-Request": "true"}).content.decode()
    assert part.strip().startswith('<section class="card" id="list"')
    assert "<html" not in part

    def still(html: str) -> str:
        html = re.sub(r"(name=\"csrfmiddlewaretoken\") value=\"\w+\"", r"\1", html)  # another with each answer
        return re.sub(r"\d+ s ago|just now|datetime=\"[^\"]*\"|title=\"[^\"]*\"|\s", "", html)

    assert still(part) in still(admin.get(reverse(name)).content.decode())


@pytest.mark.parametrize("name", PARAMETERS)
def test_filters_that_find_nothing_offer_a_way_back(name: str, world: World, admin: Client) -> None:
    key = "account" if name == "alerts" else "actor" if name == "audit" else "text"
    _, page = page_of(admin, name, f"{key}={'987654321'}")
    told = words(the_list(page))
    assert "Nothing matches" in told
    (back,) = (link for link in the_list(page).iter("a") if words(link) == "Clear the filters")
    assert back.get("href") == reverse(name)


def asked_alone(rows: Any, form: FilterForm) -> Asking[dict[str, Any]]:
    """Finds a page as `numbered` does, where a list asks for it with other things."""
    yield from ()
    return numbered(rows, form)


@pytest.mark.parametrize("name", [name for name in PARAMETERS if name != "executions"])
def test_pages_keep_the_filters_and_new_filters_begin_at_the_first_page(
    name: str, world: World, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.lists.Paginator", lambda rows, size: Paginator([*rows, *rows], 1))
    monkeypatch.setattr("dashboard.lists.ask_numbered", asked_alone)
    first = admin.get(reverse(name), {"account": world.account.pk}).content.decode()
    assert 'rel="next" href="?' in first
    (following,) = re.findall(r'rel="next" href="([^"]+)"', first)
    assert following.replace("&amp;", "&") == f"?account={world.account.pk}&page=2"
    _, second = page_of(admin, name, "page=2")
    assert not [field for field in second.root.iter("input") if field.get("name") == "page"]


@pytest.mark.parametrize(
    ("name", "key", "heads"),
    [
        (
            "flows",
            "sort",
            {"name": "Flow", "failures": "Failed", "runs": "Runs", "rate": "Success", "last_run": "Last run"},
        ),
        ("rules", "order", {"name": "Rule", "last": "Last run", "failures": "Failed, by Zoho"}),
    ],
)
def test_each_order_is_a_columns_head_that_keeps_the_filters_and_says_when_it_is_in_force(
    name: str, key: str, heads: dict[str, str], world: World, admin: Client
) -> None:
    for order, label in heads.items():
        _, page = page_of(admin, name, f"account={world.account.pk}&{key}={order}&page=1")
        sorted_by = [head for head in page.root.iter("th") if head.get("aria-sort")]
        assert [words(head) for head in sorted_by] == [label]
        links = {words(link): link.get("href") for head in page.root.iter("th") for link in head.iter("a")}
        assert links[label] == f"?account={world.account.pk}&{key}={order}"
        kept = {field.get("name"): field.get("value") for field in page.root.iter("input")}
        assert kept[key] == order


@pytest.mark.parametrize("name", ["flows", "executions", "rules", "connected_workflows", "webhook_failures", "alerts"])
def test_accounts_are_offered_once_there_are_two(name: str, world: World, admin: Client) -> None:
    def offered() -> bool:
        _, page = page_of(admin, name)
        return any(field.get("name") == "account" for field in page.root.iter("select"))

    ZohoAccount.objects.exclude(pk=world.account.pk).delete()
    assert not offered()
    factories.make_account("Another")
    assert offered()


@pytest.mark.parametrize(("name", "key"), [("flows", "account"), ("executions", "problem"), ("rules", "module")])
def test_what_an_old_address_names_and_is_gone_is_still_shown_as_chosen(
    name: str, key: str, world: World, admin: Client
) -> None:
    status, page = page_of(admin, name, f"{key}=77777")
    assert status == 200
    (chosen,) = (option for option in page.root.iter("option") if option.get("value") == "77777")
    assert "selected" in chosen.attrib
    assert words(chosen) == "77777 (not here)"


def test_lists_of_zohos_things_lead_to_connecting_an_account_where_there_is_none(db: None, admin: Client) -> None:
    for name in ("flows", "executions", "rules", "connected_workflows", "webhook_failures", "alerts", "accounts"):
        _, page = page_of(admin, name)
        assert "No Zoho account is connected yet" in words(page.root), name


def test_a_new_choice_of_filters_keeps_the_rule_it_is_about(world: World, admin: Client) -> None:
    _, page = page_of(admin, "webhook_failures", f"rule={world.rule.pk}")
    (form,) = page.marked("filters")
    kept = [field.get("value") for field in form.iter("input") if field.get("name") == "rule"]
    assert kept == [str(world.rule.pk)]
