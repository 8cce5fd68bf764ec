"""Which columns a list has is its viewer's choice, kept in the address, in saved views and in files."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from dashboard.columns import FIRST
from dashboard.executions.forms import RUN_COLUMNS, ExecutionFilterForm
from monitor.models import SavedView, User
from tests import factories
from tests.depth import tried

pytestmark = pytest.mark.django_db
CODES = [one.code for one in RUN_COLUMNS]
USUAL = [one.code for one in RUN_COLUMNS if one.is_usual]


@pytest.fixture
def client(signed_in: Any, otto: User, account: Any) -> Client:
    factories.make_execution(factories.make_flow(account), "failed", error_message="No tax is known")
    found: Client = signed_in(otto)
    return found


def heads(client: Client, name: str, query: str) -> list[str]:
    page = client.get(f"{reverse(name)}?{query}", follow=True).content.decode()
    return [
        re.sub(r"<[^>]+>", "", head).strip()
        for head in re.findall(r"<th[^>]*scope=\"col\"[^>]*>(.*?)</th>", page, re.DOTALL)
    ]


def test_boxes_that_are_ticked_become_one_short_address(client: Client) -> None:
    sent = client.get(f"{reverse('executions')}?status=failed&columns=first&columns=error&columns=flow")
    assert sent.status_code == 302
    assert sent.url == f"{reverse('executions')}?status=failed&columns=first-flow-error"
    assert client.get(sent.url).status_code == 200


def test_the_usual_columns_are_no_part_of_an_address(client: Client) -> None:
    sent = client.get(f"{reverse('executions')}?status=failed&columns=first&" + "&".join(f"columns={c}" for c in USUAL))
    assert sent.url == f"{reverse('executions')}?status=failed"


@pytest.mark.parametrize(
    ("name", "query", "shown"),
    [
        ("executions", "", ["Choose", "Started", "Status", "Flow", "Run time", "Error", "Zoho's id"]),
        ("executions", "columns=first-ended-id", ["Choose", "Started", "Ended", "Zoho's id"]),
        ("executions", "columns=first", ["Choose", "Started"]),
        ("flows", "", ["Flow", "Standing", "Failed", "Runs", "Success", "14 days", "Last run", "Mirror"]),
        ("flows", "columns=first-runs-mirror&sort=runs", ["Flow", "Runs", "Mirror"]),
    ],
)
def test_a_table_has_the_columns_that_are_chosen_and_each_row_as_many(
    client: Client, name: str, query: str, shown: list[str]
) -> None:
    assert heads(client, name, query) == shown
    body = client.get(f"{reverse(name)}?{query}").content.decode().partition("<tbody>")[2].partition("</tr>")[0]
    assert len(re.findall(r"<t[hd]\b", body)) == len(shown)


def test_filters_pages_and_news_keep_the_columns_which_narrow_nothing(client: Client) -> None:
    page = client.get(f"{reverse('executions')}?columns=first-error")
    text = page.content.decode()
    assert '<input type="hidden" name="columns" value="first-error"' in text
    assert "columns=first-error" in page.context["news_url"]
    assert not page.context["form"].is_narrowed
    assert page.context["form"].chips == []


def test_a_saved_view_has_its_columns(client: Client, otto: User) -> None:
    add = client.get(f"{reverse('executions')}?columns=first-error").context["save_view_url"]
    client.post(add, {"name": "Errors alone", "is_default": "on"})
    assert SavedView.objects.get(person=otto).query == "columns=first-error"
    assert heads(client, "executions", "") == ["Choose", "Started", "Error"]


def file(client: Client, kind: str, query: str) -> list[str]:
    text = client.post(reverse("executions_file"), {"format": kind, "query": query}).getvalue().decode()
    return list(json.loads(text.splitlines()[0])) if kind == "ndjson" else next(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_a_file_has_what_the_chosen_columns_show_and_all_of_the_usual_ones(client: Client, kind: str) -> None:
    chosen = ["flow_id", "flow_name", "started_time", "error_code", "error_message", "error_details"]
    assert file(client, kind, "columns=first-flow-error") == chosen
    assert {"execution_id", "rerun_count", "completed_time", *chosen} <= set(file(client, kind, ""))


@pytest.mark.parametrize("name", ["executions", "flows"])
def test_a_column_that_is_none_is_refused(client: Client, name: str) -> None:
    assert client.get(reverse(name), {"columns": "first-secret"}).status_code == 400


@given(st.lists(st.sampled_from([FIRST, *CODES]), min_size=1, max_size=12))
@tried(40, 300)
def test_however_they_are_asked_for_columns_stand_in_the_lists_order(asked: list[str]) -> None:
    field = ExecutionFilterForm.base_fields["columns"]
    assert field.clean("-".join(asked)) == (FIRST, *(code for code in CODES if code in asked))
