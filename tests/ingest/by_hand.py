"""What a step of a sweep is called with where no sweep is played."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

from monitor.connection import Gate
from monitor.ingest.base.context import Context
from monitor.ingest.base.lease import Lease
from monitor.ingest.base.mode import Mode, Patience
from monitor.models import ZohoAccount
from tests.fake_zoho import Clock


def context_of(account: ZohoAccount, now: datetime) -> Context:
    """A sweep with a gate and a lease of its own, and no client: nothing is asked but by what a test gives."""
    clock, lease = Clock(now), Lease.take(account, now)
    assert lease is not None
    clients: Any = SimpleNamespace(gate=Gate(account, clock), products={"flow", "crm"})
    return Context(account, clients, lease, clock, Patience(Mode.TASK, pause=clock.pause))


class Walks(Exception):  # noqa: N818 - ends a reading where it would begin to ask
    """Says from when on would be read."""

    def __init__(self, since: datetime | None) -> None:
        self.since = since
