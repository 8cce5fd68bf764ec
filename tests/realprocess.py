"""Real processes on a throw-away database: what the stories and the kill tests stand on."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from cryptography.fernet import Fernet
from django.db import connections

from dashboard import environment

ROOT = Path(__file__).resolve().parent.parent
MARKER = "MONITOR_TEST_RUN"
SQLITE = "sqlite:///"
ALIAS = "real"
T = TypeVar("T")


def wait_for(what: str, ask: Callable[[], T], *, timeout: float, pace: float = 0.1) -> T:
    """The first true answer of `ask`; fails naming `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(pace)
    raise AssertionError(f"waited {timeout:.0f} s in vain for {what}")


@contextmanager
def throw_away_database(folder: Path) -> Iterator[str]:
    """The address of an empty database of the kind that DATABASE_URL names: an SQLite file, or one on that server."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield f"sqlite:///{folder / 'real.sqlite3'}"
        return
    import psycopg

    parts = urlsplit(url)
    name = f"real_{secrets.token_hex(6)}"
    with psycopg.connect(urlunsplit(parts._replace(scheme="postgresql")), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def second_connection(url: str) -> Iterator[str]:
    """Lets the test look into another database; gives the alias for `.using()`."""
    before = os.environ.get("DATABASE_URL")
    os.environ["DATABASE_URL"] = url
    try:
        config = environment.database(ROOT)
    finally:
        if before is None:
            del os.environ["DATABASE_URL"]
        else:
            os.environ["DATABASE_URL"] = before
    connections.settings[ALIAS] = connections.configure_settings({"default": config})["default"]
    try:
        yield ALIAS
    finally:
        connections[ALIAS].close()
        del connections[ALIAS]
        del connections.settings[ALIAS]


class Stage:
    """Runs `manage.py` commands with production-like settings on one database, and leaves no process behind."""

    def __init__(self, folder: Path, url: str, **settings: str) -> None:
        self.folder = folder
        self.marker = secrets.token_hex(8)
        self.environ = {key: value for key, value in os.environ.items() if key not in ("DEBUG", "DEMO")} | {
            "DATABASE_URL": url,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "PUBLIC_URL": "http://127.0.0.1:8000",
            "ALLOW_LOOPBACK": "true",  # there the stand-in listens
            "ALERT_GROUP_WAIT": "0",
            "PYTHONUNBUFFERED": "1",
            MARKER: self.marker,
            **settings,
        }
        self._children: list[subprocess.Popen[bytes]] = []

    def run(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        """A command to its end; its exit code is the caller's to judge."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environ | extra,
            check=False,
            capture_output=True,
            text=True,
            timeout=180,
        )

    def must(self, *arguments: str, **extra: str) -> str:
        """A command that has to succeed; its output."""
        done = self.run(*arguments, **extra)
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def migrate(self) -> None:
        """Makes the tables; an SQLite file is a copy of one that this process has had migrated before."""
        url = self.environ["DATABASE_URL"]
        if url.startswith(SQLITE):
            shutil.copyfile(_migrated(), url.removeprefix(SQLITE))
        else:
            self.must("migrate", "--verbosity=0")

    def start(self, *arguments: str, **extra: str) -> subprocess.Popen[bytes]:
        """A command in the background, its output in a file named after it."""
        with self.log(arguments[0]).open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                env=self.environ | extra,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children.append(child)
        return child

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def left(self) -> list[int]:
        """Processes of this stage that still run, found by the mark in their environment."""
        from monitor.supervisor import processes

        return processes.marked(MARKER, self.marker)

    def close(self) -> None:
        for child in self._children:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for child in self._children:
            try:
                child.wait(timeout=25)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for pid in self.left():
            os.kill(pid, signal.SIGKILL)


@cache
def _migrated() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="monitor-migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / "migrated.sqlite3"
    Stage(folder, f"{SQLITE}{file}").must("migrate", "--verbosity=0")
    return file


def rows(model: Any, **filters: Any) -> Any:
    """A model's rows in the second database."""
    return model.objects.using(ALIAS).filter(**filters)
