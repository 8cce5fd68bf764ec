"""When the mirror is too old to judge by."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from monitor.alerting.freshness import SyncFacts, is_stale, why_stale

MINUTE = timedelta(minutes=1)


@pytest.fixture
def fresh(now: datetime) -> SyncFacts:
    """An account read a minute ago, its list every two minutes."""
    return SyncFacts(
        state="ok",
        since=now - 600 * MINUTE,
        last_finished_at=now - MINUTE,
        flows_read_at=now - MINUTE,
        flows_due_at=now + MINUTE,
    )


def test_a_healthy_account_is_fresh(fresh: SyncFacts, now: datetime) -> None:
    assert not is_stale(fresh, now)
    assert why_stale(fresh, now) == ""


def test_an_incomplete_account_that_is_read_is_fresh(fresh: SyncFacts, now: datetime) -> None:
    assert not is_stale(replace(fresh, state="incomplete"), now)


def test_an_account_never_read_is_stale(now: datetime) -> None:
    assert why_stale(SyncFacts(), now) == "the account has not been read yet"


def test_ten_minutes_without_a_sweep_make_it_stale(fresh: SyncFacts, now: datetime) -> None:
    assert not is_stale(replace(fresh, last_finished_at=now - 10 * MINUTE), now)
    assert "2026-11-22 11:49 UTC" in why_stale(replace(fresh, last_finished_at=now - 11 * MINUTE), now)


def test_where_the_list_is_read_seldom_three_intervals_are_allowed(fresh: SyncFacts, now: datetime) -> None:
    slow = replace(fresh, flows_read_at=now - 5 * MINUTE, flows_due_at=now + 5 * MINUTE)
    assert not is_stale(replace(slow, last_finished_at=now - 29 * MINUTE), now)
    assert is_stale(replace(slow, last_finished_at=now - 31 * MINUTE), now)


@pytest.mark.parametrize("state", ["throttled", "unreachable", "revoked", "schema"])
def test_a_sick_account_is_stale_after_three_intervals(fresh: SyncFacts, now: datetime, state: str) -> None:
    sick = replace(fresh, state=state, reason="Zoho does not answer")
    assert not is_stale(replace(sick, since=now - 5 * MINUTE), now)
    assert why_stale(replace(sick, since=now - 7 * MINUTE), now) == "Zoho does not answer"


def test_sweeps_that_end_without_the_list_of_flows_are_stale(fresh: SyncFacts, now: datetime) -> None:
    old = replace(fresh, state="incomplete", flows_read_at=now - 60 * MINUTE, flows_due_at=now - 58 * MINUTE)
    assert "list of flows" in why_stale(old, now)


def test_executions_that_cannot_be_read_are_stale(fresh: SyncFacts, now: datetime) -> None:
    assert "executions" in why_stale(replace(fresh, executions_failing_since=now - 7 * MINUTE), now)
    assert not is_stale(replace(fresh, executions_failing_since=now - 2 * MINUTE), now)


def test_an_account_that_a_person_switched_off_is_stale_at_once(fresh: SyncFacts, now: datetime) -> None:
    assert "switched it off" in why_stale(replace(fresh, is_mirrored=False), now)
