from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.urls import get_resolver

from monitor.supervisor import processes
from tests.realprocess import ROOT, wait_for


def test_the_queue_is_not_started_by_hand(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MONITOR_CLUSTER", raising=False)
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
