"""A job that fails again and again pauses longer each time, is told, and is healed by its first success."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from monitor import job_failures, pipeline
from monitor.due import accounts_to_read, is_anything_due
from monitor.models import StageRun, SyncState, WorkerBeat, ZohoAccount
from monitor.schedules import FIRST_PAUSE, LONGEST_PAUSE, pause_after
from monitor.supervisor import worker_marks
from tests import factories
from tests.commands.commandline import run

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@given(failures=st.integers(1, 10_000), name=st.text(max_size=30))
def test_pauses_grow_are_capped_and_differ_by_name_alone(failures: int, name: str) -> None:
    pause, following = pause_after(failures, name), pause_after(failures + 1, name)
    assert FIRST_PAUSE * 0.8 <= pause <= LONGEST_PAUSE
    assert following > pause or following >= LONGEST_PAUSE * 0.8
    assert pause == pause_after(failures, name)


def test_jobs_that_fail_together_do_not_go_on_together() -> None:
    assert len({pause_after(3, f"sync_account:{number}") for number in range(50)}) > 40


def test_a_day_of_failures_is_a_few_hundred_tries_and_one_success_heals(now: datetime) -> None:
    at, tries = now, 0
    while at < now + 24 * HOUR:
        if "judge" not in job_failures.put_off(at):
            tries += 1
            job_failures.failed("judge", "ValueError: no", at)
        at += timedelta(seconds=15)
    assert 140 <= tries <= 190
    (job,) = job_failures.failing()
    assert (job.failures, job.since) == (tries, now)
    job_failures.worked("judge")
    assert job_failures.failing() == []
    assert job_failures.put_off(at) == set()


def test_a_clock_set_back_silences_no_job_for_longer_than_its_pause(now: datetime) -> None:
    job_failures.failed("judge", "no", now)
    assert job_failures.put_off(now) == {"judge"}
    assert job_failures.put_off(now - HOUR) == set()


def test_what_a_worker_ran_is_noted_by_its_name_without_traceback_or_personal_data(now: datetime) -> None:
    task: dict[str, Any] = {"func": "monitor.tasks.sync_account", "args": (7,), "success": False}
    worker_marks._done(task | {"result": "no jo@example.com\nat all : Traceback (most recent call last): x"})
    worker_marks._done({"func": "monitor.tasks.judge", "args": (), "success": True})
    (job,) = job_failures.failing()
    assert (job.name, job.failures) == ("sync_account:7", 1)
    assert job.error.startswith("no [")
    assert "Traceback" not in job.error
    worker_marks._done(task | {"success": True})
    assert job_failures.failing() == []


def test_an_account_whose_sync_fails_pauses_and_the_others_go_on(nobody_else: None, now: datetime) -> None:
    bad, good = factories.make_account("Bad"), factories.make_account("Good")
    job_failures.failed(f"sync_account:{bad.pk}", "no", now)
    assert accounts_to_read(now) == [good.pk]
    assert set(accounts_to_read(now + HOUR)) == {bad.pk, good.pk}
    SyncState.objects.filter(account=good).update(next_due_at=now + 2 * HOUR)
    assert not is_anything_due(now)


def test_one_accounts_fault_keeps_no_others_alerts_back(nobody_else: None, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = factories.make_account("Bad"), factories.make_account("Good")
    judged: list[ZohoAccount] = []

    def evaluate(account: ZohoAccount, now: datetime) -> list[Any]:
        judged.append(account)
        if account == bad and faulty:
            raise ValueError("no")
        return []

    faulty = True
    monkeypatch.setattr(pipeline, "evaluate_account", evaluate)
    pipeline.judge()
    pipeline.judge()
    assert judged == [bad, good, good]
    assert [job.name for job in job_failures.failing()] == [f"judge:{bad.pk}"]
    assert StageRun.objects.filter(stage="alerting", outcome="failed", account=bad).count() == 1
    faulty = False
    WorkerBeat.objects.update(detail=WorkerBeat.objects.get().detail | {"next_try_at": "2000-01-01T00:00:00+00:00"})
    pipeline.judge()
    assert judged[-2:] == [bad, good]
    assert job_failures.failing() == []


def test_it_is_told_on_pages_and_by_status(nobody_else: None, vera: Any, signed_in: Any, now: datetime) -> None:
    factories.make_account("Acme")
    for _ in range(3):
        job_failures.failed("judge", "ValueError: no", now)
    client: Client = signed_in(vera)
    for address in ("/", "/flows/", "/accounts-zoho/"):
        page = client.get(address).content.decode()
        assert 'id="jobs-banner"' in page, address
        assert "Judge: 3 times since" in " ".join(page.split())
    (job,) = json.loads(run("status", "--json").out)["failing_jobs"]
    assert (job["name"], job["failures"], job["error"]) == ("judge", 3, "ValueError: no")
    assert "FAILING: judge failed 3 times since" in run("status").out
    job_failures.worked("judge")
    assert "jobs-banner" not in client.get("/").content.decode()


@pytest.mark.parametrize(
    ("name", "label"),
    [("sync_account:7", "sync of account 7"), ("judge:7", "judge of account 7"), ("send_retries", "send retries")],
)
def test_a_failing_job_is_called_by_what_it_does(name: str, label: str, now: datetime) -> None:
    assert job_failures.failed(name, "no", now).label == label


def test_what_nobody_tries_any_more_is_forgotten(now: datetime) -> None:
    job_failures.failed("sync_account:7", "no", now - 2 * HOUR)
    job_failures.failed("judge", "no", now)
    job_failures.forget_abandoned(now)
    assert [job.name for job in job_failures.failing()] == ["judge"]


def test_a_canary_is_no_job(now: datetime) -> None:
    worker_marks._done({"func": "monitor.tasks.canary", "args": ("c1-1",), "success": False, "result": "no"})
    assert job_failures.failing() == []
