"""Runs the suite on SQLite, and on PostgreSQL where there is one. Standard library only.

PostgreSQL is the server of TEST_DATABASE_URL; else a throw-away one is started from the installed programs and
taken away afterwards; where there are none, the last line says that PostgreSQL was not tested.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import throwaway_postgres

ROOT = Path(__file__).resolve().parent.parent
NOT_OURS = (
    "DATABASE_URL",
    "TEST_DATABASE_URL",
    "EMAIL_URL",
    "PUBLIC_URL",
    "ALLOWED_HOSTS",
    "DEMO",
    "TRUST_PROXY",
    "ALLOW_LOOPBACK",
    "TRUSTED_PROXIES",
    "SECOND_DATABASE",
    "SHARE",
)
# Where the suite runs on two databases, what no database decides runs with the first (tests/databases.py). These
# folders hold nothing else: not to collect them saves seconds.
FIRST, AGAIN = {"SHARE": "first"}, {"SECOND_DATABASE": "1", "SHARE": "second"}
WITHOUT_DATABASE = (
    "tests/zoho",
    "tests/standin",
    "tests/scripts",
    "tests/test_privacy.py",
    "tests/test_privacy_cost.py",
    "tests/test_voice.py",
    "tests/test_sources.py",
)


@dataclass(frozen=True)
class Run:
    """Describes a run of the suite on one database."""

    database: str
    code: int
    seconds: float
    work: float  # seconds of all processors, the server's too

    def line(self) -> str:
        verdict = "passed" if self.code == 0 else f"FAILED (pytest ended with {self.code})"
        return f"{self.database:<12} {verdict} in {self.seconds:.0f} s, {self.work:.0f} s of work"


def work() -> float:
    """Processor seconds of all programs that were started from here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def suite(database: str, url: str, arguments: list[str], more: Mapping[str, str]) -> Run:
    """Runs pytest on one database.

    Args:
        database: what it is called in the summary.
        url: its DATABASE_URL; "" = SQLite in memory.
        arguments: pytest's.
        more: further settings of the environment.
    """
    print(f"\n=== {database} ===", flush=True)
    began, before = time.monotonic(), work()
    code = subprocess.call(**command(url, arguments, more))
    return Run(database, code, time.monotonic() - began, work() - before)


def at_once(url: str, first: list[str], second: list[str]) -> list[Run]:
    """Runs pytest on SQLite and on a PostgreSQL server at once; what the latter prints comes when both have ended.

    Args:
        url: of the server.
        first: pytest's arguments on SQLite.
        second: those on PostgreSQL.
    """
    print("\n=== SQLite, and PostgreSQL beside it ===", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryFile() as said:
        running = [
            subprocess.Popen(**command("", first, FIRST)),
            subprocess.Popen(**command(url, second, AGAIN), stdout=said, stderr=subprocess.STDOUT),
        ]
        try:
            runs = []
            for database, child in zip(("SQLite", "PostgreSQL"), running, strict=True):
                before = work()
                code = child.wait()
                runs.append(Run(database, code, time.monotonic() - began, work() - before))
        finally:
            for child in running:
                child.kill()
        said.seek(0)
        print(f"\n=== PostgreSQL ===\n{said.read().decode(errors='replace')}", flush=True)
    return runs


def command(url: str, arguments: list[str], more: Mapping[str, str]) -> dict[str, Any]:
    """Returns how pytest is started on one database; the arguments as above."""
    environ = {key: value for key, value in os.environ.items() if key not in NOT_OURS} | {"DEBUG": "1", **more}
    # Compiled tests are kept: to compile them anew costs each process longer than to collect them.
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # The tests' own databases are made by Django; this file is never opened.
    environ["DATABASE_URL"] = url or "sqlite:///var/never-used.sqlite3"
    return {"args": [sys.executable, "-m", "pytest", *arguments], "cwd": ROOT, "env": environ}


@contextmanager
def postgres(more: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Gives the address of a PostgreSQL server with some settings, or "" and the reason why there is none."""
    given = os.environ.get("TEST_DATABASE_URL", "").strip()
    if given:
        yield given, ""
        return
    try:
        server = throwaway_postgres.start(more)
    except throwaway_postgres.UnavailableError as reason:
        yield "", str(reason)
        return
    try:
        yield server.url, ""
    finally:
        server.stop()


def _terminated(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mark", default="", help="only tests with this mark: deep, kills, story, browser, bench")
    parser.add_argument("--workers", default="2", help="how many processes pytest uses; 0 = no extra ones")
    parser.add_argument("--database", choices=["both", "sqlite", "postgresql"], default="both")
    parser.add_argument("--at-once", action="store_true", help="both databases at once, for tests that wait a lot")
    parser.add_argument("--require-postgres", action="store_true", help="fail where PostgreSQL was not tested")
    options, rest = parser.parse_known_args()
    signal.signal(signal.SIGTERM, _terminated)

    # A test that hangs says where; what lasts longer by its nature gives another number.
    # Each process begins with its half and takes of the other's when done: what stands around a module is made once.
    arguments = ["-n", options.workers, "--dist", "worksteal", "-o", "faulthandler_timeout=900"]
    arguments += [*(["-m", options.mark] if options.mark else []), *rest]
    runs: list[Run] = []
    missing = ""
    if options.database != "both":
        options.at_once = False
    if options.database != "postgresql" and not options.at_once:
        runs.append(suite("SQLite", "", arguments, FIRST if options.database == "both" else {}))
    if options.database != "sqlite":
        again = AGAIN if runs or options.at_once else {}
        first = list(arguments)
        if again and not any(Path(ROOT, argument.split("::")[0]).exists() for argument in rest):
            arguments += [f"--ignore={folder}" for folder in WITHOUT_DATABASE]
        before = work()
        more = {} if options.mark == "bench" else throwaway_postgres.FOR_SMALL_TABLES
        with postgres(more) as (url, missing):
            if options.at_once:
                runs += at_once(url, first, arguments) if url else [suite("SQLite", "", first, FIRST)]
            found = suite("PostgreSQL", url, arguments, again) if url and not options.at_once else None
        if found is not None:
            runs.append(replace(found, work=work() - before))

    print("\n=== summary ===")
    for run in runs:
        print(run.line())
    failed = not runs or any(run.code for run in runs)
    if missing:
        required = options.require_postgres or options.database == "postgresql"
        failed = failed or required
        print(f"PostgreSQL   WAS NOT TESTED: {missing}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
