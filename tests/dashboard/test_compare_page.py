"""Two accounts held against each other on a page."""

from __future__ import annotations

import csv
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dashboard import remembered
from monitor.models import AuditEntry, User, ZohoAccount
from monitor.queries import compare as queries
from tests import factories

Signed = Callable[[User], Client]


def rule(account: ZohoAccount, name: str, value: Any = 1, **fields: Any) -> Any:
    made = factories.make_rule(account, name=name, **fields)
    content = {"id": made.rule_id, "name": name, "module": {"api_name": "Leads", "id": made.rule_id}, "value": value}
    factories.make_version(made, content=content)
    return made


@pytest.fixture
def sides(nobody_else: None) -> tuple[ZohoAccount, ZohoAccount]:
    """A sandbox and production, with something of each state, and a third account that has nothing to do with it."""
    sandbox, production, other = (factories.make_account(name) for name in ("A sandbox", "Production", "Third"))
    for account in (sandbox, production):
        rule(account, "Same")
        factories.make_rule(account, name="Unread")
    rule(sandbox, "Edited", 30000)
    rule(production, "Edited", 50000)
    rule(sandbox, "Draft")
    rule(production, "Old")
    rule(production, "Deleted", gone_at=factories.NOON)
    flow = factories.make_flow(production, flow_name="Lead sync")
    factories.make_version(flow, content={"flow_name": "Lead sync"})
    rule(other, "Elsewhere")
    return sandbox, production


def shown(client: Client, **query: Any) -> list[tuple[str, str]]:
    response = client.get(reverse("compare"), query)
    assert response.status_code == 200
    return [(row.name, state) for row, state, _ in response.context["rows"]]


DIFFERENCES = [
    ("Lead sync", "Only in the second"),
    ("Draft", "Only in the first"),
    ("Edited", "Differs"),
    ("Old", "Only in the second"),
    ("Unread", "Not read yet"),
]


def test_the_first_two_accounts_are_compared_and_what_is_the_same_is_left_out(
    sides: Any, signed_in: Signed, vera: User
) -> None:
    client = signed_in(vera)
    assert shown(client) == DIFFERENCES
    page = client.get(reverse("compare")).content.decode()
    for account in sides:
        assert f'<option value="{account.pk}" selected>{account.name}</option>' in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"state": "same"}, ["Same"]),
        ({"state": "differs"}, ["Edited"]),
        ({"state": "left"}, ["Draft"]),
        ({"state": "right"}, ["Lead sync", "Old"]),
        ({"state": "unread"}, ["Unread"]),
        ({"kind": "flow"}, ["Lead sync"]),
        ({"text": "eDIt"}, ["Edited"]),
        ({"text": "nothing"}, []),
        ({"page": "9"}, ["Lead sync", "Draft", "Edited", "Old", "Unread"]),
    ],
)
def test_it_is_narrowed_by_what_the_address_says(
    query: dict[str, str], names: list[str], sides: Any, signed_in: Signed, vera: User
) -> None:
    assert [name for name, _ in shown(signed_in(vera), **query)] == names


def test_each_count_leads_to_what_it_counts(sides: Any, signed_in: Signed, vera: User) -> None:
    client = signed_in(vera)
    states = client.get(reverse("compare")).context["states"]
    assert {state: count for state, _, count, _ in states} == {
        "differs": 1,
        "left": 1,
        "right": 2,
        "unread": 1,
        "same": 1,
    }
    for _, label, count, url in states:
        rows = client.get(reverse("compare") + url).context["rows"]
        assert [state for _, state, _ in rows] == [label] * count


def test_what_differs_is_told_and_leads_to_both(sides: Any, signed_in: Signed, vera: User) -> None:
    page = signed_in(vera).get(reverse("compare"), {"state": "differs"}).content.decode()
    assert "value: 30000 → 50000" in page
    for account in sides:
        edited = account.rules.get(name="Edited")
        assert edited.get_absolute_url() in page
        assert edited.rule_id in page


def test_the_accounts_are_chosen_and_turned_round(sides: Any, signed_in: Signed, vera: User) -> None:
    sandbox, production = sides
    client = signed_in(vera)
    assert ("Draft", "Only in the second") in shown(client, left=production.pk, right=sandbox.pk)
    assert ("Draft", "Only in the second") in shown(client, left=production.pk)
    assert ("Elsewhere", "Only in the second") in shown(
        client, left=sandbox.pk, right=ZohoAccount.objects.get(name="Third").pk
    )


def test_an_account_with_itself_is_refused_and_one_that_is_not_there_is_a_404(
    sides: Any, signed_in: Signed, vera: User
) -> None:
    client = signed_in(vera)
    assert client.get(reverse("compare"), {"left": sides[0].pk, "right": sides[0].pk}).status_code == 400
    assert client.get(reverse("compare"), {"left": "x"}).status_code == 400
    assert client.get(reverse("compare"), {"left": 999_999}).status_code == 404


def test_a_single_account_says_that_two_are_needed(nobody_else: None, signed_in: Signed, vera: User) -> None:
    factories.make_account("Alone")
    assert "no second account" in signed_in(vera).get(reverse("compare")).content.decode()


def test_two_that_are_the_same_say_so(nobody_else: None, signed_in: Signed, vera: User) -> None:
    for name in ("A", "B"):
        rule(factories.make_account(name), "Same")
    assert "Nothing differs" in signed_in(vera).get(reverse("compare")).content.decode()


def test_people_and_secrets_are_masked(sides: Any, signed_in: Signed, vera: User) -> None:
    for account, mail in zip(sides, ("jo@example.com", "pat@example.com"), strict=True):
        made = factories.make_rule(account, name="Mail jo@example.com")
        content = {"to": mail, "key": "[secret:0123456789abcdef]", "modified_by": {"name": "Jo Roe"}}
        factories.make_version(made, content=content)
    page = signed_in(vera).get(reverse("compare")).content.decode()
    for hidden in ("jo@", "pat@", "[secret:", "Jo Roe"):
        assert hidden not in page
    assert "Mail [e-mail]" in page or "Mail [email]" in page


def test_the_file_is_what_the_list_shows(sides: Any, signed_in: Signed, otto: User) -> None:
    response = signed_in(otto).post(reverse("compare_csv"))
    rows = list(csv.DictReader(StringIO(b"".join(response.streaming_content).decode())))
    assert [row["name"] for row in rows] == [name for name, _ in DIFFERENCES]
    (edited,) = (row for row in rows if row["name"] == "Edited")
    assert (edited["state"], edited["differences"]) == ("differs", "1")
    assert edited["what"] == "value: 30000 → 50000"
    assert edited["second_id"] == sides[1].rules.get(name="Edited").rule_id
    assert AuditEntry.objects.get(action="export").detail["what"] == "comparison"


def test_a_refused_file_is_the_list_with_what_is_wrong(sides: Any, signed_in: Signed, otto: User, vera: User) -> None:
    assert signed_in(otto).post(reverse("compare_csv") + "?state=odd").status_code == 400
    assert signed_in(vera).post(reverse("compare_csv")).status_code == 403


def test_more_rules_cost_no_more_statements_and_what_was_read_is_not_read_again(
    sides: Any, signed_in: Signed, vera: User
) -> None:
    client, counted = signed_in(vera), []
    for n in range(3):
        for account in sides:
            for number in range(10):
                rule(account, f"More {n} {number}", account.pk)
        remembered.forget()
        queries._likeness.clear()
        with CaptureQueriesContext(
            database,
        ) as first:
            client.get(reverse("compare"))
        with CaptureQueriesContext(database) as again:
            client.get(reverse("compare"))
        counted.append((len(first), len(again)))
    assert set(counted) == {counted[0]}
    assert counted[0][0] <= 8
    assert counted[0][1] < counted[0][0]


def test_the_lists_of_accounts_and_changes_lead_here(sides: Any, signed_in: Signed, ada: User) -> None:
    for name in ("accounts", "changes"):
        assert f'href="{reverse("compare")}"' in signed_in(ada).get(reverse(name)).content.decode()
