"""A clock, a ledgered Zoho and a failed execution that both know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pytest

from monitor.models import Execution, RetryAttempt, User, ZohoAccount
from monitor.retry.requests import request_retry
from monitor.retry.send import send
from monitor.retry.settle import SweepReport, sweep
from tests import factories
from tests.fake_zoho import Clock, RetryingZoho
from tests.retry.floor import Floor


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


@pytest.fixture
def failed(account: ZohoAccount) -> Execution:
    """A failed run with trigger data of its own."""
    return factories.make_execution(
        factories.make_flow(account), "failed", trigger_data={"Email": "lea@example.com", "Deal": 7}
    )


@pytest.fixture
def zoho(clock: Clock, failed: Execution) -> RetryingZoho:
    fake = RetryingZoho(clock)
    fake.add(failed)
    return fake


@dataclass
class Desk:
    """Asking, sending and sweeping in few words."""

    zoho: RetryingZoho
    clock: Clock
    execution: Execution
    user: User

    def ask(self, token: str = "form-1", **changes: object) -> RetryAttempt:
        wanted = {
            "execution": self.execution, "user": self.user, "reason": "the address is corrected",
            "client_token": token, "accept_risk": False, "now": self.clock(),
        }  # fmt: skip
        return request_retry(**(wanted | changes))  # type: ignore[arg-type]

    def send(self, attempt: RetryAttempt) -> RetryAttempt:
        return send(attempt.pk, open_account=self.zoho.open_account, now_fn=self.clock)

    def sweep(self) -> SweepReport:
        return sweep(self.clock, open_account=self.zoho.open_account)

    def sweep_for(self, seconds: float, step: float = 5) -> list[SweepReport]:
        """Sweeps as the worker does, every `step` seconds."""
        reports = [self.sweep()]
        for _ in range(int(seconds / step)):
            self.clock.forward(seconds=step)
            reports.append(self.sweep())
        return reports


@pytest.fixture
def desk(zoho: RetryingZoho, clock: Clock, failed: Execution, ada: User) -> Desk:
    return Desk(zoho, clock, failed, ada)


@pytest.fixture
def floor(clock: Clock, account: ZohoAccount, ada: User) -> Floor:
    return Floor(RetryingZoho(clock), clock, account, ada, factories.make_flow(account))
