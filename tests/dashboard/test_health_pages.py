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
from monitor.models import ChannelMessage, ChannelStanding, MailServer, Notice, StageRun, SyncState, WorkerBeat
from tests import factories
from tests.dashboard.world import make_channel, make_mail, make_state


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


class TestStandsStill:
    """A worker that lives and does nothing: no alert would tell of it."""

    @pytest.fixture
    def ran(self, worker):
        """A worker that was started an hour ago, whose stages came to their ends a moment ago."""
        now = timezone.now()
        beat = {"beat_at": now, "detail": {"booted_at": (now - timedelta(hours=1)).isoformat()}}
        WorkerBeat.objects.create(name="supervisor", **beat)
        account = factories.make_account("Hush")
        for stage, of in (("alerting", account), ("delivery", None)):
            StageRun.objects.create(stage=stage, account=of, started_at=now, finished_at=now, outcome="ok")
        return account

    def problems(self, client):
        return client.get(reverse("healthz_ready")).json()["problems"]

    def test_nothing_is_told_while_all_go_on(self, client, ran):
        assert self.problems(client) == []

    @pytest.mark.parametrize(
        ("stage", "words"), [("alerting", "no alert was evaluated"), ("delivery", "nothing looked for mails to send")]
    )
    @pytest.mark.parametrize("left", ["old", "failed", "pruned"])
    def test_a_stage_that_came_to_no_good_end_for_long(self, client, ran, stage, words, left):
        rows = StageRun.objects.filter(stage=stage)
        if left == "pruned":
            rows.delete()
        else:
            rows.update(finished_at=timezone.now() - timedelta(minutes=6))
        if left == "failed":
            now = timezone.now()
            StageRun.objects.create(stage=stage, started_at=now, finished_at=now, outcome="failed", account=ran)
        (told,) = self.problems(client)
        assert told.startswith(f"{words} since")
        assert client.get(reverse("healthz_ready")).status_code == 503

    def test_one_account_that_stands_still_beside_others_that_go_on(self, client, ran):
        now = timezone.now()
        other = factories.make_account("Whisper")
        old = now - timedelta(minutes=9)
        StageRun.objects.create(stage="alerting", account=other, started_at=old, finished_at=old, outcome="ok")
        (told,) = self.problems(client)
        assert "no alert was evaluated since" in told
        assert "Whisper" not in told

    def test_without_an_account_there_is_nothing_to_evaluate(self, client, ran):
        ran.delete()
        assert self.problems(client) == []

    def test_a_worker_that_has_just_started_is_given_time(self, client, ran):
        StageRun.objects.update(finished_at=timezone.now() - timedelta(hours=9))
        detail = {"booted_at": (timezone.now() - timedelta(minutes=4)).isoformat()}
        WorkerBeat.objects.filter(name="supervisor").update(detail=detail)
        assert self.problems(client) == []

    def test_a_failure_that_is_told_already_is_told_once(self, client, ran):
        StageRun.objects.filter(stage="alerting").update(finished_at=timezone.now() - timedelta(minutes=6))
        job_failures.failed(f"judge:{ran.pk}", "KeyError", timezone.now() - timedelta(minutes=6))
        (told,) = self.problems(client)
        assert "could not be evaluated" in told

    @pytest.mark.parametrize(("age", "count"), [(4, 0), (6, 1)])
    def test_a_notice_that_is_due_and_not_written(self, client, ran, age, count):
        alert = make_state(factories.make_alert_rule(ran), factories.make_flow(ran), timezone.now())
        incident = factories.make_incident(alert)
        at = timezone.now() - timedelta(minutes=age)
        notice = factories.make_notice(incident, seq=2, kind="update", due_at=at)
        factories.make_notice(incident, seq=3, kind="resolved", due_at=at - timedelta(hours=3))
        assert len(self.problems(client)) == count, "the one behind it only waits for its turn"
        Notice.objects.filter(pk=notice.pk).update(why_silent="snoozed")
        assert self.problems(client) == []

    @pytest.mark.parametrize(
        ("fields", "count"),
        [
            ({"state": "queued", "next_try_at": 16}, 1),
            ({"state": "queued", "next_try_at": 14}, 0),
            ({"state": "sending", "lease_until": 16}, 1),
            ({"state": "dead", "next_try_at": 99}, 0),
        ],
    )
    def test_a_mail_that_is_due_and_not_sent(self, client, ran, otto, fields, count):
        alert = make_state(factories.make_alert_rule(ran), factories.make_flow(ran), timezone.now())
        notice = factories.make_incident(alert).notices.get()
        ago = {
            name: timezone.now() - timedelta(minutes=value) if isinstance(value, int) else value
            for name, value in fields.items()
        }
        make_mail(notice, otto, timezone.now(), **ago)
        told = self.problems(client)
        assert len(told) == count
        if count:
            MailServer.objects.create(pk=1, state="refuses", since=timezone.now(), code="535")
            (told,) = self.problems(client)
            assert "refuses us" in told, "that is what keeps it"

    @pytest.mark.parametrize(
        ("age", "pauses_for", "count"), [(16, None, 1), (14, None, 0), (99, 1, 0), (99, -1, 0), (99, -16, 1)]
    )
    def test_a_message_to_a_channel_that_is_due_and_not_sent(self, client, ran, otto, age, pauses_for, count):
        now = timezone.now()
        alert = make_state(factories.make_alert_rule(ran), factories.make_flow(ran), now)
        channel, message = make_channel(factories.make_incident(alert), otto, now)
        due = now - timedelta(minutes=age)
        ChannelMessage.objects.filter(pk=message.pk).update(state="queued", next_try_at=due)
        if pauses_for is not None:
            until = now + timedelta(minutes=pauses_for)
            ChannelStanding.objects.update_or_create(
                channel=channel, defaults={"next_try_at": until, "state": "trouble"}
            )
        told = [line for line in self.problems(client) if "messages to channels" in line]
        assert len(told) == count
