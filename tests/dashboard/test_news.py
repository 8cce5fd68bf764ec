"""A list of executions says how many runs are newer than those that somebody reads."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from monitor.models import Flow, User
from monitor.queries.executions import MOST_NEW
from tests import factories

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def flow(account: Any) -> Flow:
    return factories.make_flow(account)


@pytest.fixture
def client_of_vera(signed_in: Any, vera: User) -> Client:
    client: Client = signed_in(vera)
    return client


def news(client: Client, **filters: str) -> str:
    """What the list's first page will be told."""
    url = client.get(reverse("executions"), filters).context["news_url"]
    return str(client.get(url).content.decode()) if url else ""


def told(client: Client, mine: Flow, now: datetime, new: int, **filters: str) -> str:
    factories.make_execution(mine, "failed", started_time=now - MINUTE)
    url = client.get(reverse("executions"), filters).context["news_url"]
    for number in range(new):
        factories.make_execution(mine, "failed", started_time=now + number * MINUTE)
    factories.make_execution(factories.make_flow(mine.account), "success", started_time=now + MINUTE)
    return " ".join(client.get(url).content.decode().split())


def test_new_runs_that_the_filters_let_through_are_counted(client_of_vera: Client, flow: Flow, now: datetime) -> None:
    said = told(client_of_vera, flow, now, 3, status="failed", flow=str(flow.pk))
    assert "3 new runs" in said
    assert f"status=failed&amp;flow={flow.pk}" in said
    assert "than=" not in said


def test_one_is_a_run_and_many_are_cut(client_of_vera: Client, flow: Flow, now: datetime) -> None:
    assert "1 new run<" in told(client_of_vera, flow, now, 1, status="failed")
    assert f"{MOST_NEW}+" in told(client_of_vera, flow, now, MOST_NEW + 2, status="failed")


def test_of_nothing_new_nothing_is_said(client_of_vera: Client, flow: Flow, now: datetime) -> None:
    factories.make_execution(flow, started_time=now)
    assert news(client_of_vera).strip() == ""


def test_a_list_of_times_past_asks_for_no_news(client_of_vera: Client, flow: Flow, now: datetime) -> None:
    factories.make_execution(flow, started_time=now)
    page = client_of_vera.get(reverse("executions"), {"end": "2027-01-01"})
    assert page.context["rows"]
    assert page.context["news_url"] == ""


@pytest.mark.parametrize("query", ["", "than=x", "than=1-2&status=nonsense", "than=1-99999999999999999999999999"])
def test_what_cannot_be_read_is_refused(client_of_vera: Client, query: str) -> None:
    assert client_of_vera.get(f"{reverse('executions_news')}?{query}").status_code == 400
