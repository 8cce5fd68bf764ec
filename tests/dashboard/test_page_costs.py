"""What one person asks takes little from the others: a page ends in time, and costly ones are asked few at once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.signals import request_finished
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import RequestFactory
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from dashboard import time_limit
from dashboard.middleware import CostMiddleware
from dashboard.turns import Turns, is_costly
from monitor.models import AuditEntry, User
from monitor.queries import executions as execution_queries
from monitor.queries import overview as overview_queries

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT count(*) FROM n"
SHORT = "SELECT 1"


def ask(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def ask_for_ever(*_args: object, **_named: object) -> Any:
    return ask(ENDLESS)


@pytest.mark.django_db(transaction=True)
class TestTimeLimit:
    def test_a_statement_that_takes_longer_is_stopped_and_the_next_page_is_answered(self) -> None:
        with pytest.raises(OperationalError) as error, time_limit.limited(0.05):
            ask(ENDLESS)
        assert time_limit.was_stopped(error.value)
        with time_limit.limited(5):
            assert ask(SHORT) == [(1,)]

    def test_many_short_statements_share_the_time(self) -> None:
        clock = [0.0]
        with time_limit.limited(2, monotonic=lambda: clock[0]):
            clock[0] = 2.0
            assert ask(SHORT) == [(1,)]
            clock[0] = 2.1
            with pytest.raises(time_limit.PageTooSlow) as error:
                ask(SHORT)
        assert time_limit.was_stopped(error.value)

    def test_after_the_page_nothing_of_its_limit_is_left(self) -> None:
        """The connection goes on to other requests, and by a pooler to other processes."""
        with time_limit.limited(0.05):
            ask(SHORT)
        if connection.vendor == "postgresql":
            assert ask("SHOW statement_timeout") == [("0",)]
        assert connection.execute_wrappers == []
        slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT count(*) FROM n"
        assert ask(slow) == [(400000,)]

    def test_a_stopped_statement_of_a_search_leaves_nothing_either(self) -> None:
        with pytest.raises(OperationalError), time_limit.limited(0.05):
            ask(ENDLESS)
        assert not connection.in_atomic_block
        assert connection.execute_wrappers == []
        if connection.vendor == "postgresql":
            assert ask("SHOW statement_timeout") == [("0",)]


@pytest.mark.parametrize("error", [OperationalError("no such table"), ValueError("interrupted"), RuntimeError()])
def test_other_errors_are_no_slowness(error: Exception) -> None:
    assert not time_limit.was_stopped(error)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limit, "PAGE_SECONDS", 0.05)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("name", "query", "module", "function"),
    [
        ("executions", "?text=x", execution_queries, "page"),
        ("executions", "?status=failed&after=n-5", execution_queries, "capped_count"),
        ("overview", "?days=90", overview_queries, "period"),
    ],
)
def test_a_page_that_takes_too_long_is_a_503_that_says_what_to_do(
    name: str, query: str, module: Any, function: str, signed_in: Any, vera: User, healthy: Any, monkeypatch: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    client = signed_in(vera)
    with monkeypatch.context() as slow:
        slow.setattr(time_limit, "PAGE_SECONDS", 0.2)
        slow.setattr(module, function, ask_for_ever)
        with caplog.at_level(logging.WARNING, "dashboard.middleware"):
            response = client.get(reverse(name) + query)
    assert response.status_code == 503
    assert "This took too long" in response.content.decode()
    assert "Narrow it" in response.content.decode()
    assert response["Cache-Control"] == "no-store"
    assert "was stopped" in caplog.text
    assert "text=" not in caplog.text
    assert client.get(reverse(name)).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_search_of_unmasked_text_that_takes_too_long_is_stopped_and_stays_written_down(
    signed_in, ada, healthy, monkeypatch
) -> None:
    monkeypatch.setattr(time_limit, "PAGE_SECONDS", 0.2)
    monkeypatch.setattr(execution_queries, "page", ask_for_ever)
    asked = {"sought": "jo@example.com", "reason": "A customer asks where their order is"}
    response = signed_in(ada).post(reverse("executions_unmasked"), asked)
    assert response.status_code == 503
    assert "This took too long" in response.content.decode()
    assert AuditEntry.objects.filter(action="unmask.search").count() == 1


def test_searches_of_unmasked_text_take_turns_with_other_searches(ada: User, monkeypatch) -> None:
    """They come by POST; the form of a retry does so too, and takes no turn."""
    middleware = CostMiddleware(lambda _: HttpResponse())
    monkeypatch.setattr(time_limit, "limited", nullcontext)
    kept: list[object] = []
    found = {}
    for name in ("executions_unmasked", "webhook_failures_unmasked", "executions_unmasked", "execution_retry"):
        request = request_of("/", ada, "POST")
        request.resolver_match = SimpleNamespace(url_name=name)
        request.held = (ExitStack(), ExitStack())
        kept.append(request.held)
        refused = middleware.process_view(request, None, (), {})
        found[len(found), name] = refused and refused.status_code
    assert list(found.values()) == [None, None, 429, None]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["batch_preview", "write_off", "write_off_take_back"])
def test_a_choice_by_a_filter_that_takes_too_long_is_stopped_as_the_list_would_be(
    name: str, signed_in, ada, healthy, monkeypatch
) -> None:
    monkeypatch.setattr(time_limit, "PAGE_SECONDS", 0.2)
    monkeypatch.setattr("dashboard.chosen_runs.matching", ask_for_ever)
    response = signed_in(ada).post(reverse(name), {"which": "matching", "query": "text=x"})
    assert response.status_code == 503
    assert "This took too long" in response.content.decode()


MANY = [
    "batch_preview", "batch_confirm", "write_off", "write_off_confirm", "write_off_take_back", "batch_items",
    "batch_records_csv", "problem_records_csv", "executions_file", "changes_csv", "connections_csv",
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("name", MANY)
def test_what_is_posted_about_many_runs_takes_turns_and_no_link_leads_to_a_page_that_is_none(
    name: str, signed_in, ada: User, monkeypatch
) -> None:
    monkeypatch.setattr(Turns, "take", lambda *_: None)
    keys = {"pk": 1} if name.endswith(("items", "records_csv")) else {}
    response = signed_in(ada).post(reverse(name, kwargs=keys))
    assert response.status_code == 429
    assert response["Retry-After"] == "5"
    told = response.content.decode()
    assert "Nothing was done" in told
    assert reverse(name, kwargs=keys) not in told


@pytest.mark.django_db(transaction=True)
def test_acts_and_other_processes_have_no_time_limit_of_pages(signed_in, ada, hurried, monkeypatch) -> None:
    """Deleting an account with a year of runs takes longer than a page may."""
    left: list[object] = []
    monkeypatch.setattr(
        "dashboard.access.find", lambda *_args, **_named: left.append(list(connection.execute_wrappers))
    )
    assert signed_in(ada).post(reverse("account_disconnect", kwargs={"pk": 1})).status_code == 404
    assert signed_in(ada).get(reverse("account", kwargs={"pk": 1})).status_code == 404
    assert left[0] == []
    assert len(left[1]) == 1


def request_of(path: str, person: User, method: str = "GET") -> HttpRequest:
    request = RequestFactory().generic(method, path)
    request.user = person
    request.resolver_match = None
    return request


class Site:
    """The middleware before a view that does what it is given: a page that is asked for meanwhile, for example."""

    def __init__(self) -> None:
        self.meanwhile: Callable[[], None] = lambda: None
        self.answer: Callable[[], Any] = lambda: HttpResponse("rows")
        self.middleware = CostMiddleware(self._view)

    def _view(self, request: HttpRequest) -> Any:
        refused = self.middleware.process_view(request, None, (), {})
        if refused is not None:
            return refused
        self.meanwhile()
        return self.answer()

    def get(self, path: str, person: User, method: str = "GET") -> Any:
        return self.middleware(request_of(path, person, method))


@pytest.fixture
def busy(db: None, vera: User) -> tuple[Site, list[Any], Callable[..., None]]:
    """`busy_with(count, then)`: Vera has so many searches under way, and then something happens."""
    site, answers = Site(), []

    def under_way(count: int, then: Callable[[], None]) -> None:
        def next_one() -> None:
            under_way(count - 1, then)

        site.meanwhile = next_one if count > 0 else lambda: None
        if count == 0:
            then()
        else:
            answers.append(site.get("/executions/?text=x", vera))

    return site, answers, under_way


def test_a_third_search_of_one_person_is_asked_to_wait_and_others_are_not(busy, vera: User, otto: User) -> None:
    site, first_two, under_way = busy
    found: dict[str, Any] = {}

    def look() -> None:
        found["search"] = site.get("/executions/?text=y&status=failed", vera)
        found["part"] = site.get("/executions/?text=y", vera, "HEAD")
        found["page"] = site.get("/executions/", vera)
        found["other"] = site.get("/executions/?text=y", otto)

    under_way(2, look)
    assert {name: answer.status_code for name, answer in found.items()} == {
        "search": 429, "part": 429, "page": 200, "other": 200,
    }  # fmt: skip
    assert found["search"]["Retry-After"] == "5"
    told = found["search"].content.decode()
    assert "One moment" in told
    assert 'href="/executions/?text=y&amp;status=failed"' in told
    assert [answer.status_code for answer in first_two] == [200, 200]
    assert site.get("/executions/?text=z", vera).status_code == 200


def test_a_search_that_fails_gives_its_turn_back(db: None, vera: User) -> None:
    site = Site()

    def fail() -> Any:
        raise RuntimeError

    site.answer = fail
    for _ in range(3):
        with pytest.raises(RuntimeError):
            site.get("/executions/?text=x", vera)
    site.answer = lambda: HttpResponse("rows")
    assert site.get("/executions/?text=x", vera).status_code == 200


def test_what_is_sent_piece_by_piece_holds_its_turn_until_it_is_sent(db: None, vera: User, monkeypatch) -> None:
    # The end of a request would close the connection, and with it the transaction of this test.
    monkeypatch.setattr(request_finished, "send", lambda *_args, **_named: [])
    site = Site()
    site.answer = lambda: StreamingHttpResponse(iter([b"rows"]))
    sent = [site.get("/executions/?text=x", vera) for _ in range(2)]
    assert site.get("/executions/?text=x", vera).status_code == 429
    sent[0].close()
    assert site.get("/executions/?text=x", vera).status_code == 200


@pytest.mark.parametrize(
    ("query", "costly"),
    [
        ("", False),
        ("text=", False),
        ("text=a", True),
        ("actor=vera", True),
        ("days=90", True),
        ("days=365", True),
        ("days=7", False),
        ("days=" + "9" * 5_000, False),
        ("days=²", False),
        ("page=20", False),
        ("page=21", True),
        ("page=%2B21", True),
        ("page=%2021", True),
        ("page=21.0", True),
        ("page=%EF%BC%92%EF%BC%91", True),
        ("page=²", False),
        ("page=" + "9" * 5_000, False),
        ("page=-30", False),
        ("status=failed&flow=7", False),
    ],
)
def test_searches_long_periods_and_far_pages_are_costly(query: str, costly: bool) -> None:
    assert is_costly(RequestFactory().get(f"/executions/?{query}")) is costly


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=40), st.integers(1, 3))
def test_nobody_ever_has_more_turns_than_allowed_and_every_turn_comes_back(steps, at_once) -> None:
    turns, held = Turns(at_once), {1: [], 2: [], 3: []}
    for person, takes in steps:
        if takes:
            given_back = turns.take(person)
            assert (given_back is None) == (len(held[person]) == at_once)
            if given_back is not None:
                held[person].append(given_back)
        elif held[person]:
            give_back = held[person].pop()
            give_back()
            give_back()
    for person, rest in held.items():
        for give_back in rest:
            give_back()
        assert all(turns.take(person) is not None for _ in range(at_once))
        assert turns.take(person) is None
