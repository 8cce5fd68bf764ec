"""Whatever is read, pruned, read again, counted and killed in whichever order: nothing is lost or counted twice."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from monitor.ingest.night import prune as pruning
from monitor.ingest.runs.counters import mirrored
from monitor.ingest.runs.store import store_page
from monitor.models import Ages, DirtyHour, Execution, Flow, HourBucket, PrunedHour
from monitor.rollups.recount import rebuild_dirty
from tests import factories
from tests.bystander import own
from tests.depth import tried
from tests.ingest.test_prune import row

pytestmark = pytest.mark.usefixtures("all_are_pruned")

AGES = Ages(payload=30, rows=180, hours=400)
START = datetime(2026, 1, 1, tzinfo=UTC)
SOME = tried(4, 20, stateful_step_count=20)  # each lives some years


class Killed(Exception):  # noqa: N818 - named for what happens
    pass


class Retaining(RuleBasedStateMachine):
    """A flow at Zoho (`runs`, by id: time and status) and its mirror here."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.runs: dict[str, tuple[datetime, str]] = {}
        self.seen: set[str] = set()

    @initialize()
    def a_flow(self) -> None:
        for model in (Execution, HourBucket, DirtyHour, PrunedHour):
            own(model).delete()
        self.flow = factories.make_flow(executions_read_at=START, history_read_at=START)

    @rule(hours=st.lists(st.integers(0, 5), min_size=1, max_size=8), statuses=st.data())
    def runs_happen(self, hours: list[int], statuses: st.DataObject) -> None:
        for hour in hours:
            status = statuses.draw(st.sampled_from(["success", "success", "failed", "running"]))
            self.runs[f"run-{len(self.runs)}"] = (self.now - timedelta(hours=hour, minutes=7), status)

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def one_ends_or_is_run_again(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.runs)))
        at, status = self.runs[key]
        if self.now - at < timedelta(days=3):
            self.runs[key] = (at, {"running": "failed", "failed": "success"}.get(status, status))

    @rule(days=st.integers(1, 120))
    def time_passes(self, days: int) -> None:
        self.reads_everything()  # the counters would have said so meanwhile
        self.now += timedelta(days=days)

    @precondition(lambda self: self.runs)
    @rule()
    def reads_everything(self) -> None:
        self._store(sorted(self.runs))

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def reads_a_page(self, data: st.DataObject) -> None:
        self._store(data.draw(st.lists(st.sampled_from(sorted(self.runs)), unique=True)))

    def _store(self, keys: list[str]) -> None:
        stale = Flow.objects.get(pk=self.flow.pk)
        rows = [row(int(key[4:]), self.runs[key][0], self.runs[key][1]) for key in keys]
        store_page(stale, rows, [], self.now)
        self.seen |= set(keys)

    @rule()
    def is_counted(self) -> None:
        while rebuild_dirty(self.now):
            pass

    @rule()
    def is_pruned(self) -> None:
        own(Execution).filter(started_time__lt=self.now - timedelta(days=3)).update(recheck_at=None)
        pruning.prune(AGES, self.now, lambda: True)

    @rule(after=st.integers(0, 4))
    def is_killed_between_two_batches(self, after: int) -> None:
        left = iter(range(after))

        def go_on() -> bool:
            if next(left, None) is None:
                raise Killed
            return True

        with suppress(Killed):  # as a kill leaves it: what was committed stands
            pruning.prune(AGES, self.now, go_on)

    @invariant()
    def every_run_that_was_read_is_here_or_counted_once(self) -> None:
        if not hasattr(self, "flow"):
            return
        flow = Flow.objects.get(pk=self.flow.pk)
        here = Execution.objects.filter(flow=flow).count()
        assert here + flow.progress.pruned_success + flow.progress.pruned_failed == len(self.seen)

    @invariant()
    def buckets_count_what_is_here_and_what_was_pruned(self) -> None:
        if not hasattr(self, "flow") or DirtyHour.objects.exists():
            return
        flow = Flow.objects.get(pk=self.flow.pk)
        counts = mirrored(flow)
        sums: dict[str, Any] = {"succeeded": 0, "failed": 0}
        for bucket in HourBucket.objects.filter(flow=flow):
            sums["succeeded"] += bucket.succeeded
            sums["failed"] += bucket.failed
        assert (sums["succeeded"], sums["failed"]) == (counts.success, counts.failed)

    @invariant()
    def nothing_that_is_pruned_is_here(self) -> None:
        if not hasattr(self, "flow"):
            return
        gone = own(Execution).exclude(payload_removed_at=None)
        assert not gone.filter(trigger_data__isnull=False).exists()
        assert not gone.exclude(error_details="").exists()


@pytest.mark.property
@pytest.mark.django_db
def test_no_order_of_reading_pruning_counting_and_dying_loses_or_doubles_a_run() -> None:
    run_state_machine_as_test(Retaining, settings=SOME)
