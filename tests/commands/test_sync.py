from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from monitor.ingest.base.lease import Lease
from monitor.ingest.base.quarantine import put_aside
from monitor.models import Execution, Flow, StageRun, SyncState, ZohoAccount
from monitor.zoho.shapes.base import reject
from standin.build import App
from tests.bystander import own
from tests.commands.commandline import KNOWN, a_zoho, connect_arguments, know_the_secrets, run
from tests.realprocess import Stage, rows, second_connection, throw_away_database, wait_for


@pytest.fixture
def zoho(all_are_judged: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """A connected account named Acme."""
    know_the_secrets(monkeypatch)
    with a_zoho() as (app, base):
        assert run(*connect_arguments(base, plan="enterprise")).error == ""
        app.ledger.clear()
        yield app


def fault(app: App, path: str, kind: str, times: int = 0, **args: Any) -> None:
    app.faults.push({"path": path, "kind": kind, "times": times, "args": args})


def test_a_complete_sync_ends_with_a_summary_and_success(zoho: App) -> None:
    ended = run("sync", "Acme")

    assert ended.error == ""
    assert "Acme: " in ended.out
    assert "3 flows read" in ended.out
    assert "executions: ok" in ended.out
    assert own(Execution).exists()


def test_the_summary_counts_a_record_in_quarantine_once_like_status(zoho: App) -> None:
    account = own(ZohoAccount).get()
    run("sync", "Acme")
    flow = own(Flow).filter(account=account).first()
    assert flow is not None
    one = reject({"execution_id": None, "started_time": "soon"}, "no usable execution_id", ("execution_id",))
    for _ in range(3):  # as a reading by windows meets it
        put_aside(account, "executions", [one], timezone.now(), flow=flow)

    ended = run("sync", "Acme")

    assert "1 records quarantined" in ended.out
    assert json.loads(run("status", "--json").out)["accounts"][0]["quarantined"] == 1


def test_a_sync_counts_and_judges_what_it_read(zoho: App) -> None:
    from monitor.models import DirtyHour, HourBucket

    run("sync", "Acme")

    assert own(HourBucket).exists()
    assert not DirtyHour.objects.exists()


def test_what_is_missing_is_said_and_ends_it_non_zero(zoho: App) -> None:
    fault(zoho, "/executions", "html")

    ended = run("sync", "Acme", "--no-wait")

    assert ended.error == "the mirror is not complete: Acme"
    assert ended.code == 1
    assert "missing: Executions:" in ended.err
    assert "HTML" in ended.err


def test_an_endpoint_that_is_not_available_is_said_and_is_not_missing(zoho: App) -> None:
    zoho.world.habits = zoho.world.habits.changed(crm=False)

    ended = run("sync", "Acme")

    assert ended.error == ""
    assert "rules: not available" in ended.out


def test_no_wait_ends_at_once_where_zoho_asks_to_wait(zoho: App) -> None:
    fault(zoho, "/executions", "rate_limited", retry_after=300)
    began = timezone.now()

    ended = run("sync", "Acme", "--no-wait")

    assert timezone.now() - began < timedelta(seconds=20)
    assert ended.code == 1
    assert "stopped:" in ended.err
    assert own(SyncState).get().state == "throttled"


def test_no_wait_ends_at_once_where_another_process_reads(zoho: App) -> None:
    Lease.take(own(ZohoAccount).get(), timezone.now())

    ended = run("sync", "Acme", "--no-wait")

    assert ended.code == 1
    assert "another process is reading Acme" in ended.err
    assert zoho.ledger.calls == []


def test_the_lease_of_a_killed_sync_is_waited_out(zoho: App) -> None:
    """Here it ends in two seconds; at most it is a minute (tests/ingest/test_lease.py)."""
    Lease.take(own(ZohoAccount).get(), timezone.now())
    own(SyncState).update(lease_until=timezone.now() + timedelta(seconds=2))

    assert run("sync", "Acme").error == ""


def test_a_refused_token_is_tried_anew(zoho: App) -> None:
    zoho.world.do("token_expire_all")
    fault(zoho, "/oauth/v2/token", "oauth_error", times=1, error="invalid_code")
    ended = run("sync", "Acme")
    assert ended.code == 1
    assert "Connect the account again" in ended.err

    assert run("sync", "Acme").error == ""


def test_an_unknown_account_is_one_line(zoho: App) -> None:
    assert run("sync", "Nobody").error == "there is no account named 'Nobody'"


def test_without_an_account_it_says_how_to_connect_one(nobody_else: None) -> None:
    assert "manage.py connect" in run("sync").error


def test_one_account_that_fails_does_not_keep_the_next_from_being_read(
    nobody_else: None, zoho: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_zoho(seed=9) as (_, base):
        run(*connect_arguments(base, name="Beta", plan="enterprise"))
        fault(zoho, "", "html")

        ended = run("sync", "--no-wait")

    assert ended.error == "the mirror is not complete: Acme"
    assert own(Execution).filter(account__name="Beta").exists()


def test_sigterm_means_what_it_meant_before(zoho: App) -> None:
    before = signal.getsignal(signal.SIGTERM)
    run("sync", "Acme")

    assert signal.getsignal(signal.SIGTERM) is before


@pytest.fixture
def slow_sync(tmp_path: Path, django_db_blocker: Any) -> Iterator[tuple[Stage, subprocess.Popen[bytes]]]:
    """A real `manage.py sync` in the middle of its work, held up by Zoho."""
    blocked = django_db_blocker.unblock()
    with a_zoho() as (app, base), throw_away_database(tmp_path) as url, blocked, second_connection(url):
        stage = Stage(tmp_path, url, ZOHO_CLIENT_SECRET=KNOWN.client_secret, ZOHO_REFRESH_TOKEN=KNOWN.refresh_token)
        stage.migrate()
        stage.must(*connect_arguments(base, plan="enterprise"))
        fault(app, "/executions", "rate_limited", times=1, retry_after=2)
        fault(app, "/executions", "delay", times=0, seconds=3)
        child = stage.start("sync")
        yield stage, child
        app.faults.faults.clear()
        stage.close()


@pytest.mark.story
def test_a_killed_sync_is_taken_over_within_a_minute(slow_sync: tuple[Stage, subprocess.Popen[bytes]]) -> None:
    stage, child = slow_sync
    wait_for("the sync to work", lambda: rows(SyncState, lease_until__isnull=False).exists(), timeout=30)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert rows(SyncState).get().lease_until is not None

    began = timezone.now()
    stage.must("sync")
    assert timezone.now() - began < timedelta(seconds=90)
    assert rows(SyncState).get().state == "ok"


@pytest.mark.story
def test_sigterm_gives_the_lease_back(slow_sync: tuple[Stage, subprocess.Popen[bytes]]) -> None:
    _, child = slow_sync
    wait_for("the sync to work", lambda: rows(SyncState, lease_until__isnull=False).exists(), timeout=30)
    child.send_signal(signal.SIGTERM)

    assert child.wait(timeout=20) == 130
    assert rows(SyncState).get().lease_until is None
    assert rows(StageRun, stage="ingest").get().outcome == "failed"
