from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.fake_zoho import Clock, FakeFlow, Run, Zoho, a_rule, a_usage


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
