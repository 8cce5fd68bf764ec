"""`manage.py backtest` replays a condition over exported runs, without a database."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands.commandline import Ended, run
from tests.realprocess import ROOT


def row(minute: int, status: str = "success", flow: str = "12", **more: object) -> dict[str, object]:
    at = f"2026-09-07T{10 + minute // 60:02}:{minute % 60:02}"
    return {
        "execution_id": f"{flow}-{minute}", "flow_id": flow, "status": status, "started_time": f"{at}:00Z",
        "completed_time": f"{at}:02Z", "error_code": "",
    } | more  # fmt: skip


BROKEN = [row(minute, "success" if minute < 5 or minute > 9 else "failed") for minute in range(15)]


@pytest.fixture
def backtest(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command over rows on standard input: texts as they are, others as JSON."""

    def answer(rows: list[Any], *options: str) -> tuple[Ended, list[dict[str, Any]]]:
        texts = [one if isinstance(one, str) else json.dumps(one) for one in rows]
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n".join(texts).encode())))
        ended = run("backtest", *options, "-")
        return ended, [json.loads(line) for line in ended.out.splitlines()]

    return answer


def edges(answer: tuple[Ended, list[dict[str, Any]]]) -> list[tuple[str, str, str, int]]:
    ended, lines = answer
    assert ended.code == 0, ended.error
    return [(one["flow_id"], one["at"], one["edge"], one["runs_since_change"]) for one in lines]


def test_each_edge_is_a_line(backtest) -> None:
    ended, lines = backtest(BROKEN, "--kind", "in-a-row", "--count", "3")
    assert lines == [
        {
            "flow_id": "12", "at": "2026-09-07T10:07:02Z", "edge": "firing", "runs_since_change": 3,
            "began_at": "2026-09-07T10:05:02Z", "numbers": {"failed_in_a_row": 3, "needed": 3},
        },
        {
            "flow_id": "12", "at": "2026-09-07T10:10:02Z", "edge": "recovered", "runs_since_change": 1,
            "began_at": None, "numbers": {"failed_in_a_row": 0, "needed": 3},
        },
    ]  # fmt: skip
    assert (ended.code, ended.err) == (0, "")


def test_flows_and_rows_may_be_mixed_and_edges_come_in_the_order_of_time(backtest) -> None:
    other = [row(minute, "failed", "7") for minute in range(6)]
    mixed = [*reversed(BROKEN), *other]
    assert edges(backtest(mixed, "--kind", "in-a-row")) == [
        ("7", "2026-09-07T10:02:02Z", "firing", 3),
        ("12", "2026-09-07T10:07:02Z", "firing", 3),
        ("12", "2026-09-07T10:10:02Z", "recovered", 1),
    ]


def test_the_success_rate_has_its_options(backtest) -> None:
    options = ("--threshold", "80", "--window-hours", "1", "--min-runs", "6", "--last-good", "4")
    assert edges(backtest(BROKEN, "--kind", "success-rate", *options)) == [
        ("12", "2026-09-07T10:06:02Z", "firing", 2),
        ("12", "2026-09-07T10:13:02Z", "recovered", 4),
    ]


def test_a_flow_that_falls_silent_while_another_goes_on_is_found(backtest) -> None:
    silent = [row(0, flow="7"), *(row(minute) for minute in range(0, 120, 10))]
    found = edges(backtest(silent, "--kind", "missed-run", "--every", "30", "--grace", "15"))
    assert [one[:3] for one in found] == [("7", "2026-09-07T10:45:00Z", "firing")]


def test_failing_now_is_found_by_run_length(backtest) -> None:
    rows = [row(minute, "failed" if minute > 99 else "success") for minute in range(110)]
    assert [one[1:] for one in edges(backtest(rows, "--kind", "failing-now", "--run-length", "15000"))] == [
        ("2026-09-07T11:42:02Z", "firing", 3)
    ]


def test_times_may_have_any_offset_and_fractions(backtest) -> None:
    rows = [
        row(0, "failed", started_time="2026-09-07T15:30:00.250+05:30", completed_time="2026-09-07T15:30:01.5+05:30"),
        row(1, "failed", completed_time="2026-09-07T03:01:00-07:00"),
        row(2, "failed"),
    ]
    assert edges(backtest(rows, "--kind", "in-a-row"))[0][1] == "2026-09-07T10:02:02Z"


def test_what_still_runs_is_left_out_and_a_missing_end_is_the_beginning(backtest) -> None:
    rows = [row(0, "failed"), row(1, "running", completed_time=None), row(2, "failed", completed_time=None)]
    found = edges(backtest(rows, "--kind", "in-a-row", "--count", "2"))
    assert found == [("12", "2026-09-07T10:02:00Z", "firing", 2)]


def test_a_run_of_two_overlapping_exports_counts_once(backtest) -> None:
    assert edges(backtest([row(0, "failed"), row(0, "failed"), row(1, "failed")], "--kind", "in-a-row")) == []


def test_a_wait_and_an_end_can_be_given(backtest) -> None:
    found = edges(backtest(BROKEN, "--kind", "in-a-row", "--count", "1", "--for", "3.5"))
    assert [one[1:3] for one in found] == [("2026-09-07T10:08:32Z", "firing"), ("2026-09-07T10:10:02Z", "recovered")]
    assert edges(backtest(BROKEN, "--kind", "in-a-row", "--until", "2026-09-07T10:07:01Z")) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: not JSON"),
        ("[1]", "line 2: must be an object with flow_id, status, started_time and completed_time"),
        ('{"status": "failed"}', "line 2: flow_id is missing"),
        ('{"flow_id": "1", "status": 5}', "line 2: status must be text"),
        ('{"flow_id": "1", "status": "failed"}', "line 2: neither started_time nor completed_time says when it ran"),
        (
            '{"flow_id": "1", "status": "failed", "started_time": "yesterday"}',
            "line 2: started_time 'yesterday' is no time that can be read",
        ),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_nothing_is_printed(backtest, line: str, said: str) -> None:
    ended, lines = backtest([row(0, "failed"), line, row(1, "failed")], "--kind", "in-a-row", "--count", "1")
    assert lines == []
    assert (ended.code, ended.error) == (2, said)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--kind", "in-a-row", "--count", "0"), "--count must be a whole number from 1 to 10,000"),
        (("--kind", "success-rate", "--threshold", "120"), "--threshold must be a number from 0 to 100"),
        (("--kind", "success-rate", "--threshold", "nan"), "--threshold must be a number from 0 to 100"),
        (("--kind", "in-a-row", "--threshold", "95"), "--threshold is no option of in-a-row"),
        (("--kind", "missed-run", "--zone", "Mars"), "--zone 'Mars' is no time zone such as Europe/Berlin"),
        (("--kind", "in-a-row", "--for", "-1"), "--for must be a number of minutes from 0 to 10,080"),
        (("--kind", "in-a-row", "--until", "soon"), "--until 'soon' is no time such as 2026-11-22T10:00:00Z"),
    ],
)
def test_options_that_cannot_be_meant_are_refused_in_one_line(backtest, options: tuple[str, ...], said: str) -> None:
    ended, lines = backtest(BROKEN, *options)
    assert (ended.code, lines) == (2, [])
    assert ended.error == said


def test_a_file_that_is_not_there_is_named() -> None:
    ended = run("backtest", "--kind", "in-a-row", "/nowhere/runs.ndjson")
    assert (ended.code, ended.error) == (2, "/nowhere/runs.ndjson: No such file or directory")


def test_no_database_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "runs.ndjson"
    file.write_text("\n".join(json.dumps(one) for one in BROKEN))
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | {"DEBUG": "1"}
    environment["DATABASE_URL"] = "postgres://nobody@127.0.0.1:1/none"
    command = [sys.executable, "manage.py", "backtest", "--kind", "in-a-row", str(file)]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert [json.loads(line)["edge"] for line in ended.stdout.splitlines()] == ["firing", "recovered"]


def test_of_no_rows_nothing_is_printed(backtest) -> None:
    assert edges(backtest(["", "  "], "--kind", "in-a-row")) == []


def test_a_run_that_goes_on_and_one_that_went_on_too_long_are_stuck(backtest) -> None:
    rows = [
        row(0, completed_time="2026-09-07T10:30:00Z"),
        row(40, "running", completed_time=None),
        row(41, "running", completed_time=None),
        row(41, completed_time="2026-09-07T10:42:00Z"),
        row(120, flow="13"),
    ]
    assert edges(backtest(rows, "--kind", "stuck-run", "--after-minutes", "20")) == [
        ("12", "2026-09-07T10:20:00Z", "firing", 0),
        ("12", "2026-09-07T10:30:00Z", "recovered", 0),
        ("12", "2026-09-07T11:00:00Z", "firing", 1),
    ]


def test_a_file_of_which_every_run_goes_on_has_no_edge_before_its_end(backtest) -> None:
    rows = [row(0, "running", completed_time=None)]
    assert edges(backtest(rows, "--kind", "stuck-run")) == []
    assert edges(backtest(rows, "--kind", "stuck-run", "--until", "2026-09-07T12:00:00Z")) == [
        ("12", "2026-09-07T10:10:00Z", "firing", 0)
    ]


class TestLeaveOut:
    def test_runs_that_began_in_the_hours_of_a_period_are_in_no_rate(self, backtest) -> None:
        assert edges(backtest(BROKEN, "--kind", "in-a-row", "--count", "3"))
        marked = "2026-09-07T10:05:00Z/2026-09-07T10:10:00Z"
        assert edges(backtest(BROKEN, "--kind", "in-a-row", "--count", "3", "--leave-out", marked)) == []
        before = "2026-09-07T08:00:00Z/2026-09-07T10:00:00Z"
        assert edges(backtest(BROKEN, "--kind", "in-a-row", "--count", "3", "--leave-out", before))

    @pytest.mark.parametrize("wrong", ["", "2026-09-07", "2026-09-07T10:00Z/yesterday", "2026-09-08/2026-09-07"])
    def test_a_period_that_is_none_is_refused_in_a_line(self, backtest, wrong: str) -> None:
        ended, lines = backtest(BROKEN, "--kind", "in-a-row", "--leave-out", wrong)
        assert (ended.code, lines) == (2, [])
        assert "is no period such as" in ended.error
