"""The records that a problem's failed runs were about: as a list and as a file, for whom, and what of them is shown."""

from __future__ import annotations

import csv
from datetime import datetime
from typing import Any

import pytest
from django.urls import reverse

from monitor.models import AuditEntry, Flow, Problem, RecordField, User
from tests.dashboard.test_problem_pages import page_of
from tests.triage.conftest import Fail, Triage, fail, flow, operator, problem, triage

__all__ = ["fail", "flow", "operator", "triage"]
pytestmark = pytest.mark.usefixtures("at_noon")


@pytest.fixture
def orders(db: None, fail: Fail, triage: Triage, flow: Flow, now: datetime) -> Problem:
    """Three orders, told apart by their buyers' addresses, for each of which two runs failed."""
    RecordField.objects.create(flow=flow, chosen="Email", found_at=now)
    data = [{"Email": f"quilla{n % 3}@example.com"} for n in range(6)]
    triage(*(fail(minutes_ago=n, trigger_data=one) for n, one in enumerate(data)))
    return problem()


def problem_into(other: Problem) -> Problem:
    """A problem that was merged into another one."""
    return Problem.objects.create(
        account=other.account,
        title="Another",
        remedy="unknown",
        first_seen_at=other.first_seen_at,
        last_seen_at=other.last_seen_at,
        state_since=other.state_since,
        merged_into=other,
    )


def rows_of(response: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(b"".join(response.streaming_content).decode().splitlines()))


@pytest.mark.parametrize(("person", "file", "unmasked"), [("vera", 0, 0), ("otto", 1, 0), ("ada", 1, 1)])
def test_the_records_of_a_problem_are_listed_masked_and_each_role_is_offered_what_it_may(
    orders: Problem, signed_in: Any, request: pytest.FixtureRequest, person: str, file: int, unmasked: int
) -> None:
    client = signed_in(request.getfixturevalue(person))
    url = reverse("problem_records", args=[orders.pk])
    assert f'href="{url}">3 records</a>' in page_of(client, orders)
    page = client.get(url).content.decode()
    assert page.count(">[hidden]<") == 3
    assert "quilla" not in page
    assert ("Records as CSV" in page, "Unmasked CSV" in page) == (bool(file), bool(unmasked))


def test_the_records_leave_as_csv_masked_and_it_stands_in_the_trail(
    orders: Problem, signed_in: Any, otto: User
) -> None:
    response = signed_in(otto).post(reverse("problem_records_csv", args=[orders.pk]))
    rows = rows_of(response)
    assert [(row["record_id"], row["failed"], row["open"]) for row in rows] == [("[hidden]", "2", "2")] * 3
    entry = AuditEntry.objects.get(action="export", object_id=str(orders.pk))
    assert (entry.actor, entry.account_id) == (otto, orders.account_id)
    assert entry.detail == {"what": "records", "format": "csv"}


def test_the_file_of_a_problem_that_was_merged_is_that_of_the_problem_that_took_it_in(
    orders: Problem, signed_in: Any, otto: User
) -> None:
    first = problem_into(orders)
    before = problem_into(first)
    response = signed_in(otto).post(reverse("problem_records_csv", args=[before.pk]))
    assert f"problem-{orders.pk}-records" in response.headers["Content-Disposition"]
    assert len(rows_of(response)) == 3
    assert AuditEntry.objects.get(action="export").object_id == str(orders.pk)


def test_the_records_leave_unmasked_only_for_an_admin_who_says_why(
    orders: Problem, signed_in: Any, vera: User, otto: User, ada: User
) -> None:
    url = reverse("problem_records_csv", args=[orders.pk])
    whole = {"unmasked": "1", "reason": "Their orders are entered by hand"}
    for person in (vera, otto):
        assert signed_in(person).post(url, whole).status_code == 403
    refused = signed_in(ada).post(url, {"unmasked": "1", "reason": ""})
    assert refused.status_code == 400
    assert "quilla" not in refused.content.decode()
    assert not AuditEntry.objects.filter(action="export").exists()
    rows = rows_of(signed_in(ada).post(url, whole))
    assert sorted(row["record_id"] for row in rows) == [f"quilla{n}@example.com" for n in range(3)]
    assert AuditEntry.objects.get(action="export").detail == {
        "what": "records", "format": "csv", "unmasked": True, "reason": "Their orders are entered by hand",
    }  # fmt: skip


def test_the_list_of_records_costs_a_fixed_number_of_statements(
    orders: Problem, signed_in: Any, vera: User, django_assert_max_num_queries: Any
) -> None:
    client = signed_in(vera)
    with django_assert_max_num_queries(14):
        client.get(reverse("problem_records", args=[orders.pk]))
