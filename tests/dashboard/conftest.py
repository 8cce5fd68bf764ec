"""A small mirror that pages can show, and a soup of what a page holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from monitor.models import Flow, HourBucket, SyncState, ZohoAccount
from tests import factories


@pytest.fixture
def at_noon(now: datetime) -> Any:
    """The clock stands at the tests' present, for views, which read it."""
    with time_machine.travel(now, tick=False):
        yield now


@pytest.fixture
def healthy(account: ZohoAccount, now: datetime) -> ZohoAccount:
    """An account that was read completely half a minute ago."""
    SyncState.objects.filter(account=account).update(
        state="ok",
        last_complete_at=now - timedelta(seconds=30),
        last_finished_at=now - timedelta(seconds=20),
        next_due_at=now + timedelta(seconds=40),
    )
    return account


@pytest.fixture
def busy_flow(healthy: ZohoAccount, now: datetime) -> Callable[..., Flow]:
    """`busy_flow(flow_name=...)`: a flow with runs in each of the last ten hours, and their buckets."""

    def make(**fields: Any) -> Flow:
        read = {"executions_read_at": now, "history_read_at": now - timedelta(days=9)}
        flow = factories.make_flow(healthy, **(read | fields))
        for hour in range(10):
            at = now - timedelta(hours=hour)
            factories.make_execution(flow, "failed" if hour == 3 else "success", started_time=at)
            HourBucket.objects.create(
                flow=flow,
                hour=at,
                succeeded=int(hour != 3),
                failed=int(hour == 3),
                first_succeeded=int(hour != 3),
                duration_count=1,
                durations=[0] * 20 + [1],
            )
            factories.sum_up_hour(healthy.pk, at)
        return flow

    return make
