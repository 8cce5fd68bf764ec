from __future__ import annotations

import socket

import pytest
from django.core.management import CommandError

from monitor.management.commands.web import command_line
from monitor.management.ports import require_port
from tests.realprocess import Stage


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


def test_the_server_survives_a_killed_worker_and_serves_eight_at_once():
    line = " ".join(command_line("127.0.0.1", 8123))
    assert "--respawn-failed-workers" in line
    assert "--interface wsgi" in line
    assert "--workers 1 --blocking-threads 8" in line
    assert "--host 127.0.0.1 --port 8123" in line
