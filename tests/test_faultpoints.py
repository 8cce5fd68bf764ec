"""The places where a process can be let die: each name is in use, and only the one asked for ends it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.faultpoints import EXIT_CODE, POINTS, VARIABLE, faultpoint

SOURCES = Path(__file__).parent.parent / "monitor"


def test_the_names_in_the_code_are_the_names_in_the_list() -> None:
    texts = (path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py"))
    used = [name for text in texts for name in re.findall(r'faultpoint\("([a-z-]+)"\)', text)]

    assert set(used) == POINTS


@pytest.mark.parametrize(
    ("wish", "reached"), [("", 3), ("lease-taken", 0), ("lease-taken:3", 2), ("page-committed", 3)]
)
def test_a_process_dies_at_the_passing_that_was_asked_for(wish: str, reached: int) -> None:
    program = (
        "from monitor.faultpoints import faultpoint\n"
        "for turn in range(3):\n"
        "    faultpoint('lease-taken')\n"
        "    print(turn, flush=True)\n"
    )
    environment = os.environ | {VARIABLE: wish}

    run = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=SOURCES.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert len(run.stdout.split()) == reached
    assert run.returncode == (0 if reached == 3 else EXIT_CODE)


def test_a_point_does_nothing_where_no_variable_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    died: list[int] = []
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(os, "_exit", died.append)

    faultpoint("lease-taken")

    assert died == []
