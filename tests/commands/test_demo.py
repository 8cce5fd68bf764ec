from __future__ import annotations

import http.cookiejar
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.models import Role, User
from monitor.supervisor import processes
from standin.demo import people, settings
from tests.bystander import own
from tests.realprocess import ROOT, wait_for


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "FOLDER", tmp_path / "demo")
    monkeypatch.setattr(settings, "SECRETS", tmp_path / "demo" / "secrets.json")
    for name in list(os.environ):
        monkeypatch.setenv(name, os.environ[name])  # so that what `prepare` sets is taken back
    for name in ("DEMO", "PUBLIC_URL", "EMAIL_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "DEBUG", settings.MARKER):
        monkeypatch.setenv(name, "the caller's")
    for name in ("ALLOWED_HOSTS", "DEFAULT_FROM_EMAIL", "TRUST_PROXY", "LOG_LEVEL", "DATABASE_URL"):
        monkeypatch.setenv(name, "the caller's")
    return tmp_path / "demo"


def test_the_demo_sees_none_of_the_callers_settings(folder: Path):
    settings.prepare(["--port", "8123"])
    assert [name for name, value in os.environ.items() if value == "the caller's"] == []
    assert os.environ["PUBLIC_URL"] == "http://127.0.0.1:8123"
    assert os.environ["DATABASE_URL"] == f"sqlite:///{folder}/monitor.sqlite3"
    assert os.environ["EMAIL_URL"] == "mailbox:"


def test_the_demos_secrets_are_made_once_and_readable_by_their_owner_only(folder: Path):
    first = settings.load()
    assert settings.load() == first
    assert (folder / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len(set(first.values())) == len(first)


def test_a_damaged_file_of_secrets_is_one_clear_line(folder: Path):
    settings.load()
    (folder / "secrets.json").write_text("{")
    with pytest.raises(SystemExit, match="make demo-reset"):
        settings.load()


@pytest.mark.parametrize("option", ["--reset", "--help"])
def test_reset_and_help_make_no_secrets(folder: Path, option: str):
    settings.prepare([option])
    assert not folder.exists()


def test_passwords_are_random_and_long():
    passwords = {people.new_password() for _ in range(100)}
    assert len(passwords) == 100
    assert all(re.fullmatch(r"(\w{4}-){3}\w{4}", password) for password in passwords)


@pytest.mark.django_db
def test_each_start_gives_all_three_people_a_new_password_and_keeps_what_they_changed():
    people.welcome("first-password-1")
    User.objects.filter(username="viewer").update(timezone="Europe/Berlin", is_active=False)
    people.welcome("second-password-2")
    found = {user.username: user for user in own(User)}
    assert {name: user.role for name, user in found.items()} == {
        "admin": Role.ADMIN,
        "operator": Role.OPERATOR,
        "viewer": Role.VIEWER,
    }
    assert all(user.check_password("second-password-2") for user in found.values())
    assert all(user.email.endswith("@example.com") for user in found.values())
    assert found["viewer"].timezone == "Europe/Berlin"
    assert found["viewer"].is_active


once = pytest.mark.one_database  # the demo brings its own SQLite database


class Demo:
    """A demo in a copy of the tree, so that it does not touch the data of a person's own."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.port, self.standin_port = free_port(), free_port()
        self.child: subprocess.Popen[bytes] | None = None
        self._log = tree.parent / "demo.log"

    @property
    def output(self) -> str:
        """What the last start has printed so far."""
        return self._log.read_text()

    def command(self, *arguments: str) -> list[str]:
        ports = ("--port", str(self.port), "--standin-port", str(self.standin_port))
        return [sys.executable, "manage.py", "demo", *ports, *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), cwd=self.tree, capture_output=True, text=True, check=False, timeout=90
        )

    def start(self) -> float:
        """Starts it; returns how many seconds it took until it greeted."""
        began = time.monotonic()
        with self._log.open("wb") as log:
            self.child = subprocess.Popen(self.command(), cwd=self.tree, stdout=log, stderr=subprocess.STDOUT)
        wait_for("the greeting", lambda: "Ctrl-C" in self.output or self.child.poll() is not None, timeout=90)
        assert self.child.poll() is None, self.output
        return time.monotonic() - began

    def end(self, number: int = signal.SIGINT) -> int:
        assert self.child
        if self.child.poll() is None:
            self.child.send_signal(number)
        return self.child.wait(timeout=40)

    @property
    def password(self) -> str:
        return re.findall(r"Password\s+(\S+)", self.output)[-1]

    def processes(self) -> dict[int, str]:
        """Every process of this demo, found by the tree it runs in."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(entry / "cwd") == str(self.tree) and processes.alive(int(entry.name)):
                    found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
        return found

    def sign_in(self, username: str) -> str:
        """The page that a person sees after signing in."""
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )
        url = f"http://127.0.0.1:{self.port}/accounts/login/"
        page = opener.open(url, timeout=20).read().decode()
        token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[0]
        form = {"csrfmiddlewaretoken": token, "login": username, "password": self.password}
        with opener.open(url, urllib.parse.urlencode(form).encode(), timeout=20) as answer:
            assert answer.url == f"http://127.0.0.1:{self.port}/", answer.url
            return answer.read().decode()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    tree = tmp_path / "tree"
    for part in ("dashboard", "monitor", "standin", "templates", "static"):
        shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", tree)
    demo = Demo(tree.resolve())
    yield demo
    if demo.child is not None and demo.child.poll() is None:
        demo.end(signal.SIGTERM)
    for pid in demo.processes():
        os.kill(pid, signal.SIGKILL)


@once
@pytest.mark.story
def test_the_demo_starts_shows_pages_and_ends_with_no_process_left(demo: Demo):
    print(f"first start: {demo.start():.1f} s")
    running = " ".join(demo.processes().values())
    assert all(word in running for word in ("standin", "dashboard.server", "worker"))
    for username in people.PEOPLE:
        assert "Demo company" in demo.sign_in(username)
    began = time.monotonic()
    assert demo.end() == 0
    print(f"ended after {time.monotonic() - began:.1f} s")
    assert demo.processes() == {}

    first = demo.password
    print(f"second start: {demo.start():.1f} s")
    assert demo.password != first
    assert "connecting" not in demo.output
    assert demo.end(signal.SIGTERM) == 0
    assert demo.processes() == {}


@once
@pytest.mark.story
@pytest.mark.parametrize("victim", ["standin", "dashboard.server.keeper", "manage.py worker"])
def test_a_dead_child_is_named_and_the_others_are_ended(demo: Demo, victim: str):
    demo.start()
    pids = sorted(pid for pid, line in demo.processes().items() if victim in line and "manage.py demo" not in line)
    os.kill(pids[0], signal.SIGKILL)
    assert demo.child
    assert demo.child.wait(timeout=40) == 1
    name = {"dashboard.server.keeper": "web", "manage.py worker": "worker"}.get(victim, victim)
    assert f"{name} ended" in demo.output
    assert demo.processes() == {}


@once
@pytest.mark.story
def test_a_killed_demo_takes_its_children_along(demo: Demo):
    demo.start()
    assert demo.child
    demo.child.kill()
    demo.child.wait()
    wait_for("the children to end", lambda: not demo.processes(), timeout=30)


@once
@pytest.mark.story
def test_a_running_demo_cannot_be_reset_and_an_ended_one_can(demo: Demo):
    demo.start()
    refused = demo.run("--reset")
    assert (refused.returncode, "is running" in refused.stderr) == (1, True)
    assert (demo.tree / "var/demo/monitor.sqlite3").exists()
    demo.end()
    assert demo.run("--reset").returncode == 0
    assert not (demo.tree / "var/demo").exists()


@once
@pytest.mark.parametrize("option", ["--port", "--standin-port"])
def test_a_port_in_use_is_one_line_before_anything_starts(demo: Demo, option: str):
    port = demo.port if option == "--port" else demo.standin_port
    with socket.create_server(("127.0.0.1", port)):
        done = demo.run()
    assert done.returncode == 1
    assert f"port {port} on 127.0.0.1 is in use; choose another with {option}" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (demo.tree / "var/demo/monitor.sqlite3").exists()
