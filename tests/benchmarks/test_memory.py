"""What the web server and the worker hold in memory together, beside a bare Django with django-q2.

Run by `make bench-memory`. PSS of every process, from /proc: what several share is counted once.
"""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.realprocess import Stage, wait_for

pytestmark = pytest.mark.bench
WANTED_MIB = 240
PAGES = ("/accounts/login/", "/healthz/ready", "/nowhere/")
TIMES = 50  # that each page is asked for: what a server imports late and keeps is there by then
BARE = """
SECRET_KEY, DEBUG, USE_TZ, ROOT_URLCONF, ALLOWED_HOSTS = "bare", True, True, "bare", ["*"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django_q"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "bare.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
Q_CLUSTER = {"name": "bare", "orm": "default", "workers": 2, "timeout": 60, "retry": 150}
urlpatterns = []
"""


def below(pid: int) -> Iterator[int]:
    """A process and all that it has started."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in children.read_text().split():
                yield from below(int(child))


def pss(pid: int) -> float:
    """The proportional share of memory of a process, MiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def held(child: subprocess.Popen[bytes]) -> list[float]:
    return [pss(pid) for pid in below(child.pid)]


def ask(port: int, paths: tuple[str, ...] = PAGES, times: int = TIMES) -> bool:
    with suppress(OSError):
        for path in paths * times:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", path)
            connection.getresponse().read()
            connection.close()
        return True
    return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """A Django without an application, its development server and a queue of as many workers."""
    (tmp_path / "bare.py").write_text(BARE)
    django = [sys.executable, "-m", "django"]
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path), "DJANGO_SETTINGS_MODULE": "bare"}
    subprocess.run([*django, "migrate", "--verbosity=0"], cwd=tmp_path, env=environ, check=True, timeout=120)
    port = free_port()
    commands = {"web": ["runserver", "--noreload", str(port)], "worker": ["qcluster"]}
    started = {}
    with (tmp_path / "bare.log").open("ab") as log:
        for name, command in commands.items():
            started[name] = subprocess.Popen(
                [*django, *command], cwd=tmp_path, env=environ, stdout=log, stderr=log, start_new_session=True
            )
    wait_for("the bare server", lambda: ask(port, ("/",), 1), timeout=60)
    yield started
    for child in started.values():
        pids = list(below(child.pid))
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=20)
        subprocess.run(["kill", "-9", *map(str, pids)], capture_output=True, check=False)
        child.wait(timeout=20)


def test_memory_of_web_and_worker_beside_a_bare_django(
    tmp_path: Path, bare: dict[str, subprocess.Popen[bytes]]
) -> None:
    stage = Stage(tmp_path, f"sqlite:///{tmp_path}/memory.sqlite3")
    stage.migrate()
    port = free_port()
    ours = {"web": stage.start("web", "--port", str(port)), "worker": stage.start("worker")}
    try:
        wait_for("the server", lambda: ask(port, times=1), timeout=60)
        # Supervisor, leader, sentinel, two workers, monitor, pusher.
        wait_for("the queue", lambda: len(list(below(ours["worker"].pid))) >= 7, timeout=60)
        assert ask(port)
        wait_for("a round of the periodic jobs", lambda: stage.run("status").returncode == 0, timeout=60)
        found = {name: held(child) for name, child in ours.items()}
    finally:
        stage.close()
    rival = {name: held(child) for name, child in bare.items()}
    print()
    for whose, sizes in (("ours", found), ("bare Django and django-q2", rival)):
        parts = ", ".join(f"{name} {' + '.join(f'{size:.0f}' for size in those)}" for name, those in sizes.items())
        print(f"{whose}: {sum(map(sum, sizes.values())):.0f} MiB ({parts})")
    print(f"wanted: {WANTED_MIB} MiB")
    assert sum(map(sum, found.values())) < WANTED_MIB
