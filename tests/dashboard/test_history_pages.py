"""While history is being read: what pages say, what charts leave open, who may pause it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from monitor.models import AuditEntry, Flow, FlowProgress, StreamState, SyncState, User, ZohoAccount
from monitor.queries import freshness, holes
from tests import factories
from tests.bystander import Bystander, own

HOUR = timedelta(hours=1)


@pytest.fixture
def half_read(busy_flow: Any, healthy: ZohoAccount, now: datetime) -> Flow:
    """Ten hours of a flow are read; another flow is complete."""
    own(SyncState).update(state="incomplete", reason="Executions: history is being read", last_complete_at=None)
    own(SyncState).update(last_fresh_at=now - timedelta(seconds=30))
    StreamState.objects.create(account=healthy, stream="executions", state="incomplete", reason="history is being read")
    factories.make_flow(healthy, executions_read_at=now)
    reading = {"executions_read_at": None, "history_read_at": None, "history_order": "newest"}
    flow: Flow = busy_flow(execution_count=9000, covered_from=now - 10 * HOUR, history_calls=2, **reading)
    return flow


def words(page: Any) -> str:
    return " ".join(page.content.decode().split())


def test_the_overview_says_that_history_is_being_read_and_is_of_use(
    nobody_else: None, vera: User, signed_in: Any, half_read: Flow, at_noon: datetime
) -> None:
    page = words(signed_in(vera).get("/"))
    assert "its history is being read." in page
    assert "1 of 2 flows complete." in page
    assert "freshness-banner" not in page, "nothing is wrong"
    assert "90.0 %" in page or "90 %" in page
    assert "Not everything is known: the history of " in page
    assert "Nothing is open as far as is known, but not everything was read" in page
    assert "the time before is not read yet" in page
    assert "Not read yet</span>" in page
    assert "Not known for sure" not in page


def test_a_paused_history_is_called_so(vera: User, signed_in: Any, half_read: Flow, at_noon: datetime) -> None:
    own(ZohoAccount).update(backfill_paused=True)
    assert "the reading of its history is paused." in words(signed_in(vera).get("/"))
    assert "The reading of this flow's history is paused." in words(signed_in(vera).get(half_read.get_absolute_url()))


def test_charts_leave_open_what_is_older_than_the_part_read(nobody_else: None, half_read: Flow, now: datetime) -> None:
    mirror, start = freshness.mirror(now), now - timedelta(days=7)
    (overall,) = holes.of_mirror(mirror, start, now)
    (own,) = holes.of_flow(half_read, mirror.accounts[0], start, now)
    for hole in (overall, own):
        assert (hole.start, hole.end, hole.is_unread) == (start, now - 10 * HOUR, True)
    assert holes.of_flow(half_read, mirror.accounts[0], now - 9 * HOUR, now) == []


def test_a_flow_without_its_newest_runs_leaves_all_time_open(nobody_else: None, half_read: Flow, now: datetime) -> None:
    factories.make_flow(half_read.account)
    start = now - timedelta(days=7)
    (hole,) = holes.of_mirror(freshness.mirror(now), start, now)
    assert (hole.start, hole.end) == (start, now)


def test_an_account_that_is_behind_while_its_history_is_read_says_so_too(half_read: Flow, now: datetime) -> None:
    own(SyncState).update(state="unreachable", reason="no route", last_fresh_at=now - 3 * HOUR)
    mirror = freshness.mirror(now)
    assert not mirror.reading
    assert mirror.troubled
    unread, behind = holes.of_flow(half_read, mirror.accounts[0], now - timedelta(days=7), now)
    assert unread.is_unread
    assert (behind.start, behind.end, behind.is_unread) == (now - 3 * HOUR, now, False)


def test_the_flow_says_how_much_is_read_and_not_that_runs_are_missing(
    vera: User, signed_in: Any, half_read: Flow, at_noon: datetime
) -> None:
    page = words(signed_in(vera).get(half_read.get_absolute_url()))
    assert "This flow's history is being read." in page
    assert "10 of about 2,160 runs are mirrored, all of them since" in page
    assert "runs are missing from the mirror" not in page
    assert "not read yet" in page


def test_the_account_shows_progress_and_only_admins_the_switch(
    vera: User, ada: User, signed_in: Any, half_read: Flow, at_noon: datetime
) -> None:
    url = half_read.account.get_absolute_url()
    page = words(signed_in(vera).get(url))
    assert "10 read of about 2,160; at most 9,000" in page
    assert reverse("account_history", args=[half_read.account_id]) not in page
    assert reverse("account_history", args=[half_read.account_id]) in words(signed_in(ada).get(url))


def test_an_admin_pauses_and_resumes_it_and_each_is_audited_once(
    ada: User, signed_in: Any, half_read: Flow, at_noon: datetime, bystander: Bystander
) -> None:
    client, url = signed_in(ada), reverse("account_history", args=[half_read.account_id])
    for wanted in ("pause", "pause", "resume"):
        assert client.post(url, {"history": wanted}).status_code == 302
        assert own(ZohoAccount).get().backfill_paused == (wanted == "pause")
        assert bystander.differences() == []
    entries = own(AuditEntry).order_by("pk").values_list("action", "actor_name", "account_id")
    account = half_read.account_id
    assert list(entries) == [("backfill.pause", "ada", account), ("backfill.resume", "ada", account)]


def test_when_all_is_read_nothing_is_said_of_it_on_the_overview(
    vera: User, signed_in: Any, half_read: Flow, at_noon: datetime
) -> None:
    own(FlowProgress).update(executions_read_at=at_noon)
    own(StreamState).update(state="ok", reason="")
    own(SyncState).update(state="ok", reason="", last_complete_at=at_noon)
    page = words(signed_in(vera).get("/"))
    assert "history is being read" not in page
    assert "All of it is read" in words(signed_in(vera).get(half_read.account.get_absolute_url()))
