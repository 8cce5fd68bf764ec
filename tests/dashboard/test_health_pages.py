"""What load balancers and watchdogs see: without signing in, and without names."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.db.migrations.recorder import MigrationRecorder
from django.urls import reverse
from django.utils import timezone

from dashboard.health import views
from monitor import job_failures
from monitor.models import SyncState, WorkerBeat
from tests import factories


@pytest.fixture
def worker(db: None) -> WorkerBeat:
    return WorkerBeat.objects.create(name="canary", beat_at=timezone.now())


def test_live_asks_nothing_of_the_database(client, db, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get(reverse("healthz_live"))
    assert (response.status_code, response.content) == (200, b"ok\n")


def test_ready_with_database_migrations_and_worker_well(client, worker):
    response = client.get(reverse("healthz_ready"))
    assert response.status_code == 200
    report = response.json()
    assert (report["status"], report["database"], report["migrations_missing"]) == ("ok", True, 0)
    assert report["worker_age_seconds"]["canary"] < 60


def test_a_worker_that_never_ran_is_not_ready(client, db):
    response = client.get(reverse("healthz_ready"))
    assert response.status_code == 503
    assert "has not run yet" in response.json()["problems"][0]


def test_a_beating_supervisor_does_not_hide_a_silent_canary(client, worker):
    WorkerBeat.objects.update(beat_at=timezone.now() - timedelta(minutes=5))
    WorkerBeat.objects.create(name="supervisor", beat_at=timezone.now())
    assert client.get(reverse("healthz_ready")).status_code == 503


def test_a_database_that_cannot_be_reached_is_a_503_and_no_crash(client, worker, monkeypatch):
    def unreachable(self: object) -> None:
        raise DatabaseError("could not connect to server at 10.0.0.5, password secret")

    monkeypatch.setattr(MigrationRecorder, "applied_migrations", unreachable)
    response = client.get(reverse("healthz_ready"))
    assert response.status_code == 503
    assert response.json()["database"] is False
    assert "10.0.0.5" not in response.content.decode()


def test_a_missing_migration_is_not_ready(client, worker):
    MigrationRecorder.Migration.objects.filter(app="monitor").delete()
    response = client.get(reverse("healthz_ready"))
    assert response.status_code == 503
    assert response.json()["migrations_missing"] == 1
    assert "lacks 1 migration(s)" in response.json()["problems"][0]


def test_a_database_of_another_version_is_not_ready(client, worker):
    MigrationRecorder.Migration.objects.create(app="monitor", name="0116_gone_connections")
    response = client.get(reverse("healthz_ready"))
    assert response.status_code == 503
    assert "made by another version" in response.json()["problems"][0]


def test_accounts_are_summed_up_without_their_names(client, worker):
    now = timezone.now()
    current, _, paused = (factories.make_account(name) for name in ("Hush", "Whisper", "Secret"))
    paused.is_active = False
    paused.save()
    SyncState.objects.filter(account=current).update(
        state="ok", last_complete_at=now, last_finished_at=now, next_due_at=now + timedelta(minutes=1)
    )
    response = client.get(reverse("healthz_ready"))
    report = response.json()["mirror"]
    assert (report["accounts"], report["paused"], report["current"], report["never_read"]) == (3, 1, 1, 1)
    assert not any(name in response.content.decode() for name in ("Hush", "Whisper", "Secret"))


def test_a_mirror_that_is_behind_is_told_but_does_not_take_the_pages_away(client, worker):
    SyncState.objects.filter(account=factories.make_account()).update(
        state="ok", last_complete_at=timezone.now() - timedelta(days=1)
    )
    response = client.get(reverse("healthz_ready"))
    assert response.status_code == 200
    assert response.json()["mirror"]["current"] == 0


HOSTS = (
    "10.42.8.201:8000", "10.42.8.201", "web-7f9c4d", "zoho_monitor_web_1:8000", "[::1]", "[::1]:8000", "", "a b", "%00",
    "localhost:notaport", "evil.example.com", "xn--", "example.com.", "x" * 3000, "user@host", "[::1",
)  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("method", ["get", "head"])
def test_a_probe_is_answered_whatever_its_host_header_says(client, worker, host, method, caplog, settings):
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["monitor.example.com"]
    with caplog.at_level(logging.DEBUG):
        live = getattr(client, method)("/healthz/live", HTTP_HOST=host)
        ready = getattr(client, method)("/healthz/ready", HTTP_HOST=host)
        WorkerBeat.objects.all().delete()
        unready = getattr(client, method)("/healthz/ready", HTTP_HOST=host)
    assert [answer.status_code for answer in (live, ready, unready)] == [200, 200, 503]
    assert all(answer["Cache-Control"] == "no-store" for answer in (live, ready, unready))
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR and record.exc_info]
    assert "Invalid HTTP_HOST" not in caplog.text


def test_a_probe_over_plain_http_is_not_sent_elsewhere(client, worker, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz/live", HTTP_HOST="10.42.8.201:8000").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/", "/flows/", "/accounts/login/", "/healthz/", "/healthz", "/healthz/live/", "/healthz/ready/x",
     "/healthz/other", "//healthz/live", "/healthz/../flows/", "/healthz/live%2F..%2F..%2Fflows", "/Healthz/live"],
)  # fmt: skip
def test_a_strange_host_is_let_past_to_nothing_else(client, db, path, settings):
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["monitor.example.com"]
    assert client.get(path, HTTP_HOST="10.42.8.201:8000").status_code == 400


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch", "options"])
def test_a_probe_is_only_read(client, db, method):
    assert getattr(client, method)("/healthz/live").status_code == 405
    assert getattr(client, method)("/healthz/live", HTTP_HOST="10.0.0.1").status_code == 400


def test_a_probe_with_a_session_does_not_ask_for_it(client, db, django_assert_num_queries):
    client.cookies["monitor_session"] = "some-session"
    with django_assert_num_queries(0):
        assert client.get("/healthz/live", HTTP_HOST="10.0.0.1").status_code == 200


def test_a_change_of_readiness_is_logged_once_and_no_probe_is(client, db, caplog, monkeypatch):
    monkeypatch.setattr(views._changes, "_was_ready", True)

    def told() -> list[str]:
        found = [record.getMessage() for record in caplog.records if record.name != "dashboard.middleware"]
        caplog.clear()
        return found

    for _ in range(3):
        assert client.get("/healthz/ready").status_code == 503
    (line,) = told()
    assert line.startswith("not ready: ")
    assert "worker" in line
    WorkerBeat.objects.create(name="canary", beat_at=timezone.now())
    for _ in range(3):
        assert client.get("/healthz/ready").status_code == 200
    assert told() == ["ready again"]


@pytest.mark.parametrize(("name", "whose"), [("judge", "alerts"), ("judge:7", "alerts of 1 account")])
def test_a_dead_alerter_is_not_ready_for_no_alert_tells_of_it(client, worker, name, whose):
    now = timezone.now()
    job_failures.failed(name, "KeyError: the name of somebody", now - timedelta(minutes=4))
    assert client.get(reverse("healthz_ready")).status_code == 200
    WorkerBeat.objects.filter(name=f"failing:{name}").delete()
    job_failures.failed(name, "KeyError: the name of somebody", now - timedelta(minutes=6))
    answer = client.get(reverse("healthz_ready"))
    assert answer.status_code == 503
    (problem,) = answer.json()["problems"]
    assert problem.startswith(f"{whose} could not be evaluated since ")
    assert "somebody" not in answer.content.decode()
