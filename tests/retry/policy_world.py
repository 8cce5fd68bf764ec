"""A policy for the floor's flow, runs that fail for it, and the worker's turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from monitor.models import Execution, Failure, Flow, Problem, RetryAttempt, RetryPolicy, User
from monitor.retry.policies import add_policy, switch_on
from monitor.retry.run_policies import run_policies
from monitor.retry.settle import sweep
from tests import factories
from tests.bystander import own
from tests.retry.floor import Floor

PASSING = ("ACTION_FAILED", "The app answered 503", "HTTP 503")


@pytest.fixture
def set_policy(floor: Floor, ada: User) -> Callable[..., RetryPolicy]:
    """Makes a policy for the flow, or what is named, and switches it on."""

    def make(thing: Flow | Problem | None = None, **settings: Any) -> RetryPolicy:
        given = {"name": "Missing tax", "tries": 2, "wait_minutes": 10, "per_day": 20} | settings
        policy = add_policy(thing or floor.flow, ada, floor.clock(), **given)
        switch_on(policy, ada, floor.clock())
        policy.refresh_from_db()
        return policy

    return make


def fail(floor: Floor, count: int = 1, **more: Any) -> list[Failure]:
    """Runs that fail now, with their entries in the ledger."""
    floor.clock.forward(minutes=6)  # the floor's runs have failed five minutes ago
    return [factories.make_failure(Execution.objects.get(pk=pk)) for pk in floor.fail(count, **more)]


def later(floor: Floor, minutes: int) -> list[RetryAttempt]:
    """Every wish that there is after so many minutes of the worker's job."""
    for _ in range(minutes):
        floor.clock.forward(minutes=1)
        run_policies(floor.clock())
        sweep(floor.clock, open_account=floor.zoho.open_account)
    return list(own(RetryAttempt).order_by("pk"))
