"""People and the pipeline work on the same failures at the same moment, on real connections to a real database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction

from monitor.models import DirtyHour, Execution, Failure, FailureGroup, Flow, Problem, Role, WriteOff
from monitor.rollups.recount import rebuild_dirty
from monitor.triage import acts
from monitor.triage.acts import ActRefused
from monitor.triage.judge import judge_problems
from monitor.triage.take import by_earlier_successes, take
from monitor.triage.write_off import take_back, write_off
from tests import factories
from tests.bystander import own
from tests.triage.conftest import Fail, Triage

ROUNDS = 6
CAUSES = ("Tax", "Token", "Mail", "Ledger")


def together(*works: Callable[[], object]) -> None:
    """Does all of these at once, each on a connection of its own; on SQLite, which has one writer, in turn."""
    if connection.vendor == "sqlite":
        for _ in range(ROUNDS):
            for work in works:
                work()
        return
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        barrier.wait(timeout=30)
        try:
            for _ in range(ROUNDS):
                work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        list(pool.map(run, works))


def change(keys: list[int], **fields: Any) -> None:
    """Changes runs as one sweep at a time does; of two at once the second waits for the first, row by row."""
    with transaction.atomic():
        rows = Execution.objects.filter(pk__in=keys)
        list(rows.select_for_update(no_key=True).order_by("pk").values_list("pk"))
        rows.update(**fields)


@pytest.mark.django_db(transaction=True)
def test_taking_giving_up_and_merging_at_once_never_wait_in_a_circle_and_the_ledger_adds_up(
    fail: Fail, triage: Triage, flow: Flow, now: datetime
) -> None:
    runs = [fail(cause, minutes_ago=n, trigger_data={"id": str(n)}) for n in range(60) for cause in CAUSES]
    triage(*runs)
    keys = [run.pk for run in runs]
    people = [factories.make_user(f"person {number}", Role.OPERATOR) for number in range(3)]

    def taking() -> None:
        change(keys[::3], error_message="Other words")
        change(keys[1::3], status="success")
        DirtyHour.objects.mark((run.flow_id, run.started_time) for run in runs if run.started_time)
        rebuild_dirty(now)
        take(now)
        by_earlier_successes(now)
        judge_problems([], now)
        change(keys, status="failed", error_message="Tax")

    def giving_up() -> None:
        write_off(keys[::-2], people[0], "lost", now)
        take_back(keys[::2], people[0], now)

    def merging(number: int) -> Callable[[], None]:
        def merge_and_split() -> None:
            code = ""
            problems = list(own(Problem).filter(merged_into=None).order_by("-pk" if number else "pk"))
            try:
                acts.merge(problems[1:], problems[0], people[1 + number], now)
                for group in problems[0].groups.order_by("pk")[1:]:
                    acts.split(problems[0], group, people[1 + number], now)
            except ActRefused as refusal:
                code = refusal.code
            assert code in ("", "changed_meanwhile", "merged_away", "not_its_group", "one_group")

        return merge_and_split

    together(taking, taking, giving_up, merging(0), merging(1))
    DirtyHour.objects.mark((run.flow_id, run.started_time) for run in runs if run.started_time)
    triage()
    assert own(Failure).count() == len(runs)
    assert not own(Failure).filter(group__problem__merged_into__isnull=False).exists()
    given_up = set(own(WriteOff).values_list("pk", flat=True))
    assert set(own(Failure).filter(fate="written_off").values_list("pk", flat=True)) <= given_up
    for problem in own(Problem).filter(merged_into=None):
        of_it = Failure.objects.filter(group__problem=problem)
        assert problem.unjudged == 0
        assert problem.is_unresolved == of_it.filter(fate="open").exists() or problem.state == "resolved"
        assert of_it.exists() or problem.acts.filter(actor__isnull=False).exists()
    assert FailureGroup.objects.filter(account=flow.account).count() >= len(CAUSES)
