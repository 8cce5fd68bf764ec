"""Starts a PostgreSQL server on loopback for as long as the tests last. Standard library only."""

from __future__ import annotations

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/pgsql/bin",
)
_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "100",
    # The data is thrown away: nothing need survive a crash.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "1h",
    "max_wal_size": "4GB",
    # A test's tables are small and soon empty again: to tend them and to compile queries costs more than it saves.
    "autovacuum": "off",
    "jit": "off",
    "shared_buffers": "128MB",
}
# What a test's tables take up is soon dead rows only, which makes them look large: several processes for one query
# would cost more than the query. A benchmark measures a server that has them.
FOR_SMALL_TABLES = {"max_parallel_workers_per_gather": "0"}
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class UnavailableError(Exception):
    """Says that no server can be started here; the text says why."""


@dataclass
class Server:
    """Is a running server. `url` is a DATABASE_URL of its superuser."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Ends it and deletes its files, also after a failure."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # PostgreSQL's "fast shutdown"
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait(timeout=10)
        shutil.rmtree(self.folder, ignore_errors=True)


def programs() -> Path:
    """Returns the folder of the newest `initdb` and `postgres`.

    Raises:
        UnavailableError: none is installed.
    """
    found = [path for place in _PLACES for path in Path("/").glob(place[1:]) if (path / "initdb").is_file()]
    on_path = shutil.which("initdb")
    if found:
        return max(found, key=lambda path: [int(part) for part in path.parts[-2].split("-") if part.isdigit()])
    if on_path:
        return Path(on_path).resolve().parent
    raise UnavailableError(
        "no initdb is installed (Debian: apt-get install postgresql), and TEST_DATABASE_URL is not set"
    )


def start(more: Mapping[str, str]) -> Server:
    """Makes and starts a server.

    Args:
        more: settings of it besides those of every throw-away server.

    Raises:
        UnavailableError: no programs, or no user to run them as.
    """
    folder_of_programs = programs()
    user = _user()
    folder = Path(tempfile.mkdtemp(prefix="monitor-postgres-"))
    try:
        return _start(folder_of_programs, folder, user, more)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _user() -> pwd.struct_passwd | None:
    """Whom to run it as; None = ourselves. initdb refuses root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise UnavailableError("initdb refuses root, and there is no user `postgres` to run it as") from None


def _start(programs: Path, folder: Path, user: pwd.struct_passwd | None, more: Mapping[str, str]) -> Server:
    password = secrets.token_hex(16)
    password_file = folder / "password"
    password_file.write_text(password)
    if user is not None:
        for path in (folder, password_file):
            os.chown(path, user.pw_uid, user.pw_gid)
    initdb = [programs / "initdb", "-D", folder / "data", "-U", "monitor", "-E", "UTF8", "--locale=C", "--no-sync"]
    made = subprocess.run(
        [*initdb, "--auth=scram-sha-256", f"--pwfile={password_file}"],
        capture_output=True,
        text=True,
        check=False,
        **_as(user, folder),
    )
    if made.returncode:
        raise UnavailableError(f"initdb failed: {(made.stderr.strip().splitlines() or ['no reason given'])[-1]}")
    for _ in range(3):  # another process may take the port between our look and the start
        port = _free_port()
        process = _serve(programs, folder, user, {**_OPTIONS, **more, "port": str(port)})
        if _answers(process, port):
            return Server(f"postgres://monitor:{password}@127.0.0.1:{port}/postgres", folder, process)
    raise UnavailableError(f"the server did not start: {(folder / 'log').read_text(errors='replace')[-300:].strip()}")


def _serve(
    programs: Path, folder: Path, user: pwd.struct_passwd | None, options: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    options = {**options, "unix_socket_directories": str(folder)}
    parent = os.getpid()

    def end_with_parent() -> None:
        if _libc is not None:
            _libc.prctl(1, signal.SIGINT)  # PR_SET_PDEATHSIG: should we be killed, it shuts down too
            if os.getppid() != parent:
                os._exit(1)

    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", *(f"--{name}={value}" for name, value in options.items())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Ctrl-C is ours to hear: the server ends after the tests, not before them.
            start_new_session=True,
            preexec_fn=end_with_parent,
            **_as(user, folder),
        )


def _as(user: pwd.struct_passwd | None, folder: Path) -> dict[str, Any]:
    if user is None:
        return {"cwd": folder}
    return {"cwd": folder, "user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
        except OSError:
            time.sleep(0.05)
    if process.poll() is None:
        process.kill()
        process.wait()
    return False
