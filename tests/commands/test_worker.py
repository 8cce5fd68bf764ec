from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.urls import get_resolver

from monitor.management import data_command
from monitor.supervisor import leader, processes
from tests.realprocess import ROOT, wait_for

pytestmark = pytest.mark.one_database  # how processes begin and end; the stories run a worker on either database


def test_the_queue_is_not_started_by_hand():
    with pytest.raises(CommandError, match=r"start `manage\.py worker`"):
        call_command("qcluster")


def test_a_worker_on_a_database_without_tables_ends_with_one_line(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "manage.py", "worker"],
        cwd=ROOT,
        env={"DEBUG": "1", "PATH": "/usr/bin:/bin", "DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "run `manage.py migrate` first" in done.stderr
    assert "Traceback" not in done.stderr


class StartedAgainError(Exception):
    """Stands for a process that has become another one."""


def test_the_supervisor_starts_again_once_its_checks_are_made_and_keeps_what_it_was_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    became: list[list[str]] = []

    def become(program: str, command: list[str]) -> None:
        became.append(command)
        raise StartedAgainError

    told = [sys.executable, "manage.py", "worker", "--grace", "3"]
    monkeypatch.setattr(os, "execv", become)
    monkeypatch.setattr(sys, "orig_argv", told)
    monkeypatch.setattr(data_command, "_check_migrations", lambda: None)
    with pytest.raises(StartedAgainError):
        call_command("worker", skip_checks=False)
    assert became == [[*told, "--skip-checks"]]


@pytest.mark.parametrize(
    ("module", "left_out"),
    [("monitor.management.commands.worker", "dashboard.urls"), ("dashboard.server.keeper", "django")],
)
def test_what_only_watches_over_others_is_small(module: str, left_out: str) -> None:
    """Each of them lies beside the work for months, and takes the memory of all that it has ever imported."""
    setup = "import django; django.setup(); " if module.startswith("monitor") else ""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {setup}import {module}; print({left_out!r} in sys.modules)"],
        cwd=ROOT,
        env={"DEBUG": "1", "PATH": "/usr/bin:/bin", "DJANGO_SETTINGS_MODULE": "dashboard.settings"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "False\n"


def test_no_process_loads_command_lines_of_libraries_or_what_only_exports_need() -> None:
    told = "import django; django.setup(); import dashboard.urls, monitor.tasks, sys"
    heavy = ["rich", "pygments", "click", "yaml", "plotly", "apprise", "IPython"]
    done = subprocess.run(
        [sys.executable, "-c", f"{told}; print([name for name in {heavy} if name in sys.modules])"],
        cwd=ROOT,
        env={"DEBUG": "1", "PATH": "/usr/bin:/bin", "DJANGO_SETTINGS_MODULE": "dashboard.settings"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "[]\n"


def test_the_leader_is_a_copy_of_the_supervisor_with_nothing_open_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(leader.connections, "close_all", lambda: done.append("closed"))
    monkeypatch.setattr(leader.garbage, "settle", lambda: done.append("settled"))
    monkeypatch.setattr(processes, "fork", lambda work, environ: done.append(f"{work.__name__} {environ}"))
    leader.start("c1")
    assert done == ["closed", "settled", "lead {'MONITOR_CLUSTER': 'c1'}"]


def test_nobody_can_make_the_queue_run_a_function_through_an_admin_site():
    assert "django.contrib.admin" not in settings.INSTALLED_APPS
    assert not [pattern for pattern in get_resolver().url_patterns if "admin" in str(pattern.pattern)]


def test_the_queues_own_scheduler_is_off_and_a_lock_outlasts_every_task():
    queue = settings.Q_CLUSTER
    assert queue["scheduler"] is False
    assert queue["retry"] > 2 * queue["timeout"]
    assert queue["queue_limit"] <= queue["workers"]


def test_a_child_gets_a_session_of_its_own_and_ends_with_its_group():
    child = processes.spawn(["sh", "-c", "sleep 60 & sleep 60 & wait"])
    assert not processes.ended(child)
    processes.kill_group(child)
    assert processes.ended(child)
    assert not processes.alive(child.pid)


def test_a_child_that_ignores_the_request_is_ended_after_its_grace(tmp_path: Path):
    deaf = (
        "import pathlib, signal, time; signal.signal(15, signal.SIG_IGN); pathlib.Path('deaf').touch(); time.sleep(60)"
    )
    child = processes.spawn(["env", "-C", str(tmp_path), sys.executable, "-c", deaf])
    wait_for("the child to be deaf", (tmp_path / "deaf").exists, timeout=20)
    processes.ask_to_end(child)
    assert processes.wait_for_end(child, grace=0.3) is False
    assert not processes.alive(child.pid)


def test_a_child_that_heard_the_request_ended_by_itself():
    child = processes.spawn(["sleep", "60"])
    processes.ask_to_end(child)
    assert processes.wait_for_end(child, grace=5) is True


def test_a_process_that_only_waits_to_be_collected_is_not_alive():
    child = subprocess.Popen(["true"])
    while not processes.ended(child):
        pass
    assert not processes.alive(child.pid)
    child.wait()


def test_a_worker_whose_output_nobody_reads_goes_on():
    told = "import sys; from monitor.management.speech import speak; [speak(sys.stdout, 'x' * 9000) for _ in range(99)]"
    child = subprocess.Popen([sys.executable, "-c", told + "; sys.exit(7)"], cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout
    child.stdout.close()
    assert child.wait(timeout=20) == 7
