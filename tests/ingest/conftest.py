from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.ingest.base.context import Context
from monitor.ingest.runs import read_runs
from monitor.models import ZohoAccount
from tests.fake_zoho import Clock, FakeFlow, Run, Zoho, a_rule, a_usage
from tests.ingest.by_hand import Walks, context_of


@pytest.fixture
def zoho(now: datetime) -> Zoho:
    """An empty account at Zoho, at the tests' present."""
    return Zoho(Clock(now))


@pytest.fixture
def busy(zoho: Zoho) -> Zoho:
    """Five flows with runs, two rules with usage, two connections."""
    for number in range(5):
        runs = [Run(zoho.clock() - timedelta(minutes=n + 1)) for n in range(3 + number)]
        zoho.flows.append(FakeFlow(name=f"Flow {number}", runs=runs, before=(100, 3)))
    zoho.rules = [a_rule(f"Rule {n}") for n in range(5)]
    zoho.usage = {rule["id"]: a_usage() for rule in zoho.rules}
    zoho.connections = [{"connection_id": f"77{n}", "connection_name": "CRM", "status": "active"} for n in range(5)]
    return zoho


@pytest.fixture
def context(account: ZohoAccount, now: datetime) -> Context:
    """A sweep of the account that is not played."""
    return context_of(account, now)


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading ends, with `Walks`, where it would begin to ask for pages."""

    def walk(reading: Any, *, since: datetime | None, **how: Any) -> Any:
        raise Walks(since)

    monkeypatch.setattr(read_runs, "walk", walk)
