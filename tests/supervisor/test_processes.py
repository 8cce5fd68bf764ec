"""Children are started with what they are given, and nothing else of it is guessed."""

from __future__ import annotations

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
