from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module

from monitor.schedules import JOBS, PeriodicJob, due

PAIR = (PeriodicJob("fast", 5, "x.fast"), PeriodicJob("slow", 60, "x.slow"))


def names(jobs: list[PeriodicJob]) -> list[str]:
    return [job.name for job in jobs]


def test_a_job_that_never_ran_is_due_at_once(now: datetime):
    assert names(due(PAIR, {}, now)) == ["fast", "slow"]


def test_a_job_is_due_when_its_time_has_passed_and_not_before(now: datetime):
    started = {"fast": now - timedelta(seconds=5), "slow": now - timedelta(seconds=59.9)}
    assert names(due(PAIR, started, now)) == ["fast"]


def test_a_clock_that_was_set_back_silences_no_job(now: datetime):
    started = {"fast": now + timedelta(hours=1), "slow": now + timedelta(hours=1)}
    assert names(due(PAIR, started, now)) == ["fast", "slow"]


def test_every_job_in_the_table_names_a_door_that_exists():
    for job in JOBS:
        module, _, function = job.task.rpartition(".")
        assert callable(getattr(import_module(module), function))


def test_the_names_in_the_table_are_unique():
    assert len({job.name for job in JOBS}) == len({job.task for job in JOBS}) == len(JOBS)


def test_the_accounts_are_looked_at_every_two_seconds():
    assert {job.name: job.every for job in JOBS}["tick"] == 2


def test_every_question_in_the_table_exists():
    for job in JOBS:
        if job.only_if:
            module, _, function = job.only_if.rpartition(".")
            assert callable(getattr(import_module(module), function))
