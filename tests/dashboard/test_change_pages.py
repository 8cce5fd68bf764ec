"""What was changed at Zoho, of all kinds of things, the newest first."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from monitor.models import AuditEntry, FlowVersion, User, ZohoAccount
from monitor.queries import changes
from monitor.queries.change_words import changes_in_words, switched
from tests import factories

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Signed = Callable[[User], Client]


def change(*path: str, **values: Any) -> dict[str, Any]:
    return {"path": list(path), "kind": "changed", **values}


@pytest.fixture
def some(account: ZohoAccount, at_noon: datetime) -> dict[str, Any]:
    """One change of each sort, each an hour before the former; and what is none."""
    ZohoAccount.objects.filter(pk=account.pk).update(created_at=at_noon - 30 * DAY)
    seen = {"first_seen_at": at_noon - 30 * DAY, "seen_at": at_noon - 11 * HOUR}
    flow = factories.make_flow(account, flow_name="Lead sync", **seen)
    rule = factories.make_rule(account, name="Greet", **seen)
    journey = factories.make_connected(account, name="Welcome", **seen)
    sign_in = factories.make_connection(account, connection_name="CRM", status="expired", **seen)
    for thing in (flow, rule, journey):
        factories.make_version(thing, first_seen_at=at_noon - 30 * DAY)
    off = [change("status", "active", before=True, after=False)]
    edits = [
        change("actions", "[7]", "subject", before="Hello", after="Dear all"),
        change("name", before="A", after="B"),
    ]
    factories.make_version(flow, number=2, first_seen_at=at_noon - HOUR, changes=edits)
    factories.make_version(rule, number=2, first_seen_at=at_noon - 2 * HOUR, changes=off)
    factories.make_version(journey, number=2, first_seen_at=at_noon - 3 * HOUR, changes=[change("nodes", kind="moved")])
    factories.make_connection_change(sign_in, kind="came", before="", status="active", at=at_noon - 30 * DAY)
    factories.make_connection_change(sign_in, at=at_noon - 4 * HOUR)
    factories.make_flow(account, flow_name="Newcomer", first_seen_at=at_noon - 5 * HOUR)
    factories.make_rule(account, name="Dropped", gone_at=at_noon - 6 * HOUR, **seen)
    return {"flow": flow, "rule": rule, "journey": journey, "sign_in": sign_in}


def shown(client: Client, **query: Any) -> list[tuple[str, str]]:
    rows = client.get(reverse("changes"), query).context["rows"]
    return [(one.name, act) for one, act, _ in rows]


EVERYTHING = [
    ("Lead sync", "Edited"),
    ("Greet", "Switched off"),
    ("Welcome", "Edited"),
    ("CRM", "Another state"),
    ("Newcomer", "New"),
    ("Dropped", "Deleted"),
]


def test_everything_that_was_changed_is_listed_the_newest_first(some: Any, signed_in: Signed, vera: User) -> None:
    assert shown(signed_in(vera)) == EVERYTHING


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ({"kind": "flow"}, [0, 4]),
        ({"kind": "rule"}, [1, 5]),
        ({"kind": "connected"}, [2]),
        ({"kind": "connection"}, [3]),
        ({"text": "COM"}, [2, 4]),
        ({"text": "lead SYNC"}, [0]),
        ({"text": "lead sync", "kind": "rule"}, []),
        ({"text": "no such"}, []),
        ({"first_day": "2026-11-22"}, [0, 1, 2, 3, 4, 5]),
        ({"last_day": "2026-11-21"}, []),
        ({"account": "987654321"}, []),
    ],
)
def test_the_list_is_narrowed_by_what_the_address_says(
    query: dict[str, str], places: list[int], some: Any, signed_in: Signed, vera: User
) -> None:
    assert shown(signed_in(vera), **query) == [EVERYTHING[place] for place in places]


def test_a_thing_is_found_by_its_id_and_its_account(some: Any, signed_in: Signed, vera: User) -> None:
    client = signed_in(vera)
    assert shown(client, text=some["rule"].rule_id) == [EVERYTHING[1]]
    assert shown(client, text=some["rule"].rule_id[:-1]) == []
    assert shown(client, account=some["rule"].account_id) == EVERYTHING


@pytest.mark.parametrize(
    "query", [{"kind": "x"}, {"after": "1-2"}, {"after": "1-2-x"}, {"before": "9" * 40 + "-1-1"}, {"first_day": "x"}]
)
def test_what_cannot_be_read_is_a_400_for_the_list_and_its_file(
    query: dict[str, str], some: Any, signed_in: Signed, otto: User
) -> None:
    client = signed_in(otto)
    assert client.get(reverse("changes"), query).status_code == 400
    ((name, value),) = query.items()
    assert client.post(f"{reverse('changes_csv')}?{name}={value}").status_code == 400
    assert not AuditEntry.objects.filter(action="export").exists()


def test_each_edit_says_in_words_what_was_changed_and_leads_to_its_diff(
    some: Any, signed_in: Signed, vera: User
) -> None:
    page = signed_in(vera).get(reverse("changes")).content.decode()
    for words in ("actions[7].subject: Hello → Dear all", "status.active: true → false", "nodes in another order"):
        assert words in page
    assert "Active → Expired".casefold() in page.casefold()
    assert f'href="{reverse("flow_version", args=[some["flow"].pk, 2])}"' in page
    assert f'href="{some["sign_in"].get_absolute_url()}"' in page
    assert "Pat Example" in page


def test_personal_data_is_hidden_in_the_list_and_the_file(
    account: ZohoAccount, at_noon: datetime, signed_in: Signed, ada: User
) -> None:
    told = [
        change("actions", "[1]", "to", before="quilla.zorn@example.com", after="quilla.zorn@example.org"),
        change("quilla.zorn@example.com", before="x", after="phone +49 151 98765432"),
    ]
    flow = factories.make_flow(account, flow_name="Mail to quilla.zorn@example.com")
    factories.make_version(flow, number=2, first_seen_at=at_noon, changes=told, modified_by="quilla.zorn@example.com")
    sign_in = factories.make_connection(account, connection_name="Of quilla.zorn@example.com")
    factories.make_connection_change(sign_in, at=at_noon, status="of quilla.zorn@example.com")
    client = signed_in(ada)
    page = client.get(reverse("changes")).content.decode()
    sent = b"".join(client.post(reverse("changes_csv")).streaming_content).decode()
    for text in (page, sent):
        assert "quilla" not in text
        assert "98765432" not in text
    assert shown(client, text="quilla") == []


def test_pages_by_place_show_each_change_once_forth_and_back(
    account: ZohoAccount, at_noon: datetime, signed_in: Signed, vera: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where many were seen at one moment."""
    monkeypatch.setattr(changes.page, "__defaults__", (4,))
    sign_in = factories.make_connection(account)
    for number in range(7):
        thing = factories.make_flow(account) if number % 2 else factories.make_rule(account)
        factories.make_version(thing, number=2, first_seen_at=at_noon - (number // 3) * HOUR)
        factories.make_connection_change(sign_in, at=at_noon - (number // 3) * HOUR)
    client, address, forth, sizes = signed_in(vera), reverse("changes"), [], []
    while address:
        context = client.get(address).context
        forth += [one.place for one, *_ in context["rows"]]
        sizes.append(len(context["rows"]))
        address = context["older_url"] and f"{reverse('changes')}{context['older_url']}"
        last = context
    assert sizes == [4, 4, 4, 2]
    assert forth == sorted(set(forth), reverse=True)
    assert len(forth) == 14
    back = [one.place for one, *_ in last["rows"]]
    while last["newer_url"]:
        last = client.get(f"{reverse('changes')}{last['newer_url']}").context
        back = [one.place for one, *_ in last["rows"]] + back
    assert back == forth


def test_the_file_holds_all_that_fits_and_that_it_was_taken_is_written_down(
    some: Any, signed_in: Signed, otto: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "FILE_STEP", 2)
    response = signed_in(otto).post(f"{reverse('changes_csv')}?first_day=2026-11-01&after=1-1-1")
    rows = list(csv.DictReader(StringIO(b"".join(response.streaming_content).decode())))
    assert [(row["name"], row["what"]) for row in rows] == [(name, act.lower()) for name, act in EVERYTHING]
    assert rows[0]["changes"] == "actions[7].subject: Hello → Dear all; name: A → B"
    assert AuditEntry.objects.get(action="export").detail["what"] == "changes"


def test_what_was_there_when_its_account_was_connected_is_no_change(
    account: ZohoAccount, at_noon: datetime, signed_in: Signed, vera: User
) -> None:
    ZohoAccount.objects.filter(pk=account.pk).update(created_at=at_noon - 3 * DAY)
    factories.make_flow(account, flow_name="Old", first_seen_at=at_noon - 3 * DAY + HOUR)
    factories.make_flow(account, flow_name="New", first_seen_at=at_noon - HOUR)
    assert shown(signed_in(vera)) == [("New", "New")]


def test_the_list_asks_few_statements_and_finds_edits_by_an_index(some: Any, signed_in: Signed, vera: User) -> None:
    client, flow = signed_in(vera), some["flow"]
    FlowVersion.objects.bulk_create(
        FlowVersion(flow=flow, number=n, sha256="0" * 64, content={}, first_seen_at=flow.seen_at - n * HOUR)
        for n in range(3, 900)
    )
    with database.cursor() as cursor:
        cursor.execute("ANALYZE")
    with CaptureQueriesContext(database) as asked:
        assert len(client.get(reverse("changes")).context["rows"]) == 50
        statements = [one["sql"] for one in asked.captured_queries if one["sql"].lstrip("(").startswith("SELECT")]
    # Two of them are what every page shows around its own, which is read once in a few seconds.
    assert len(statements) == 8
    (edits,) = [sql for sql in statements if 'FROM "monitor_flowversion"' in sql]
    is_server = database.vendor == "postgresql"
    with database.cursor() as cursor:
        cursor.execute(f"{'EXPLAIN' if is_server else 'EXPLAIN QUERY PLAN'} {edits.replace('%', '%%')}")
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    assert "flowversion_newest" in plan, plan
    assert "Sort" not in plan.replace("Sort Key", "")
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (change("status", before="active", after="inactive"), "off"),
        (change("status", before="INACTIVE", after="Active"), "on"),
        (change("status", "active", before=False, after=True), "on"),
        (change("status", before="draft", after="inactive"), ""),
        (change("status", before="resting", after="odd"), ""),
        (change("actions", "status", before="active", after="inactive"), ""),
        (change("actions", "[1]", "status", before="active", after="inactive"), ""),
        (change("name", before="active", after="inactive"), ""),
    ],
)
def test_only_the_thing_s_own_switch_says_that_it_was_switched(told: dict[str, Any], said: str) -> None:
    assert switched([change("name", before="a", after="b"), told]) == said


values = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=200), st.lists(st.text(max_size=5)))


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "path": st.lists(st.text(max_size=90), max_size=4),
                "kind": st.sampled_from(["added", "removed", "changed"]),
            },
            optional={"before": values, "after": values},
        ),
        max_size=6,
    ),
    st.integers(0, 9),
)
def test_words_of_any_change_are_few_and_short(told: list[dict[str, Any]], more: int) -> None:
    words = changes_in_words(told, len(told) + more)
    assert len(words) == min(len(told), 3) + (len(told) + more > min(len(told), 3))
    assert all(line and len(line) < 250 and not re.search(r"[\n\r]", line) for line in words)
