"""What load balancers and watchdogs see: without signing in, and without names."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.db.migrations.recorder import MigrationRecorder
from django.urls import reverse
from django.utils import timezone

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
