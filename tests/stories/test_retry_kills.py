"""Workers are killed with -9 while batches of retries run: no item is lost, and no work runs twice.

12 kills here; `RETRY_KILLS=200` is what `make retry-kills` plays. What arrived at Zoho and what ran there is read from
the stand-in's own ledger. An item whose answer was lost with its process stays *unknown* until its run shows: it is
neither lost nor sent again. Meanwhile a policy retries what fails in a flow of its own: within its tries and its cap,
each once and in its name.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random

import pytest
from django.db import connections
from django.utils import timezone

from monitor.models import Execution, Flow, RetryAttempt, RetryBatch, RetryItem, RetryPolicy, Role, User, WorkerBeat
from tests.realprocess import ALIAS, Stage, rows, wait_for
from tests.stories import test_kill_suite as kill_suite
from tests.stories.test_kill_suite import Killer, Zoho, finished_sweeps, stage, zoho

__all__ = ["stage", "zoho"]
pytestmark = [pytest.mark.kills, pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")]
KILLS = int(os.environ.get("RETRY_KILLS", "12"))
RUNS_A_BATCH = 40
BATCHES_AT_ONCE = 3
PATIENCE = 240.0  # seconds for what is on its way to come to an end
LONGEST = 60.0 + 20 * KILLS  # seconds for all kills
OPEN = ("waiting", "started")
ON_ITS_WAY = ("requested", "sending", "accepted")
A_DAY = 30  # retries of the policy


def retrying_workers() -> list[int]:
    """Workers that send or settle retries just now."""
    beats = rows(WorkerBeat, name__startswith="worker:", busy_since__isnull=False, task__contains="retries")
    return [beat.pid for beat in beats]


@dataclass
class Wishes:
    """Runs fail, are mirrored, and become batches, one after the other, until `stopped`."""

    stage: Stage
    zoho: Zoho
    batches: int = 0
    asked: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        try:
            self._go_on()
        finally:
            connections[ALIAS].close()  # a thread has one of its own

    def _go_on(self) -> None:
        dice = Random(5)
        by_itself, *flows = [flow["flow_id"] for flow in self.zoho.flows()]
        while not self.stopped.is_set():
            made = []
            for flow_id in dice.sample(flows, 4):
                body = {"flow_id": flow_id, "count": RUNS_A_BATCH // 4, "status": "failed", "kind": "email"}
                made += self.zoho.control("do/add_executions", body)["result"]
            body = {"flow_id": by_itself, "count": 4, "status": "failed", "kind": "email"}
            self.zoho.control("do/add_executions", body)
            options = ("--reason", "killed in between", "--rate", "600", "--canary", "100", "--accept-risk")
            try:
                wait_for("the runs to be mirrored", partial(self._are_mirrored, made), timeout=PATIENCE)
                if self.stopped.is_set():
                    return  # they were not waited for
                # One batch of an account runs at a time: more than a few that wait would outlive the kills by far.
                wait_for("earlier batches to end", self._has_room, timeout=LONGEST)
                if self.stopped.is_set():
                    return
                self.stage.must("retry", *made, *options)
            except AssertionError as error:
                self.trouble.append(str(error))
                return
            self.batches += 1
            self.asked += made
            self.stopped.wait(4)

    def _are_mirrored(self, made: list[str]) -> bool:
        return bool(self.stopped.is_set() or rows(Execution, execution_id__in=made).count() == len(made))

    def _has_room(self) -> bool:
        return self.stopped.is_set() or rows(RetryBatch, state__in=RetryBatch.OPEN_STATES).count() < BATCHES_AT_ONCE


def set_policy(zoho: Zoho) -> RetryPolicy:
    """Has the failures of the first flow retried by themselves, once and without a wait, which no form allows."""
    now = timezone.now()
    flow = rows(Flow, flow_id=zoho.flows()[0]["flow_id"]).get()
    admin = User(username="ada", role=Role.ADMIN)
    admin.save(using=ALIAS)
    on = {"is_on": True, "on_since": now - timedelta(hours=1), "set_by": admin, "set_at": now}
    caps = {"tries": 1, "wait_minutes": 0, "per_day": A_DAY}
    return rows(RetryPolicy).create(account_id=flow.account_id, flow=flow, name="Killed in between", **on, **caps)


def open_items() -> list[str]:
    """Items and retries of policies that have not ended, each item with the state of its batch and of its retry."""
    items = rows(RetryItem, state__in=OPEN).select_related("attempt", "batch")
    left = [f"retry {one.pk}: {one.state}" for one in rows(RetryAttempt, item=None, state__in=ON_ITS_WAY)]
    return left + [
        f"item {item.pk} of batch {item.batch_id} ({item.batch.state}): {item.attempt and item.attempt.state}"
        for item in items
    ]


def test_no_item_is_lost_and_no_work_runs_twice(stage: Stage, zoho: Zoho, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kill_suite, "busy_workers", retrying_workers)
    killer, wishes = Killer(stage, stage.start("worker")), Wishes(stage, zoho)
    wait_for("the first sweep", finished_sweeps, timeout=180)
    policy = set_policy(zoho)
    thread = threading.Thread(target=wishes.run)
    thread.start()
    deadline = time.monotonic() + LONGEST
    try:
        wait_for("the first retries", lambda: rows(RetryAttempt).exists(), timeout=PATIENCE)
        while len(killer.kills) < KILLS:
            assert time.monotonic() < deadline, f"nothing to kill:\n{stage.log('worker').read_text()[-4000:]}"
            time.sleep(killer.dice.uniform(1, 3))
            killer.strike()
    finally:
        wishes.stopped.set()
        thread.join()
    assert wishes.trouble == []
    left = until_ended()
    ledger = zoho.control_read("ledger")
    by_itself = list(rows(RetryAttempt, policy=policy).values_list("execution__execution_id", flat=True))
    wanted = {*wishes.asked, *by_itself}
    carried_out = {key: count for key, count in ledger["retries_carried_out"].items() if key in wanted}
    received = {key: count for key, count in ledger["retries_received"].items() if key in wanted}
    states = Counter(rows(RetryItem).values_list("state", flat=True))
    kinds = Counter(what for what, _ in killer.kills)
    print(f"{len(killer.kills)} kill -9 {dict(kinds)} in {wishes.batches} batches: {dict(states)}")
    print(f"{len(by_itself)} retries of the policy")
    print(f"{sum(received.values())} POSTs arrived, {sum(carried_out.values())} runs were caused by them")

    assert left == [], stage.log("worker").read_text()[-4000:]
    assert sum(states.values()) == len(wishes.asked)
    assert [key for key, count in carried_out.items() if count > 1] == []
    assert [key for key, count in received.items() if count > 1] == []
    sent = set(rows(RetryAttempt, sends__gt=0).values_list("execution__execution_id", flat=True))
    assert received.keys() <= sent, "a POST that no row told of before it left"
    assert 0 < len(by_itself) == len(set(by_itself)) <= A_DAY
    assert {policy.name in one.reason for one in rows(RetryAttempt, policy=policy)} == {True}
    good = rows(RetryItem, state="succeeded").values_list("execution__execution_id", flat=True)
    assert set(good) <= carried_out.keys()
    assert len(killer.kills) == KILLS


def until_ended() -> list[str]:
    """Waits until every item has an end, or none came to one for a long time; returns what is left after that."""
    left, end = open_items(), time.monotonic() + PATIENCE
    while left and time.monotonic() < end:
        time.sleep(1)
        before, left = left, open_items()
        if len(left) < len(before):
            end = time.monotonic() + PATIENCE
    return left
