from __future__ import annotations

import http.client
import os
import signal
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import CommandError

from monitor.management.ports import require_port
from tests.realprocess import Stage, wait_for

pytestmark = pytest.mark.one_database  # it serves an SQLite file of its own


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_free_port_is_taken_as_such():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    require_port("127.0.0.1", port)
    with socket.create_server(("127.0.0.1", port)) as server:
        assert server.getsockname()[1] == port, "looking at a port does not keep it"


def test_a_port_in_use_is_one_clear_line(taken: int):
    with pytest.raises(CommandError, match=f"port {taken} on 127.0.0.1 is in use; choose another with --standin-port"):
        require_port("127.0.0.1", taken, option="--standin-port")


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_out_of_range_is_refused(port: int):
    with pytest.raises(CommandError, match="not between 1 and 65535"):
        require_port("127.0.0.1", port)


def test_a_host_that_is_not_ours_is_refused():
    with pytest.raises(CommandError, match=r"cannot listen on 192\.0\.2\.1:8000"):
        require_port("192.0.2.1", 8000)


def test_web_on_a_taken_port_ends_with_one_line_and_exit_code_1(taken: int, tmp_path):
    stage = Stage(tmp_path, f"sqlite:///{tmp_path}/web.sqlite3")
    stage.migrate()
    done = stage.run("web", "--port", str(taken))
    assert done.returncode == 1
    assert "is in use" in done.stderr
    assert "Traceback" not in done.stderr


class Served:
    """`manage.py web` on a free port."""

    def __init__(self, stage: Stage) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.stage = stage
        self.child = stage.start("web", "--port", str(self.port))

    def status(self, path: str = "/healthz/live", method: str = "GET") -> int:
        """What a path is answered with; 0 where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def servers(self) -> list[int]:
        """Process ids of what serves, but for the one that keeps it running."""
        return [pid for pid in self.stage.left() if pid != self.child.pid]


@pytest.fixture
def served(tmp_path):
    stage = Stage(tmp_path, f"sqlite:///{tmp_path}/web.sqlite3")
    stage.migrate()
    web = Served(stage)
    wait_for("the server", lambda: web.status() == 200, timeout=40)
    yield web
    stage.close()


def test_a_killed_server_comes_back_and_who_asks_meanwhile_waits(served: Served):
    (first,) = served.servers()
    os.kill(first, signal.SIGKILL)
    wait_for("the server's end", lambda: first not in served.servers(), timeout=10)
    assert served.status("/accounts/login/") == 200
    (second,) = served.servers()
    assert second != first


def test_the_end_of_the_command_ends_the_server_and_leaves_the_port_free(served: Served):
    served.child.send_signal(signal.SIGTERM)
    assert served.child.wait(timeout=20) == 0
    assert served.servers() == []
    require_port("127.0.0.1", served.port)


def test_what_was_counted_for_the_trail_is_in_the_database_at_the_end(served: Served, tmp_path: Path):
    for _ in range(5):
        assert served.status("/accounts/login/", "POST") == 403
    served.child.send_signal(signal.SIGTERM)
    assert served.child.wait(timeout=20) == 0
    with closing(sqlite3.connect(tmp_path / "web.sqlite3")) as database:
        assert database.execute("SELECT SUM(times) FROM monitor_audittally WHERE action = 'refused'").fetchone() == (5,)


def test_a_killed_command_takes_the_server_along(served: Served):
    served.child.kill()
    served.child.wait()
    wait_for("the server to end", lambda: not served.servers(), timeout=20)
    assert served.servers() == []


def test_an_end_lets_a_page_under_way_be_answered(served: Served):
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as client:
        client.sendall(b"GET /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        wait_for("the request to be read", lambda: served.status() == 200, timeout=10)
        served.child.send_signal(signal.SIGTERM)
        assert client.recv(100).startswith(b"HTTP/1.1 200 OK")
    assert served.child.wait(timeout=20) == 0


def test_a_server_that_cannot_start_ends_the_command(tmp_path):
    stage = Stage(tmp_path, f"sqlite:///{tmp_path}/web.sqlite3")
    stage.migrate()
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['dashboard.server.listener'] = None\n")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    done = stage.run("web", "--port", str(port), PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "the web server ends as soon as it starts" in done.stderr
