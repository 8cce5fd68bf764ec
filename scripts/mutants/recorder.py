"""Writes how long each test takes and whether it passes (a pytest plugin for the run that records coverage)."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

TARGET = "MUTANTS_RECORD"
_seconds: dict[str, float] = defaultdict(float)
_outcomes: dict[str, str] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid] += report.duration
    if report.failed or (report.skipped and _outcomes.get(report.nodeid) != "failed"):
        _outcomes[report.nodeid] = report.outcome
    else:
        _outcomes.setdefault(report.nodeid, "passed")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        record = {name: [round(seconds, 4), _outcomes[name]] for name, seconds in _seconds.items()}
        Path(os.environ[TARGET]).write_text(json.dumps(record))
