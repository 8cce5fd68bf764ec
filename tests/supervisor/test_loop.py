from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.db import OperationalError
from django_q.models import OrmQ

from monitor import job_failures
from monitor.models import AlertState, DirtyHour, Role, SyncState, WorkerBeat
from monitor.queries.signs import worker_signs
from monitor.schedules import JOBS
from monitor.supervisor import cluster as cluster_module
from monitor.supervisor import leader, loop, processes, queue
from monitor.supervisor.worker_marks import beat_prefix
from tests import factories
from tests.dashboard.world import make_edits
from tests.factories import make_account, make_alert_rule, make_channel_message, make_flow, make_incident

pytestmark = pytest.mark.django_db


class NoChild:
    """Stands for the cluster's process: it runs until it is told otherwise."""

    pid = 1
    returncode = None


@pytest.fixture
def living(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """No process is started; `leader` and `workers` say what lives."""
    facts = {"leader": True, "workers": True}
    monkeypatch.setattr(leader, "start", lambda token: NoChild())
    monkeypatch.setattr(processes, "ended", lambda child: not facts["leader"])
    monkeypatch.setattr(processes, "alive", lambda pid: facts["workers"])
    monkeypatch.setattr(processes, "kill_group", lambda child: None)
    monkeypatch.setattr(loop.db, "close_old_connections", lambda: None)  # the test's transaction lives in it
    return facts


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(living: dict[str, bool], said: list[str]) -> loop.Supervisor:
    return loop.Supervisor(said.append)


def workers_report(supervisor: loop.Supervisor, now: datetime, *, busy: bool = False) -> None:
    assert supervisor._cluster
    for pid in (101, 102):
        WorkerBeat.objects.create(
            name=f"{beat_prefix(supervisor._cluster.token)}{pid}",
            pid=pid,
            beat_at=now,
            busy_since=now if busy else None,
        )


def queued(function: str) -> int:
    return sum(row.task["func"] == function for row in OrmQ.objects.all())


def test_every_job_is_enqueued_once_while_nobody_takes_it(supervisor: loop.Supervisor, now: datetime):
    flow = make_flow()
    DirtyHour.objects.mark([(flow.pk, now)])
    alert = AlertState.objects.create(
        rule=make_alert_rule(flow.account), flow=flow, state="firing", since=now, evaluated_at=now, episode=1
    )
    make_channel_message(make_incident(alert).notices.get(), next_try_at=now)
    make_edits(factories.make_rule(flow.account), factories.make_user("ada", Role.ADMIN), now)
    for seconds in range(0, 3600, 5):
        supervisor._start_jobs(now + timedelta(seconds=seconds))
    assert [queued(job.task) for job in JOBS] == [1] * len(JOBS)


def test_a_job_that_failed_is_enqueued_again_after_its_pause_and_the_others_go_on(
    supervisor: loop.Supervisor, now: datetime
):
    failure = job_failures.failed("judge", "no", now)
    supervisor._start_jobs(now)
    assert (queued("monitor.tasks.judge"), queued("monitor.tasks.deliver")) == (0, 1)
    supervisor._start_jobs(failure.next_try_at)
    assert queued("monitor.tasks.judge") == 1


def test_a_job_that_was_taken_is_enqueued_again_when_it_is_due(supervisor: loop.Supervisor, now: datetime):
    make_account()
    supervisor._start_jobs(now)
    OrmQ.objects.all().delete()
    supervisor._start_jobs(now + timedelta(seconds=1.5))
    assert queued("monitor.tasks.tick") == 0
    supervisor._start_jobs(now + timedelta(seconds=2))
    assert queued("monitor.tasks.tick") == 1


def test_hours_are_counted_while_some_have_changed_and_not_else(supervisor: loop.Supervisor, now: datetime):
    flow = make_flow()
    supervisor._start_jobs(now)
    assert queued("monitor.tasks.recount") == 0
    DirtyHour.objects.mark([(flow.pk, now)])
    supervisor._start_jobs(now + timedelta(seconds=2))
    assert queued("monitor.tasks.recount") == 1


def test_a_tick_that_would_find_nothing_to_do_is_not_enqueued(supervisor: loop.Supervisor, now: datetime):
    account = make_account()
    SyncState.objects.filter(account=account).update(next_due_at=now + timedelta(seconds=30))
    supervisor._start_jobs(now)
    assert queued("monitor.tasks.tick") == 0
    supervisor._start_jobs(now + timedelta(seconds=30))
    assert queued("monitor.tasks.tick") == 1


def test_canaries_do_not_pile_up_behind_busy_workers(supervisor: loop.Supervisor, now: datetime, said: list[str]):
    supervisor._round(now)
    workers_report(supervisor, now, busy=True)
    for seconds in range(1, 60):
        supervisor._round(now + timedelta(seconds=seconds))
    assert queued("monitor.tasks.canary") == cluster_module._MAX_WAITING
    assert [line for line in said if "replaced" in line] == []


def test_a_cluster_whose_canary_is_overdue_is_replaced_and_its_rows_are_forgotten(
    supervisor: loop.Supervisor, now: datetime, said: list[str]
):
    supervisor._round(now)
    workers_report(supervisor, now)
    first = supervisor._cluster
    for seconds in range(1, 8):
        supervisor._round(now + timedelta(seconds=seconds))
    assert supervisor._cluster is not first
    assert any("no longer reach an idle worker" in line for line in said)
    assert queued("monitor.tasks.canary") == 0
    assert WorkerBeat.objects.filter(name__startswith="worker:").count() == 0


def dies_in(
    supervisor: loop.Supervisor, living: dict[str, bool], now: datetime, *, job: str, busy: bool = True
) -> None:
    """A worker takes the newest task, and its process ends."""
    row = OrmQ.objects.latest("pk")
    assert supervisor._cluster
    WorkerBeat.objects.create(
        name=f"{beat_prefix(supervisor._cluster.token)}103", pid=103, beat_at=now, busy_since=now if busy else None,
        detail={"worked": True, "job": job, "task_id": row.task["id"]} if job else {"worked": True},
    )  # fmt: skip
    living["workers"] = False
    supervisor._cluster.look(now)
    living["workers"] = True


def test_a_job_whose_process_dies_again_and_again_fails_pauses_longer_and_is_not_given_out_again(
    supervisor: loop.Supervisor, living: dict[str, bool], now: datetime
) -> None:
    supervisor._round(now)
    pauses = []
    for death in range(1, 6):
        queue.enqueue("monitor.tasks.judge")
        dies_in(supervisor, living, now, job="judge")
        (job,) = job_failures.failing()
        assert (job.name, job.failures, job.error) == ("judge", death, job_failures.DIED)
        assert queued("monitor.tasks.judge") == (1 if death == 1 else 0), "the first round's own still waits"
        OrmQ.objects.filter(
            pk__in=[row.pk for row in OrmQ.objects.all() if row.task["func"].endswith("judge")]
        ).delete()
        pauses.append(job.next_try_at - now)
    assert pauses[:3] == sorted(set(pauses[:3]))
    assert max(pauses) == job_failures.LONGEST_AFTER_DEATH
    supervisor._start_jobs(now + timedelta(seconds=30))
    assert queued("monitor.tasks.judge") == 0
    supervisor._start_jobs(now + timedelta(seconds=60))
    assert queued("monitor.tasks.judge") == 1
    assert queued("monitor.tasks.deliver") > 0, "the others go on"


@pytest.mark.parametrize(("job", "busy"), [("judge", False), ("", True)])
def test_a_process_that_dies_idle_or_in_a_canary_is_no_jobs_failure(
    supervisor: loop.Supervisor, living: dict[str, bool], now: datetime, job: str, busy: bool
) -> None:
    supervisor._round(now)
    before = OrmQ.objects.count()
    dies_in(supervisor, living, now, job=job, busy=busy)
    assert (job_failures.failing(), OrmQ.objects.count()) == ([], before)


def test_jobs_that_ran_beyond_their_time_when_their_cluster_is_replaced_have_failed(
    supervisor: loop.Supervisor, now: datetime
) -> None:
    supervisor._round(now)
    assert supervisor._cluster
    for pid, seconds, job in ((104, 70, "judge"), (105, 5, "deliver")):
        WorkerBeat.objects.create(
            name=f"{beat_prefix(supervisor._cluster.token)}{pid}", pid=pid, beat_at=now,
            busy_since=now - timedelta(seconds=seconds), detail={"job": job, "task_id": "none"},
        )  # fmt: skip
    supervisor._replace(supervisor._cluster, "every worker is stuck", now)
    assert [one.name for one in job_failures.failing()] == ["judge"]


def test_a_cluster_that_dies_again_and_again_is_started_at_a_growing_pace(
    supervisor: loop.Supervisor, living: dict[str, bool], now: datetime, said: list[str]
):
    living["leader"] = False
    for seconds in range(60):
        supervisor._round(now + timedelta(seconds=seconds))
    pauses = [line.split("replaced in ")[1].split(" s")[0] for line in said if "replaced" in line]
    assert pauses[:6] == ["0", "1", "2", "4", "8", "16"]


def test_a_beat_says_when_the_supervisor_was_started(supervisor: loop.Supervisor, now: datetime):
    for seconds in (0, 6, 90):
        supervisor._round(now + timedelta(seconds=seconds))
        assert worker_signs().booted_at == now
    assert WorkerBeat.objects.get(name="supervisor").beat_at == now + timedelta(seconds=90)


def test_the_supervisor_beats(supervisor: loop.Supervisor, now: datetime):
    supervisor._round(now)
    supervisor._round(now + timedelta(seconds=6))
    beat = WorkerBeat.objects.get(name="supervisor")
    assert (beat.beat_at, beat.detail["starts"]) == (now + timedelta(seconds=6), 1)


def test_a_database_that_is_away_is_not_held_against_the_cluster(
    supervisor: loop.Supervisor, now: datetime, said: list[str], monkeypatch: pytest.MonkeyPatch
):
    def away(*args: object) -> None:
        raise OperationalError("gone")

    supervisor._round(now)
    workers_report(supervisor, now)
    supervisor._round(now + timedelta(seconds=1))
    first = supervisor._cluster
    with monkeypatch.context() as patch:
        patch.setattr(loop.queue, "queued", away)
        patch.setattr(cluster_module.Cluster, "look", away)
        patch.setattr(loop.db.connections, "close_all", lambda: None)
        for seconds in range(2, 60):
            supervisor._round(now + timedelta(seconds=seconds))
    supervisor._round(now + timedelta(seconds=60))
    assert supervisor._cluster is first
    assert [line for line in said if "database" in line] == [
        "the database does not answer (OperationalError); trying again",
        "the database is back",
    ]


@pytest.fixture
def signals_as_before() -> Iterator[None]:
    """A supervisor that runs takes the process's signals; they are given back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_lets_running_tasks_finish_and_the_second_ends_them(
    supervisor: loop.Supervisor,
    said: list[str],
    signals_as_before: None,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
):
    hurried: list[bool] = []
    asked: list[float] = []

    def end(child: object, *, grace: float, hurry: Callable[[], bool]) -> bool:
        hurried.append(hurry())
        signal.raise_signal(number)
        hurried.append(hurry())
        asked.append(grace)
        return not hurry()

    monkeypatch.setattr(loop.time, "sleep", lambda seconds: signal.raise_signal(number))
    monkeypatch.setattr(processes, "ask_to_end", lambda child: asked.append(0))
    monkeypatch.setattr(processes, "wait_for_end", end)
    supervisor.run()
    assert hurried == [False, True]
    assert asked == [0, loop.GRACE]
    assert said[-2:] == [
        "stopping: running tasks may finish; a second signal ends them at once",
        "stopped; tasks that were still running will be done again",
    ]


def test_a_cluster_that_ends_in_its_time_is_not_told_to_be_done_again_and_no_heartbeat_is_left(
    supervisor: loop.Supervisor, said: list[str], signals_as_before: None, monkeypatch: pytest.MonkeyPatch
):
    other = WorkerBeat.objects.create(name="worker:other:7", pid=7, beat_at=factories.NOON)
    monkeypatch.setattr(loop.time, "sleep", lambda seconds: signal.raise_signal(signal.SIGTERM))
    monkeypatch.setattr(processes, "ask_to_end", lambda child: None)
    monkeypatch.setattr(processes, "wait_for_end", lambda child, **how: True)
    supervisor.run()
    assert said[-1] == "stopped"
    assert list(WorkerBeat.objects.all()) == [other]


def test_a_replaced_cluster_takes_its_own_marks_along_and_nobody_elses(
    supervisor: loop.Supervisor, living: dict[str, bool], now: datetime
):
    supervisor._round(now)
    workers_report(supervisor, now)
    other = WorkerBeat.objects.create(name=f"{beat_prefix('other')}7", pid=7, beat_at=now)
    living["leader"] = False
    supervisor._round(now + timedelta(seconds=1))
    assert list(WorkerBeat.objects.filter(name__startswith="worker:")) == [other]


def test_marks_of_dead_workers_go_and_those_of_the_living_and_of_other_clusters_stay(
    supervisor: loop.Supervisor, now: datetime, monkeypatch: pytest.MonkeyPatch
):
    supervisor._round(now)
    workers_report(supervisor, now)
    other = WorkerBeat.objects.create(name=f"{beat_prefix('other')}102", pid=102, beat_at=now)
    monkeypatch.setattr(processes, "alive", lambda pid: pid == 101)
    supervisor._round(now + timedelta(seconds=1))
    left = WorkerBeat.objects.filter(name__startswith="worker:").order_by("pk")
    assert [beat.pid for beat in left] == [101, 102]
    assert left[1] == other


def test_the_supervisors_beat_is_its_own_row_and_tells_the_last_fault(
    supervisor: loop.Supervisor, living: dict[str, bool], now: datetime
):
    canary = WorkerBeat.objects.create(name="canary", pid=9, beat_at=now)
    supervisor._round(now)
    living["leader"] = False
    supervisor._round(now + loop.BEAT_EVERY)
    beat = WorkerBeat.objects.get(name="supervisor")
    assert (beat.beat_at, beat.pid) == (now + loop.BEAT_EVERY, os.getpid())
    assert beat.detail["last_fault"] != ""
    canary.refresh_from_db()
    assert (canary.pid, canary.beat_at) == (9, now)


def test_the_end_takes_the_heartbeat_of_this_supervisor_away_and_no_other(
    supervisor: loop.Supervisor, now: datetime
) -> None:
    supervisor._round(now)
    own = WorkerBeat.objects.get(name="supervisor")
    others = [
        WorkerBeat.objects.create(name="worker:other", pid=own.pid, beat_at=now).pk,
        WorkerBeat.objects.create(name="supervisor-elsewhere", pid=own.pid + 1, beat_at=now).pk,
    ]
    supervisor._cluster.stop = lambda **how: True  # type: ignore[union-attr, method-assign]
    supervisor._end()
    assert sorted(WorkerBeat.objects.values_list("pk", flat=True)) == sorted(others)
