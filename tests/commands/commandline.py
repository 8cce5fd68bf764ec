"""Our commands in this process: what they printed, and how they ended."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from standin.build import App, Credentials, make_app, make_world, serving

KNOWN = Credentials()
SECRETS = (KNOWN.client_secret, KNOWN.refresh_token, "wrong-secret", "1000.wrong.refresh")


@dataclass
class Ended:
    """A command that has run; `error` is its one line, "" if it succeeded."""

    out: str
    err: str
    error: str = ""
    code: int = 0


def run(name: str, *arguments: str, **options: Any) -> Ended:
    """Runs a command; whatever it prints, no secret is in it and an error is one line."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(name, *arguments, stdout=out, stderr=err, **options)
        ended = Ended(out.getvalue(), err.getvalue())
    except CommandError as error:
        ended = Ended(out.getvalue(), err.getvalue(), str(error), error.returncode)
    except SystemExit as ending:
        ended = Ended(out.getvalue(), err.getvalue(), code=int(ending.code or 0))
    everything = ended.out + ended.err + ended.error
    assert not any(secret in everything for secret in SECRETS)
    assert "Traceback" not in everything
    assert "\n" not in ended.error
    return ended


@contextmanager
def a_zoho(**world: Any) -> Iterator[tuple[App, str]]:
    """A small stand-in on the machine's clock, and its address."""
    app = make_app(make_world(**({"seed": 4, "flows": 3, "rules": 2, "executions": 60, "history_days": 3} | world)))
    with serving(app) as base:
        yield app, base


def connect_arguments(base: str, name: str = "Acme", **more: str) -> list[str]:
    given = {"data-center": "custom", "accounts-url": base, "flow-url": base, "crm-url": base}
    given |= {"client-id": KNOWN.client_id} | {key.replace("_", "-"): value for key, value in more.items()}
    return ["connect", name, *(f"--{key}={value}" for key, value in given.items() if value)]


def know_the_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOHO_CLIENT_SECRET", KNOWN.client_secret)
    monkeypatch.setenv("ZOHO_REFRESH_TOKEN", KNOWN.refresh_token)
