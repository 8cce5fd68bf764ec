"""What counts as mirrored at the end of a reading."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.ingest.close import _holds_what_was_listed
from monitor.ingest.walk import Walked
from monitor.models import ZohoAccount
from tests.factories import make_flow


@pytest.mark.parametrize(("began", "holds"), [(timedelta(seconds=-1), True), (timedelta(seconds=1), False)])
def test_a_run_that_began_before_the_edge_of_pruning_is_not_missed_though_it_ended_after_it(
    account: ZohoAccount, now: datetime, *, began: timedelta, holds: bool
) -> None:
    """Pruning goes by the start, and so does what is looked for."""
    reading: Any = SimpleNamespace(flow=make_flow(account, pruned_before=now), context=SimpleNamespace(account=account))
    walked = Walked(
        statuses={"1": "success"},
        seen_started={"1": now + began},
        seen_completed={"1": now + timedelta(minutes=2)},
    )
    assert _holds_what_was_listed(reading, walked) is holds
