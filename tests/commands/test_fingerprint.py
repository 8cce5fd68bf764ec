"""`manage.py fingerprint` reads failures as lines of JSON and answers each with a line of JSON."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import suppress
from typing import Any

import pytest

from monitor.management.commands import fingerprint as command
from monitor.triage.fingerprint import cause_of
from tests.commands.commandline import Ended, run
from tests.realprocess import ROOT

FAILURE = {
    "app": "Zoho CRM", "action": "Create Lead", "error_code": "INVALID_DATA",
    "error_message": "Lead Zoë Åkesson (5725767000000524157) was refused", "error_details": {"code": "INVALID_DATA"},
    "trigger_data": {"name": "Zoë Åkesson"},
}  # fmt: skip


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command on lines: those that are text or bytes as they are, others as JSON."""

    def answer(*lines: object) -> tuple[Ended, list[dict[str, str]]]:
        texts = [line if isinstance(line, str | bytes) else json.dumps(line) for line in lines]
        given = b"\n".join(text if isinstance(text, bytes) else text.encode() for text in texts)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        ended = run("fingerprint")
        return ended, [json.loads(line) for line in ended.out.splitlines()]

    return answer


def test_each_failure_gets_its_fingerprint_template_and_remedy(answered) -> None:
    ended, answers = answered(FAILURE, FAILURE | {"error_message": "Lead Bo Ek (1234567890123456789) was refused"})
    cause = cause_of(
        app="Zoho CRM", action="Create Lead", code="INVALID_DATA", message="Lead 5 (6) was refused",
        details='{"code": "INVALID_DATA"}',
    )  # fmt: skip
    assert answers[0] == {"fingerprint": cause.fingerprint, "template": cause.template, "remedy": "value"}
    assert answers[1]["template"] == "Lead Bo Ek (<*>) was refused | code: INVALID_DATA"
    assert (ended.code, ended.err) == (0, "")


def test_absent_fields_and_null_are_the_same(answered) -> None:
    _, answers = answered({"error_message": "No"}, {"error_message": "No"} | dict.fromkeys(("app", "trigger_data")), {})
    assert answers[0] == answers[1]
    assert answers[2]["template"] == ""


@pytest.mark.parametrize("details", ["text", ["a", {"b": 1}], {"a": {"b": None}}, 5, True, "\ud800", "\0", "א" * 9])
def test_details_and_message_may_be_whatever_json_holds(answered, details: object) -> None:
    ended, answers = answered({"error_message": details, "error_details": details})
    assert set(answers[0]) == {"fingerprint", "template", "remedy"}
    assert ended.code == 0


def test_a_number_is_taken_as_a_code(answered) -> None:
    _, answers = answered({"error_code": 3001}, {"error_code": "3001"}, {"error_code": 3062})
    assert answers[0] == answers[1] != answers[2]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nope", "not JSON"),
        ('{"app": "x"', "not JSON"),
        (b'{"app": "\xff"}', "not UTF-8"),
        ([], "must be an object, not a list"),
        ("null", "must be an object, not null"),
        ("7", "must be an object, not a number"),
        ({"app": ["x"]}, "app must be text or a number, not a list"),
        ({"action": {}}, "action must be text or a number, not an object"),
        ({"error_code": True}, "error_code must be text or a number, not true or false"),
        ('{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_answered(answered, line: object, said: str) -> None:
    ended, answers = answered({"error_message": "1"}, line, {"error_message": "2"})
    assert answers[1] == {"error": f"line 2: {said}"}
    assert answers[0] == answers[2]
    assert ended.err.strip() == f"line 2: {said}"
    assert (ended.code, ended.error) == (1, "1 line could not be read")


def test_a_line_that_is_too_long_is_refused_and_those_beside_it_are_not(answered, monkeypatch) -> None:
    monkeypatch.setattr(command, "LONGEST_LINE", 200_000)
    long = {"error_message": "x" * 300_000}
    ended, answers = answered({"error_message": "1"}, long, {"error_message": "2"}, long)
    assert [sorted(answer) for answer in answers] == [
        ["fingerprint", "remedy", "template"], ["error"], ["fingerprint", "remedy", "template"], ["error"],
    ]  # fmt: skip
    assert answers[3]["error"].startswith("line 4: longer than")
    assert ended.error == "2 lines could not be read"


def test_a_long_message_is_answered(answered) -> None:
    _, answers = answered({"error_message": "word " * 200_000}, {"error_message": "9" * 1_000_000})
    assert len(answers[0]["template"]) <= 1_000
    assert answers[1]["template"] == "<*>"


def test_empty_lines_and_a_byte_order_mark_are_no_failures(answered) -> None:
    ended, answers = answered("\ufeff" + json.dumps(FAILURE), "", "  ", FAILURE, "")
    assert len(answers) == 2
    assert answers[0] == answers[1]
    assert ended.code == 0


def process(**more: Any) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DEBUG")}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "fingerprint"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment | {"SECRET_KEY": "k" * 50, "DATABASE_URL": "postgres://nobody@127.0.0.1:9/none"} | more,
    )


def test_it_answers_at_once_without_a_database_and_ends_quietly_when_nobody_reads_on() -> None:
    with process() as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdin.write(json.dumps(FAILURE).encode() + b"\n")
        running.stdin.flush()
        # The input is still open: whoever pipes a log into it sees each answer as it is made.
        assert json.loads(running.stdout.readline())["remedy"] == "value"
        running.stdout.close()
        # The command may have ended by then, as it should.
        with suppress(BrokenPipeError):
            running.stdin.write(json.dumps(FAILURE).encode() + b"\n")
            running.stdin.write(json.dumps(FAILURE).encode() + b"\n")
            running.stdin.close()
        assert running.stderr.read() == b""
        assert running.wait(30) == 0
