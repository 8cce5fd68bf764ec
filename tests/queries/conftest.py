"""Buckets for questions about counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from monitor.models import Flow, HourBucket
from tests import factories


@pytest.fixture
def bucket() -> Callable[..., HourBucket]:
    """`bucket(flow, hour, succeeded=3, failed=1)`; first attempts are the successes unless told."""

    def make(flow: Flow, hour: datetime, succeeded: int = 0, failed: int = 0, **fields: Any) -> HourBucket:
        fields = {"first_succeeded": succeeded} | fields
        hour = hour.replace(minute=0, second=0, microsecond=0)
        made = HourBucket.objects.create(flow=flow, hour=hour, succeeded=succeeded, failed=failed, **fields)
        factories.sum_up_hour(flow.account_id, hour)
        return made

    return make
