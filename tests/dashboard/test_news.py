"""A list of executions says how many runs are newer than those that somebody reads."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from dashboard.news import MOST_NEW
from monitor import audit
from monitor.models import Flow, Problem, User
from tests import factories
from tests.dashboard.world import make_mail, make_state, make_transition

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


def a_problem(account: Any, at: datetime) -> None:
    Problem.objects.create(
        account=account, title="No answer", remedy="retry", first_seen_at=at, last_seen_at=at, state_since=at
    )


def an_event(account: Any, at: datetime) -> None:
    make_transition(make_state(factories.make_alert_rule(account), factories.make_flow(account), at), at)


def a_mail(account: Any, at: datetime) -> None:
    state = make_state(factories.make_alert_rule(account), factories.make_flow(account), at)
    make_mail(factories.make_incident(state).notices.get(), factories.make_user(f"reader-{at:%M}"), at)


def an_entry(account: Any, at: datetime) -> None:
    audit.record(None, "sync", account, now=at)


def a_change(account: Any, at: datetime) -> None:
    factories.make_version(factories.make_flow(account), number=2, first_seen_at=at)


LISTS = {
    "problems": (a_problem, "new problem"),
    "alerts": (an_event, "new event"),
    "mails": (a_mail, "new message"),
    "audit": (an_entry, "new entr"),
    "changes": (a_change, "new change"),
}


@pytest.mark.parametrize("name", LISTS)
def test_each_list_to_which_something_is_added_says_so_and_only_what_is_new(
    name: str, signed_in: Any, ada: User, account: Any, now: datetime
) -> None:
    make, words = LISTS[name]
    client = signed_in(ada)
    make(account, now)
    url = client.get(reverse(name)).context["news_url"]
    assert url.startswith(reverse(name))
    assert client.get(url).content.strip() == b""
    make(account, now + MINUTE)
    said = " ".join(client.get(url).content.decode().split())
    assert f">1 {words}" in said
    assert f'href="{reverse(name)}"' in said
    make(account, now + 2 * MINUTE)
    assert f">2 {words}" in " ".join(client.get(url).content.decode().split())


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("mark", ["", "x", "-1", "1-2", "1" * 50, "1-2-99999999999999999999999"])
def test_a_mark_that_no_list_wrote_is_refused(name: str, mark: str, signed_in: Any, ada: User) -> None:
    assert signed_in(ada).get(reverse(name), {"than": mark}).status_code == 400


def test_a_further_page_asks_for_no_news(signed_in: Any, ada: User, account: Any, now: datetime) -> None:
    for number in range(101):
        an_entry(account, now + number * MINUTE)
    assert signed_in(ada).get(reverse("audit"), {"page": "2"}).context["news_url"] == ""


@pytest.mark.parametrize("query", ["", "than=x", "than=1-2&status=nonsense", "than=1-99999999999999999999999999"])
def test_what_cannot_be_read_is_refused(client_of_vera: Client, query: str) -> None:
    assert client_of_vera.get(f"{reverse('executions_news')}?{query}").status_code == 400
