from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.supervisor.cluster_health import ClusterFacts, LivingWorker, fault, pause


def ago(now: datetime, seconds: float) -> datetime:
    return now - timedelta(seconds=seconds)


@pytest.fixture
def well(now: datetime) -> ClusterFacts:
    """A cluster of two idle workers, a minute old, that was asked a second ago."""
    return ClusterFacts(
        leader_alive=True,
        started_at=ago(now, 60),
        workers=[LivingWorker(since=ago(now, 30), busy=False), LivingWorker(since=ago(now, 30), busy=False)],
        expected=2,
        ready_at=ago(now, 58),
        complete_at=now,
        asked_at=ago(now, 1),
        task_timeout=timedelta(seconds=60),
    )


def busy(now: datetime, *seconds: float) -> list[LivingWorker]:
    return [LivingWorker(since=ago(now, s), busy=True) for s in seconds]


def test_a_cluster_that_was_just_asked_is_well(well: ClusterFacts, now: datetime):
    assert fault(well, now) == ""


def test_a_cluster_that_waits_for_no_answer_is_well(well: ClusterFacts, now: datetime):
    assert fault(replace(well, asked_at=None), now) == ""


def test_a_dead_leader_is_a_fault(well: ClusterFacts, now: datetime):
    assert "leader" in fault(replace(well, leader_alive=False), now)


def test_an_overdue_canary_beside_an_idle_worker_is_a_fault(well: ClusterFacts, now: datetime):
    assert "idle worker" in fault(replace(well, asked_at=ago(now, 6)), now)


def test_an_overdue_canary_beside_one_busy_and_one_idle_worker_is_a_fault(well: ClusterFacts, now: datetime):
    workers = [LivingWorker(since=ago(now, 20), busy=True), LivingWorker(since=ago(now, 20), busy=False)]
    assert "idle worker" in fault(replace(well, workers=workers, asked_at=ago(now, 6)), now)


def test_a_worker_that_turned_idle_a_moment_ago_is_given_time(well: ClusterFacts, now: datetime):
    workers = [LivingWorker(since=ago(now, 20), busy=True), LivingWorker(since=ago(now, 2), busy=False)]
    assert fault(replace(well, workers=workers, asked_at=ago(now, 50)), now) == ""


def test_busy_is_not_frozen(well: ClusterFacts, now: datetime):
    assert fault(replace(well, workers=busy(now, 50, 61), asked_at=ago(now, 59)), now) == ""


def test_one_worker_beyond_its_timeout_is_the_guards_business(well: ClusterFacts, now: datetime):
    assert fault(replace(well, workers=busy(now, 500, 10)), now) == ""


def test_every_worker_beyond_the_timeout_is_a_fault(well: ClusterFacts, now: datetime):
    assert "time-out" in fault(replace(well, workers=busy(now, 69, 70)), now)


def test_a_dead_worker_that_nobody_replaces_is_a_fault(well: ClusterFacts, now: datetime):
    facts = replace(well, workers=busy(now, 1), complete_at=ago(now, 9))
    assert "not replaced" in fault(facts, now)


def test_a_dead_worker_is_given_time_to_be_replaced(well: ClusterFacts, now: datetime):
    assert fault(replace(well, workers=busy(now, 1), complete_at=ago(now, 3)), now) == ""


def test_a_starting_cluster_is_given_time(well: ClusterFacts, now: datetime):
    facts = replace(well, started_at=ago(now, 19), ready_at=None, complete_at=None, workers=[], asked_at=None)
    assert fault(facts, now) == ""


def test_a_cluster_that_does_not_come_up_is_a_fault(well: ClusterFacts, now: datetime):
    facts = replace(well, started_at=ago(now, 21), ready_at=None, complete_at=None, workers=[], asked_at=None)
    assert "did not start" in fault(facts, now)


@given(ages=st.lists(st.floats(0, 67), min_size=1, max_size=8), asked=st.floats(0, 10_000))
def test_no_canary_age_makes_workers_inside_their_timeout_a_fault(ages, asked):
    now = datetime.fromisoformat("2026-11-22T12:00:00+00:00")
    facts = ClusterFacts(
        leader_alive=True,
        started_at=ago(now, 20_000),
        workers=busy(now, *ages),
        expected=len(ages),
        ready_at=ago(now, 19_990),
        complete_at=now,
        asked_at=ago(now, asked),
        task_timeout=timedelta(seconds=60),
    )
    assert fault(facts, now) == ""


@given(age=st.floats(0, 10_000), idle=st.floats(0, 10_000))
def test_a_frozen_cluster_is_found_within_six_seconds_of_its_last_sign(age, idle):
    now = datetime.fromisoformat("2026-11-22T12:00:00+00:00")
    facts = ClusterFacts(
        leader_alive=True,
        started_at=ago(now, 20_000),
        workers=[LivingWorker(since=ago(now, idle), busy=False)],
        expected=1,
        ready_at=ago(now, 19_990),
        complete_at=now,
        asked_at=ago(now, age),
        task_timeout=timedelta(seconds=60),
    )
    assert bool(fault(facts, now)) == (min(age, idle) > 5)


def test_after_short_lives_a_slow_machine_is_given_more_time(well: ClusterFacts, now: datetime):
    facts = replace(well, asked_at=ago(now, 9))
    assert fault(facts, now) != ""
    assert fault(replace(facts, short_lives=1), now) == ""
    starting = replace(well, started_at=ago(now, 39), ready_at=None, complete_at=None, workers=[], asked_at=None)
    assert fault(starting, now) != ""
    assert fault(replace(starting, short_lives=1), now) == ""
    assert fault(replace(well, asked_at=ago(now, 31), workers=well.workers, short_lives=99), now) == ""
    older = [LivingWorker(since=ago(now, 50), busy=False)] * 2
    assert fault(replace(well, asked_at=ago(now, 31), workers=older, short_lives=99), now) != ""


def test_the_pause_before_a_restart_grows_and_stays_small():
    assert [pause(n).total_seconds() for n in range(9)] == [0, 0, 1, 2, 4, 8, 16, 30, 30]
