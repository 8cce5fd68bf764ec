"""A flow whose runs fail, counted and taken as the pipeline does it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import CountedHour, DirtyHour, Execution, Failure, Flow, Problem, Role, User
from monitor.rollups.recount import rebuild_dirty
from monitor.triage.judge import judge_problems
from monitor.triage.take import by_earlier_successes, take
from tests import factories
from tests.bystander import own

Fail = Callable[..., Execution]
Triage = Callable[..., set[int]]


@pytest.fixture
def flow() -> Flow:
    return factories.make_flow(executions_read_at=factories.NOON)


@pytest.fixture
def operator() -> User:
    return factories.make_user("olga", Role.OPERATOR)


@pytest.fixture
def fail(flow: Flow, now: datetime) -> Fail:
    """Mirrors a run that failed so many minutes ago."""

    def make(message: str = "Tax 'VAT 19' does not exist", *, minutes_ago: float = 60, **fields: Any) -> Execution:
        began = now - timedelta(minutes=minutes_ago)
        given = {
            "started_time": began,
            "completed_time": began + timedelta(seconds=2),
            "first_failed_at": began + timedelta(seconds=2),
            "error_code": "ACTION_FAILED",
            "error_details": "",
            "error_message": message,
        } | fields
        return factories.make_execution(given.pop("flow", flow), given.pop("status", "failed"), **given)

    return make


@pytest.fixture
def triage(now: datetime) -> Triage:
    """Counts what changed, enters it into the ledger and judges the problems; returns those that changed."""

    def run(*changed: Execution, at: datetime = now) -> set[int]:
        DirtyHour.objects.mark((one.flow_id, one.started_time) for one in changed if one.started_time is not None)
        while rebuild_dirty(at):
            pass
        problems: set[int] = set()
        while (taken := take(at)).hours:
            problems |= taken.problems
        problems |= by_earlier_successes(at)
        judge_problems(problems, at)
        assert not CountedHour.objects.exists()
        return problems

    return run


def fates() -> list[str]:
    """The fates of the test's own failures, by when they failed."""
    return list(own(Failure).order_by("failed_at", "pk").values_list("fate", flat=True))


def problem() -> Problem:
    """The one problem that there is."""
    return own(Problem).get(merged_into=None)
