"""Runs chosen tests in forks of a process that has loaded libraries but nothing of ours.

What runs at import (constants, defaults, fields) is mutated before it is loaded; so each fork imports and collects for
itself. Orders and events are those of `mutants.forked`.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any

import pytest

from mutants import forked
from mutants.forked import ORDERS, emit, fork

LIBRARIES = (
    "django.contrib.admin",
    "django.contrib.postgres",
    "django.core.management",
    "django.db.models",
    "django.forms",
    "django.template",
    "django.test",
    "django.views.generic",
    "httpx",
    "respx",
    "time_machine",
    "hypothesis.strategies",
    "cryptography.fernet",
    "_pytest.terminal",
    "xdist.plugin",
    "pytest_django.plugin",
)


def main() -> None:
    for name in LIBRARIES:
        try:
            import_module(name)
        except Exception as reason:  # noqa: BLE001 - loading early only saves time
            print(f"not loaded early: {name}: {reason}", file=sys.stderr)
    emit(event="ready", tests=0)
    with os.fdopen(int(os.environ[ORDERS])) as orders:
        for line in orders:
            order = json.loads(line)
            fork(lambda order=order: _obey(order))  # type: ignore[misc]


def _obey(order: dict[str, Any]) -> None:
    forked.only_order = order
    files = sorted({name.partition("::")[0] for name in order["tests"]})
    # Plugins among the libraries are loaded already; that their asserts stay as they are is no fault.
    code = pytest.main(["-W", "ignore::pytest.PytestAssertRewriteWarning", *order["arguments"], *files])
    emit(event="collected", code=int(code))


if __name__ == "__main__":
    main()
