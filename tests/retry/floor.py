"""A flow with failed runs that Zoho knows too, and what people and the worker do with batches of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from monitor.models import Execution, Flow, RetryBatch, RetryItem, User, ZohoAccount
from monitor.retry.batches import request_batch
from monitor.retry.requests import RetryRefused
from monitor.retry.run_batches import run_batches
from monitor.retry.settle import sweep
from tests import factories
from tests.bystander import own
from tests.fake_zoho import Clock, RetryingZoho
from tests.fake_zoho.retrying import PERMANENT


@dataclass
class Floor:
    """A flow with failed runs that Zoho knows too, and what people and the worker do with them."""

    zoho: RetryingZoho
    clock: Clock
    account: ZohoAccount
    user: User
    flow: Flow

    def fail(self, count: int = 1, *, flow: Flow | None = None, error: tuple[str, str, str] = PERMANENT) -> list[int]:
        code, message, details = error
        made = []
        for _ in range(count):
            number = own(Execution).count()
            at = self.clock() - timedelta(minutes=5)
            run = factories.make_execution(
                flow or self.flow,
                "failed",
                trigger_data={"Deal": number},
                started_time=at,
                completed_time=at,
                first_failed_at=at,
                error_code=code,
                error_message=message,
                error_details=details,
            )
            self.zoho.add(run)
            made.append(run.pk)
        return made

    def ask(self, keys: list[int], token: str = "form", **changes: Any) -> RetryBatch:
        wanted = {
            "account": self.account, "executions": keys, "user": self.user, "reason": "the tax is there",
            "client_token": token, "now": self.clock(), "per_minute": 600,
        }  # fmt: skip
        return request_batch(**(wanted | changes))

    def work(self, seconds: int = 120, *, before_each: Callable[[], object] | None = None) -> None:
        """What the worker's job does, every five seconds."""
        for _ in range(seconds // 5):
            if before_each is not None:
                before_each()
            run_batches(self.clock())
            sweep(self.clock, open_account=self.zoho.open_account)
            self.clock.forward(seconds=5)
        run_batches(self.clock())


def states(batch: RetryBatch) -> Counter[str]:
    return Counter(RetryItem.objects.filter(batch=batch).values_list("state", flat=True))


def fresh(batch: RetryBatch) -> RetryBatch:
    return RetryBatch.objects.get(pk=batch.pk)


def assert_refused(code: str, act: Callable[..., object], *args: Any, **more: Any) -> None:
    with pytest.raises(RetryRefused) as refusal:
        act(*args, **more)
    assert refusal.value.code == code
    assert refusal.value.message.endswith(".")
