from __future__ import annotations

import logging
import time

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError, connection
from django.test import Client
from django.test.utils import override_settings

from dashboard.errors import is_database_away
from dashboard.logs import LineFormatter


class Away:
    """A database that fails at each statement, in words that hold an address."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __call__(self, execute, sql, params, many, context):
        raise self.error


@pytest.fixture(params=[OperationalError, InterfaceError, DatabaseError])
def away(request):
    """The database is away for the test, in each of the kinds that say so."""
    with connection.execute_wrapper(Away(request.param("connection to ops@example.com refused\nand more"))):
        yield


@pytest.mark.parametrize("path", ["/", "/executions/", "/accounts/login/", "/nothing-here/", "/flows/1/"])
def test_a_database_that_is_away_is_a_503_with_a_page_for_a_person_who_is_signed_in(client: Client, vera, away, path):
    client.cookies["monitor_session"] = "a" * 32
    client.raise_request_exception = False
    answer = client.get(path)
    if path != "/accounts/login/" or answer.status_code != 200:
        assert answer.status_code == 503
        assert answer["Retry-After"] == "10"
        assert b"The database cannot be reached" in answer.content


def test_the_log_has_a_line_for_it_without_a_traceback_and_without_what_it_names(
    client: Client, vera, away, caplog: pytest.LogCaptureFixture
):
    client.cookies["monitor_session"] = "a" * 32
    client.raise_request_exception = False
    client.get("/flows/")
    lines = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [(line.name, line.getMessage()) for line in lines] == [
        ("dashboard.errors", "the database does not answer: connection to ops@example.com refused")
    ]
    assert all(line.exc_info is None for line in lines)


def test_a_callback_is_asked_to_come_again(client: Client, db, away):
    client.raise_request_exception = False
    answer = client.post("/hooks/flow/abcdefgh", b"{}", content_type="application/json")
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert answer.json() == {"status": "the database cannot be reached"}


def test_both_probes_answer_and_readiness_says_what_is_wrong(client: Client, db, away):
    assert client.get("/healthz/live").status_code == 200
    answer = client.get("/healthz/ready")
    assert answer.status_code == 503
    assert "the database cannot be reached" in answer.json()["problems"]


def test_a_question_of_ours_that_is_wrong_stays_a_500(client: Client, db):
    assert not is_database_away(ProgrammingError("no such column"))
    client.cookies["monitor_session"] = "a" * 32
    client.raise_request_exception = False
    with connection.execute_wrapper(Away(ProgrammingError("no such column"))):
        answer = client.get("/")
    assert answer.status_code == 500
    assert b"Something went wrong here" in answer.content


@override_settings(ALLOWED_HOSTS=["localhost"])
def test_a_host_that_is_refused_is_one_line_in_the_log(client: Client, db, capsys, caplog):
    assert client.get("/flows/", headers={"host": "evil.example.com"}).status_code == 400
    (record,) = [one for one in caplog.records if one.name.startswith("django.security.")]
    assert record.exc_info
    assert "\n" not in LineFormatter().format(record)
    assert "Traceback" not in capsys.readouterr().err


@override_settings(ALLOWED_HOSTS=["localhost"])
@pytest.mark.parametrize("host", ["evil.example.com", "x" * 60_000, "a@b.example.com", "jo@example.com" * 3_000])
def test_the_line_about_a_refused_host_is_short_and_holds_no_address_of_a_person(client: Client, db, caplog, host: str):
    assert client.get("/flows/", headers={"host": host}).status_code == 400
    (record,) = [one for one in caplog.records if one.name.startswith("django.security.")]
    line = LineFormatter().format(record)
    assert "\n" not in line
    assert len(line) < 1_200
    assert "jo@example.com" not in line


@pytest.mark.parametrize("path", ["/people/", "/nothing/" + "x" * 50_000, "/flows/?page=" + "9" * 50_000])
def test_what_anybody_can_bring_about_is_one_short_line_without_a_traceback(client: Client, vera, caplog, path: str):
    client.force_login(vera, backend="dashboard.people.backends.PersonBackend")
    client.get(path)
    assert caplog.records
    for record in caplog.records:
        line = LineFormatter().format(record)
        assert "\n" not in line
        assert len(line) < 1_200


@pytest.mark.parametrize("piece", ["hook", "/hook", "%2f", "eyJ-", "a@", "x = ", "1.", "a "])
def test_a_line_that_anybody_can_bring_about_costs_a_moment_however_long_it_is(piece: str) -> None:
    """An address of 60 kB that nobody knows took 1.7 seconds to be logged, in which nobody else was served."""
    path = "/" + (piece * 60_000)[:60_000]
    record = logging.LogRecord("django.request", logging.WARNING, "", 1, "Not Found: %s", (path,), None)
    began = time.process_time()
    line = LineFormatter().format(record)
    assert time.process_time() - began < 0.5
    assert "Not Found:" in line
    assert len(line) < 1100
