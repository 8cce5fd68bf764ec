"""The stand-in on a real socket, and the command that starts it."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from standin.build import StandinServer, habits_for, make_app, serving
from tests.standin.client import CONTROL, Client

ROOT = Path(__file__).parents[2]


def start(*options, **env):
    """Start the command in a process of its own; gives the process and its first line."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "standin", "--port", "0", *options],
        cwd=ROOT,
        env={**os.environ, "DEBUG": "true", "DJANGO_SETTINGS_MODULE": "dashboard.settings", **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline().strip()


def end(process, number=signal.SIGTERM):
    """Send a signal and wait; gives what was still printed."""
    process.send_signal(number)
    return process.communicate(timeout=20)


def test_one_connection_serves_many_calls(app):
    with serving(app) as base_url, Client(app, transport=None, base_url=base_url) as client:
        for _ in range(3):
            answer = client.get("/api/v1/flows")
            assert answer.status_code == 200
        assert answer.headers["date"] == "Tue, 03 Jun 2025 09:30:00 GMT"
        assert client.post("/oauth/v2/token", data={}).json() == {"error": "invalid_client"}


def test_the_own_address_is_the_one_that_was_called(app):
    with serving(app) as base_url, Client(app, transport=None, base_url=base_url) as client:
        form = {"grant_type": "refresh_token", "client_id": "1000.STANDIN", "client_secret": "standin-client-secret"}
        answer = client.post("/oauth/v2/token", data={**form, "refresh_token": "1000.standin.refresh"}).json()
        assert answer["api_domain"] == base_url


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", ""])  # noqa: S104
def test_only_loopback_is_listened_on(app, host):
    with pytest.raises(ValueError, match="loopback only"):
        StandinServer(host, 0, app)


def test_the_command_serves_what_it_was_told_and_ends_cleanly(tmp_path):
    state = tmp_path / "state.jsonl"
    options = ("--flows", "3", "--rules", "2", "--executions", "300", "--seed", "5", "--state", str(state))
    env = {"STANDIN_CLIENT_SECRET": "from-env", "STANDIN_CONTROL_TOKEN": "standin-control"}
    flows, times = [], []
    for number in (signal.SIGTERM, signal.SIGINT):
        process, first = start(*options, "--client-id", "1000.MINE", "--refresh-token", "r1", **env)
        try:
            assert first.startswith("standin listening on http://127.0.0.1:"), process.stderr.read()
            base_url = first.split()[-1]
            form = {"grant_type": "refresh_token", "client_id": "1000.MINE", "client_secret": "from-env"}
            token = httpx.post(base_url + "/oauth/v2/token", data={**form, "refresh_token": "r1"}).json()
            headers = {"Authorization": f"Zoho-oauthtoken {token['access_token']}"}
            flows.append(httpx.get(base_url + "/api/v1/flows", headers=headers).json()["data"]["flows"])
            state_now = httpx.get(base_url + "/_control/state", headers=CONTROL).json()
            assert state_now["settings"]["seed"] == 5
            advanced = httpx.post(base_url + "/_control/clock", json={"advance": 3600}, headers=CONTROL).json()
            times += [state_now["now"], advanced["now"]]
        finally:
            printed, complained = end(process, number)
        assert (process.returncode, printed, complained) == (0, "", "")
    assert times == sorted(times), "the moved clock goes on from where it was"
    assert [one["flow_id"] for one in flows[0]] == [one["flow_id"] for one in flows[1]]


def test_a_taken_port_is_one_clear_line_and_exit_code_1():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process, first = start("--flows", "1", "--port", str(port))
        _, complained = process.communicate(timeout=20)
    assert (process.returncode, first) == (1, "")
    assert f"port {port} on 127.0.0.1 is in use" in complained
    assert len(complained.strip().splitlines()) == 1


def test_an_unknown_habit_or_plan_is_named(world):
    with pytest.raises(ValueError, match="no such habit: nonsense"):
        habits_for("zoho", nonsense=1)
    with pytest.raises(ValueError, match="no such plan: gold"):
        make_app(world, plan="gold")
