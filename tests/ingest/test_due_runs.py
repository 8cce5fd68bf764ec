"""Which rows are to be read again: by their clocks, of one account, with its flows that are there."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.ingest.runs import due_runs
from monitor.models import Execution, Flow, ZohoAccount
from monitor.zoho.reruns import LOOK_AFTER, look_after
from tests import factories

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def flow(account: ZohoAccount) -> Flow:
    return factories.make_flow(account)


def running(flow: Flow, recheck_at: datetime | None, **fields: Any) -> Execution:
    return factories.make_execution(flow, "running", recheck_at=recheck_at, **fields)


def failed(flow: Flow, due: datetime | None, *, after: timedelta = 5 * MINUTE, **fields: Any) -> Execution:
    """A failed run that Zoho runs again at a time, so long after it failed."""
    first = {"first_failed_at": due - after} if due is not None else {}
    return factories.make_execution(flow, "failed", rerun_due_at=due, **first | fields)


def strangers(flow: Flow, now: datetime) -> None:
    """Rows that are due, but not of this account, not of flows that are there, or that Zoho has deleted."""
    gone = factories.make_flow(flow.account, gone_at=now)
    other = factories.make_flow()
    for one in (gone, other):
        running(one, now - HOUR)
        failed(one, now - HOUR)
    running(flow, now - HOUR, unlisted_at=now)
    failed(flow, now - HOUR, unlisted_at=now)


def test_rows_are_due_by_our_clock_while_they_run_and_by_zohos_when_they_failed(
    account: ZohoAccount, flow: Flow, now: datetime
) -> None:
    zoho_now = now - HOUR
    strangers(flow, now)
    running(flow, None)
    running(flow, now + SECOND)
    second, first = running(flow, now), running(flow, now - SECOND)
    look = look_after(5 * MINUTE) - 5 * MINUTE
    early = failed(flow, zoho_now - look)
    failed(flow, zoho_now - look + SECOND)
    longest = failed(flow, zoho_now - 3 * HOUR)
    failed(flow, None)
    failed(flow, zoho_now - 9 * HOUR, first_failed_at=None)
    factories.make_execution(flow, "success", rerun_due_at=zoho_now - HOUR, first_failed_at=zoho_now - 2 * HOUR)
    found = due_runs.due_rows(account, now, zoho_now)
    assert [row.pk for row in found] == [first.pk, second.pk, longest.pk, early.pk]


def test_no_more_rows_than_a_sweep_can_read_are_due_at_once(
    account: ZohoAccount, flow: Flow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due_runs, "MOST_ROWS", 1)
    rows = [running(flow, now - place * SECOND) for place in range(3)]
    again = [failed(flow, now - place * HOUR) for place in range(1, 4)]
    assert [row.pk for row in due_runs.due_rows(account, now, now)] == [rows[2].pk, again[2].pk]


def test_the_next_look_is_the_soonest_of_both_clocks(account: ZohoAccount, flow: Flow, now: datetime) -> None:
    strangers(flow, now)
    assert due_runs.next_look(account) is None
    failed(flow, None)
    failed(flow, now, first_failed_at=None)
    factories.make_execution(flow, "success", rerun_due_at=now, first_failed_at=now)
    assert due_runs.next_look(account) is None
    running(flow, now + 9 * HOUR)
    running(flow, now + 8 * HOUR)
    assert due_runs.next_look(account) == now + 8 * HOUR
    late = failed(flow, now + 2 * HOUR, after=HOUR)
    assert due_runs.next_look(account) == now + HOUR + look_after(HOUR)
    soon = failed(flow, now + HOUR)
    assert soon.first_failed_at is not None
    assert late.pk != soon.pk
    assert due_runs.next_look(account) == soon.first_failed_at + look_after(5 * MINUTE)


def test_of_many_failed_rows_the_next_look_is_no_later_than_that_of_those_not_looked_at(
    account: ZohoAccount, flow: Flow, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due_runs, "FEW", 2)
    failed(flow, now, after=24 * HOUR)
    failed(flow, now + MINUTE, after=24 * HOUR)
    failed(flow, now + 2 * MINUTE)
    each = [now - 24 * HOUR + look_after(24 * HOUR), now + MINUTE - 24 * HOUR + look_after(24 * HOUR)]
    assert due_runs.next_look(account) == min(*each, now + MINUTE + LOOK_AFTER)


def test_the_oldest_due_row_is_the_flows_own_failed_and_listed_one(flow: Flow, now: datetime) -> None:
    since = now - 9 * HOUR

    def began(hours: int, one: Flow = flow, due: datetime | None = now - LOOK_AFTER, **fields: Any) -> datetime:
        return failed(one, due, started_time=now - hours * HOUR, **fields).started_time  # type: ignore[return-value]

    began(10)
    began(8, factories.make_flow(flow.account))
    began(8, unlisted_at=now)
    began(8, due=now - LOOK_AFTER + SECOND)
    factories.make_execution(flow, "success", started_time=now - 8 * HOUR, rerun_due_at=now - HOUR)
    assert due_runs.oldest_due(flow, since, now, 200) is None
    young = began(2)
    assert due_runs.oldest_due(flow, since, now, 200) == young
    old = began(7)
    assert due_runs.oldest_due(flow, since, now, 200) == old
    assert began(9) == due_runs.oldest_due(flow, since, now, 200) == since


def test_a_due_row_further_back_than_a_page_is_not_reached_by_a_list(flow: Flow, now: datetime) -> None:
    old = failed(flow, now - HOUR, started_time=now - 5 * HOUR).started_time
    for one in (flow, flow, factories.make_flow(flow.account)):
        factories.make_execution(one, started_time=now - 4 * HOUR)
    factories.make_execution(flow, started_time=now - 6 * HOUR)
    assert due_runs.oldest_due(flow, now - 9 * HOUR, now, 4) == old
    assert due_runs.oldest_due(flow, now - 9 * HOUR, now, 3) is None


def test_rows_that_were_seen_and_are_due_are_due_again_later_and_others_stay(flow: Flow, now: datetime) -> None:
    context: Any = SimpleNamespace(clock=lambda: now, writing=nullcontext)
    started = now - 30 * MINUTE
    seen = running(flow, now, started_time=started)
    retried = failed(
        flow, now, after=7 * MINUTE, started_time=started, error_message="HTTP 503", error_code="X", error_details=""
    )
    done = factories.make_execution(flow, "success", recheck_at=now, rerun_due_at=now)
    unseen = running(flow, now, started_time=started)
    not_due = running(flow, now + SECOND, started_time=started)
    other = running(factories.make_flow(flow.account), now, started_time=started)
    ids = {row.execution_id for row in (seen, retried, done, not_due, other)}
    due_runs.settle(context, flow, ids, None)
    after = {row.pk: (row.recheck_at, row.rerun_due_at) for row in Execution.objects.all()}
    assert after[seen.pk][0] is not None
    assert after[seen.pk][0] > now
    assert after[retried.pk] == (None, now + 3 * MINUTE)
    assert after[done.pk] == (None, None)
    assert (after[unseen.pk][0], after[not_due.pk][0], after[other.pk][0]) == (now, now + SECOND, now)


def test_zohos_clock_says_which_failed_rows_are_due(flow: Flow, now: datetime) -> None:
    context: Any = SimpleNamespace(clock=lambda: now, writing=nullcontext)
    row = factories.make_execution(flow, "success", rerun_due_at=now - MINUTE)
    due_runs.settle(context, flow, {row.execution_id}, now - HOUR)
    assert Execution.objects.get(pk=row.pk).rerun_due_at == now - MINUTE
    due_runs.settle(context, flow, {row.execution_id}, now - MINUTE)
    assert Execution.objects.get(pk=row.pk).rerun_due_at is None
