"""An account is complete where each thing that it is made of is, on every page and in `status`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from monitor.models import Flow, StreamState, SyncState, ZohoAccount
from monitor.queries import freshness
from monitor.queries.status import status
from monitor.standing.completeness import gap_of
from tests import factories
from tests.bystander import own
from tests.depth import tried

pytestmark = pytest.mark.django_db
NOW = factories.NOON
SWEPT = NOW - timedelta(seconds=20)
COUNTERS = ("execution_count", "success_count", "failure_count")
counters = st.tuples(*[st.sampled_from([None, 7, 7, 7, 8])] * 3)
one_flow = st.fixed_dictionaries(
    {
        "executions_read_at": st.sampled_from([None, NOW, NOW, NOW]),
        "hole_reason": st.sampled_from(["", "", "", "3 runs are missing"]),
        "gone_at": st.sampled_from([None, None, None, NOW]),
        "history_order": st.sampled_from(["", "newest"]),
        # listed by the sweep that ended, or by the one that is under way
        "seen_at": st.sampled_from([SWEPT - timedelta(seconds=9), SWEPT + timedelta(seconds=9)]),
        "listed": counters,
        "read": counters,
    }
)
streams = st.dictionaries(
    st.sampled_from(["executions", "flows", "rules"]),
    st.sampled_from(["ok", "ok", "ok", "incomplete", "not_available"]),
)
GAPS: dict[str, dict[str, Any]] = {
    "": {},
    "hole": {"hole_reason": "3 runs are missing"},
    "unread": {"executions_read_at": None},
    "uncounted": {"failure_count": None},
    "moved": {"execution_count": 8},
}


def store(account: ZohoAccount, listed: tuple[int | None, ...], read: tuple[int | None, ...], **fields: Any) -> Flow:
    read_names = [f"read_{name}" for name in COUNTERS]
    values = dict(zip(COUNTERS, listed, strict=True)) | dict(zip(read_names, read, strict=True))
    return factories.make_flow(account, **values | fields)


def is_read(account: ZohoAccount) -> None:
    times = {"last_complete_at": NOW - timedelta(seconds=30), "last_finished_at": SWEPT}
    SyncState.objects.filter(account=account).update(state="ok", next_due_at=NOW + timedelta(minutes=1), **times)


def of_gap(account: ZohoAccount, gap: str) -> Flow:
    is_read(account)
    StreamState.objects.create(account=account, stream="executions", state="ok", last_read_at=NOW)
    fields = {"executions_read_at": NOW, "seen_at": SWEPT - timedelta(minutes=1)} | GAPS[gap]
    return store(account, (7, 7, 0), (7, 7, 0), **fields)


@pytest.mark.property
@tried(15, 300)
@given(flows=st.lists(one_flow, max_size=4), streams=streams)
def test_an_account_is_complete_exactly_where_all_its_flows_and_streams_are(
    flows: list[dict[str, Any]], streams: dict[str, str]
) -> None:
    with transaction.atomic():
        account = factories.make_account()
        is_read(account)
        for fields in flows:
            store(account, **fields)
        for name, state in streams.items():
            StreamState.objects.create(account=account, stream=name, state=state, last_read_at=NOW)
        (told,) = status(NOW, account.name)["accounts"]
        parts = [*told["completeness"]["flows"], *told["streams"].values()]
        assert told["complete"] == all(part["complete"] for part in parts)
        assert [flow["complete"] for flow in told["completeness"]["flows"]] == [
            not flow["reason"] for flow in told["completeness"]["flows"]
        ]
        found = freshness.mirror(NOW).of(account.pk)
        assert found is not None
        here = own(Flow).filter(account=account, gone_at=None).select_related("progress")
        gaps = [gap_of(flow, SWEPT) for flow in here]
        named = {"hole": found.holes, "uncounted": found.uncounted, "moved": found.moved}
        assert {gap: gaps.count(gap) for gap in named} == named
        assert found.unread == sum(flow.progress.executions_read_at is None for flow in here)
        transaction.set_rollback(True)


def test_a_flow_whose_counters_moved_is_being_read_until_the_sweep_that_listed_it_ends(
    account: ZohoAccount, now: datetime
) -> None:
    flow = of_gap(account, "moved")
    Flow.objects.filter(pk=flow.pk).update(seen_at=SWEPT + timedelta(seconds=1))
    assert status(now, account.name)["accounts"][0]["complete"] is True
    SyncState.objects.filter(account=account).update(last_finished_at=SWEPT + timedelta(seconds=2))
    (told,) = status(now, account.name)["accounts"]
    assert (told["complete"], told["completeness"]["flows"][0]["complete"]) == (False, False)
