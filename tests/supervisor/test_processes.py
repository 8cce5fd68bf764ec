"""Children are started with what they are given, and nothing else of it is guessed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from monitor.supervisor import processes


def environment_of(tmp_path: Path, **given: object) -> list[str]:
    """What a child that is started so finds in its environment."""
    with (tmp_path / "seen").open("wb") as seen:
        child = processes.spawn(["/usr/bin/env"], log=seen, **given)  # type: ignore[arg-type]
        child.wait(10)
    return (tmp_path / "seen").read_text().splitlines()


def test_a_child_gets_the_environment_that_it_is_given_and_nothing_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "1")
    assert environment_of(tmp_path, environ={"THEIRS": "2"}) == ["THEIRS=2"]


def test_a_child_that_is_given_no_environment_has_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "1")
    assert "OURS=1" in environment_of(tmp_path)


def test_a_child_may_be_given_an_empty_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "1")
    assert environment_of(tmp_path, environ={}) == []


def test_a_copy_of_us_works_in_a_session_of_its_own_with_what_is_added_to_its_environment(tmp_path: Path) -> None:
    seen = tmp_path / "seen"

    def tell() -> None:
        handlers = {signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        seen.write_text(f"{os.getsid(0) == os.getpid()} {os.environ['MORE']} {handlers == {signal.SIG_DFL}}")

    child = processes.fork(tell, environ={"MORE": "of it"})
    assert child.returncode is None
    assert child.wait() == child.returncode == 0
    assert seen.read_text() == "True of it True"
    assert "MORE" not in os.environ
    assert not processes.alive(child.pid)


def test_a_copy_of_us_that_fails_or_is_ended_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise RuntimeError("out of order")

    failed, asleep = processes.fork(fail, environ={}), processes.fork(lambda: time.sleep(60), environ={})
    assert failed.wait() == 1
    assert "out of order" in capfd.readouterr().err
    assert not processes.ended(asleep)
    processes.ask_to_end(asleep)
    assert processes.wait_for_end(asleep, grace=10)
    assert asleep.returncode == -signal.SIGTERM
